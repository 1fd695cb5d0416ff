#include <gradus/shape.h>

#include <algorithm>
#include <limits>

namespace gradus {

Shape::Shape(std::initializer_list<Index> sizes, Where where) {
  if (sizes.size() > max_rank)
    fail("Shape", where, "at most 6 axes are possible, ", sizes.size(), " given");
  for (const Index size : sizes) sizes_[rank_++] = size;
  check(where);
}

void Shape::check(const Where& where) const {
  constexpr Index most = std::numeric_limits<Index>::max() / 16;
  Index total = 1;
  for (int axis = 0; axis < rank_; ++axis) {
    const Index size = sizes_[axis];
    if (size <= 0)
      fail("Shape", where, "every size must be at least 1, axis ", axis, " has size ", size,
           " (empty tensors are not supported)");
    if (__builtin_mul_overflow(total, size, &total) || total > most)
      fail("Shape", where, "a tensor with as many values as ", *this, " does not fit in memory");
  }
}

void Shape::no_such(const Axis& axis) const {
  fail("Shape", axis.where, "there is no axis ", axis.number, " in ", *this);
}

Index Shape::size() const {
  Index size = 1;
  for (int axis = 0; axis < rank_; ++axis) size *= sizes_[axis];
  return size;
}

Shape Shape::with(Axis axis, Index size) const {
  Shape result = *this;
  result.sizes_[place(axis)] = size;
  result.check(axis.where);
  return result;
}

Shape Shape::without(Axis axis) const {
  Shape result;
  const int removed = place(axis);
  for (int i = 0; i < rank_; ++i)
    if (i != removed) result.sizes_[result.rank_++] = sizes_[i];
  return result;
}

Shape Shape::and_then(Index size, Where where) const {
  if (rank_ == max_rank) fail("Shape", where, "at most 6 axes are possible, one more was wanted");
  Shape result = *this;
  result.sizes_[result.rank_++] = size;
  result.check(where);
  return result;
}

AxisView::AxisView(const Shape& shape, int axis) : size(shape[axis]), inner(1) {
  for (int i = axis < 0 ? axis + shape.rank() : axis; ++i < shape.rank();) inner *= shape[i];
  outer = shape.size() / inner / size;
}

std::string to_string(const Shape& shape) {
  std::string text = "[";
  for (int axis = 0; axis < shape.rank(); ++axis)
    text += (axis ? ", " : "") + std::to_string(shape[axis]);
  return text + "]";
}

Shape broadcast(const Shape& a, const Shape& b, Where where) {
  Shape result = a.rank() >= b.rank() ? a : b;
  for (int back = 1; back <= std::min(a.rank(), b.rank()); ++back)
    result = result.with({-back, where}, std::max(a[-back], b[-back]));
  return result;
}

std::string clash(const Shape& a, const Shape& b) {
  for (int back = 1; back <= std::min(a.rank(), b.rank()); ++back) {
    const Index x = a[-back];
    const Index y = b[-back];
    if (x != y && x != 1 && y != 1) return worded("sizes ", x, " and ", y, " differ");
  }
  return "";
}

}  // namespace gradus
