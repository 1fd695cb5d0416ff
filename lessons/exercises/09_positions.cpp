// Exercise 9: positions. It belongs to lesson 8.
//
// Write the sinusoidal positions of lesson 8, and add them to words. Row t, which counts from 0,
// has
//
//   s_t[2i] = sin(t ω_i)   s_t[2i + 1] = cos(t ω_i)   ω_i = 10000^(-2i/D)
//
// so columns 0 and 1 have ω_0 = 1, columns 2 and 3 have ω_1, and so on; if D is odd, the last
// column is a sine. std::sin, std::cos and std::pow of <cmath> are there; Tensor::zeros makes a
// tensor, and mutable_data() gives its numbers row by row.

#include <gradus/gradus.h>

#include "exercise.h"

#include <cmath>

using namespace gradus;

// Gives [T, D].
Tensor waves(Index T, Index D) {
  //> yours  todo(T, D);
  Tensor result = Tensor::zeros({T, D});
  Scalar* next = result.mutable_data();
  for (Index position = 0; position < T; ++position)
    for (Index column = 0; column < D; ++column) {
      const Index i = column / 2;
      const double omega = std::pow(10000.0, -2.0 * double(i) / double(D));
      const double angle = double(position) * omega;
      *next++ = Scalar(column % 2 == 0 ? std::sin(angle) : std::cos(angle));
    }
  return result;
  //<
}

// words [B, T, D]; gives [B, T, D], each word with its position added.
Tensor with_positions(const Tensor& words) {
  //> yours  todo(words);
  const Index T = words.shape()[1], D = words.shape()[2];
  return words + waves(T, D);
  //<
}

// ## How it is asked

void answer(const Case& given, Answers& answers) {
  if (!given.has("words")) {
    answers.add("waves", waves(given.count("T"), given.count("D")));
    return;
  }
  const Tensor words = given.variable("words");
  const Tensor out = with_positions(words);
  answers.add("out", out);
  if (!given.has("upstream")) return;
  out.backward(given.tensor("upstream"));
  answers.add_gradient(words);
}

Case& ask(Cases& cases, Index T, Index D) {
  const std::string sizes = "T = " + std::to_string(T) + ", D = " + std::to_string(D);
  return cases.add("waves, " + sizes).give("T", T).give("D", D);
}

Case& ask_words(Cases& cases, const std::string& name, const Shape& shape) {
  return cases.add(name).give("words", cases.whole(shape));
}

void cases(Cases& cases) {
  cases.group("waves", 2);
  ask(cases, 1, 2);
  ask(cases, 2, 2);
  ask(cases, 2, 4);
  ask(cases, 3, 6);
  ask(cases, 2, 3);
  const Index T = cases.size(10, 20), D = cases.size(9, 12);
  ask(cases, T, D);
  ask(cases, cases.size(60, 90), 5);
  cases.group("words", 1);
  ask_words(cases, "1 text, 1 word, D = 2", {1, 1, 2});
  ask_words(cases, "1 text, 2 words, D = 2", {1, 2, 2});
  ask_words(cases, "2 texts, 2 words, D = 2", {2, 2, 2});
  ask_words(cases, "different sizes on every axis", {3, cases.size(4, 6), cases.size(7, 9)});
  cases.group("gradient", 1);
  ask_words(cases, "gradient", {2, 3, 4}).give("upstream", cases.whole({2, 3, 4}));
}
