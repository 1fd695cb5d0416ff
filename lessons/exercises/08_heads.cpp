// Exercise 8: heads. It belongs to lesson 7.
//
// Write attention with H heads that lie side by side in the last axis. Each head takes its part of
// every query, key and value, attends with it as if it were alone, and the results are put side by
// side again:
//
//   head_h = softmax(query_h key_hᵀ / √d) value_h
//   out    = [head_1, head_2, …, head_H]
//
// Padding takes no part: allowed is 1 for a word and 0 for padding, and hides keys of all queries
// and heads of its text as in exercise 7. Each text has a word, so no query sees nothing. The
// matrices of lesson 7 (W_q and so on) are left out here.
//
// Use matmul, softmax and arithmetic, reshape and permute. Name the steps "queries" [B, H, Tq, d],
// "scores" and "weights" [B, H, Tq, Tk], so that a message can say which of them is wrong.

#include <gradus/gradus.h>

#include "exercise.h"

#include <cmath>

using namespace gradus;

// A place for a function of your own, if you want one.
//> yours
// x [B, T, H·d]; gives [B, H, T, d]: a matrix for each head.
Tensor split(const Tensor& x, Index H) {
  const Index B = x.shape()[0], T = x.shape()[1], d = x.shape()[2] / H;
  return permute(reshape(x, {B, T, H, d}), {0, 2, 1, 3});
}
//<

// query [B, Tq, H·d], key [B, Tk, H·d], value [B, Tk, H·v], allowed [B, Tk]; gives [B, Tq, H·v].
Tensor attention_of_heads(const Tensor& query, const Tensor& key, const Tensor& value, Index H,
                          const Tensor& allowed) {
  //> yours  todo(query, key, value, H, allowed);
  const Index B = query.shape()[0], Tq = query.shape()[1], Tk = key.shape()[1];
  const Tensor queries = split(query, H).named("queries");  // [B, H, Tq, d]
  const Index d = queries.shape()[3];
  const Tensor products = matmul(queries, split(key, H), {.transpose_b = true});
  const Tensor scores = (products / std::sqrt(Scalar(d))).named("scores");  // [B, H, Tq, Tk]
  const Tensor hidden = reshape(1 - allowed, {B, 1, 1, Tk});
  const Tensor weights = softmax(scores - hidden * 1e9).named("weights");  // [B, H, Tq, Tk]
  const Tensor heads = matmul(weights, split(value, H));                   // [B, H, Tq, v]
  return reshape(permute(heads, {0, 2, 1, 3}), {B, Tq, value.shape()[2]});
  //<
}

// ## How it is asked

void answer(const Case& given, Answers& answers) {
  const Tensor query = given.variable("query");
  const Tensor key = given.variable("key");
  const Tensor value = given.variable("value");
  const Tensor out =
      attention_of_heads(query, key, value, given.count("heads"), given.tensor("allowed"));
  answers.add("out", out);
  if (!given.has("upstream")) return;
  out.backward(given.tensor("upstream"));
  for (const Tensor& input : {query, key, value}) answers.add_gradient(input);
}

struct Sizes {
  Index B, H, Tq, Tk, d, v;
  int padding = 0;  // of every second text, at its end
};

Case& ask(Cases& cases, const std::string& name, const Sizes& s) {
  Tensor allowed = Tensor::full({s.B, s.Tk}, 1);
  for (Index i = 0; i < s.B * s.Tk; ++i)
    if (i / s.Tk % 2 == 0 && i % s.Tk >= s.Tk - s.padding) allowed.mutable_data()[i] = 0;
  return cases.add(name)
      .give("heads", s.H)
      .give("query", cases.whole({s.B, s.Tq, s.H * s.d}))
      .give("key", cases.whole({s.B, s.Tk, s.H * s.d}))
      .give("value", cases.whole({s.B, s.Tk, s.H * s.v}))
      .give("allowed", allowed);
}

void cases(Cases& cases) {
  cases.group("small", 2);
  ask(cases, "1 head, 1 query, 2 words, d = 1", {1, 1, 1, 2, 1, 1});
  ask(cases, "2 heads, 1 query, 1 word, d = 1", {1, 2, 1, 1, 1, 1});
  ask(cases, "2 heads, 1 query, 2 words, d = 1", {1, 2, 1, 2, 1, 1});
  ask(cases, "2 heads, 2 queries, 2 words, d = 1", {1, 2, 2, 2, 1, 1});
  ask(cases, "2 heads, 1 query, 2 words, d = 2", {1, 2, 1, 2, 2, 1});
  ask(cases, "2 heads, 2 queries, 3 words, d = 2", {1, 2, 2, 3, 2, 3});
  ask(cases, "2 heads, 1 query, 1 word and padding", {1, 2, 1, 2, 1, 1, 1});
  cases.group("edges", 1);
  ask(cases, "2 texts, 2 heads, padding in the first", {2, 2, 1, 2, 1, 1, 1});
  ask(cases, "different sizes on every axis", {2, 3, 4, 5, 6, 7, 2});
  ask(cases, "3 texts", {3, 2, cases.size(2, 4), cases.size(5, 7), 4, cases.size(2, 5), 3});
  cases.group("gradient", 1);
  ask(cases, "gradient", {2, 2, 2, 3, 2, 1, 1}).give("upstream", cases.whole({2, 2, 2}));
}
