#include <gradus/operation.h>
#include <gradus/operations.h>

#include "../kernels/elementwise.h"

#include <algorithm>
#include <numeric>

namespace gradus {

namespace {

// Value (i0, i1, …) of the result is the value of x at which axis axes[n] is i_n.
Tensor permuted(const char* name, const Tensor& x, const std::vector<int>& axes,
                const Where& where) {
  Shape shape;
  kernels::Strides step;  // in x, for each axis of the result
  for (int i = 0; i < x.rank(); ++i) {
    const int axis = axes[static_cast<std::size_t>(i)];
    shape = shape.and_then(x.shape()[axis]);
    step.at[i] = AxisView(x.shape(), axis).inner;
  }
  Tensor out = result_of(name, shape, where);
  const Index columns = shape.rank() ? shape[-1] : 1;
  const Index column_step = shape.rank() ? step.at[shape.rank() - 1] : 1;
  const Scalar* from = x.data();
  Scalar* to = out.mutable_data();
  kernels::parallel_each(x.size() / columns, 1 + 32768 / columns, [&](Index row) {
    const Scalar* start = from + step.row_start(row, shape);
    for (Index j = 0; j < columns; ++j) to[row * columns + j] = start[j * column_step];
  });
  return out;
}

// Copies blocks of `count` numbers that lie `from_step` apart to places `to_step` apart.
void copy_blocks(const Scalar* from, Index from_step, Scalar* to, Index to_step, Index blocks,
                 Index count) {
  for (Index i = 0; i < blocks; ++i) std::copy_n(from + i * from_step, count, to + i * to_step);
}

struct Reshape {
  Tensor x;
  void backward(const Tensor& dy) const {
    x.add_grad(result_of("gradient", x.shape(), x.where(), dy.node()->values));
  }
};

struct Permute {
  Tensor x;
  std::vector<int> back;  // the permutation that undoes this one
  void backward(const Tensor& dy) const { x.add_grad(permuted("gradient", dy, back, x.where())); }
};

}  // namespace

Tensor reshape(const Tensor& x, const Shape& shape, Where where) {
  check_exists(x, where);
  if (shape.size() != x.size())
    fail("reshape", where, describe(x), " holds ", x.size(), " values, shape ", shape,
         " would hold ", shape.size());
  const Tensor y = result_of("reshape", shape, where, x.node()->values);
  return record(y, {{x, false}}, Reshape{x});
}

Tensor reshape(const Tensor& x, std::initializer_list<Index> sizes, Where where) {
  check_exists(x, where);
  if (std::count(sizes.begin(), sizes.end(), -1) > 1)
    fail("reshape", where, "only one size may be -1, for what is left of ", describe(x));
  Index known = 1;
  for (const Index size : sizes) known *= size == -1 ? 1 : size;
  Shape shape;
  for (const Index size : sizes)
    shape = shape.and_then(size == -1 && known > 0 ? x.size() / known : size, where);
  return reshape(x, shape, where);
}

Tensor permute(const Tensor& x, const std::vector<int>& order, Where where) {
  const int rank = x.rank(where);
  std::vector<int> axes, back(static_cast<std::size_t>(rank), -1);
  for (const int axis : order) {
    axes.push_back(axis < 0 ? axis + rank : axis);
    if (axes.back() >= 0 && axes.back() < rank)
      back[static_cast<std::size_t>(axes.back())] = static_cast<int>(axes.size()) - 1;
  }
  if (axes.size() != back.size() || std::count(back.begin(), back.end(), -1))
    fail("permute", where, "the axes must be 0 … ", rank - 1, " in some order for ", describe(x));
  return record(permuted("permute", x, axes, where), {{x, false}}, Permute{x, back});
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

// y is a part of x, so dx is dy in that part and zero around it.
struct Slice {
  Tensor x;
  int axis;
  Index begin;
  void backward(const Tensor& dy) const {
    const AxisView of_x(x.shape(), axis), of_dy(dy.shape(), axis);
    const Index count = of_dy.size * of_dy.inner;
    Tensor dx = Tensor::zeros(x.shape(), x.where());
    copy_blocks(dy.data(), count, dx.mutable_data() + begin * of_x.inner, of_x.size * of_x.inner,
                of_x.outer, count);
    x.add_grad(dx);
  }
};

struct Concatenate {
  std::vector<Tensor> parts;
  int axis;
  void backward(const Tensor& dy) const {
    Index begin = 0;
    for (const Tensor& x : parts) {
      const Index end = begin + x.shape()[axis];
      if (x.requires_grad()) x.add_grad(slice(dy, axis, begin, end, x.where()));
      begin = end;
    }
  }
};

}  // namespace

Tensor slice(const Tensor& x, int axis, Index begin, Index end, Where where) {
  axis = checked_axis(x, axis, "slice", where);
  if (begin < 0 || begin >= end || end > x.shape()[axis])
    fail("slice", where, "positions ", begin, " … ", end, " (the end excluded) of axis ", axis,
         " are not in ", describe(x));
  const AxisView view(x.shape(), axis);
  const Index count = (end - begin) * view.inner;
  Tensor y = result_of("slice", x.shape().with(axis, end - begin), where);
  copy_blocks(x.data() + begin * view.inner, view.size * view.inner, y.mutable_data(), count,
              view.outer, count);
  return record(y, {{x, false}}, Slice{x, axis, begin});
}

Tensor concatenate(const std::vector<Tensor>& tensors, int axis, Where where) {
  if (tensors.empty()) fail("concatenate", where, "at least one tensor is needed");
  axis = checked_axis(tensors[0], axis, "concatenate", where);
  Index size = 0;
  for (const Tensor& x : tensors) {
    if (x.rank(where) != tensors[0].rank() ||
        x.shape().with(axis, 1) != tensors[0].shape().with(axis, 1))
      fail("concatenate", where, describe(x), " and ", describe(tensors[0]),
           " may differ only in axis ", axis);
    size += x.shape()[axis];
  }
  Tensor y = result_of("concatenate", tensors[0].shape().with({axis, where}, size), where);
  const AxisView view(y.shape(), axis);
  Scalar* to = y.mutable_data();
  std::vector<Edge> inputs;
  for (const Tensor& x : tensors) {
    const Index count = x.shape()[axis] * view.inner;
    copy_blocks(x.data(), count, to, view.size * view.inner, view.outer, count);
    to += count;
    inputs.emplace_back(x, false);
  }
  return record_all(y, std::move(inputs), Concatenate{tensors, axis});
}

}  // namespace gradus
