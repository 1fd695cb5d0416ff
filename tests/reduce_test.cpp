// Sums, means and maxima over every set of axes; pooling over the positions that a mask allows.

#include "plain.h"

#include <doctest/doctest.h>
#include <gradus/operations.h>

#include <algorithm>
#include <cmath>
#include <type_traits>

using namespace gradus;
using namespace plain;

namespace {

enum class Kind { sum, mean, max };

// The set of axes that the bits name is reduced, as size 1; `max` is the first of equal ones.
Array reduced(const Array& x, unsigned axes, Kind kind) {
  Position kept = x.sizes;
  for (std::size_t axis = 0; axis < kept.size(); ++axis)
    if (axes >> axis & 1) kept[axis] = 1;
  Array y(kept, kind == Kind::max ? -infinity : 0);
  for (Index i = 0; i < x.size(); ++i) {
    const Position from = position_of(i, x.sizes);
    Position to = from;
    for (std::size_t axis = 0; axis < kept.size(); ++axis)
      if (kept[axis] == 1) to[axis] = 0;
    if (kind == Kind::max)
      y[to] = std::max(y[to], x[from]);
    else
      y[to] += x[from];
  }
  const double count = static_cast<double>(x.size() / y.size());
  if (kind == Kind::mean)
    for (double& value : y.values) value /= count;
  return y;
}

Array without_axes(Array y, unsigned axes) {
  Position sizes;
  for (std::size_t axis = 0; axis < y.sizes.size(); ++axis)
    if (!(axes >> axis & 1)) sizes.push_back(y.sizes[axis]);
  y.sizes = sizes;
  return y;
}

// The axes as a list, from the end if `negative`, last first if `backwards`.
Axes listed(unsigned axes, int rank, bool negative, bool backwards) {
  Axes result;
  for (int axis = 0; axis < rank; ++axis)
    if (axes >> axis & 1) result.list.push_back(negative ? axis - rank : axis);
  if (backwards) std::reverse(result.list.begin(), result.list.end());
  return result;
}

Tensor reduce(Kind kind, const Tensor& x, const Axes& axes, bool keep) {
  if (kind == Kind::sum) return sum(x, axes, keep);
  if (kind == Kind::mean) return mean(x, axes, keep);
  return max(x, axes, keep);
}

void check_axes(Kind kind, const Position& sizes, unsigned set, const Axes& axes, bool keep) {
  check({.name = std::string(kind == Kind::sum    ? "sum"
                             : kind == Kind::mean ? "mean"
                                                  : "max") +
                 " of " + to_string(shape_of(sizes)) + " over the axes of the bits " +
                 std::to_string(set) + (keep ? ", kept" : ""),
         .compute = [=](const Tensors& x) { return reduce(kind, x[0], axes, keep); },
         .loop =
             [=](const Arrays& x) {
               const Array y = reduced(x[0], set, kind);
               return keep ? y : without_axes(y, set);
             },
         .inputs = {random(sizes, 1)},
         .slack = 2});
}

}  // namespace

TEST_CASE("sums, means and maxima are the loop over every set of axes, kept or not") {
  for (const Kind kind : {Kind::sum, Kind::mean, Kind::max})
    for (const Position& sizes : {Position{}, Position{5}, Position{3, 4}, Position{2, 3, 4},
                                  Position{2, 3, 2, 4}, Position{2, 1, 3, 2, 2}}) {
      const int rank = static_cast<int>(sizes.size());
      for (unsigned set = 0; set < 1U << rank; ++set)
        for (const bool keep : {false, true}) {
          const unsigned all = (1U << rank) - 1;
          const bool other = (set + keep) % 2 == 1;
          check_axes(kind, sizes, set ? set : all, listed(set, rank, other, !other), keep);
        }
    }
}

// max(x, 0.0) is no relu: it does not compile, because it would reduce axis 0.
static_assert(!std::is_constructible_v<Axes, double> && std::is_constructible_v<Axes, int>);

TEST_CASE("one axis may be given as a number, from either end") {
  const Tensor x = tensor_of(random({2, 3, 4}, 1));
  for (int axis = 0; axis < 3; ++axis)
    for (const int given : {axis, axis - 3}) {
      const Array wanted = without_axes(reduced(array_of(x), 1U << axis, Kind::sum), 1U << axis);
      check_close(array_of(sum(x, given)), wanted, 1e-6);
    }
}

TEST_CASE("long rows and many rows, where threads share the work") {
  for (const Position& sizes : {Position{5, 9001}, Position{9001, 5}})
    for (const unsigned set : {1U, 2U, 3U})
      for (const Kind kind : {Kind::sum, Kind::mean, Kind::max})
        check_values(
            {.name = to_string(shape_of(sizes)) + " " + std::to_string(set),
             .compute =
                 [=](const Tensors& x) {
                   return reduce(kind, x[0], listed(set, 2, false, false), false);
                 },
             .loop = [=](const Arrays& x) { return without_axes(reduced(x[0], set, kind), set); },
             .inputs = {random(sizes, 1, 0.5, 1)},
             .slack = 10});
}

TEST_CASE("a sum of many equal numbers keeps its digits") {
  for (const int axis : {0, 1}) {
    const Index count = 3000000;
    const Tensor x = Tensor::full(axis ? Shape{1, count} : Shape{count, 1}, Scalar(0.1));
    const double wanted = static_cast<double>(Scalar(0.1)) * static_cast<double>(count);
    check_close(array_of(sum(x, axis)), Array({1}, wanted), 1e-6);
    check_close(array_of(mean(x, axis)), Array({1}, wanted / static_cast<double>(count)), 1e-6);
  }
}

TEST_CASE("the gradient of a maximum goes to the first of equal ones") {
  Tensor x = Tensor::matrix({{1, 3, 3}, {3, 2, 3}}).requires_grad(true);
  max(x, 1).backward(Tensor::vector({5, 7}));
  CHECK(array_of(x.grad()).values == std::vector<double>{0, 5, 0, 7, 0, 0});
  x.clear_grad();
  max(x, 0).backward(Tensor::vector({2, 4, 6}));
  CHECK(array_of(x.grad()).values == std::vector<double>{0, 4, 6, 2, 0, 0});
  x.clear_grad();
  max(x).backward();
  CHECK(array_of(x.grad()).values == std::vector<double>{0, 1, 0, 0, 0, 0});
}

TEST_CASE("sums, means and maxima of what is not a number are not a number") {
  for (Index at = 0; at < 3; ++at)
    for (const Kind kind : {Kind::sum, Kind::mean, Kind::max}) {
      Array x = random({2, 3}, 1);
      x[{1, at}] = not_a_number;
      const Array y = array_of(reduce(kind, tensor_of(x), -1, false));
      CAPTURE(at);
      CHECK(std::isfinite(y[{0}]));
      CHECK(std::isnan(y[{1}]));
    }
  const Scalar most = max(tensor_of(Array({2}, -infinity))).item();
  CHECK(most == -infinity);
  CHECK(sum(tensor_of(Array({2}, infinity))).item() == infinity);
}

namespace {

// The mean or the maximum over the positions that the mask allows, zero if there are none.
Array pooled(const Array& x, const Mask& mask, bool largest) {
  Array y({x.sizes[0], x.sizes[2]}, 0);
  for (Index b = 0; b < x.sizes[0]; ++b)
    for (Index d = 0; d < x.sizes[2]; ++d) {
      std::vector<double> seen;
      for (Index t = 0; t < x.sizes[1]; ++t)
        if (mask.allows(b, 0, 0, t)) seen.push_back(x[{b, t, d}]);
      double total = 0;
      for (const double value : seen) total += value;
      if (seen.empty()) continue;
      y[{b, d}] = largest ? *std::max_element(seen.begin(), seen.end())
                          : total / static_cast<double>(seen.size());
    }
  return y;
}

}  // namespace

TEST_CASE("pooling is the loop over the positions that the mask allows") {
  const Ids gaps({3, 4}, {0, 5, 0, 2, 7, 0, 0, 0, 0, 0, 0, 0});
  const Mask masks[] = {Mask(),
                        Mask::padding({4, 1, 0}),
                        Mask::padding({2, 3, 4}),
                        Mask::padding_of(gaps),
                        Mask::from({1, 4}, {false, true, true, false}),
                        Mask::from({3, 1, 4}, {true, false, false, true, false, true, true, true,
                                               false, false, false, false}),
                        Mask::padding({4, 2, 3}) & Mask::from({1, 4}, {false, true, true, false})};
  for (const Mask& mask : masks)
    for (const bool largest : {false, true})
      check({.name = std::string(largest ? "max_pooling" : "mean_pooling") + " with the mask of " +
                     to_string(mask.where()),
             .compute =
                 [&](const Tensors& x) {
                   return largest ? max_pooling(x[0], mask) : mean_pooling(x[0], mask);
                 },
             .loop = [&](const Arrays& x) { return pooled(x[0], mask, largest); },
             .inputs = {random({3, 4, 2}, 1, -2, -1)}});  // all below zero, as a start is not
}

TEST_CASE("max pooling takes the first of equal ones and does not lose what is not a number") {
  Tensor x = tensor_of(Array({1, 3, 1}, 2)).requires_grad(true);
  max_pooling(x, Mask::from({1, 3}, {false, true, true})).backward(tensor_of(Array({1, 1}, 5)));
  CHECK(array_of(x.grad()).values == std::vector<double>{0, 5, 0});
  for (Index at = 0; at < 3; ++at) {
    Array bad({1, 3, 1}, 2);
    bad[{0, at, 0}] = not_a_number;
    CHECK(std::isnan(max_pooling(tensor_of(bad)).item()));
    CHECK(std::isnan(mean_pooling(tensor_of(bad)).item()));
  }
}

TEST_CASE("pooling does not look at what the mask hides") {
  const Mask masks[] = {Mask::padding({2}), Mask::from({1, 3}, {true, true, false})};
  for (const Mask& mask : masks)
    for (const double hidden : {infinity, not_a_number}) {
      Array x({1, 3, 1}, 2);
      x[{0, 2, 0}] = hidden;
      CHECK(mean_pooling(tensor_of(x), mask).item() == 2);
      CHECK(max_pooling(tensor_of(x), mask).item() == 2);
    }
}
