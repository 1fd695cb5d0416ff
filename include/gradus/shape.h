// The sizes of a tensor along each of its axes, outermost first.
//
// A matrix of 2 rows and 3 columns has shape [2, 3], a single number has shape [] (rank 0). Values
// lie in memory row by row: the last axis is the one whose neighbours are neighbours in memory.
#pragma once

#include <gradus/error.h>
#include <gradus/scalar.h>

#include <initializer_list>
#include <string>

namespace gradus {

class Shape {
 public:
  static constexpr int max_rank = 6;

  Shape() = default;  // rank 0: one number
  // Throws Error if there are more than max_rank sizes or a size is not positive.
  Shape(std::initializer_list<Index> sizes, Where where = here());

  int rank() const { return rank_; }
  // The size of one axis; a negative axis counts from the end, -1 being the last.
  Index operator[](int axis) const { return sizes_[axis < 0 ? axis + rank_ : axis]; }
  // The number of values: the product of all sizes.
  Index size() const;

  // The same shape with one axis resized, removed, or (at the end) added.
  Shape with(int axis, Index size) const;
  Shape without(int axis) const;
  Shape and_then(Index size) const;

  bool operator==(const Shape& other) const;
  bool operator!=(const Shape& other) const { return !(*this == other); }

 private:
  Index sizes_[max_rank] = {};
  int rank_ = 0;
};

// "[2, 3]"
std::string to_string(const Shape& shape);

// The shape of `a + b` under NumPy's rule: align the shapes at their last axes; two sizes agree if
// they are equal or one of them is 1. Requires: no clash.
Shape broadcast(const Shape& a, const Shape& b);
// "" if all pairs agree, otherwise which do not: "sizes 3 and 4 differ".
std::string clash(const Shape& a, const Shape& b);

}  // namespace gradus
