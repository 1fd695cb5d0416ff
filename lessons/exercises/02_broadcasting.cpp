// Exercise 2: the gradient of broadcasting. It belongs to lesson 3, section 2.
//
// y = x * factor, where one of the two, or both, broadcast: shapes are aligned at their last axes,
// and an axis that one of them lacks, or has with size 1, is repeated to the other's size. So
// factor [3] and factor [1, 3] are used in each row of an x [2, 3], and factor [2, 1] in each
// column. What arrives at y is given; find the gradient of factor, out of sum and arithmetic. It
// has factor's shape. Name what each single product contributes "shares" and the result "out".

#include <gradus/gradus.h>

#include "exercise.h"

using namespace gradus;

// arriving has the shape of x * factor; gives the shape of factor.
Tensor factor_gradient(const Tensor& arriving, const Tensor& x, const Tensor& factor) {
  //> yours  todo(arriving, x, factor);
  Tensor out = (arriving * x).named("shares");
  while (out.rank() > factor.rank()) out = sum(out, 0);
  for (int axis = 0; axis < factor.rank(); ++axis)
    if (factor.shape()[axis] == 1) out = sum(out, axis, true);
  return out.named("out");
  //<
}

// ## How it is asked

void answer(const Case& given, Answers& answers) {
  answers.add("out",
              factor_gradient(given.tensor("arriving"), given.tensor("x"), given.tensor("factor")));
}

void cases(Cases& cases) {
  const auto ask = [&](const char* name, const Shape& x, const Shape& factor) {
    cases.add(name)
        .give("x", cases.whole(x))
        .give("factor", cases.whole(factor))
        .give("arriving", cases.whole(broadcast(x, factor)));
  };
  cases.group("small", 2);
  ask("2 rows, 2 columns, a factor for each column", {2, 2}, {2});
  ask("3 rows, 2 columns, a factor for each column", {3, 2}, {2});
  ask("2 rows, 3 columns, a factor for each row", {2, 3}, {2, 1});
  ask("one factor for all", {2, 2}, {});
  cases.group("edges", 2);
  ask("an axis of size 1 in front", {2, 3}, {1, 3});
  ask("one factor, on an axis of its own", {2, 3}, {1});
  ask("the factor is used once only", {2, 3}, {2, 3});
  ask("x is repeated, not the factor", {3}, {2, 3});
  ask("both are repeated", {2, 1, 3}, {4, 1});
  ask("both are repeated, x has fewer axes", {3}, {2, 1});
  const Index a = cases.size(2, 3), b = cases.size(4, 6), c = cases.size(7, 9);
  ask("4 axes, other sizes", {a, b, 1, c}, {b, 5, 1});
}
