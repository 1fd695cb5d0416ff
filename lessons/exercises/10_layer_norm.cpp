// Exercise 10: LayerNorm and its gradient. It belongs to lesson 9.
//
// Write y = γ n + β, n = (x - mean) / s, s = √(variance + ε), for each word (each row of x) by
// itself; the variance is the mean of the D squares (x - mean)². Then write, without backward(),
// what the gradient dy that arrives at y does to x, γ and β. Section 1 of lesson 9 derives dx for
// one word; γ and β are shared by all words, so each word adds to their gradients.
//
// Arithmetic, sqrt, sum and mean are enough: mean(x, -1, true) is the mean of each row, as [T, 1].
// Name the steps "s" [T, 1] and "n" [T, D] in `normalised`, so that a message can say which of them
// is wrong.

#include <gradus/gradus.h>

#include "exercise.h"

using namespace gradus;

// x [T, D], gamma [D], beta [D]; gives [T, D].
Tensor normalised(const Tensor& x, const Tensor& gamma, const Tensor& beta, Scalar epsilon) {
  //> yours  todo(x, gamma, beta, epsilon);
  const Tensor d = x - mean(x, -1, true);                             // [T, D]
  const Tensor s = sqrt(mean(d * d, -1, true) + epsilon).named("s");  // [T, 1]
  const Tensor n = (d / s).named("n");                                // [T, D]
  return gamma * n + beta;
  //<
}

struct Gradients {
  Tensor dx;      // [T, D]
  Tensor dgamma;  // [D]
  Tensor dbeta;   // [D]
};

// x [T, D], gamma [D], dy [T, D].
Gradients gradients(const Tensor& x, const Tensor& gamma, Scalar epsilon, const Tensor& dy) {
  //> yours  todo(x, gamma, epsilon, dy);
  const Tensor differences = x - mean(x, -1, true);                                    // [T, D]
  const Tensor deviation = sqrt(mean(differences * differences, -1, true) + epsilon);  // [T, 1]
  const Tensor rows = differences / deviation;                                         // [T, D]
  const Tensor g = gamma * dy;                                                         // [T, D]
  const Tensor through_mean = mean(g, -1, true);
  const Tensor through_variance = rows * mean(g * rows, -1, true);
  return {(g - through_mean - through_variance) / deviation, sum(dy * rows, 0), sum(dy, 0)};
  //<
}

// ## How it is asked

void answer(const Case& given, Answers& answers) {
  const Tensor x = given.tensor("x"), gamma = given.tensor("gamma"), beta = given.tensor("beta");
  const Scalar epsilon = Scalar(given.number("epsilon"));
  if (!given.has("dy")) {
    answers.add("y", normalised(x, gamma, beta, epsilon));
    return;
  }
  const Gradients found = gradients(x, gamma, epsilon, given.tensor("dy"));
  answers.add("dx", found.dx);
  answers.add("dgamma", found.dgamma);
  answers.add("dbeta", found.dbeta);
}

Case& ask(Cases& cases, const std::string& name, const Tensor& x, double epsilon) {
  const Index D = x.shape()[1];
  return cases.add(name)
      .give("x", x)
      .give("gamma", cases.whole({D}))
      .give("beta", cases.whole({D}))
      .give("epsilon", epsilon);
}

// T words, each of the numbers 1, 3, 5 … in an order and with an offset of its own.
Tensor odd_numbers(Cases& cases, Index T, Index D) {
  std::vector<Scalar> all, row;
  for (Index i = 0; i < D; ++i) row.push_back(Scalar(2 * i + 1));
  for (Index word = 0; word < T; ++word) {
    cases.random.shuffle(row);
    const Scalar offset = Scalar(cases.size(-3, 3));
    for (const Scalar number : row) all.push_back(number + offset);
  }
  return Tensor::from({T, D}, all);
}

Case& ask_gradient(Cases& cases, const std::string& name, Index T, Index D, double epsilon) {
  return ask(cases, name, odd_numbers(cases, T, D), epsilon).give("dy", cases.whole({T, D}));
}

void cases(Cases& cases) {
  cases.group("small", 1);
  ask(cases, "1 word, D = 4, epsilon 4", odd_numbers(cases, 1, 4), 4);
  ask(cases, "1 word, D = 2, epsilon 0", odd_numbers(cases, 1, 2), 0);
  ask(cases, "2 words, D = 4, epsilon 4", odd_numbers(cases, 2, 4), 4);
  ask(cases, "1 word, D = 3, epsilon 0", odd_numbers(cases, 1, 3), 0);
  cases.group("edges", 1);
  ask(cases, "equal numbers", Tensor::full({1, 3}, Scalar(cases.size(2, 9))), 1);
  const Index T = cases.size(4, 6), D = cases.size(7, 9);
  ask(cases, "different sizes on every axis", cases.normal({T, D}), 0.001);
  cases.group("gradient", 2);
  ask_gradient(cases, "gradient, 1 word, D = 4, epsilon 4", 1, 4, 4);
  ask_gradient(cases, "gradient, 1 word, D = 3, epsilon 0", 1, 3, 0);
  ask_gradient(cases, "gradient, 2 words, D = 4, epsilon 4", 2, 4, 4);
  ask_gradient(cases, "gradient, different sizes on every axis", T, D, 0.001);
}
