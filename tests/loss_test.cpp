// Losses.

#include "plain.h"

#include <doctest/doctest.h>
#include <gradus/operations.h>

#include <cmath>

using namespace gradus;
using namespace plain;

namespace {

Array scalar(double value) {
  return Array({}, value);
}

// Row by row, each row a number of values of the last axis.
Array cross_entropy_loop(const Array& logits, const std::vector<int>& labels, int ignored) {
  const auto classes = static_cast<std::size_t>(logits.sizes.back());
  double total = 0;
  int counted = 0;
  for (std::size_t r = 0; r < labels.size(); ++r) {
    if (labels[r] == ignored) continue;
    const double* row = logits.values.data() + r * classes;
    double sum = 0;
    for (std::size_t j = 0; j < classes; ++j) sum += std::exp(row[j]);
    total += std::log(sum) - row[labels[r]];
    ++counted;
  }
  return scalar(counted ? total / counted : 0);
}

}  // namespace

TEST_CASE("cross_entropy is the mean over the rows that count, at every rank") {
  struct Tried {
    Position sizes;
    Shape of_labels;
    std::vector<int> labels;
    int ignored;
  };
  const Tried all[] = {
      {{5}, {}, {3}, -1},
      {{4, 3}, {4}, {0, 2, 1, 2}, -1},
      {{4, 3}, {4}, {0, -1, -1, 2}, -1},
      {{4, 3}, {4}, {-1, -1, -1, -1}, -1},
      {{4, 3}, {4}, {1, 0, 2, 0}, 0},     // a class that exists may be ignored
      {{4, 3}, {4}, {-7, 1, 2, -7}, -7},  // and so may any other number
      {{4, 3}, {4}, {99, 1, 99, 2}, 99},
      {{2, 3, 4}, {2, 3}, {0, 3, -1, 2, 2, 1}, -1},
      {{2, 1, 2, 3}, {2, 1, 2}, {1, -1, 0, 2}, -1},
  };
  for (const Tried& t : all)
    check({.name = "cross_entropy of " + to_string(shape_of(t.sizes)) + ", ignoring " +
                   std::to_string(t.ignored),
           .compute =
               [&](const Tensors& x) {
                 return cross_entropy(x[0], Ids(t.of_labels, t.labels), t.ignored);
               },
           .loop = [&](const Arrays& x) { return cross_entropy_loop(x[0], t.labels, t.ignored); },
           .inputs = {random(t.sizes, 1, -3, 3)},
           .slack = 4});
  CHECK(cross_entropy(tensor_of(random({4, 1}, 1)), {0, 0, -1, 0}).item() == 0);
  const Array x = random({3, 2}, 1);
  CHECK(cross_entropy(tensor_of(x), {1, -1, 0}).item() ==
        cross_entropy(tensor_of(x), {1, -1, 0}, -1).item());
}

TEST_CASE("cross_entropy does not overflow, and keeps its digits over many rows") {
  CHECK(cross_entropy(Tensor::matrix({{1e4, -1e4}, {0, 0}}), {1, -1}).item() == 2e4);
  CHECK(cross_entropy(Tensor::matrix({{1e4, -1e4}}), {0}).item() == 0);
  const Index rows = 400000;
  const std::vector<int> labels(static_cast<std::size_t>(rows), 2);
  const Tensor many = Tensor::zeros({rows, 3});
  check_close(array_of(cross_entropy(many, Ids({rows}, labels))), scalar(std::log(3.0)), 1e-6);
  Array bad({2, 2}, 0);
  bad[{0, 1}] = not_a_number;
  CHECK(std::isnan(cross_entropy(tensor_of(bad), {0, 1}).item()));
  const Tensor half_bad = tensor_of(bad).requires_grad(true);
  const Tensor loss = cross_entropy(half_bad, {-1, 1});
  CHECK(loss.item() == doctest::Approx(std::log(2.0)));
  loss.backward();
  CHECK(half_bad.grad().at({0, 0}) == 0);
  CHECK(half_bad.grad().at({0, 1}) == 0);
  CHECK(half_bad.grad().at({1, 0}) == doctest::Approx(0.5));
}

// Of many classes the logits are the largest tensor of a model: no second one stays until
// backward().
TEST_CASE("cross_entropy keeps two numbers of each row, and the logits must stay as they were") {
  Tensor logits = tensor_of(random({5, 1000}, 1)).requires_grad(true).named("logits");
  const Index before = live_values();
  const Tensor loss = cross_entropy(logits, {0, 7, -1, 999, 3});
  CHECK(live_values() - before == 1 + 2 * 5);
  logits.mutable_values()[0] = 1;
  REFUSED("backward",
          "the values of logits [5, 1000] were changed after cross_entropy at " +
              to_string(loss.where()) + " used them",
          loss.backward());
}

TEST_CASE("binary_cross_entropy is the mean over all values, at every rank") {
  for (const Position& sizes : {Position{}, Position{5}, Position{3, 4}, Position{2, 3, 2}})
    check({.name = "binary_cross_entropy of " + to_string(shape_of(sizes)),
           .compute = [](const Tensors& x) { return binary_cross_entropy(x[0], x[1]); },
           .loop =
               [](const Arrays& x) {
                 double total = 0;
                 for (std::size_t i = 0; i < x[0].values.size(); ++i) {
                   const double p = 1 / (1 + std::exp(-x[0].values[i]));
                   const double t = x[1].values[i];
                   total -= t * std::log(p) + (1 - t) * std::log(1 - p);
                 }
                 return scalar(total / static_cast<double>(x[0].size()));
               },
           .inputs = {random(sizes, 1, -3, 3), random(sizes, 2, 0.05, 0.8)},
           .slack = 4});
}

namespace {

double binary_loss(double x, double target) {
  return static_cast<double>(binary_cross_entropy(Tensor::scalar(static_cast<Scalar>(x)),
                                                  Tensor::scalar(static_cast<Scalar>(target)))
                                 .item());
}

}  // namespace

TEST_CASE("binary_cross_entropy keeps its digits far out") {
  for (const double x : {5.0, 12.0, 17.0, 30.0}) {
    CAPTURE(x);
    const double small = std::log1p(std::exp(-x));
    check_close(scalar(binary_loss(x, 1)), scalar(small), 1e-5);
    check_close(scalar(binary_loss(-x, 0)), scalar(small), 1e-5);
    check_close(scalar(binary_loss(x, 0)), scalar(x + small), 1e-6);
    check_close(scalar(binary_loss(-x, 1)), scalar(x + small), 1e-6);
  }
}

TEST_CASE("binary_cross_entropy keeps its digits over many values") {
  const Tensor many = Tensor::full({1000000}, Scalar(0.7));
  const double one = std::log1p(std::exp(static_cast<double>(Scalar(0.7))));
  check_close(array_of(binary_cross_entropy(many, Tensor::zeros({1000000}))), scalar(one), 1e-6);
}

TEST_CASE("binary_cross_entropy of infinite logits is 0 or infinite, as the target says") {
  CHECK(binary_loss(1000, 1) == 0);
  CHECK(binary_loss(1000, 0) == 1000);
  CHECK(binary_loss(infinity, 0) == infinity);
  CHECK(binary_loss(-infinity, 1) == infinity);
  CHECK(binary_loss(infinity, 1) == 0);
  CHECK(binary_loss(-infinity, 0) == 0);
  CHECK(std::isnan(binary_loss(not_a_number, 1)));
  CHECK(std::isnan(binary_loss(not_a_number, 0)));
}

TEST_CASE("mean_squared_error is the mean over all values, at every rank") {
  for (const Position& sizes : {Position{}, Position{5}, Position{3, 4}, Position{2, 3, 2}})
    check({.name = "mean_squared_error of " + to_string(shape_of(sizes)),
           .compute = [](const Tensors& x) { return mean_squared_error(x[0], x[1]); },
           .loop =
               [](const Arrays& x) {
                 double total = 0;
                 for (std::size_t i = 0; i < x[0].values.size(); ++i) {
                   const double difference = x[0].values[i] - x[1].values[i];
                   total += difference * difference;
                 }
                 return scalar(total / static_cast<double>(x[0].size()));
               },
           .inputs = {random(sizes, 1, -3, 3), random(sizes, 2, -1, 4)},
           .slack = 4});
  const Tensor many = Tensor::full({1000000}, 3);
  check_close(array_of(mean_squared_error(many, Tensor::full({1000000}, Scalar(2.5)))),
              scalar(0.25), 1e-6);
}
