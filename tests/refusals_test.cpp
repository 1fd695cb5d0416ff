// What is refused, and that the message says what was wanted, what was given, and where.

#include <doctest/doctest.h>
#include <gradus/gradus.h>

#include <cmath>
#include <functional>

using namespace gradus;

namespace {

// The message of the error that `act` ends with; it must name this file.
std::string refusal(const std::function<void()>& act) {
  try {
    act();
  } catch (const Error& error) {
    CHECK(std::string(error.what()).find("at tests/refusals_test.cpp:") != std::string::npos);
    return error.what();
  }
  return "not refused";
}

void says(const std::string& text, const std::string& part) {
  CAPTURE(text);
  CHECK(text.find(part) != std::string::npos);
}

const Scalar not_a_number = std::nanf("");

}  // namespace

TEST_CASE("shapes that do not fit are refused by name") {
  const Tensor q = Tensor::zeros({2, 5, 8}).named("query");
  const Tensor k = Tensor::zeros({2, 9, 5}).named("key");
  says(refusal([&] { matmul(q, k); }),
       "query [2, 5, 8] × key [2, 9, 5]: inner sizes 8 and 9 differ");
  says(refusal([&] { matmul(Tensor::zeros({3}), k); }), "at least two axes");
  says(refusal([&] {
         linear(q, Tensor::zeros({7, 2}), Tensor::zeros({2}));
       }),
       "inner sizes 8 and 7 differ");
  says(refusal([&] { linear(q, Tensor::zeros({8, 2}), Tensor::zeros({3})); }), "bias");
  says(refusal([&] { reshape(q, {3, 5}); }), "80 values, shape [3, 5] would hold 15");
  says(refusal([&] { permute(q, {0, 1, 1}); }), "0 … 2");
  says(refusal([&] { slice(q, 1, 3, 9); }), "axis 1");
  says(refusal([&] { concatenate({q, k}, 0); }), "may differ only in axis 0");
  says(refusal([&] { sum(q, 3); }), "no axis 3 in query [2, 5, 8]: its axes are 0 … 2");
  says(refusal([&] { mean(q, {1, 1}); }), "named twice");
  says(refusal([&] { softmax(q, -4); }), "no axis -4");
  says(refusal([&] { layer_norm(q, Tensor::zeros({5}), Tensor::zeros({8})); }), "shape [8]");
  says(refusal([&] { scaled_dot_product_attention(q, k, k); }), "do not fit");
  says(refusal([&] { scaled_dot_product_attention(q, q, q, {.num_heads = 3}); }), "3 heads");
  says(refusal([&] { mean_squared_error(q, k); }), "one shape");
  says(refusal([&] { q.item(); }), "holds more");
  says(refusal([&] { q.at({0, 0, 8}); }), "position [0, 0, 8] lies outside query [2, 5, 8]");
}

TEST_CASE("masks of another shape are refused") {
  const Tensor q = Tensor::zeros({2, 5, 8}).named("query");
  const auto attend = [&](const Mask& mask) {
    return [&q, mask] { scaled_dot_product_attention(q, q, q, {.mask = mask}); };
  };
  says(refusal(attend(Mask::padding({5}))), "for 1 sequences, query [2, 5, 8] has 2");
  says(refusal(attend(Mask::padding({5, 6}))), "length of 6, there are only 5");
  says(refusal(attend(Mask::from({4, 5}, std::vector<bool>(20)))),
       "has shape [1, 1, 4, 5], query [2, 5, 8] needs [2, 1, 5, 5]");
  says(refusal([] { Mask::from({4, 5}, std::vector<bool>(19)); }), "19 given");
  says(refusal([] { Mask::padding({-1}); }), "negative");
}

TEST_CASE("ids and labels outside their range are refused") {
  const Tensor table = Tensor::zeros({4, 2}).named("table");
  says(refusal([&] { embedding(table, {0, 4}); }), "id 4 at position 1 lies outside table [4, 2]");
  says(refusal([&] { embedding(table, {-1}); }), "id -1");
  says(refusal([&] {
         cross_entropy(table, {0, 1, 2, 0});
       }),
       "label 2 of row 2 lies outside the classes 0 … 1 of table [4, 2]");
  says(refusal([&] { cross_entropy(table, {0, 1}); }), "needs 4 labels, 2 given");
  says(refusal([&] { binary_cross_entropy(table, table + Scalar(2)); }), "not between 0 and 1");
  Random random(1);
  PositionalEmbedding positional(3, 10, 4, random);
  says(refusal([&] { positional(Ids({1, 4}, {1, 2, 3, 4})); }), "positions for 3 words");
}

TEST_CASE("numbers that make no sense are refused") {
  Random random(1);
  const Tensor x = Tensor::zeros({2});
  const std::vector<NamedTensor> parameters{{"x", x}};
  says(refusal([&] { dropout(x, 1, random); }), "rate");
  says(refusal([&] { Dropout(not_a_number, random); }), "rate");
  says(refusal([&] { Dense(0, 3, random); }), "inputs must be at least 1");
  says(refusal([&] { LayerNorm(3, Scalar(-1)); }), "epsilon");
  says(refusal([&] { MultiHeadAttention(8, 0, 4, random); }), "at least 1");
  says(refusal([&] { Sgd(parameters, {.learning_rate = not_a_number}); }), "learning_rate");
  says(refusal([&] { Adam(parameters, {.beta_1 = 2}); }), "beta_1");
  says(refusal([&] { RMSprop(parameters, {.rho = Scalar(-0.1)}); }), "rho");
  says(refusal([&] { RMSprop({}); }), "no parameters");
  says(refusal([&] { clip_by_global_norm(parameters, 0); }), "positive");
  says(refusal([&] { pow(x, not_a_number); }), "exponent");
  for (const int count : {-1, 0, 257})
    says(refusal([&] { set_threads(count); }),
         "a count from 1 to 256 is needed, not " + std::to_string(count));
  says(refusal([&] { Batches({}, TextVectorizer()); }), "no examples");
}

TEST_CASE("a row with nothing allowed gives zeros and no gradient, never NaN") {
  Random random(2);
  Tensor x = Tensor::normal({1, 3, 4}, 0, 1, random).requires_grad(true);
  const Mask mask = Mask::padding({0});
  const Tensor y = scaled_dot_product_attention(x, x, x, {.mask = mask});
  for (const Scalar v : y.values()) CHECK(v == 0);
  sum(y).backward();
  for (const Scalar g : x.grad().values()) CHECK(g == 0);
  Tensor scores = Tensor::normal({3, 3}, 0, 1, random).requires_grad(true);
  const Tensor weights = masked_softmax(scores, Mask::from({3, 3}, std::vector<bool>(9)));
  for (const Scalar v : weights.values()) CHECK(v == 0);
}

TEST_CASE("what a mask hides never changes a bit of the result") {
  Random random(3);
  const Tensor x = Tensor::normal({1, 200, 8}, 0, 1, random);
  Tensor changed = Tensor::from(x.shape(), x.values());
  for (Index i = 150 * 8; i < 200 * 8; ++i) changed.mutable_data()[i] = 100;
  const auto compare = [&](const Mask& mask, Index rows) {
    const Tensor a = scaled_dot_product_attention(x, x, x, {.mask = mask, .num_heads = 2});
    const Tensor b =
        scaled_dot_product_attention(x, changed, changed, {.mask = mask, .num_heads = 2});
    bool same = true;
    for (Index i = 0; i < rows * 8; ++i) same &= a.data()[i] == b.data()[i];
    return same;
  };
  CHECK(compare(Mask::padding({150}), 200));
  CHECK(compare(Mask::causal(), 150));
  CHECK_FALSE(compare(Mask(), 200));
}

TEST_CASE("fused and composed attention agree") {
  Random random(4);
  for (const Index length : {1, 7, 130, 300}) {
    const Tensor q = Tensor::normal({2, length, 12}, 0, 1, random);
    const Tensor k = Tensor::normal({2, length, 12}, 0, 1, random);
    const Tensor v = Tensor::normal({2, length, 12}, 0, 1, random);
    const Mask mask = Mask::causal() & Mask::padding({static_cast<int>(length), 1});
    const Tensor fused = scaled_dot_product_attention(q, k, v, {.mask = mask});
    const Scalar scale = 1 / std::sqrt(Scalar(12));
    const Tensor scores = matmul(q, k, {.transpose_b = true}) * scale;
    const Tensor composed = matmul(masked_softmax(scores, mask), v);
    for (Index i = 0; i < fused.size(); ++i)
      REQUIRE(fused.data()[i] == doctest::Approx(composed.data()[i]).epsilon(1e-5));
    const Tensor weights = attention_weights(q, k, {.mask = mask});
    const Tensor totals = sum(weights, -1);
    for (const Scalar total : totals.values()) CHECK(total == doctest::Approx(1));
  }
}

TEST_CASE("results do not depend on the number of threads") {
  Random random(5);
  const Tensor x = Tensor::normal({3, 260, 32}, 0, 1, random);
  std::vector<std::vector<Scalar>> results;
  const int before = threads();
  for (const int count : {1, 2, 3}) {
    set_threads(count);
    Random same(6);
    TransformerEncoder encoder(32, 16, 2, same, {.dropout = Scalar(0.2)});
    Tensor input = Tensor::from(x.shape(), x.values()).requires_grad(true);
    sum(encoder(input, Mask::padding({260, 100, 7}))).backward();
    const auto gradient = input.grad().values();
    results.emplace_back(gradient.begin(), gradient.end());
    for (const NamedTensor& p : encoder.parameters())
      results.back().insert(results.back().end(), p.tensor.grad().values().begin(),
                            p.tensor.grad().values().end());
  }
  set_threads(before);
  CHECK(results[0] == results[1]);
  CHECK(results[0] == results[2]);
}

TEST_CASE("rows whose gradient is zero are left out without changing a bit") {
  Random random(7);
  const Tensor x = Tensor::normal({90, 40}, 0, 1, random);
  const Tensor w = Tensor::normal({40, 24}, 0, 1, random);
  for (const Index busy : {0, 1, 30, 90}) {
    Tensor seed = Tensor::zeros({90, 24});
    for (Index i = 0; i < busy * 24; ++i)
      seed.mutable_data()[i / 24 * (90 / busy) * 24 + i % 24] = random.normal();
    std::vector<Tensor> gradients;
    for (const bool one_operation : {true, false}) {  // matmul leaves nothing out
      Tensor input = Tensor::from(x.shape(), x.values()).requires_grad(true);
      Tensor weights = Tensor::from(w.shape(), w.values()).requires_grad(true);
      const Tensor y =
          one_operation ? linear(input, weights, Tensor::zeros({24})) : matmul(input, weights);
      y.backward(seed);
      gradients.push_back(input.grad());
      gradients.push_back(weights.grad());
    }
    const auto same = [](const Tensor& a, const Tensor& b) {
      return std::equal(a.values().begin(), a.values().end(), b.values().begin());
    };
    CHECK(same(gradients[0], gradients[2]));
    CHECK(same(gradients[1], gradients[3]));
  }
}

TEST_CASE(
    "a gradient of zero times what is not a number is not a number, as in the plain product") {
  for (const bool in_weights : {false, true}) {
    Tensor x = Tensor::full({20, 3}, 1), w = Tensor::full({3, 2}, 1);
    (in_weights ? w : x).mutable_values()[0] = not_a_number;
    x.requires_grad(true), w.requires_grad(true);
    Tensor seed = Tensor::zeros({20, 2});
    seed.mutable_values()[39] = 1;  // the last row alone has a gradient
    linear(x, w, Tensor::zeros({2})).backward(seed);
    CHECK(std::isnan(x.grad().at({7, 0})) == in_weights);   // 0 · w
    CHECK(std::isnan(w.grad().at({0, 1})) == !in_weights);  // Σ x · 0
    CHECK(x.grad().at({7, 1}) == 0);
    CHECK(w.grad().at({1, 1}) == 1);
  }
}
