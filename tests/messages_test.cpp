// What every operation calls itself, and every error of tensors and operations, to the letter: the
// operation, the line in this file, what was wanted and what was given.

#include "plain.h"

#include <doctest/doctest.h>
#include <gradus/check_gradients.h>
#include <gradus/fit.h>
#include <gradus/operations.h>
#include <gradus/picture.h>
#include <gradus/watcher.h>

#include <string>

using namespace gradus;

namespace {

std::string place(int line) {
  return "tests/messages_test.cpp:" + std::to_string(line);
}

void check_made(const Tensor& y, const std::string& operation, int line) {
  CAPTURE(operation);
  CHECK(y.operation() == operation);
  CHECK(to_string(y.where()) == place(line));
  CHECK(name_of(y) == operation + " of " + place(line));
}

}  // namespace

#define MADE(operation, ...) check_made((__VA_ARGS__), operation, __builtin_LINE())

TEST_CASE("a result knows which operation made it, and on which line") {
  const Tensor x = Tensor::full({2, 3}, 1);
  const Tensor row = Tensor::full({3}, 1);
  const Tensor text = Tensor::full({1, 2, 3}, 1);
  const Tensor matrix = Tensor::full({3, 4}, 1);
  Random random(1);
  MADE("uniform", Tensor::uniform({2}, 0, 1, random));
  MADE("normal", Tensor::normal({2}, 0, 1, random));
  MADE("add", x + x);
  MADE("add", 1 + x);
  MADE("subtract", x - x);
  MADE("subtract", x - 1);
  MADE("multiply", x * x);
  MADE("multiply", 2 * x);
  MADE("divide", x / x);
  MADE("divide", 1 / x);
  MADE("negate", -x);
  MADE("pow", pow(x, 2));
  MADE("sqrt", sqrt(x));
  MADE("exp", exp(x));
  MADE("log", log(x));
  MADE("tanh", tanh(x));
  MADE("sigmoid", sigmoid(x));
  MADE("relu", relu(x));
  MADE("gelu", gelu(x));
  MADE("matmul", matmul(x, matrix));
  MADE("linear", linear(x, matrix, Tensor::zeros({4})));
  MADE("softmax", softmax(x));
  MADE("log_softmax", log_softmax(x));
  MADE("masked_softmax", masked_softmax(x, {}));
  MADE("scaled_dot_product_attention", scaled_dot_product_attention(x, x, x));
  MADE("attention_weights", attention_weights(x, x));
  MADE("layer_norm", layer_norm(x, row, row));
  MADE("max_pooling", max_pooling(text));
  MADE("mean_pooling", mean_pooling(text));
  MADE("sum", sum(x));
  MADE("mean", mean(x, 0));
  MADE("max", max(x, 1));
  MADE("reshape", reshape(x, {6}));
  MADE("permute", permute(x, {1, 0}));
  MADE("slice", slice(x, 1, 0, 2));
  MADE("concatenate", concatenate({x, x}, 0));
  MADE("embedding", embedding(matrix, {1, 2}));
  MADE("dropout", dropout(x, 0.5, random));
  MADE("cross_entropy", cross_entropy(x, {0, 1}));
  MADE("binary_cross_entropy", binary_cross_entropy(x, x));
  CHECK(to_string(transpose(x).where()) == place(__LINE__));
  CHECK(to_string(softmax(x, 0).where()) == place(__LINE__));
  CHECK(to_string(mean_squared_error(x, x).where()) == place(__LINE__));
  CHECK(Tensor::zeros({2}).operation() == std::string("tensor"));
  CHECK(to_string(Tensor::vector({1}).where()) == place(__LINE__));
  CHECK(to_string(Tensor::matrix({{1}}).where()) == place(__LINE__));
  CHECK(to_string(Tensor::scalar(1).where()) == place(__LINE__));
}

TEST_CASE("a tensor that nothing was assigned to is refused by everything, with the line") {
  const Tensor none;
  const Tensor x = Tensor::full({2, 3}, 1);
  const Tensor row = Tensor::full({3}, 1);
  Random random(1);
  const std::string text = "it was used before anything was assigned to it";
  for (const bool first : {true, false}) {
    const Tensor& a = first ? none : x;
    const Tensor& b = first ? x : none;
    REFUSED("Tensor", text, a + b);
    REFUSED("Tensor", text, a - b);
    REFUSED("Tensor", text, a * b);
    REFUSED("Tensor", text, a / b);
    REFUSED("Tensor", text, matmul(a, b));
    REFUSED("Tensor", text, concatenate({a, b}, 0));
    REFUSED("Tensor", text, binary_cross_entropy(a, b));
    REFUSED("Tensor", text, mean_squared_error(a, b));
    REFUSED("Tensor", text, attention_weights(a, b));
    REFUSED("Tensor", text, scaled_dot_product_attention(a, b, x));
    REFUSED("Tensor", text, linear(a, b, row));
    REFUSED("Tensor", text, layer_norm(x, first ? none : row, first ? row : none));
  }
  REFUSED("Tensor", text, scaled_dot_product_attention(x, x, none));
  REFUSED("Tensor", text, linear(x, Tensor::zeros({3, 2}), none));
  REFUSED("Tensor", text, layer_norm(none, row, row));
  REFUSED("Tensor", text, none + 1);
  REFUSED("Tensor", text, 1 - none);
  REFUSED("Tensor", text, -none);
  for (Tensor (*f)(const Tensor&, Where) : {sqrt, exp, log, tanh, sigmoid, relu, gelu})
    REFUSED("Tensor", text, f(none, here()));
  REFUSED("Tensor", text, pow(none, 2));
  REFUSED("Tensor", text, softmax(none));
  REFUSED("Tensor", text, log_softmax(none));
  REFUSED("Tensor", text, masked_softmax(none, {}));
  REFUSED("Tensor", text, max_pooling(none));
  REFUSED("Tensor", text, mean_pooling(none));
  REFUSED("Tensor", text, sum(none));
  REFUSED("Tensor", text, mean(none));
  REFUSED("Tensor", text, max(none));
  REFUSED("Tensor", text, reshape(none, {1}));
  REFUSED("Tensor", text, reshape(none, {-1, -1}));
  REFUSED("Tensor", text, classification_loss(none, {1}));
  REFUSED("Tensor", text, predictions(none));
  REFUSED("Tensor", text, histogram_svg("", none));
  REFUSED("Tensor", text, permute(none, {}));
  REFUSED("Tensor", text, transpose(none));
  REFUSED("Tensor", text, slice(none, 0, 0, 1));
  REFUSED("Tensor", text, embedding(none, {0}));
  REFUSED("Tensor", text, dropout(none, 0.5, random));
  REFUSED("Tensor", text, cross_entropy(none, {0}));
  REFUSED("Tensor", text, none.at({0}));
  REFUSED("Tensor", text, none.item());
  REFUSED("Tensor", text, none.grad());
  REFUSED("Tensor", text, none.add_grad(x));
  REFUSED("Tensor", text, none.backward());
  REFUSED("Tensor", text, none.backward(x));
  REFUSED("Tensor", text, x.backward(none));
  REFUSED("Tensor", text, check_gradients([](const auto& v) { return v[0]; }, {none}));
  REFUSED("Tensor", text, Tensor().mutable_values());
  REFUSED("Tensor", text, Tensor().requires_grad(true));
}

TEST_CASE("shapes and values that make no tensor are refused") {
  const std::string empty = " (empty tensors are not supported)";
  REFUSED("Shape", "every size must be at least 1, axis 1 has size 0" + empty, Shape({2, 0, 3}));
  REFUSED("Shape", "every size must be at least 1, axis 0 has size -4" + empty, Shape({-4, 3}));
  REFUSED("Shape", "at most 6 axes are possible, 7 given", Shape({1, 2, 1, 2, 1, 2, 1}));
  CHECK(Shape({1, 2, 1, 2, 1, 2}).rank() == 6);
  REFUSED("Shape", "every size must be at least 1, axis 1 has size 0" + empty,
          Shape({2}).and_then(0));
  REFUSED("Shape", "every size must be at least 1, axis 0 has size 0" + empty, Tensor::vector({}));
  REFUSED("Shape", "every size must be at least 1, axis 0 has size 0" + empty, Tensor::matrix({}));
  REFUSED("Shape", "every size must be at least 1, axis 1 has size 0" + empty,
          Tensor::matrix({{}, {}}));
  REFUSED("Tensor::from", "shape [2, 3] holds 6 values, 5 given",
          Tensor::from({2, 3}, std::vector<Scalar>(5)));
  REFUSED("Tensor::from", "shape [] holds 1 values, 2 given",
          Tensor::from({}, std::vector<Scalar>(2)));
  REFUSED("Tensor::matrix", "every row must have as many values as the first, 2, one has 1",
          Tensor::matrix({{1, 2}, {3, 4}, {5}}));
  REFUSED("Tensor::matrix", "every row must have as many values as the first, 1, one has 2",
          Tensor::matrix({{1}, {3, 4}}));
  REFUSED("Ids", "shape [2, 2] holds 4 numbers, 3 given", Ids({2, 2}, {1, 2, 3}));
}

TEST_CASE("an axis that a shape does not have, and a size that no axis has, are refused") {
  const Shape s{2, 3};
  REFUSED("Shape", "there is no axis 2 in [2, 3]", s[2]);
  REFUSED("Shape", "there is no axis -3 in [2, 3]", s[-3]);
  REFUSED("Shape", "there is no axis 0 in []", Shape()[0]);
  REFUSED("Shape", "there is no axis 2 in [2, 3]", s.with(2, 1));
  REFUSED("Shape", "there is no axis -3 in [2, 3]", s.without(-3));
  REFUSED("Shape", "there is no axis 0 in []", Shape().without(0));
  const std::string empty = " (empty tensors are not supported)";
  REFUSED("Shape", "every size must be at least 1, axis 1 has size 0" + empty, s.with(-1, 0));
  REFUSED("Shape", "at most 6 axes are possible, one more was wanted",
          Shape({1, 1, 1, 1, 1, 1}).and_then(1));
}

TEST_CASE("positions outside a tensor, and numbers that are not one, are refused") {
  const Tensor x = Tensor::zeros({2, 3}).named("x");
  REFUSED("Tensor::at", "position [2, 0] lies outside x [2, 3]", x.at({2, 0}));
  REFUSED("Tensor::at", "position [0, 3] lies outside x [2, 3]", x.at({0, 3}));
  REFUSED("Tensor::at", "position [-1, 0] lies outside x [2, 3]", x.at({-1, 0}));
  REFUSED("Tensor::at", "position [0] lies outside x [2, 3]", x.at({0}));
  REFUSED("Tensor::at", "position [0, 0, 0] lies outside x [2, 3]", x.at({0, 0, 0}));
  REFUSED("Tensor::at", "one index for each axis is needed of x [2, 3]", x.at({}));
  CHECK(Tensor::scalar(4).at({}) == 4);
  REFUSED("item", "the tensor must hold one number, x [2, 3] holds more", x.item());
  CHECK(Tensor::matrix({{4}}).item() == 4);
}

TEST_CASE("gradients that are not there or do not fit are refused") {
  Tensor x = Tensor::zeros({2, 3}).named("x");
  REFUSED("grad", "there is no gradient in x [2, 3]: it does not require one", x.grad());
  REFUSED("backward", "x [2, 3] was not computed from any tensor that requires a gradient",
          x.backward(x));
  REFUSED("backward", "x [2, 3] was not computed from any tensor that requires a gradient",
          x.backward());
  x.requires_grad(true);
  REFUSED("grad", "there is no gradient in x [2, 3]: backward() has not come by", x.grad());
  REFUSED("add_grad", "the gradient of x [2, 3] must have its shape, [3] given",
          x.add_grad(Tensor::zeros({3})));
  REFUSED("add_grad", "the gradient of x [2, 3] must have its shape, [3, 2] given",
          x.add_grad(Tensor::zeros({3, 2})));
  Tensor y = exp(x).named("y");
  REFUSED("requires_grad", "y [2, 3] was computed from tensors that require one: use detach()",
          y.requires_grad(false));
  REFUSED("backward",
          "only a single number can be differentiated without a seed, y [2, 3] holds 6 values: "
          "take its sum or mean, or give a seed",
          y.backward());
  REFUSED("backward", "the seed must have the shape of y [2, 3], it has [3, 2]",
          y.backward(Tensor::zeros({3, 2})));
  const Tensor z = log(x);
  const int made = __LINE__ - 1;
  x.mutable_values()[0] = 2;
  REFUSED("backward",
          "the values of x [2, 3] were changed after log at " + place(made) + " used them",
          z.backward(Tensor::zeros({2, 3})));
  const Tensor w = (x * x).named("w");
  const Tensor loss = sum(w).named("loss");
  loss.backward(Graph::free);
  const std::string freed = " was freed by an earlier backward(Graph::free)";
  REFUSED("backward", "the graph of loss []" + freed, loss.backward());
  REFUSED("backward", "the graph of w [2, 3]" + freed, (w * x).backward(x));
  REFUSED("backward", "the graph of w [2, 3]" + freed, w.backward(x));
}

namespace {

// What is computed while it lives, an operation and its line to each.
struct Lines : Watcher {
  Lines() { add_watcher(*this); }
  void after_forward(const Tensor& out, std::span<const Edge>) override {
    last = out.operation();
    elsewhere += out.where().file != std::string("tests/messages_test.cpp");
  }
  std::string last;
  int elsewhere = 0;
};

}  // namespace

TEST_CASE("operations that are made of others name the caller's line in all of them") {
  const Tensor x = Tensor::full({2, 3, 4}, 1);
  const Lines lines;
  mean_squared_error(x, x);
  sum(x, 1);
  mean(x, {0, 2});
  max(x, 0);
  softmax(x, 0);
  log_softmax(x, 1);
  transpose(x);
  attention_weights(x, x);
  CHECK(lines.elsewhere == 0);
  CHECK(lines.last == "attention_weights");
}
