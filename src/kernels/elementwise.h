// Loops over single numbers. The function that is applied to each is given as a lambda, which the
// compiler builds into the loop.
#pragma once

#include <gradus/shape.h>

#include "threads.h"

#include <algorithm>

namespace gradus::kernels {

constexpr Index elementwise_grain = 32768;

// Whether a maximum moves on to x. What is not a number is the maximum, the first of several stays.
inline bool larger(Scalar x, Scalar so_far) {
  return x > so_far || (x != x && so_far == so_far);
}

// body(i) for every number, on all threads.
template <class Body>
void each(Index count, const Body& body) {
  parallel_each(count, elementwise_grain, body);
}

// y[i] = f(x[i], …), of one array x or more
template <class F, class... Arrays>
void map(Index count, Scalar* y, F f, const Arrays*... x) {
  each(count, [=](Index i) { y[i] = f(x[i]...); });
}

// How far apart in memory neighbours along each axis of a shape lie.
struct Strides {
  Strides() = default;
  // In an operand of shape `own` that is broadcast to `shape`: 0 along the axes it is repeated on.
  Strides(const Shape& own, const Shape& shape) {
    Index step = 1;
    for (int back = 1; back <= own.rank(); ++back) {
      at[shape.rank() - back] = own[-back] > 1 ? step : 0;
      step *= own[-back];
    }
  }
  // Where row number `row` (along the last axis) begins.
  Index row_start(Index row, const Shape& shape) const {
    Index offset = 0;
    for (int axis = shape.rank() - 2; axis >= 0; --axis) {
      offset += row % shape[axis] * at[axis];
      row /= shape[axis];
    }
    return offset;
  }
  Index at[Shape::max_rank] = {};
};

// c = f(a, b) with both broadcast to `shape`.
template <class F>
void zip_broadcast(const Scalar* a, const Shape& shape_a, const Scalar* b, const Shape& shape_b,
                   const Shape& shape, Scalar* c, F f) {
  if (shape_a == shape && shape_b == shape) return map(shape.size(), c, f, a, b);
  const Strides of_a(shape_a, shape);
  const Strides of_b(shape_b, shape);
  const Index columns = shape.rank() ? shape[-1] : 1;
  const Index step_a = shape.rank() ? of_a.at[shape.rank() - 1] : 0;
  const Index step_b = shape.rank() ? of_b.at[shape.rank() - 1] : 0;
  parallel_each(shape.size() / columns, 1 + elementwise_grain / columns, [&](Index row) {
    const Scalar* x = a + of_a.row_start(row, shape);
    const Scalar* y = b + of_b.row_start(row, shape);
    Scalar* to = c + row * columns;
    // Steps that the compiler knows make vector code of the first two loops.
    if (step_a == 1 && step_b == 1)
      for (Index j = 0; j < columns; ++j) to[j] = f(x[j], y[j]);
    else if (step_a == 1)
      for (Index j = 0; j < columns; ++j) to[j] = f(x[j], *y);
    else
      for (Index j = 0; j < columns; ++j) to[j] = f(*x, y[j * step_b]);
  });
}

}  // namespace gradus::kernels
