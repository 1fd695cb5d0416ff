// Losses, look-up and dropout.

#include "plain.h"

#include <doctest/doctest.h>
#include <gradus/dropout.h>
#include <gradus/elementwise.h>
#include <gradus/embedding.h>
#include <gradus/loss.h>

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
  CHECK(cross_entropy(tensor_of(bad), {-1, 1}).item() == doctest::Approx(std::log(2.0)));
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

TEST_CASE("binary_cross_entropy keeps its digits far out") {
  const auto loss = [](double x, double target) {
    return static_cast<double>(binary_cross_entropy(Tensor::scalar(static_cast<Scalar>(x)),
                                                    Tensor::scalar(static_cast<Scalar>(target)))
                                   .item());
  };
  for (const double x : {5.0, 12.0, 17.0, 30.0}) {
    CAPTURE(x);
    check_close(scalar(loss(x, 1)), scalar(std::log1p(std::exp(-x))), 1e-5);
    check_close(scalar(loss(-x, 0)), scalar(std::log1p(std::exp(-x))), 1e-5);
    check_close(scalar(loss(x, 0)), scalar(x + std::log1p(std::exp(-x))), 1e-6);
    check_close(scalar(loss(-x, 1)), scalar(x + std::log1p(std::exp(-x))), 1e-6);
  }
  CHECK(loss(1000, 1) == 0);
  CHECK(loss(1000, 0) == 1000);
  CHECK(loss(infinity, 0) == infinity);
  CHECK(loss(-infinity, 1) == infinity);
  CHECK(loss(infinity, 1) == 0);
  CHECK(loss(-infinity, 0) == 0);
  CHECK(std::isnan(loss(not_a_number, 1)));
  const Tensor many = Tensor::full({1000000}, Scalar(0.7));
  const double one = std::log1p(std::exp(static_cast<double>(Scalar(0.7))));
  check_close(array_of(binary_cross_entropy(many, Tensor::zeros({1000000}))), scalar(one), 1e-6);
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

TEST_CASE("embedding looks up a row for every id, and adds up the gradients of each row") {
  const std::vector<std::pair<Shape, std::vector<int>>> all = {
      {{}, {3}}, {{4}, {0, 3, 3, 4}}, {{2, 3}, {4, 0, 1, 1, 1, 4}}, {{2, 1, 2}, {2, 2, 2, 2}}};
  for (const auto& [shape, ids] : all)
    check({.name = "embedding of ids " + to_string(shape),
           .compute = [&](const Tensors& x) { return embedding(x[0], Ids(shape, ids)); },
           .loop =
               [&](const Arrays& x) {
                 Position sizes = sizes_of(Tensor::zeros(shape));
                 sizes.push_back(3);
                 Array y(sizes, 0);
                 for (std::size_t i = 0; i < ids.size(); ++i)
                   for (std::size_t j = 0; j < 3; ++j)
                     y.values[i * 3 + j] = x[0][{ids[i], static_cast<Index>(j)}];
                 return y;
               },
           .inputs = {random({5, 3}, 1)}});
}

TEST_CASE("embedding of many words, where threads share the work") {
  const Index words = 5000;
  std::vector<int> ids;
  Random random_ids(3);
  for (Index i = 0; i < words; ++i) ids.push_back(static_cast<int>(random_ids.below(50)));
  const Array table = random({50, 40}, 1);
  const Array seed = random({words, 40}, 2);
  Array rows({words, 40}, 0);
  Array gradient({50, 40}, 0);
  for (Index i = 0; i < words; ++i)
    for (Index j = 0; j < 40; ++j) {
      const Index id = ids[static_cast<std::size_t>(i)];
      rows[{i, j}] = table[{id, j}];
      gradient[{id, j}] += seed[{i, j}];
    }
  const Tensor x = tensor_of(table).requires_grad(true);
  const Tensor y = embedding(x, Ids({words}, ids));
  check_close(array_of(y), rows, 0);
  y.backward(tensor_of(seed));
  check_close(array_of(x.grad()), gradient, 1e-5);
}

TEST_CASE("dropout keeps or clears each value, scales what it keeps, and its gradient alike") {
  for (const double rate : {0.0, 0.1, 0.5, 0.9}) {
    CAPTURE(rate);
    const Tensor x = tensor_of(random({300, 200}, 1, 1, 2)).requires_grad(true);
    Random random(5);
    const Tensor y = dropout(x, static_cast<Scalar>(rate), random);
    const Array seed = plain::random({300, 200}, 2, 1, 2);
    y.backward(tensor_of(seed));
    const double scale = 1 / (1 - rate);
    Array wanted = array_of(x);
    Array gradient = seed;
    int kept = 0;
    for (std::size_t i = 0; i < wanted.values.size(); ++i) {
      const bool keep = y.data()[i] != 0;
      kept += keep;
      wanted.values[i] *= keep ? scale : 0;
      gradient.values[i] *= keep ? scale : 0;
    }
    check_close(array_of(y), wanted, 2e-6);
    check_close(array_of(x.grad()), gradient, 2e-6);
    // Four standard deviations of how many of 60,000 stay.
    CHECK(std::abs(kept - 60000 * (1 - rate)) <= 4 * std::sqrt(60000 * rate * (1 - rate)));
  }
}

TEST_CASE("dropout draws anew at every call, the same again from the same seed") {
  const Tensor x = Tensor::full({100}, 1);
  Random random(5);
  const Array first = array_of(dropout(x, Scalar(0.5), random));
  const Array second = array_of(dropout(x, Scalar(0.5), random));
  CHECK(first.values != second.values);
  Random again(5);
  CHECK(array_of(dropout(x, Scalar(0.5), again)).values == first.values);
  Random other(6);
  CHECK(array_of(dropout(x, Scalar(0.5), other)).values != first.values);
  // A neighbour falls as often after one that fell as after one that stayed.
  int both = 0;
  const Array many = array_of(dropout(Tensor::full({20000}, 1), Scalar(0.5), random));
  for (std::size_t i = 1; i < 20000; ++i) both += many.values[i] != 0 && many.values[i - 1] != 0;
  CHECK(std::abs(both - 5000) < 250);
  check({.name = "dropout from one seed",
         .compute =
             [](const Tensors& t) {
               Random same(7);
               return dropout(t[0], Scalar(0.25), same);
             },
         .loop =
             [](const Arrays& a) {
               Random same(7);
               const Array fell = array_of(dropout(Tensor::full({4, 3}, 1), Scalar(0.25), same));
               Array y = a[0];
               for (std::size_t i = 0; i < 12; ++i) y.values[i] *= fell.values[i];
               return y;
             },
         .inputs = {plain::random({4, 3}, 1)}});
}
