// The sizes of a tensor along each of its axes, outermost first.
//
// A matrix of 2 rows and 3 columns has shape [2, 3], a single number has shape [] (rank 0). Values
// lie in memory row by row: the last axis is the one whose neighbours are neighbours in memory.
#pragma once

#include <gradus/error.h>
#include <gradus/scalar.h>

#include <initializer_list>

namespace gradus {

// The number of an axis, as in shape[-1], where -1 is the last; and the line that asks for it,
// because an operator cannot have a further argument to say that.
struct Axis {
  Axis(int of, Where from = here()) : number(of), where(from) {}
  int number;
  Where where;
};

class Shape {
 public:
  static constexpr int max_rank = 6;

  Shape() = default;  // rank 0: one number
  // Errors, here and below: an axis that is not there, more than max_rank axes, a size that is not
  // positive, more values than could ever fit in memory.
  Shape(std::initializer_list<Index> sizes, Where where = here());

  int rank() const { return rank_; }
  Index operator[](Axis axis) const { return sizes_[place(axis)]; }
  // The number of values: the product of all sizes.
  Index size() const;

  // The same shape with one axis resized, removed, or (at the end) added.
  Shape with(Axis axis, Index size) const;
  Shape without(Axis axis) const;
  Shape and_then(Index size, Where where = here()) const;

  bool operator==(const Shape& other) const = default;

 private:
  int place(const Axis& axis) const {
    const int place = axis.number < 0 ? axis.number + rank_ : axis.number;
    if (place < 0 || place >= rank_) no_such(axis);
    return place;
  }
  [[noreturn]] void no_such(const Axis& axis) const;
  void check(const Where& where) const;

  Index sizes_[max_rank] = {};  // those from rank_ on stay 0, for ==
  int rank_ = 0;
};

// How a tensor looks from one of its axes: `outer` blocks of `size` times `inner` numbers.
struct AxisView {
  AxisView(const Shape& shape, int axis);
  Index outer, size, inner;
};

// "[2, 3]"
std::string to_string(const Shape& shape);

// The shape of `a + b` under NumPy's rule: align the shapes at their last axes; two sizes agree if
// they are equal or one of them is 1. Requires: no clash.
Shape broadcast(const Shape& a, const Shape& b, Where where = here());
// "" if all pairs agree, otherwise which do not: "sizes 3 and 4 differ".
std::string clash(const Shape& a, const Shape& b);

}  // namespace gradus
