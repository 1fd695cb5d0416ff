// Exercise 6: attention. It belongs to lesson 1; the division is lesson 4's.
//
// Write single-head attention in the four lines of lesson 1, softmax(query keyᵀ / √d) value, out of
// matmul, softmax and arithmetic. d is how many numbers a query has. Name the steps, so that a
// message can say which of them is wrong: "scores", "weights" and "out".

#include <gradus/gradus.h>

#include "exercise.h"

#include <cmath>

using namespace gradus;

// query [Tq, d], key [Tk, d], value [Tk, V]; gives [Tq, V].
Tensor attention(const Tensor& query, const Tensor& key, const Tensor& value) {
  //> yours  todo(query, key, value);
  const Scalar root = std::sqrt(static_cast<Scalar>(query.shape()[-1]));
  const Tensor products = matmul(query, key, {.transpose_b = true});  // [Tq, Tk]
  const Tensor scores = (products / root).named("scores");            // [Tq, Tk]
  const Tensor weights = softmax(scores).named("weights");            // [Tq, Tk]
  return matmul(weights, value).named("out");                         // [Tq, V]
  //<
}

// ## How it is asked

void answer(const Case& given, Answers& answers) {
  const Tensor query = given.variable("query");
  const Tensor key = given.variable("key");
  const Tensor value = given.variable("value");
  const Tensor out = attention(query, key, value);
  answers.add("out", out);
  if (!given.has("upstream")) return;
  out.backward(given.tensor("upstream"));
  for (const Tensor& input : {query, key, value}) answers.add_gradient(input);
}

Case& ask(Cases& cases, const std::string& name, Index Tq, Index Tk, Index d, Index V) {
  return cases.add(name)
      .give("query", cases.whole({Tq, d}))
      .give("key", cases.whole({Tk, d}))
      .give("value", cases.whole({Tk, V}));
}

void cases(Cases& cases) {
  cases.group("small", 2);
  ask(cases, "1 word", 1, 1, 2, 1);
  ask(cases, "1 query, 2 words, d = 1", 1, 2, 1, 1);
  ask(cases, "1 query, 2 words, d = 2", 1, 2, 2, 1);
  ask(cases, "2 queries, 2 words, d = 2", 2, 2, 2, 2);
  cases.group("edges", 1);
  ask(cases, "different sizes on every axis", 2, 3, 4, 5);
  const Index Tq = cases.size(3, 5), Tk = cases.size(6, 8), V = cases.size(3, 7);
  cases.add("numbers that are not whole")
      .give("query", cases.normal({Tq, 9}))
      .give("key", cases.normal({Tk, 9}))
      .give("value", cases.normal({Tk, V}));
  cases.group("gradient", 1);
  ask(cases, "gradient, 2 queries, 3 words", 2, 3, 5, 2).give("upstream", cases.whole({2, 2}));
}
