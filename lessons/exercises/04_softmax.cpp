// Exercise 4: softmax and its gradient. It belongs to lessons 1 and 3.
//
// Write both out of exp, max, sum and arithmetic. softmax_of takes scores [..., C], of any rank
// from 1 on, and turns each row, along the last axis, into shares that sum to 1. Scores may be as
// large as 1000, as small as -1000, and both in one tensor: e^1000 is more than a float can hold,
// and e^-1000 is 0. But no share changes when the same number is subtracted from each score of a
// row.
//
// softmax_gradient takes such shares and what arrives at them, and gives the gradient of the scores
// (lesson 3, section 3). Name the steps "powers", "sums" and "shares".

#include <gradus/gradus.h>

#include "exercise.h"

using namespace gradus;

// scores [..., C] to shares [..., C].
Tensor softmax_of(const Tensor& scores) {
  //> yours  todo(scores);
  const Tensor powers = exp(scores - max(scores, -1, true)).named("powers");  // [..., C]
  const Tensor sums = sum(powers, -1, true).named("sums");                    // [..., 1]
  return (powers / sums).named("shares");
  //<
}

// shares and arriving [..., C] to the gradient of the scores [..., C].
Tensor softmax_gradient(const Tensor& shares, const Tensor& arriving) {
  //> yours  todo(shares, arriving);
  const Tensor common = sum(shares * arriving, -1, true);  // [..., 1]
  return shares * (arriving - common);
  //<
}

// ## How it is asked

void answer(const Case& given, Answers& answers) {
  if (given.has("scores")) answers.add("shares", softmax_of(given.tensor("scores")));
  if (given.has("arriving"))
    answers.add("gradient", softmax_gradient(given.tensor("shares"), given.tensor("arriving")));
}

// Rows of shares, each a number of tenths.
Tensor some_shares(Cases& cases, const Shape& shape) {
  const Tensor tenths = cases.whole(shape, 1, 5);
  return tenths / sum(tenths, -1, true);
}

void cases(Cases& cases) {
  const auto ask = [&](const char* name, const Tensor& scores) {
    cases.add(name).give("scores", scores);
  };
  const auto back = [&](const char* name, const Tensor& shares, const Tensor& arriving) {
    cases.add(name).give("shares", shares).give("arriving", arriving);
  };
  const Tensor apart = Tensor::matrix({{4, -4}, {-4, 4}});  // so that no row has equal scores
  const Tensor quarters = Tensor::matrix({{0.25, 0.75}}), halves = Tensor::matrix({{0.5, 0.5}});
  const Index size = cases.size(4, 6);
  const Tensor some = some_shares(cases, {2, 3}), others = some_shares(cases, {2, size, 3});
  cases.group("small", 2);
  ask("1 row of 2 scores", cases.whole({1, 2}) / 2 + Tensor::matrix({{2, 0}}));
  ask("2 rows of 2 scores", (cases.whole({2, 2}) + apart) / 2);
  ask("different sizes", cases.whole({2, 3}));
  ask("a vector", cases.whole({4}));
  ask("3 axes", cases.whole({2, 3, size}));
  cases.group("edges", 2);
  ask("large scores", cases.whole({1, 2}) + 1000);
  ask("small scores", cases.whole({1, 2}) - 1000);
  ask("a small row and a large one",
      cases.whole({2, 2}) + Tensor::matrix({{-500, -500}, {500, 500}}));
  ask("small and large in one row", cases.whole({1, 3}) + Tensor::vector({-500, 500, 500}));
  cases.group("gradient", 2);
  back("gradient, 1 row of 2", quarters, cases.whole({1, 2}) + Tensor::vector({4, -4}));
  back("gradient, 2 rows of 2", concatenate({quarters, halves}, 0), cases.whole({2, 2}) + apart);
  back("gradient, different sizes", some, cases.whole({2, 3}));
  back("gradient, a share of 1", Tensor::vector({1, 0}), cases.whole({2}));
  back("gradient, 3 axes", others, cases.whole({2, size, 3}));
}
