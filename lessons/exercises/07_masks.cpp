// Exercise 7: masks. It belongs to lesson 6.
//
// Write both halves of a masked attention, without Mask and masked_softmax:
//
// 1. who_sees_whom gives a 1 where a query may look at a key, and a 0 where it may not. Keys with
//    id 0 are padding, which nobody may look at; if `causal`, query t may look at keys 0 … t only.
//    What a query that is padding itself looks at is of no interest: treat it like any other.
// 2. masked_weights is softmax over the keys that a query may look at. All other keys get exactly
//    0, and take no part in the sum. The row of a query that may look at nothing holds zeros. It
//    must work for any scores up to a million, and gradients must flow through it.
//
// Tensor::zeros and mutable_data() are good for the first, arithmetic and softmax for the second.

#include <gradus/gradus.h>

#include "exercise.h"

using namespace gradus;

// ids [B, T]; gives [B, T, T]: texts, queries, keys.
Tensor who_sees_whom(const Ids& ids, bool causal) {
  //> yours  todo(ids, causal);
  const Index B = ids.shape[0], T = ids.shape[1];
  Tensor allowed = Tensor::zeros({B, T, T});
  Scalar* next = allowed.mutable_data();
  for (Index b = 0; b < B; ++b)
    for (Index query = 0; query < T; ++query)
      for (Index key = 0; key < T; ++key) {
        const bool word = ids.values[static_cast<std::size_t>(b * T + key)] != 0;
        const bool past = key <= query;
        *next++ = word && (past || !causal);
      }
  return allowed;
  //<
}

// scores [B, T, T], allowed [B, T, T] of ones and zeros; gives [B, T, T].
Tensor masked_weights(const Tensor& scores, const Tensor& allowed) {
  //> yours  todo(scores, allowed);
  const Tensor hidden = 1 - allowed;
  return softmax(scores - hidden * 1e9) * allowed;
  //<
}

// ## How it is asked

void answer(const Case& given, Answers& answers) {
  const Tensor scores = given.variable("scores");
  const bool read = given.has("ids");
  const Tensor allowed =
      read ? who_sees_whom(given.ids("ids"), given.number("causal") != 0) : given.tensor("allowed");
  if (read) answers.add("allowed", allowed);
  const Tensor weights = masked_weights(scores, allowed);
  answers.add("weights", weights);
  if (!given.has("upstream")) return;
  weights.backward(given.tensor("upstream"));
  answers.add_gradient(scores);
}

// A mask that lets each query look at some keys: at least one, unless it is query `empty`.
Tensor some(Cases& cases, Index B, Index T, Index empty = -1) {
  Tensor mask = Tensor::zeros({B, T, T});
  for (Index row = 0; row < B * T; ++row)
    for (Index key = 0; key < T && row != empty; ++key)
      if (key == row % T || cases.size(0, 1) == 1) mask.mutable_data()[row * T + key] = 1;
  return mask;
}

Case& ask(Cases& cases, const std::string& name, const Tensor& allowed, int largest = 3) {
  return cases.add(name)
      .give("scores", cases.whole(allowed.shape(), -largest, largest))
      .give("allowed", allowed);
}

// Texts of T words with `front` padding in front; every second one is `short_by` words shorter.
Case& ask_ids(Cases& cases, const std::string& name, const Shape& shape, bool causal, int short_by,
              int front = 0) {
  const Index T = shape[1];
  Ids ids = cases.ids(shape, 2, 9);
  for (Index i = 0; i < shape.size(); ++i)
    if (i % T < front || (i / T % 2 == 0 && i % T >= T - short_by))
      ids.values[static_cast<std::size_t>(i)] = 0;
  return cases.add(name)
      .give("scores", cases.whole({shape[0], T, T}))
      .give("ids", ids)
      .give("causal", int(causal));
}

void cases(Cases& cases) {
  cases.group("weights", 1);
  ask(cases, "2 words, each sees itself", Tensor::from({1, 2, 2}, {1, 0, 0, 1}));
  ask(cases, "2 words, the first is seen", Tensor::from({1, 2, 2}, {1, 0, 1, 0}));
  ask(cases, "2 words, the first sees nothing", Tensor::from({1, 2, 2}, {0, 0, 1, 1}));
  ask(cases, "large scores", some(cases, 1, 3), 1000000);
  cases.add("a key that is seen lies far below one that is hidden")
      .give("scores", Tensor::from({1, 2, 2}, {-1e6, 1e6, 2, 1}))
      .give("allowed", Tensor::from({1, 2, 2}, {1, 0, 1, 1}));
  cases.group("who sees whom", 2);
  ask_ids(cases, "2 words, all are seen", {1, 2}, false, 0);
  ask_ids(cases, "1 word and padding", {1, 2}, false, 1);
  ask_ids(cases, "2 words, causal", {1, 2}, true, 0);
  ask_ids(cases, "2 texts, causal and padding", {2, 3}, true, 1);
  ask_ids(cases, "padding in front", {2, cases.size(4, 6)}, true, 2, 1);
  ask_ids(cases, "3 texts", {3, cases.size(4, 6)}, false, 2);
  cases.group("gradient", 1);
  ask(cases, "gradient, and a query that sees nothing", some(cases, 2, 3, 4))
      .give("upstream", cases.whole({2, 3, 3}));
}
