// The same values in another arrangement.
#pragma once

#include <gradus/tensor.h>

#include <vector>

namespace gradus {

// The same values in the same order; both tensors share the memory.
// Errors: a shape that holds another number of values.
Tensor reshape(const Tensor& x, const Shape& shape, Where where = here());
// The same, where one size may be -1: it is what is left, as in reshape(x, {-1, 4}).
Tensor reshape(const Tensor& x, std::initializer_list<Index> sizes, Where where = here());

// Axis i of the result is axis axes[i] of x; negative ones count from the end. Errors: an axis that
// x does not have, or that is named twice or not at all.
Tensor permute(const Tensor& x, const std::vector<int>& axes, Where where = here());

// x with two axes swapped, the last two if none are named.
Tensor transpose(const Tensor& x, int axis_a = -1, int axis_b = -2, Where where = here());

// The positions `begin` … `end` - 1 of one axis. Errors: outside the axis, or nothing.
Tensor slice(const Tensor& x, int axis, Index begin, Index end, Where where = here());

// Tensors side by side along one axis. Errors: none given, other sizes that differ.
Tensor concatenate(const std::vector<Tensor>& tensors, int axis, Where where = here());

}  // namespace gradus
