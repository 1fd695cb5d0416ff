#include <gradus/shape.h>

#include <algorithm>
#include <limits>

namespace gradus {

Shape::Shape(std::initializer_list<Index> sizes, Where where) {
  if (sizes.size() > max_rank)
    fail("Shape", where, "at most 6 axes are possible, " + std::to_string(sizes.size()) + " given");
  Index total = 1;
  for (Index size : sizes) {
    if (size <= 0)
      fail("Shape", where,
           "every size must be at least 1, axis " + std::to_string(rank_) + " has size " +
               std::to_string(size) + " (empty tensors are not supported)");
    if (size > std::numeric_limits<Index>::max() / 16 / total)
      fail("Shape", where, "a tensor with that many values does not fit in memory");
    total *= size;
    sizes_[rank_++] = size;
  }
}

Index Shape::size() const {
  Index size = 1;
  for (int axis = 0; axis < rank_; ++axis) size *= sizes_[axis];
  return size;
}

Shape Shape::with(int axis, Index size) const {
  Shape result = *this;
  result.sizes_[axis < 0 ? axis + rank_ : axis] = size;
  return result;
}

Shape Shape::without(int axis) const {
  Shape result;
  if (axis < 0) axis += rank_;
  for (int i = 0; i < rank_; ++i)
    if (i != axis) result.sizes_[result.rank_++] = sizes_[i];
  return result;
}

Shape Shape::and_then(Index size) const {
  if (rank_ == max_rank) throw Error("Shape::and_then: at most 6 axes are possible");
  Shape result = *this;
  result.sizes_[result.rank_++] = size;
  return result;
}

bool Shape::operator==(const Shape& other) const {
  return rank_ == other.rank_ && std::equal(sizes_, sizes_ + rank_, other.sizes_);
}

std::string to_string(const Shape& shape) {
  std::string text = "[";
  for (int axis = 0; axis < shape.rank(); ++axis)
    text += (axis ? ", " : "") + std::to_string(shape[axis]);
  return text + "]";
}

Shape broadcast(const Shape& a, const Shape& b) {
  Shape result = a.rank() >= b.rank() ? a : b;
  for (int back = 1; back <= std::min(a.rank(), b.rank()); ++back)
    result = result.with(-back, std::max(a[-back], b[-back]));
  return result;
}

std::string clash(const Shape& a, const Shape& b) {
  for (int back = 1; back <= std::min(a.rank(), b.rank()); ++back) {
    const Index x = a[-back];
    const Index y = b[-back];
    if (x != y && x != 1 && y != 1)
      return "sizes " + std::to_string(x) + " and " + std::to_string(y) + " differ";
  }
  return "";
}

}  // namespace gradus
