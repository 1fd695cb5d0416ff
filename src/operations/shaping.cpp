#include <gradus/operation.h>
#include <gradus/shaping.h>

#include "../kernels/threads.h"

#include <algorithm>
#include <numeric>

namespace gradus {

namespace {

// The values of x under another shape of the same size, in shared memory.
Tensor reshaped(const char* name, const Tensor& x, const Shape& shape, const Where& where) {
  Tensor out = result_of(name, shape, where);
  out.node()->values = x.node()->values;
  return out;
}

struct Reshape : Operation {
  void backward(const Tensor& out) override {
    const Tensor& x = inputs[0];
    x.add_grad(reshaped("gradient", out.grad(), x.shape(), x.where()));
  }
};

}  // namespace

Tensor reshape(const Tensor& x, const Shape& shape, Where where) {
  check_exists(x, where);
  if (shape.size() != x.size())
    fail("reshape", where,
         describe(x) + " holds " + std::to_string(x.size()) + " values, shape " + to_string(shape) +
             " would hold " + std::to_string(shape.size()));
  Tensor out = reshaped("reshape", x, shape, where);
  record<Reshape>(out, x);
  return out;
}

namespace {

// Value (i0, i1, …) of the result is the value of x at which axis axes[n] is i_n.
Tensor permuted(const char* name, const Tensor& x, const std::vector<int>& axes,
                const Where& where) {
  Shape shape = x.shape();
  Index step[Shape::max_rank];  // in x, for each axis of the result
  for (int i = 0; i < x.rank(); ++i) {
    const int axis = axes[static_cast<std::size_t>(i)];
    shape = shape.with(i, x.shape()[axis]);
    step[i] = 1;
    for (int inner = axis + 1; inner < x.rank(); ++inner) step[i] *= x.shape()[inner];
  }
  Tensor out = result_of(name, shape, where);
  const Index columns = shape.rank() ? shape[-1] : 1;
  const Index column_step = shape.rank() ? step[shape.rank() - 1] : 1;
  const Scalar* from = x.data();
  Scalar* to = out.mutable_data();
  kernels::parallel_for(x.size() / columns, 1 + 32768 / columns, [&](Index begin, Index end) {
    for (Index row = begin; row < end; ++row) {
      Index rest = row;
      Index start = 0;
      for (int axis = shape.rank() - 2; axis >= 0; --axis) {
        start += rest % shape[axis] * step[axis];
        rest /= shape[axis];
      }
      for (Index j = 0; j < columns; ++j) to[row * columns + j] = from[start + j * column_step];
    }
  });
  return out;
}

struct Permute : Operation {
  std::vector<int> axes;

  void backward(const Tensor& out) override {
    std::vector<int> back(axes.size());
    for (std::size_t i = 0; i < axes.size(); ++i)
      back[static_cast<std::size_t>(axes[i])] = static_cast<int>(i);
    inputs[0].add_grad(permuted("gradient", out.grad(), back, inputs[0].where()));
  }
};

}  // namespace

Tensor permute(const Tensor& x, const std::vector<int>& axes, Where where) {
  check_exists(x, where);
  std::vector<int> sorted = axes;
  std::sort(sorted.begin(), sorted.end());
  bool valid = static_cast<int>(axes.size()) == x.rank();
  for (std::size_t i = 0; i < sorted.size(); ++i) valid &= sorted[i] == static_cast<int>(i);
  if (!valid)
    fail("permute", where,
         "the axes must be 0 … " + std::to_string(x.rank() - 1) + " in some order for " +
             describe(x));
  Tensor out = permuted("permute", x, axes, where);
  if (Permute* op = record<Permute>(out, x)) op->axes = axes;
  return out;
}

Tensor transpose(const Tensor& x, int axis_a, int axis_b, Where where) {
  axis_a = checked_axis(x, axis_a, "transpose", where);
  axis_b = checked_axis(x, axis_b, "transpose", where);
  std::vector<int> axes(static_cast<std::size_t>(x.rank()));
  std::iota(axes.begin(), axes.end(), 0);
  std::swap(axes[static_cast<std::size_t>(axis_a)], axes[static_cast<std::size_t>(axis_b)]);
  return permute(x, axes, where);
}

namespace {

// How a tensor looks from one of its axes: `outer` blocks of size × inner numbers.
struct AxisView {
  AxisView(const Shape& shape, int axis) : size(shape[axis]) {
    for (int i = axis + 1; i < shape.rank(); ++i) inner *= shape[i];
    outer = shape.size() / inner / size;
  }
  Index outer = 1;
  Index size;
  Index inner = 1;
};

struct Slice : Operation {
  int axis = 0;
  Index begin = 0;

  void backward(const Tensor& out) override {
    const Tensor& x = inputs[0];
    const AxisView of_x(x.shape(), axis);
    const AxisView of_y(out.shape(), axis);
    const Index count = of_y.size * of_y.inner;
    // y is a part of x, so dx is dy in that part and zero around it.
    Tensor dx = Tensor::zeros(x.shape(), x.where());
    for (Index o = 0; o < of_x.outer; ++o)
      std::copy_n(out.grad().data() + o * count, count,
                  dx.mutable_data() + (o * of_x.size + begin) * of_x.inner);
    x.add_grad(dx);
  }
};

}  // namespace

Tensor slice(const Tensor& x, int axis, Index begin, Index end, Where where) {
  axis = checked_axis(x, axis, "slice", where);
  if (begin < 0 || begin >= end || end > x.shape()[axis])
    fail("slice", where,
         "positions " + std::to_string(begin) + " … " + std::to_string(end) +
             " (the end excluded) of axis " + std::to_string(axis) + " are not in " + describe(x));
  const AxisView of_x(x.shape(), axis);
  const Index count = (end - begin) * of_x.inner;
  Tensor out = result_of("slice", x.shape().with(axis, end - begin), where);
  for (Index o = 0; o < of_x.outer; ++o)
    std::copy_n(x.data() + (o * of_x.size + begin) * of_x.inner, count,
                out.mutable_data() + o * count);
  if (Slice* op = record<Slice>(out, x)) {
    op->axis = axis;
    op->begin = begin;
  }
  return out;
}

namespace {

struct Concatenate : Operation {
  int axis = 0;

  void backward(const Tensor& out) override {
    const Tensor& dy = out.grad();
    Index begin = 0;
    for (int i = 0; i < inputs.count(); ++i) {
      const Index end = begin + inputs[i].shape()[axis];
      inputs[i].add_grad(slice(dy, axis, begin, end, inputs[i].where()));
      begin = end;
    }
  }
};

}  // namespace

Tensor concatenate(const std::vector<Tensor>& tensors, int axis, Where where) {
  if (tensors.empty()) fail("concatenate", where, "at least one tensor is needed");
  axis = checked_axis(tensors[0], axis, "concatenate", where);
  Index size = 0;
  for (const Tensor& x : tensors) {
    check_exists(x, where);
    if (x.rank() != tensors[0].rank() ||
        x.shape().with(axis, 1) != tensors[0].shape().with(axis, 1))
      fail("concatenate", where,
           describe(x) + " and " + describe(tensors[0]) + " may differ only in axis " +
               std::to_string(axis));
    size += x.shape()[axis];
  }
  Tensor out = result_of("concatenate", tensors[0].shape().with(axis, size), where);
  const AxisView of_out(out.shape(), axis);
  Index begin = 0;
  for (const Tensor& x : tensors) {
    const Index count = x.shape()[axis] * of_out.inner;
    for (Index o = 0; o < of_out.outer; ++o)
      std::copy_n(x.data() + o * count, count,
                  out.mutable_data() + (o * of_out.size + begin) * of_out.inner);
    begin += x.shape()[axis];
  }
  if (Concatenate* op = record_all<Concatenate>(out, tensors)) op->axis = axis;
  return out;
}

}  // namespace gradus
