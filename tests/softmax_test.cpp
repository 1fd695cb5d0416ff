// Softmax along every axis, masks of every kind, and layer normalisation.

#include "plain.h"

#include <doctest/doctest.h>
#include <gradus/operations.h>

#include <algorithm>
#include <cmath>

using namespace gradus;
using namespace plain;

namespace {

// f(line) for every line of values along one axis, which is overwritten.
Array along(Array x, int axis, const std::function<void(std::vector<double>&)>& f) {
  const auto a = static_cast<std::size_t>(axis < 0 ? axis + x.rank() : axis);
  for (Index i = 0; i < x.size(); ++i) {
    Position p = position_of(i, x.sizes);
    if (p[a] != 0) continue;
    std::vector<double> line;
    for (; p[a] < x.sizes[a]; ++p[a]) line.push_back(x[p]);
    f(line);
    for (p[a] = 0; p[a] < x.sizes[a]; ++p[a]) x[p] = line[static_cast<std::size_t>(p[a])];
  }
  return x;
}

void softmax_line(std::vector<double>& line) {
  double total = 0;
  for (const double x : line) total += std::exp(x);
  for (double& x : line) x = std::exp(x) / total;
}

void log_softmax_line(std::vector<double>& line) {
  const double most = *std::max_element(line.begin(), line.end());
  double total = 0;
  for (const double x : line) total += std::exp(x - most);
  for (double& x : line) x = x - most - std::log(total);
}

}  // namespace

TEST_CASE("softmax and log_softmax are the loop along every axis of every rank") {
  for (const Position& sizes :
       {Position{5}, Position{1}, Position{3, 4}, Position{4, 1}, Position{2, 3, 4},
        Position{2, 3, 2, 4}, Position{2, 1, 3, 2, 2}, Position{2, 37}}) {
    const int rank = static_cast<int>(sizes.size());
    for (int axis = -rank; axis < rank; ++axis)
      for (const bool logarithm : {false, true})
        check({.name = std::string(logarithm ? "log_softmax" : "softmax") + " of " +
                       to_string(shape_of(sizes)) + " along axis " + std::to_string(axis),
               .compute =
                   [=](const Tensors& x) {
                     return logarithm ? log_softmax(x[0], axis) : softmax(x[0], axis);
                   },
               .loop =
                   [=](const Arrays& x) {
                     return along(x[0], axis, logarithm ? log_softmax_line : softmax_line);
                   },
               .inputs = {random(sizes, 1, -3, 3)},
               .slack = 4});
  }
  // Without an axis, the last.
  const Array x = random({2, 3}, 1);
  check_close(array_of(softmax(tensor_of(x))), along(x, 1, softmax_line), 1e-6);
  check_close(array_of(log_softmax(tensor_of(x))), along(x, 1, log_softmax_line), 1e-6);
}

TEST_CASE("softmax on many rows, where threads share the work") {
  for (const bool logarithm : {false, true})
    check_values(
        {.name = logarithm ? "log_softmax" : "softmax",
         .compute = [=](const Tensors& x) { return logarithm ? log_softmax(x[0]) : softmax(x[0]); },
         .loop =
             [=](const Arrays& x) {
               return along(x[0], 1, logarithm ? log_softmax_line : softmax_line);
             },
         .inputs = {random({2001, 23}, 1, -3, 3)},
         .slack = 4});
}

TEST_CASE("softmax does not overflow, and scores of minus infinity weigh nothing") {
  const auto softmax_of = [](std::vector<double> scores) {
    Array x({static_cast<Index>(scores.size())}, 0);
    x.values = scores;
    return array_of(softmax(tensor_of(x))).values;
  };
  const auto log_softmax_of = [](std::vector<double> scores) {
    Array x({static_cast<Index>(scores.size())}, 0);
    x.values = scores;
    return array_of(log_softmax(tensor_of(x))).values;
  };
  using Values = std::vector<double>;
  CHECK(softmax_of({1e4, 1e4, -1e4, -1e4}) == Values{0.5, 0.5, 0, 0});
  CHECK(softmax_of({-1e30, -1e30}) == Values{0.5, 0.5});
  CHECK(softmax_of({-infinity, 3, -infinity, 3}) == Values{0, 0.5, 0, 0.5});
  CHECK(log_softmax_of({0, 1024}) == Values{-1024, 0});
  CHECK(log_softmax_of({2048, 1024, -infinity}) == Values{0, -1024, -infinity});
  for (const double bad : {not_a_number, infinity})
    for (std::size_t at = 0; at < 3; ++at) {
      Values scores{1, 2, 3};
      scores[at] = bad;
      CHECK(std::isnan(softmax_of(scores)[at]));
      CHECK(std::isnan(log_softmax_of(scores)[at]));
    }
  CHECK(std::isnan(softmax_of({-infinity, -infinity})[0]));
}

namespace {

Array masked(const Array& x, const Mask& mask) {
  Array y(x.sizes, 0);
  const auto at = [&](const Position& p, std::size_t back) {
    return back <= p.size() ? p[p.size() - back] : 0;
  };
  const Index cached = at(x.sizes, 1) - at(x.sizes, 2);
  for (Index i = 0; i < x.size(); ++i) {
    const Position p = position_of(i, x.sizes);
    const Index batch = p.size() > 2 ? p[0] : 0;
    const Index head = p.size() > 3 ? p[1] : 0;
    double total = 0;
    Position q = p;
    for (q.back() = 0; q.back() < x.sizes.back(); ++q.back())
      if (mask.allows(batch, head, at(p, 2), q.back(), cached)) total += std::exp(x[q]);
    if (mask.allows(batch, head, at(p, 2), p.back(), cached)) y[p] = std::exp(x[p]) / total;
  }
  return y;
}

std::vector<bool> some(Index count) {
  std::vector<bool> allowed;
  for (Index i = 0; i < count; ++i) allowed.push_back(i * i % 7 != 1 && i % 5 != 3);
  return allowed;
}

}  // namespace

TEST_CASE("masked softmax is the loop over the keys that the mask allows, whatever the mask") {
  const std::pair<Position, std::vector<Mask>> tried[] = {
      {{3, 4},
       {Mask(), Mask::causal(), Mask::padding({2}), Mask::from({3, 4}, some(12)),
        Mask::from({1, 4}, some(4)), Mask::from({3, 1}, {true, false, true})}},
      {{4, 4}, {Mask::causal(), Mask::causal() & Mask::padding({2})}},
      {{2, 3, 4},
       {Mask::padding({4, 1}), Mask::padding({0, 3}), Mask::from({2, 3, 4}, some(24)),
        Mask::from({2, 1, 4}, some(8)), Mask::from({1, 3, 4}, some(12)),
        Mask::causal() & Mask::padding({2, 4}) & Mask::from({3, 4}, some(12))}},
      {{2, 3, 2, 4},
       {Mask::padding({4, 1}), Mask::causal(), Mask::from({2, 3, 2, 4}, some(48)),
        Mask::from({1, 3, 1, 4}, some(12)), Mask::from({2, 1, 2, 1}, {true, false, true, true}),
        Mask::from({2, 4}, some(8)), Mask::from({2, 2, 4}, some(16))}}};
  for (const auto& [sizes, masks] : tried)
    for (const Mask& mask : masks)
      check({.name = "masked_softmax of " + to_string(shape_of(sizes)) + ", mask of " +
                     to_string(mask.where()),
             .compute = [&](const Tensors& x) { return masked_softmax(x[0], mask); },
             .loop = [&](const Arrays& x) { return masked(x[0], mask); },
             .inputs = {random(sizes, 1, -3, 3)},
             .slack = 4});
}

TEST_CASE("masked softmax does not look at what is hidden") {
  Array x = random({3, 3}, 1);
  x[{0, 1}] = not_a_number;
  x[{0, 2}] = infinity;
  x[{1, 2}] = -infinity;
  const Tensor y = masked_softmax(tensor_of(x), Mask::causal());
  CHECK(array_of(y).values[0] == 1);
  CHECK(y.at({0, 1}) == 0);
  CHECK(y.at({0, 2}) == 0);
  CHECK(y.at({1, 0}) + y.at({1, 1}) == doctest::Approx(1));
  const Tensor large = tensor_of(Array({1, 2}, 1e4));
  CHECK(array_of(masked_softmax(large, Mask())).values == std::vector<double>{0.5, 0.5});
}

namespace {

Array layer_norm_loop(const Arrays& in, double epsilon) {
  const auto& gamma = in[1].values;
  const auto& beta = in[2].values;
  return along(in[0], -1, [&](std::vector<double>& line) {
    const auto count = static_cast<double>(line.size());
    double mean = 0;
    for (const double x : line) mean += x / count;
    double variance = 0;
    for (const double x : line) variance += (x - mean) * (x - mean) / count;
    for (std::size_t j = 0; j < line.size(); ++j)
      line[j] = gamma[j] * (line[j] - mean) / std::sqrt(variance + epsilon) + beta[j];
  });
}

}  // namespace

TEST_CASE("layer_norm is the formula, and so is its gradient, for every rank and epsilon") {
  for (const Position& sizes :
       {Position{5}, Position{3, 4}, Position{2, 3, 6}, Position{2, 1, 3, 4},
        Position{1, 2, 1, 2, 3}, Position{2, 40}, Position{300, 3}})
    for (const double epsilon : {1e-3, 0.5, 0.0})
      check({.name = "layer_norm of " + to_string(shape_of(sizes)) + " with epsilon " +
                     std::to_string(epsilon),
             .compute =
                 [=](const Tensors& x) {
                   return layer_norm(x[0], x[1], x[2], static_cast<Scalar>(epsilon));
                 },
             .loop =
                 [=](const Arrays& x) {
                   return layer_norm_loop(x, static_cast<double>(static_cast<Scalar>(epsilon)));
                 },
             .inputs = {random(sizes, 1, -1, 3), random({sizes.back()}, 2),
                        random({sizes.back()}, 3)},
             .slack = 40});
  const Arrays in{random({2, 3}, 1), random({3}, 2), random({3}, 3)};
  const Tensor with_default = layer_norm(tensor_of(in[0]), tensor_of(in[1]), tensor_of(in[2]));
  check_close(array_of(with_default), layer_norm_loop(in, 1e-3), 1e-6);
}

TEST_CASE("layer_norm far from zero keeps its digits, and a constant row becomes beta") {
  Arrays in{random({2, 8}, 1), random({8}, 2), random({8}, 3)};
  for (double& x : in[0].values) x = static_cast<double>(static_cast<float>(x + 1000));
  for (Index j = 0; j < 8; ++j) in[0][{1, j}] = -3;
  const Tensor y = layer_norm(tensor_of(in[0]), tensor_of(in[1]), tensor_of(in[2]));
  check_close(array_of(y), layer_norm_loop(in, static_cast<double>(Scalar(1e-3))), 1e-3);
  for (Index j = 0; j < 8; ++j) CHECK(y.at({1, j}) == static_cast<Scalar>(in[2][{j}]));
}
