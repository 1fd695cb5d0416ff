// Exercise 19: attention in passing. It belongs to lesson 17, steps 1 and 3.
//
// One query has a score for each of T keys, and each key a value of V numbers. Read the keys in
// blocks, of which only a running result is kept, as in step 1 of the lesson:
//
//   m = the largest score so far
//   s = Σ e^(x − m)              [one number]
//   o = Σ e^(x − m) value        [V]
//
//   add_block        takes one more block into the running result
//   flash            goes through all keys in blocks of `block`, of which the last may be shorter,
//                    and gives the output o / s and l = m + log s
//   score_gradient   what backward makes of l alone: with p = e^(x − l) the gradient of the score x
//                    is p (dp − dout · out), where dp = dout · value (step 3)
//
// A score of −∞ is a key that the query may not see. −∞ − (−∞) is not a number; mind it where all
// keys so far are hidden. A query that may see none gets zeros and l = −∞, and its scores the
// gradient 0, as in the library: none of them can change the output. Do it without the library's
// softmax.

#include <gradus/gradus.h>

#include "exercise.h"

#include <cmath>

using namespace gradus;

struct Running {
  Scalar m = -INFINITY, s = 0;
  Tensor o;  // [V], zeros at the start
};
struct Result {
  Tensor out;  // [V]
  Scalar l;
};

// scores [n], values [n, V].
void add_block(Running& r, const Tensor& scores, const Tensor& values) {
  //> yours  todo(r, scores, values);
  const Scalar m = std::max(r.m, max(scores).item());
  if (m == -INFINITY) return;
  const Scalar factor = std::exp(r.m - m);
  const Tensor powers = exp(scores - m);  // [n]
  r.s = r.s * factor + sum(powers).item();
  r.o = r.o * factor + reshape(matmul(reshape(powers, {1, -1}), values), {-1});
  r.m = m;
  //<
}

// scores [T], values [T, V].
Result flash(const Tensor& scores, const Tensor& values, Index block) {
  //> yours  todo(scores, values, block);
  const Index T = values.shape()[0];
  Running r;
  r.o = Tensor::zeros({values.shape()[1]});
  for (Index begin = 0; begin < T; begin += block) {
    const Index end = std::min(begin + block, T);
    add_block(r, slice(scores, 0, begin, end), slice(values, 0, begin, end));
  }
  if (r.m == -INFINITY) return {r.o, -INFINITY};
  return {r.o / r.s, r.m + std::log(r.s)};
  //<
}

// scores [T], values [T, V], forward's result, and the gradient dout [V] of its output; gives [T].
Tensor score_gradient(const Tensor& scores, const Tensor& values, const Result& forward,
                      const Tensor& dout) {
  //> yours  todo(scores, values, forward, dout);
  if (forward.l == -INFINITY) return Tensor::zeros(scores.shape());
  const Tensor p = exp(scores - forward.l).named("p");  // [T]
  const Tensor dp = sum(values * dout, 1).named("dp");  // [T]
  return p * (dp - sum(dout * forward.out));
  //<
}

// ## How it is asked

void answer(const Case& given, Answers& answers) {
  const Tensor scores = given.tensor("scores"), values = given.tensor("values");
  if (given.has("m")) {  // one block, after others
    Running r{Scalar(given.number("m")), Scalar(given.number("s")), given.tensor("o")};
    add_block(r, scores, values);
    answers.add("m", double(r.m));
    answers.add("s", double(r.s));
    return answers.add("o", r.o);
  }
  const Result result = flash(scores, values, given.count("block"));
  answers.add("out", result.out);
  answers.add("l", static_cast<double>(result.l));
  if (given.has("dout"))
    answers.add("gradient of scores", score_gradient(scores, values, result, given.tensor("dout")));
}

Case& ask(Cases& cases, const std::string& name, const Tensor& scores, Index block, Index V) {
  return cases.add(name)
      .give("scores", scores)
      .give("values", cases.whole({scores.shape()[0], V}))
      .give("block", block);
}

// 0, 1, 2, ... one more or less: later blocks hold larger scores.
Tensor rising(Cases& cases, Index T) {
  Tensor scores = cases.whole({T}, -1, 1);
  for (Index i = 0; i < T; ++i) scores.mutable_values()[static_cast<std::size_t>(i)] += Scalar(i);
  return scores;
}

Tensor with_hidden(Tensor scores, Index begin, Index end) {
  for (Index i = begin; i < end; ++i)
    scores.mutable_values()[static_cast<std::size_t>(i)] = -INFINITY;
  return scores;
}

void cases(Cases& cases) {
  cases.group("small", 2);
  ask(cases, "1 key", cases.whole({1}), 1, 1);
  ask(cases, "2 keys, one block", rising(cases, 2), 2, 1);
  ask(cases, "4 keys, 2 blocks of 2", rising(cases, 4), 2, 1);
  cases.group("edges", 2);
  ask(cases, "5 keys, 2 blocks of 2 and one of 1", rising(cases, 5), 2, 3);
  ask(cases, "add_block after others", rising(cases, 2), 2, 2)
      .give("m", -1)
      .give("s", 2)
      .give("o", cases.whole({2}));
  ask(cases, "all scores 100 larger", rising(cases, 4) + 100, 2, 2);
  const Tensor falling = concatenate({cases.whole({2}) + 100, cases.whole({2}) - 100}, 0);
  ask(cases, "the second block's scores are 200 smaller", falling, 2, 2);
  const Tensor growing = concatenate({cases.whole({2}), cases.whole({2}) + 200}, 0);
  ask(cases, "the second block's scores are 200 larger", growing, 2, 2);
  ask(cases, "the first block is hidden", with_hidden(rising(cases, 6), 0, 2), 2, 2);
  ask(cases, "all keys are hidden", with_hidden(rising(cases, 3), 0, 3), 2, 2);
  const Index T = cases.size(20, 40), block = cases.size(3, 7);
  ask(cases, "many keys", with_hidden(cases.normal({T}), 4, 4 + block), block, 5);
  cases.group("gradient", 1);
  ask(cases, "gradient, 3 keys", rising(cases, 3), 2, 2).give("dout", cases.whole({2}));
  ask(cases, "gradient, and a hidden key", with_hidden(rising(cases, 4), 1, 2), 2, 2)
      .give("dout", cases.whole({2}));
  ask(cases, "gradient, all keys are hidden", with_hidden(rising(cases, 3), 0, 3), 2, 2)
      .give("dout", cases.whole({2}));
}
