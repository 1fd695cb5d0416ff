// Sums, means and maxima over some of the axes.
#pragma once

#include <gradus/tensor.h>

#include <concepts>
#include <vector>

namespace gradus {

// Which axes: all of them, one, or several, as in sum(x), sum(x, -1), sum(x, {0, 2}).
struct Axes {
  Axes() = default;
  Axes(int axis) : list{axis} {}
  Axes(std::floating_point auto) = delete;  // max(x, 0.0) would be the maximum over axis 0: relu(x)
  Axes(std::initializer_list<int> axes) : list(axes) {}
  std::vector<int> list;  // empty for all
};

// The axes that are summed over vanish from the shape, or stay with size 1 if `keep`.
// Errors: an axis that x does not have, or that is named twice.
Tensor sum(const Tensor& x, const Axes& axes = {}, bool keep = false, Where where = here());
Tensor mean(const Tensor& x, const Axes& axes = {}, bool keep = false, Where where = here());
// The gradient goes to the first of several equal maxima. A value that is not a number is the
// maximum wherever there is one.
Tensor max(const Tensor& x, const Axes& axes = {}, bool keep = false, Where where = here());

}  // namespace gradus
