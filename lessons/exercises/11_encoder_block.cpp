// Exercise 11: the encoder block. It belongs to lesson 10.
//
// Write the two lines of lesson 10, with dropout:
//
//   middle = norm_1(x + dropout(attention(x)))                [B, T, D]
//   out    = norm_2(middle + dropout(feed_forward(middle)))   [B, T, D]
//
//   feed_forward(x) = relu(x W1 + b1) W2 + b2, and norm_1 is LayerNorm with γ1 and β1
//
// attention is given below; it has no weights here, so that all can be checked by hand. Dropout
// (lesson 12 says what it does) works in training only: use dropout(what, 0.5, random), for the
// attention first, then for the feed-forward part. linear(x, W, b) is x W + b, and
// layer_norm(x, gamma, beta) is there.
//
// Name the steps "attended" and "fed", what the two parts give (before dropout), and "middle", so
// that a message can say which of them is wrong.

#include <gradus/gradus.h>

#include "exercise.h"

#include <cmath>

using namespace gradus;

struct Weights {
  Tensor W1, b1, W2, b2;                // [D, F], [F], [F, D], [D]
  Tensor gamma1, beta1, gamma2, beta2;  // [D]
};

// One head, in which each word is its own query, key and value. x [B, T, D]; gives the same shape.
Tensor attention(const Tensor& x) {
  const Scalar root = std::sqrt(Scalar(x.shape()[2]));
  return matmul(softmax(matmul(x, x, {.transpose_b = true}) / root), x);
}

// x [B, T, D]; gives [B, T, D].
Tensor encoder_block(const Tensor& x, const Weights& w, bool training, Random& random) {
  //> yours  todo(x, w, training, random);
  const auto drop = [&](const Tensor& part) {
    return training ? dropout(part, 0.5, random) : part;
  };
  const Tensor attended = attention(x).named("attended");
  const Tensor middle = layer_norm(x + drop(attended), w.gamma1, w.beta1).named("middle");
  const Tensor inner = relu(linear(middle, w.W1, w.b1));  // [B, T, F]
  const Tensor fed = linear(inner, w.W2, w.b2).named("fed");
  return layer_norm(middle + drop(fed), w.gamma2, w.beta2);
  //<
}

// ## How it is asked

void answer(const Case& given, Answers& answers) {
  const Tensor x = given.variable("x");
  const Weights w = {given.variable("W1"),     given.variable("b1"),     given.variable("W2"),
                     given.variable("b2"),     given.variable("gamma1"), given.variable("beta1"),
                     given.variable("gamma2"), given.variable("beta2")};
  Random random(std::uint64_t(given.count("seed")));
  const Tensor out = encoder_block(x, w, given.number("training") != 0, random);
  answers.add("out", out);
  if (!given.has("upstream")) return;
  out.backward(given.tensor("upstream"));
  for (const Tensor& input : {x, w.W1, w.b1, w.W2, w.gamma1, w.beta1}) answers.add_gradient(input);
}

Case& ask(Cases& cases, const std::string& name, Index B, Index T, Index D, Index F,
          bool training = false) {
  Case& given = cases.add(name);
  given.give("x", cases.whole({B, T, D})).give("training", int(training));
  given.give("seed", cases.size(1, 999));
  given.give("W1", cases.whole({D, F}, -2, 2)).give("b1", cases.whole({F}, -2, 2));
  given.give("W2", cases.whole({F, D}, -2, 2)).give("b2", cases.whole({D}, -2, 2));
  for (const char* name_of : {"gamma1", "beta1", "gamma2", "beta2"})
    given.give(name_of, cases.whole({D}));
  return given;
}

void cases(Cases& cases) {
  cases.group("small", 2);
  ask(cases, "1 word, D = 2, F = 1", 1, 1, 2, 1);
  ask(cases, "1 word, D = 2, F = 2", 1, 1, 2, 2);
  ask(cases, "1 word, D = 3, F = 2", 1, 1, 3, 2);
  ask(cases, "2 words, D = 3, F = 2", 1, 2, 3, 2);
  cases.group("edges", 1);
  ask(cases, "in training, 1 word, D = 3", 1, 1, 3, 2, true);
  ask(cases, "different sizes on every axis", 2, 3, 4, 5);
  ask(cases, "in training, 3 texts", 3, cases.size(2, 5), cases.size(6, 9), 4, true);
  cases.group("gradient", 1);
  ask(cases, "gradient, 2 words, D = 3", 1, 2, 3, 4).give("upstream", cases.whole({1, 2, 3}));
}
