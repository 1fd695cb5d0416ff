// Exercise 3: the gradient of a matrix product. It belongs to lesson 3, section 1.
//
// C = A B, where A is [M, K] or a batch of such matrices, [B, M, K], and B is [K, N] or [B, K, N].
// If only one of them is a batch, the other is used for each of its matrices, as the weights of a
// layer are. What arrives at C is given, dC, [M, N] or [B, M, N]; find dA and dB out of matmul and
// sum. Each has the shape of its own factor.

#include <gradus/gradus.h>

#include "exercise.h"

using namespace gradus;

//> yours
// One matrix of a factor that is no batch gets what all matrices of the batch say.
Tensor over_batch(const Tensor& gradient, const Tensor& factor) {
  return gradient.rank() > factor.rank() ? sum(gradient, 0) : gradient;
}
//<

// dA, with the shape of a.
Tensor gradient_of_a(const Tensor& arriving, const Tensor& a, const Tensor& b) {
  //> yours  todo(arriving, a, b);
  return over_batch(matmul(arriving, b, {.transpose_b = true}), a);  // dC Bᵀ
  //<
}

// dB, with the shape of b.
Tensor gradient_of_b(const Tensor& arriving, const Tensor& a, const Tensor& b) {
  //> yours  todo(arriving, a, b);
  return over_batch(matmul(a, arriving, {.transpose_a = true}), b);  // Aᵀ dC
  //<
}

// ## How it is asked

void answer(const Case& given, Answers& answers) {
  const Tensor arriving = given.tensor("arriving");
  const Tensor a = given.tensor("a"), b = given.tensor("b");
  if (given.text("wanted") == "dA") answers.add("dA", gradient_of_a(arriving, a, b));
  if (given.text("wanted") == "dB") answers.add("dB", gradient_of_b(arriving, a, b));
}

void ask(Cases& cases, const std::string& wanted, const char* name, const Shape& a,
         const Shape& b) {
  const Tensor first = cases.whole(a), second = cases.whole(b);
  cases.add(wanted + ", " + name)
      .give("wanted", wanted)
      .give("a", first)
      .give("b", second)
      .give("arriving", cases.whole(matmul(first, second).shape()));
}

void cases(Cases& cases) {
  for (const char* const wanted : {"dA", "dB"}) {
    cases.group(wanted, 2);
    ask(cases, wanted, "2 by 2", {2, 2}, {2, 2});
    ask(cases, wanted, "different sizes", {2, 3}, {3, 4});
    ask(cases, wanted, "2 matrices A, one B", {2, 2, 2}, {2, 2});
    ask(cases, wanted, "one A, 2 matrices B", {2, 2}, {2, 2, 2});
    ask(cases, wanted, "3 of each", {3, 2, 4}, {3, 4, 1});
    const Index batch = cases.size(2, 5), M = cases.size(6, 9), K = cases.size(2, 5);
    ask(cases, wanted, "other sizes", {batch, M, K}, {K, 5});
  }
}
