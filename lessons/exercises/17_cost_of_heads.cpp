// Exercise 17: the cost of heads. It belongs to lesson 14.
//
// Self-attention with H heads of K numbers each, in a model of width D, for B texts of T words:
// query, key and value are Dense layers from D to H K, the output is one from H K to D, and each
// has a bias. Each head makes a weight for each pair of words. Write the formulas of
//
//   parameters        how many numbers are learned;
//   weights           how many numbers the weights of all heads and texts are. (As many bytes are
//                     four times that.)
//   multiplications   of two numbers, forward: those of the four layers, those of the scores
//                     query keyᵀ and those of the weights with the values. A product of matrices
//                     [n, k] and [k, m] takes n k m of them. Biases, the division by √K and the
//                     softmax are not counted.

#include <gradus/gradus.h>

#include "exercise.h"

using namespace gradus;

struct Sizes {
  Index B, T, D, H, K;
};

Index parameters(const Sizes& of) {
  //> yours  todo(of);
  const Index width = of.H * of.K;
  const Index layer = of.D * width + width;  // query, key or value
  const Index output = width * of.D + of.D;
  return 3 * layer + output;
  //<
}

Index weights(const Sizes& of) {
  //> yours  todo(of);
  return of.B * of.H * of.T * of.T;
  //<
}

Index multiplications(const Sizes& of) {
  //> yours  todo(of);
  const Index layers = 4 * of.B * of.T * of.D * (of.H * of.K);
  const Index scores = of.B * of.H * (of.T * of.K * of.T);
  const Index values = of.B * of.H * (of.T * of.T * of.K);
  return layers + scores + values;
  //<
}

// ## How it is asked

void answer(const Case& given, Answers& answers) {
  const Sizes of = {given.count("B"), given.count("T"), given.count("D"), given.count("H"),
                    given.count("K")};
  answers.add("parameters", static_cast<double>(parameters(of)));
  answers.add("weights", static_cast<double>(weights(of)));
  answers.add("multiplications", static_cast<double>(multiplications(of)));
}

void ask(Cases& cases, const std::string& name, const Sizes& of) {
  cases.add(name)
      .give("B", of.B)
      .give("T", of.T)
      .give("D", of.D)
      .give("H", of.H)
      .give("K", of.K)
      .tolerate(1e-6);
}

void cases(Cases& cases) {
  cases.group("small", 2);
  ask(cases, "1 text, 1 word, D = 1, 1 head of 1", {1, 1, 1, 1, 1});
  ask(cases, "1 text, 2 words, D = 3, 1 head of 1", {1, 2, 3, 1, 1});
  ask(cases, "1 text, 2 words, D = 3, 1 head of 2", {1, 2, 3, 1, 2});
  ask(cases, "1 text, 2 words, D = 3, 2 heads of 2", {1, 2, 3, 2, 2});
  ask(cases, "3 texts", {3, 2, 3, 2, 2});
  cases.group("larger", 2);
  ask(cases, "lesson 14: 32 texts of 15 words, D = 32, 8 heads of 2", {32, 15, 32, 8, 2});
  ask(cases, "lesson 14: the same width, 1 head of 16", {32, 15, 32, 1, 16});
  const Index B = cases.size(3, 8), T = cases.size(9, 20), D = cases.size(10, 40);
  const Index H = cases.size(3, 6), K = cases.size(7, 12);
  ask(cases, "sizes by chance", {B, T, D, H, K});
}
