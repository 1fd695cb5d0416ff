// Scaled dot-product attention against its equation, for every layout, mask and number of heads.

#include "plain.h"

#include <doctest/doctest.h>
#include <gradus/operations.h>

#include <cmath>

using namespace gradus;
using namespace plain;

namespace {

// Which numbers of an operand belong to head h of text b: [T, D], [B, T, D] or [B, H, T, D].
struct Heads {
  Heads(const Array& x, Index num_heads)
      : array(&x),
        batch(x.rank() > 2 ? x.sizes[0] : 1),
        heads(x.rank() == 4 ? x.sizes[1] : num_heads),
        tokens(x.sizes[x.sizes.size() - 2]),
        dim(x.rank() == 4 ? x.sizes[3] : x.sizes.back() / num_heads) {}
  Position at(Index b, Index h, Index t, Index d) const {
    if (array->rank() == 4) return {b, h, t, d};
    if (array->rank() == 3) return {b, t, h * dim + d};
    return {t, h * dim + d};
  }
  double operator()(Index b, Index h, Index t, Index d) const { return (*array)[at(b, h, t, d)]; }

  const Array* array;
  Index batch, heads, tokens, dim;
};

struct Options {
  Mask mask = {};
  int num_heads = 1;
  double scale = 0;
};

// The weights [B, H, Tq, Tk] by the equation.
Array weights_of(const Array& query, const Array& key, const Options& o) {
  const Heads q(query, o.num_heads);
  const Heads k(key, o.num_heads);
  const double scale = o.scale != 0 ? o.scale : 1 / std::sqrt(static_cast<double>(q.dim));
  Array weights({q.batch, q.heads, q.tokens, k.tokens}, 0);
  for (Index i = 0; i < weights.size(); ++i) {
    const Position p = position_of(i, weights.sizes);
    if (!o.mask.allows(p[0], p[1], p[2], p[3], k.tokens - q.tokens)) continue;
    double score = 0;
    for (Index d = 0; d < q.dim; ++d) score += q(p[0], p[1], p[2], d) * k(p[0], p[1], p[3], d);
    weights[p] = std::exp(score * scale);
  }
  for (Index row = 0; row < weights.size(); row += k.tokens) {
    double* w = weights.values.data() + row;
    double total = 0;
    for (Index j = 0; j < k.tokens; ++j) total += w[j];
    for (Index j = 0; j < k.tokens && total > 0; ++j) w[j] /= total;
  }
  return weights;
}

Array attention_loop(const Arrays& in, const Options& o) {
  const Array weights = weights_of(in[0], in[1], o);
  const Heads v(in[2], o.num_heads);
  Position sizes = in[0].sizes;
  sizes.back() = in[2].sizes.back();
  Array y(sizes, 0);
  const Heads out(y, o.num_heads);
  for (Index i = 0; i < weights.size(); ++i) {
    const Position p = position_of(i, weights.sizes);
    for (Index d = 0; d < v.dim; ++d)
      y[out.at(p[0], p[1], p[2], d)] +=
          weights.values[static_cast<std::size_t>(i)] * v(p[0], p[1], p[3], d);
  }
  return y;
}

AttentionOptions given(const Options& o) {
  return {.mask = o.mask, .num_heads = o.num_heads, .scale = static_cast<Scalar>(o.scale)};
}

void check_attention(const std::string& name, const Options& o, const Arrays& inputs) {
  check({.name = name + ", mask of " + to_string(o.mask.where()) + ", " +
                 std::to_string(o.num_heads) + " heads, scale " + std::to_string(o.scale),
         .compute =
             [=](const Tensors& x) {
               return scaled_dot_product_attention(x[0], x[1], x[2], given(o));
             },
         .loop = [=](const Arrays& x) { return attention_loop(x, o); },
         .inputs = inputs,
         .slack = 8});
  const Tensor weights =
      attention_weights(tensor_of(inputs[0]).requires_grad(true), tensor_of(inputs[1]), given(o));
  CHECK_FALSE(weights.requires_grad());
  check_close(array_of(weights), weights_of(inputs[0], inputs[1], o), 1e-5);
}

std::vector<bool> some(Index count) {
  std::vector<bool> allowed;
  for (Index i = 0; i < count; ++i) allowed.push_back(i * i % 7 != 1 && i % 5 != 3);
  return allowed;
}

}  // namespace

TEST_CASE("attention is the equation, whatever the mask, heads and scale") {
  const Arrays in{random({2, 3, 6}, 1, -2, 2), random({2, 5, 6}, 2, -2, 2), random({2, 5, 4}, 3)};
  const Mask masks[] = {Mask(),
                        Mask::causal(),
                        Mask::padding({5, 2}),
                        Mask::padding({0, 4}),
                        Mask::from({3, 5}, some(15)),
                        Mask::from({1, 5}, some(5)),
                        Mask::from({3, 1}, {true, false, true}),
                        Mask::from({2, 3, 5}, some(30)),
                        Mask::from({2, 1, 5}, some(10)),
                        Mask::from({2, 1, 3, 1}, {true, true, false, false, true, true}),
                        Mask::causal() & Mask::padding({2, 5}),
                        Mask::causal() & Mask::padding({3, 4}) & Mask::from({3, 5}, some(15))};
  for (const Mask& mask : masks)
    for (const double scale : {0.0, 0.7}) check_attention("rank 3", {mask, 1, scale}, in);
  for (const Mask& mask : masks) check_attention("rank 3", {mask, 2, 0}, in);
  for (const Mask& mask :
       {Mask::from({1, 2, 3, 5}, some(30)), Mask::from({2, 2, 3, 5}, some(60)),
        Mask::from({1, 2, 1, 5}, some(10)), Mask::from({2, 2, 1, 1}, {true, false, true, true})})
    check_attention("rank 3", {mask, 2, -0.4}, in);
}

TEST_CASE("attention of one sequence, and of heads with an axis of their own") {
  const Mask two[] = {Mask(), Mask::causal(), Mask::padding({4}), Mask::from({3, 5}, some(15))};
  for (const Mask& mask : two)
    for (const int heads : {1, 2})
      check_attention("rank 2", {mask, heads, 0},
                      {random({3, 4}, 1), random({5, 4}, 2), random({5, 6}, 3)});
  const Mask four[] = {Mask(),
                       Mask::causal(),
                       Mask::padding({5, 1}),
                       Mask::from({2, 3, 2, 5}, some(60)),
                       Mask::from({1, 3, 1, 5}, some(15)),
                       Mask::from({2, 1, 2, 5}, some(20))};
  for (const Mask& mask : four)
    check_attention("rank 4", {mask, 1, 0},
                    {random({2, 3, 2, 4}, 1), random({2, 3, 5, 4}, 2), random({2, 3, 5, 1}, 3)});
  check_attention("rank 3 of one word", {{}, 1, 0},
                  {random({2, 1, 3}, 1), random({2, 1, 3}, 2), random({2, 1, 2}, 3)});
}

TEST_CASE("attention of a sequence to itself adds up three gradients") {
  for (const Mask& mask : {Mask(), Mask::causal()}) {
    const Options o{mask, 2, 0};
    check({.name = "attention(x, x, x)",
           .compute =
               [=](const Tensors& x) {
                 return scaled_dot_product_attention(x[0], x[0], x[0], given(o));
               },
           .loop =
               [=](const Arrays& x) {
                 return attention_loop({x[0], x[0], x[0]}, o);
               },
           .inputs = {random({2, 4, 6}, 1)},
           .slack = 8});
  }
}

TEST_CASE("long attention, in many blocks, is the composed one, values and gradients") {
  // More queries and keys than one block holds; the composed operations were checked by themselves.
  for (const auto& sizes : {std::pair<Index, Index>{70, 300}, {400, 140}, {129, 129}}) {
    const Index queries = sizes.first, keys = sizes.second;
    const Arrays in{random({2, queries, 8}, 1, -2, 2), random({2, keys, 8}, 2, -2, 2),
                    random({2, keys, 5}, 3)};
    const Array seed = random({2, queries, 5}, 4);
    const auto length = static_cast<int>(keys);
    for (const Mask& mask :
         {Mask(), Mask::causal(), Mask::padding({length, 67}), Mask::padding({65, length}),
          Mask::from({queries, keys}, some(queries * keys)),
          Mask::causal() & Mask::padding({100, 128}) & Mask::from({1, keys}, some(keys))}) {
      if (mask.is_causal() && queries > keys) continue;
      INFO("queries ", queries, ", keys ", keys, ", mask of ", to_string(mask.where()));
      Tensors gradients;
      Tensors results;
      for (const bool fused : {true, false}) {
        Tensors x;
        for (const Array& array : in) x.push_back(tensor_of(array).requires_grad(true));
        const Tensor scores = matmul(x[0], x[1], {.transpose_b = true}) * Scalar(0.5);
        results.push_back(fused ? scaled_dot_product_attention(x[0], x[1], x[2],
                                                               {.mask = mask, .scale = Scalar(0.5)})
                                : matmul(masked_softmax(scores, mask), x[2]));
        results.back().backward(tensor_of(seed));
        for (const Tensor& leaf : x) gradients.push_back(leaf.grad());
      }
      const double slack = 20;
      check_close(array_of(results[0]), array_of(results[1]), slack * forward_tolerance());
      for (std::size_t i = 0; i < 3; ++i)
        check_close(array_of(gradients[i]), array_of(gradients[i + 3]),
                    slack * gradient_tolerance());
    }
  }
}

TEST_CASE("attention does not overflow, and what is not a number is not lost") {
  Arrays in{random({4, 3}, 1, 50, 100), random({4, 3}, 2, 50, 100), random({4, 2}, 3)};
  const Tensor large = scaled_dot_product_attention(tensor_of(in[0]), tensor_of(in[1]),
                                                    tensor_of(in[2]), {.scale = 1});
  for (const Scalar value : large.values()) CHECK(std::abs(value) <= 1);
  for (std::size_t bad = 0; bad < 3; ++bad) {
    Arrays with = in;
    with[bad][{1, 1}] = not_a_number;
    Tensors x;
    for (const Array& array : with) x.push_back(tensor_of(array).requires_grad(true));
    const Tensor y = scaled_dot_product_attention(x[0], x[1], x[2]);
    for (Index i = 0; i < 4; ++i)
      for (Index d = 0; d < 2; ++d) {
        const bool reached = bad == 0 ? i == 1 : bad == 1 || d == 1;
        CHECK(std::isnan(y.at({i, d})) == reached);
      }
    y.backward(Tensor::full({4, 2}, 1));
    for (const Tensor& leaf : x) {
      CAPTURE(bad);
      if (&leaf != &x[2] || bad < 2) CHECK(std::isnan(leaf.grad().at({1, 1})));
    }
  }
}

TEST_CASE("a hidden key or value changes nothing, however large it is") {
  for (const double odd : {-3.0, 1e30})
    for (const Mask& mask : {Mask::padding({3}), Mask::from({1, 4}, {true, true, true, false})}) {
      INFO("a hidden ", odd, ", mask of ", to_string(mask.where()));
      const Arrays in{random({3, 2}, 1), random({4, 2}, 2), random({4, 2}, 3)};
      Arrays changed = in;
      for (Index d = 0; d < 2; ++d) changed[1][{3, d}] = changed[2][{3, d}] = odd;
      Tensors gradients;
      for (const Arrays& tried : {in, changed}) {
        Tensors x;
        for (const Array& array : tried) x.push_back(tensor_of(array).requires_grad(true));
        scaled_dot_product_attention(x[0], x[1], x[2], {.mask = mask})
            .backward(tensor_of(random({3, 2}, 4)));
        for (const Tensor& leaf : x) gradients.push_back(leaf.grad());
      }
      for (std::size_t i = 0; i < 3; ++i)
        CHECK(array_of(gradients[i]).values == array_of(gradients[i + 3]).values);
    }
}

TEST_CASE("attention_weights are those before any is dropped") {
  const Tensor q = tensor_of(random({2, 3, 4}, 1)), k = tensor_of(random({2, 5, 4}, 2));
  const Tensor some = attention_weights(q, k, {.dropout = Scalar(0.5), .seed = 3});
  CHECK(array_of(some).values == array_of(attention_weights(q, k)).values);
}
