// Masks: what each kind allows, alone and combined; what attention makes of them; refusals.

#include "plain.h"

#include <doctest/doctest.h>
#include <gradus/gradus.h>

#include <algorithm>
#include <cmath>

using namespace gradus;

namespace {

constexpr Index B = 2, H = 3, Tq = 4, Tk = 5;

// What a mask should say, as a function of its own.
using Rule = std::function<bool(Index b, Index h, Index i, Index j)>;
struct Ruled {
  std::string name;
  Mask mask;
  Rule rule;
};

// An explicit mask whose axes are full where `full` has a bit: 1 batch, 2 head, 4 query, 8 key.
Ruled explicit_mask(unsigned full, std::uint64_t seed, Index queries = Tq, Index keys = Tk) {
  const Index sizes[] = {B, H, queries, keys};
  Index size[4];
  for (unsigned axis = 0; axis < 4; ++axis) size[axis] = full >> axis & 1 ? sizes[axis] : 1;
  Random random(seed);
  std::vector<bool> allowed;
  for (Index n = 0; n < size[0] * size[1] * size[2] * size[3]; ++n)
    allowed.push_back(random.below(3) > 0);
  const Shape shape{size[0], size[1], size[2], size[3]};
  const Rule rule = [=](Index b, Index h, Index i, Index j) {
    const Index at[] = {b % size[0], h % size[1], i % size[2], j % size[3]};
    return bool(
        allowed[std::size_t(((at[0] * size[1] + at[1]) * size[2] + at[2]) * size[3] + at[3])]);
  };
  return {"explicit " + to_string(shape), Mask::from(shape, allowed), rule};
}

Ruled padding_mask(std::vector<int> lengths) {
  return {"padding", Mask::padding(lengths),
          [lengths](Index b, Index, Index, Index j) { return j < lengths[std::size_t(b)]; }};
}

// Ruled as it is for `queries` queries and `keys` keys.
Ruled causal_mask(Index queries, Index keys) {
  return {"causal", Mask::causal(), [=](Index, Index, Index i, Index j) {
            return keys - 1 - j >= queries - 1 - i;  // as far from the end, or farther
          }};
}

Ruled operator&(const Ruled& a, const Ruled& b) {
  return {a.name + " & " + b.name, a.mask & b.mask, [=](Index n, Index h, Index i, Index j) {
            return a.rule(n, h, i, j) && b.rule(n, h, i, j);
          }};
}

void check_table(const Ruled& ruled, Index queries = Tq, Index keys = Tk) {
  CAPTURE(ruled.name);
  int wrong = 0;
  for (Index b = 0; b < B; ++b)
    for (Index h = 0; h < H; ++h)
      for (Index i = 0; i < queries; ++i)
        for (Index j = 0; j < keys; ++j)
          wrong += ruled.mask.allows(b, h, i, j, keys - queries) != ruled.rule(b, h, i, j);
  CHECK(wrong == 0);
}

// Every kind of mask, and combinations, for Tq queries and Tk keys.
std::vector<Ruled> all_masks() {
  std::vector<Ruled> masks = {{"none", Mask(), [](Index, Index, Index, Index) { return true; }},
                              padding_mask({3, 5}),
                              causal_mask(Tq, Tk),
                              padding_mask({2, 0}) & causal_mask(Tq, Tk)};
  for (const unsigned full : {1U, 2U, 4U, 8U, 12U, 13U, 14U, 15U})
    masks.push_back(explicit_mask(full, full));
  masks.push_back(explicit_mask(12, 5) & explicit_mask(3, 6));
  masks.push_back(causal_mask(Tq, Tk) & explicit_mask(10, 7) & padding_mask({4, 3}));
  return masks;
}

std::string at_line(int line) {
  return " at tests/mask_test.cpp:" + std::to_string(line);
}

bool has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

bool same_bits(const Tensor& a, const Tensor& b) {
  return a.shape() == b.shape() && std::equal(a.data(), a.data() + a.size(), b.data());
}

}  // namespace

TEST_CASE("each kind of mask allows what its rule says, and no more") {
  CHECK(Mask().empty());
  for (const Ruled& ruled : all_masks()) {
    check_table(ruled);
    CHECK(ruled.mask.empty() == (ruled.name == "none"));
  }
  for (unsigned full = 0; full < 16; ++full) check_table(explicit_mask(full, 20 + full));
}

TEST_CASE("a causal mask counts from the end of the keys") {
  for (const Index queries : {1, 3, 4})
    for (const Index keys : {4, 5, 9}) check_table(causal_mask(queries, keys), queries, keys);
  const Mask mask = Mask::causal();
  CHECK(mask.allows(0, 0, 2, 2));
  CHECK_FALSE(mask.allows(0, 0, 2, 3));
  CHECK(mask.allows(0, 0, 2, 5, 3));
  CHECK_FALSE(mask.allows(0, 0, 2, 6, 3));
}

TEST_CASE(
    "an explicit mask of rank 2 is for all sequences and heads, one of rank 3 for all heads") {
  const std::vector<bool> matrix = {true, false, true, false, false, true};
  const Mask two = Mask::from({2, 3}, matrix);
  const Mask three = Mask::from({3, 2, 1}, matrix);
  for (Index b = 0; b < 3; ++b)
    for (Index h = 0; h < 4; ++h)
      for (Index i = 0; i < 2; ++i)
        for (Index j = 0; j < 3; ++j) {
          CHECK(two.allows(b, h, i, j) == matrix[std::size_t(i * 3 + j)]);
          CHECK(three.allows(b, h, i, j) == matrix[std::size_t(b * 2 + i)]);
        }
}

TEST_CASE("masks of all kinds and shapes combine: allowed is what both allow") {
  std::vector<Ruled> kinds = {{"none", Mask(), [](Index, Index, Index, Index) { return true; }},
                              padding_mask({3, 5}),
                              padding_mask({4, 1}),
                              causal_mask(Tq, Tk)};
  for (unsigned full = 0; full < 16; ++full) kinds.push_back(explicit_mask(full, 50 + full));
  for (const Ruled& a : kinds)
    for (const Ruled& b : kinds) check_table(a & b);
  check_table(kinds[2] & kinds[3] & kinds[9] & kinds[14]);
  CHECK((Mask() & Mask()).empty());
  for (const Ruled& one : kinds) {  // with everything allowed, it is the mask that was made there
    CHECK(to_string((one.mask & Mask()).where()) == to_string(one.mask.where()));
    CHECK(to_string((Mask() & one.mask).where()) == to_string(one.mask.where()));
  }
}

TEST_CASE("padding_of hides the ids that are zero, at the end, in front and in between") {
  const auto check = [](const Ids& ids) {
    const Mask mask = Mask::padding_of(ids);
    CHECK(to_string(mask.where()) == at_line(__LINE__ - 1).substr(4));
    for (Index b = 0; b < ids.shape[0]; ++b)
      for (Index t = 0; t < ids.shape[1]; ++t)
        CHECK(mask.allows(b, 2, 6, t) == (ids.values[std::size_t(b * ids.shape[1] + t)] != 0));
    return mask;
  };
  const Mask end = check(Ids({4, 3}, {5, 1, 0, 7, 2, 9, 0, 0, 0, -3, 0, 0}));
  CHECK(end.lengths() == std::vector<int>{2, 3, 0, 1});  // the kind that costs nothing
  CHECK(end.allowed().empty());
  check(Ids({2, 3}, {0, 1, 2, 7, 2, 9}));
  check(Ids({2, 4}, {7, 2, 9, 1, 4, 0, 1, 0}));
  check(Ids(Shape{1, 1}, std::vector<int>{0}));
}

TEST_CASE("a mask that makes no sense is refused where it is made") {
  const auto refused = [](const std::function<void()>& act, int line, const std::string& what,
                          const std::string& problem) {
    CHECK(plain::refusal(act) == what + at_line(line) + ": " + problem);
  };
  const std::vector<int> none, negative = {2, -1};
  const std::vector<bool> seven(7);
  const Ids row{1, 2}, cube({1, 1, 2}, {1, 2});
  Ids longer({1, 2}, {3, 4});
  longer.values.push_back(5);
  const Shape one{7}, five{1, 1, 1, 1, 7}, other{2, 3};
  const int line = __LINE__;
  const auto no_lengths = [&] { Mask::padding(none); };
  const auto negative_length = [&] { Mask::padding(negative); };
  const auto one_row = [&] { Mask::padding_of(row); };
  const auto rank_1 = [&] { Mask::from(one, seven); };
  const auto rank_5 = [&] { Mask::from(five, seven); };
  const auto too_many = [&] { Mask::from(other, seven); };
  const auto rank_3 = [&] { Mask::padding_of(cube); };
  const auto changed = [&] { Mask::padding_of(longer); };
  refused(no_lengths, line + 1, "Mask::padding", "one length for each sequence is needed");
  refused(negative_length, line + 2, "Mask::padding", "a length cannot be negative: -1");
  refused(one_row, line + 3, "Mask::padding_of", "ids of shape [B, T] are needed, not [2]");
  const std::string shapes = "a shape of [Tq, Tk], [B, Tq, Tk] or [B, H, Tq, Tk] is needed, not ";
  refused(rank_1, line + 4, "Mask::from", shapes + "[7]");
  refused(rank_5, line + 5, "Mask::from", shapes + "[1, 1, 1, 1, 7]");
  refused(too_many, line + 6, "Mask::from", "shape [2, 3] holds 6 truth values, 7 given");
  refused(rank_3, line + 7, "Mask::padding_of", "ids of shape [B, T] are needed, not [1, 1, 2]");
  refused(changed, line + 8, "Mask::padding_of", "shape [1, 2] holds 2 numbers, 3 given");
}

TEST_CASE("masks that cannot be for the same attention do not combine") {
  const int first = __LINE__ + 1;
  const Mask two = Mask::padding({1, 2});
  const Mask three = Mask::padding({1, 2, 3});
  const Mask wide = Mask::from({2, 3}, std::vector<bool>(6));
  const Mask tall = Mask::from({3, 1, 3}, std::vector<bool>(9));
  const Mask odd = Mask::from({2, 4}, std::vector<bool>(8));
  CHECK(plain::refusal([&] { two& three; }) == "Mask" + at_line(first) +
                                                   ": it is for 2 sequences and the mask of" +
                                                   at_line(first + 1).substr(3) + " for 3");
  CHECK((wide & tall).allowed_shape() == Shape{3, 1, 2, 3});
  CHECK(plain::refusal([&] { wide& odd; }) ==
        "Mask" + at_line(first + 2) + ": it has shape [1, 1, 2, 3] and the mask of" +
            at_line(first + 4).substr(3) + " has [1, 1, 2, 4]: sizes 3 and 4 differ");
  CHECK(has(plain::refusal([&] {
              wide& tall& Mask::from({2, 1, 1}, {true, false});
            }),
            "sizes 3 and 2 differ"));
}

TEST_CASE("asking a mask about a position that it does not have is refused") {
  const int made = __LINE__ + 1;
  const Mask mask = Mask::padding({1, 2}) & Mask::from({2, 3, 4, 5}, std::vector<bool>(120));
  mask.allows(1, 2, 3, 4);
  const auto outside = [&](Index b, Index h, Index i, Index j) {
    const int line = __LINE__ + 1;
    const std::string text = plain::refusal([&] { mask.allows(b, h, i, j); });
    CHECK(text == "Mask::allows" + at_line(line) + ": the mask of tests/mask_test.cpp:" +
                      std::to_string(made) + " says nothing of sequence " + std::to_string(b) +
                      ", head " + std::to_string(h) + ", query " + std::to_string(i) + ", key " +
                      std::to_string(j));
  };
  outside(2, 0, 0, 0);
  outside(0, 3, 0, 0);
  outside(0, 0, 4, 0);
  outside(0, 0, 0, 5);
  outside(-1, 0, 0, 0);
  outside(0, -1, 0, 0);
  outside(0, 0, -1, 0);
  outside(0, 0, 0, -1);
  CHECK(has(plain::refusal([] { Mask::padding({4, 4}).allows(2, 0, 0, 0); }), "sequence 2"));
  CHECK(has(plain::refusal([] { Mask::causal().allows(0, 0, 0, -1); }), "key -1"));
  CHECK_FALSE(Mask::padding({4, 4}).allows(1, 9, 9, 9));
}

TEST_CASE("attention and masked softmax refuse a mask that is not made for their shape") {
  const Tensor q = Tensor::zeros({2, 4, 6}).named("query");
  const Tensor k = Tensor::zeros({2, 5, 6});
  const Tensor scores = Tensor::zeros({2, 4, 5}).named("scores");
  const auto refused = [&](const Mask& mask, const std::string& problem) {
    const int line = __LINE__ + 1;
    const auto attend = [&] { scaled_dot_product_attention(q, k, k, {.mask = mask}); };
    const auto weigh = [&] { attention_weights(q, k, {.mask = mask}); };
    const auto soften = [&] { masked_softmax(scores, mask); };
    const std::string made = ": the mask of " + to_string(mask.where());
    const auto text = plain::refusal(attend);
    CAPTURE(text);
    CHECK(text == "scaled_dot_product_attention" + at_line(line) + made + problem);
    CHECK(plain::refusal(weigh) == "attention_weights" + at_line(line + 1) + made + problem);
    CHECK(has(plain::refusal(soften), "masked_softmax" + at_line(line + 2) + made));
    CHECK(mask.where().line > line);
  };
  refused(Mask::padding({1}), " is for 1 sequences, query [2, 4, 6] has 2");
  refused(Mask::padding({5, 6}),
          " has a length of 6, there are only 5 positions for query [2, 4, 6]");
  const auto shaped = [&](const Shape& shape) {
    refused(Mask::from(shape, std::vector<bool>(std::size_t(shape.size()))),
            " has shape " + to_string(shape) +
                ", query [2, 4, 6] needs [2, 1, 4, 5] [batch, heads, queries, keys]; each size " +
                "must be equal or 1");
  };
  shaped({3, 1, 4, 5});
  shaped({2, 2, 4, 5});
  shaped({2, 1, 5, 5});
  shaped({2, 1, 4, 4});
  scaled_dot_product_attention(q, k, k, {.mask = Mask::padding({5, 0})});
}

TEST_CASE("a causal mask is refused where there are more queries than keys") {
  const Tensor five = Tensor::zeros({2, 5, 6}).named("five");
  const Tensor four = Tensor::zeros({2, 4, 6});
  const Mask mask = Mask::causal();
  const int line = __LINE__ + 1;
  const auto attend = [&] { scaled_dot_product_attention(five, four, four, {.mask = mask}); };
  CHECK(plain::refusal(attend) ==
        "scaled_dot_product_attention" + at_line(line) + ": the mask of " +
            to_string(mask.where()) +
            " is causal: 5 queries of five [2, 5, 6] need as many keys, there are 4");
  const Mask both = mask & Mask::padding({4, 1}),
             three = both & Mask::from({5, 4}, std::vector<bool>(20));
  for (const Mask& other : {both, three})
    CHECK(has(
        plain::refusal([&] { scaled_dot_product_attention(five, four, four, {.mask = other}); }),
        " is causal: 5 queries of five [2, 5, 6] need as many keys, there are 4"));
  scaled_dot_product_attention(five, five, five, {.mask = mask});
  scaled_dot_product_attention(four, five, five, {.mask = mask});
}

TEST_CASE("fused and composed attention agree on lengths of several blocks with cached keys") {
  Random random(4);
  struct Size {
    Index queries, keys;
  };
  for (const Size size : {Size{1, 300}, {97, 129}, {130, 300}, {260, 400}}) {
    CAPTURE(size.queries);
    const Index K = 12;
    const std::vector<Mask> masks = {
        Mask::causal(), Mask::causal() & Mask::padding({int(size.keys), int(size.keys / 2)}),
        Mask::causal() & explicit_mask(12, 3, size.queries, size.keys).mask};
    for (const Mask& mask : masks) {
      Tensor q = Tensor::normal({2, size.queries, K}, 0, 1, random).requires_grad(true);
      Tensor k = Tensor::normal({2, size.keys, K}, 0, 1, random).requires_grad(true);
      Tensor v = Tensor::normal({2, size.keys, K}, 0, 1, random).requires_grad(true);
      Tensor seed = Tensor::normal({2, size.queries, K}, 0, 1, random);
      if (size.queries > 100)  // some queries get no gradient
        for (Index i = 20 * K; i < 90 * K; ++i) seed.mutable_data()[i] = 0;
      const Tensor fused = scaled_dot_product_attention(q, k, v, {.mask = mask});
      fused.backward(seed);
      const Tensor gradients[] = {q.grad(), k.grad(), v.grad()};
      for (Tensor* x : {&q, &k, &v}) x->clear_grad();
      const Tensor scores = matmul(q, k, {.transpose_b = true}) / std::sqrt(Scalar(K));
      const Tensor composed = matmul(masked_softmax(scores, mask), v);
      composed.backward(seed);
      const double tolerance = 20 * plain::forward_tolerance();
      plain::check_close(plain::array_of(fused), plain::array_of(composed), tolerance);
      const Tensor* inputs[] = {&q, &k, &v};
      for (int n = 0; n < 3; ++n)
        plain::check_close(plain::array_of(gradients[n]), plain::array_of(inputs[n]->grad()),
                           2 * tolerance);
    }
  }
}

TEST_CASE("one query with its cached keys gives the bits that it gives among all queries") {
  Random random(9);
  const Index T = 140, K = 8;
  const Tensor q = Tensor::normal({2, T, K}, 0, 1, random);
  const Tensor k = Tensor::normal({2, T, K}, 0, 1, random);
  const Tensor v = Tensor::normal({2, T, K}, 0, 1, random);
  const AttentionOptions options{.mask = Mask::causal(), .num_heads = 2};
  const Tensor all = scaled_dot_product_attention(q, k, v, options);
  for (const Index i : {Index(0), Index(4), Index(127), Index(128), T - 1}) {
    const Tensor query = slice(q, 1, i, i + 1);
    const Tensor keys = slice(k, 1, 0, i + 1), values = slice(v, 1, 0, i + 1);
    CHECK(same_bits(scaled_dot_product_attention(query, keys, values, options),
                    slice(all, 1, i, i + 1)));
    const Tensor weights = attention_weights(query, keys, options);
    CHECK(same_bits(weights,
                    slice(slice(attention_weights(q, k, options), 2, i, i + 1), 3, 0, i + 1)));
  }
}

TEST_CASE("a query that may look at nothing gives zeros and no gradient, whatever hides its keys") {
  Random random(2);
  std::vector<bool> but_query_1(20, true);
  for (std::size_t j = 5; j < 10; ++j) but_query_1[j] = false;
  struct Case {
    Mask mask;
    Index sequence, query;  // which sees nothing
  };
  const std::vector<bool> not_first = {false, true, true, true, true};
  for (const auto& [mask, sequence, query] :
       {Case{Mask::padding({5, 0}), 1, 2}, Case{Mask::from({4, 5}, but_query_1), 0, 1},
        Case{Mask::from({1, 1, 1, 5}, {false, false, true, true, true}) & Mask::causal(), 0, 0}}) {
    Tensor q = Tensor::normal({2, 4, 6}, 0, 1, random).requires_grad(true);
    Tensor k = Tensor::normal({2, 5, 6}, 0, 1, random).requires_grad(true);
    Tensor v = Tensor::normal({2, 5, 6}, 0, 1, random).requires_grad(true);
    Tensor scores = Tensor::normal({2, 4, 5}, 0, 1, random).requires_grad(true);
    const auto row = [s = sequence, i = query](const Tensor& x) {
      return plain::array_of(slice(slice(x, 0, s, s + 1), 1, i, i + 1)).values;
    };
    const auto only = [s = sequence, i = query](const Tensor& x) {
      Tensor seed = Tensor::zeros(x.shape());
      for (Index d = 0; d < x.shape()[-1]; ++d)
        seed.mutable_data()[(s * 4 + i) * x.shape()[-1] + d] = 1;
      return seed;
    };
    const Tensor y = scaled_dot_product_attention(q, k, v, {.mask = mask});
    CHECK(row(y) == std::vector<double>(6, 0));
    CHECK(row(masked_softmax(scores, mask)) == std::vector<double>(5, 0));
    y.backward(only(y));
    const Tensor weights = masked_softmax(scores, mask);
    weights.backward(only(weights));
    for (const Tensor* x : {&q, &k, &v, &scores})
      for (const Scalar g : x->grad().values()) CHECK(g == 0);
    // Beside the others that see something, it adds nothing to anyone either.
    Tensor seed = Tensor::full(y.shape(), 1);
    y.backward(seed);
    CHECK(row(q.grad()) == std::vector<double>(6, 0));
    bool finite = true, moved = false;
    for (const Scalar g : v.grad().values()) finite &= std::isfinite(g), moved |= g != 0;
    CHECK(finite);
    CHECK(moved);
  }
}

TEST_CASE("what a query must not see changes no bit of its result or its gradient") {
  for (const Ruled& ruled : all_masks()) {
    CAPTURE(ruled.name);
    Random random(3);
    const Tensor q = Tensor::normal({B, H, Tq, 6}, 0, 1, random).requires_grad(true);
    const Tensor k = Tensor::normal({B, H, Tk, 6}, 0, 1, random);
    const Tensor v = Tensor::normal({B, H, Tk, 6}, 0, 1, random);
    const auto run = [&](const Tensor& keys, const Tensor& values) {
      Tensor query = q.detach().requires_grad(true);
      const Tensor y = scaled_dot_product_attention(query, keys, values, {.mask = ruled.mask});
      y.backward(Tensor::full(y.shape(), 1));
      return std::pair{y.detach(), query.grad()};
    };
    const auto before = run(k, v);
    for (Index j = 0; j < Tk; ++j) {
      Tensor keys = Tensor::from(k.shape(), k.values());
      Tensor values = Tensor::from(v.shape(), v.values());
      for (Index n = 0; n < B * H; ++n)
        for (Index d = 0; d < 6; ++d)
          keys.mutable_data()[(n * Tk + j) * 6 + d] = values.mutable_data()[(n * Tk + j) * 6 + d] =
              9;
      const auto after = run(keys, values);
      for (Index n = 0; n < B * H * Tq; ++n) {
        const bool sees = ruled.rule(n / (H * Tq), n / Tq % H, n % Tq, j);
        const auto same = [&](const Tensor& a, const Tensor& b) {
          return std::equal(a.data() + n * 6, a.data() + n * 6 + 6, b.data() + n * 6);
        };
        REQUIRE(same(before.first, after.first) != sees);
        if (!sees) REQUIRE(same(before.second, after.second));
      }
    }
  }
}

TEST_CASE("the trace sees no blind query where there are cached keys") {
  const TraceScope trace(nullptr);
  const Tensor q = Tensor::full({1, 1, 4}, 1), k = Tensor::full({1, 3, 4}, 1);
  std::vector<bool> last(3);
  last[2] = true;
  const Mask mask = Mask::causal() & Mask::from({1, 3}, last);
  scaled_dot_product_attention(q, k, k, {.mask = mask});
  CHECK(trace.reports().empty());
}
