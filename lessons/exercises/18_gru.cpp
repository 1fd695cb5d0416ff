// Exercise 18: a gated recurrent unit. It belongs to lesson 15.
//
// Write one step of a GRU, the four lines at the top of lesson 15, and what reads texts with it:
//
//   z = σ([x, h] Wz + bz)           how much of the state stays
//   r = σ([x, h] Wr + br)           how much of it the candidate sees
//   c = tanh([x, r h] Wc + bc)      the candidate
//   h = z h + (1 − z) c             the new state
//
// Here a word has X numbers and the state D, so that each W is [X + D, D]. All texts of a batch are
// read at once, word by word; of text b only the first lengths[b] words are words, the others are
// padding. The state of a text that has ended stays as it is. At the start it is 0. Name z, r and c
// in `step`, so that a message can say which of them is wrong.

#include <gradus/gradus.h>

#include "exercise.h"

using namespace gradus;

struct Gru {
  Tensor Wz, bz, Wr, br, Wc, bc;  // [X + D, D] and [D]
};

// x [B, X], h [B, D]; gives the new state [B, D].
Tensor step(const Gru& gru, const Tensor& x, const Tensor& h) {
  //> yours  todo(gru, x, h);
  const Tensor both = concatenate({x, h}, 1);                          // [B, X + D]
  const Tensor z = sigmoid(matmul(both, gru.Wz) + gru.bz).named("z");  // [B, D]
  const Tensor r = sigmoid(matmul(both, gru.Wr) + gru.br).named("r");  // [B, D]
  const Tensor seen = concatenate({x, r * h}, 1);                      // [B, X + D]
  const Tensor c = tanh(matmul(seen, gru.Wc) + gru.bc).named("c");     // [B, D]
  return z * h + (1 - z) * c;
  //<
}

// words [B, T, X] and the number of words of each text; gives the last state of each [B, D].
Tensor read(const Gru& gru, const Tensor& words, const std::vector<int>& lengths) {
  //> yours  todo(gru, words, lengths);
  const Index B = words.shape()[0], T = words.shape()[1], X = words.shape()[2];
  Tensor h = Tensor::zeros({B, gru.bz.shape()[0]});
  for (Index t = 0; t < T; ++t) {
    std::vector<Scalar> goes_on;  // 1 for a text that has a word here, otherwise 0
    for (const int length : lengths) goes_on.push_back(t < length ? 1 : 0);
    const Tensor on = Tensor::from({B, 1}, goes_on);
    const Tensor x = reshape(slice(words, 1, t, t + 1), {B, X});
    h = on * step(gru, x, h) + (1 - on) * h;
  }
  return h;
  //<
}

// ## How it is asked

void answer(const Case& given, Answers& answers) {
  const Gru gru = {given.variable("Wz"), given.variable("bz"), given.variable("Wr"),
                   given.variable("br"), given.variable("Wc"), given.variable("bc")};
  const Tensor words = given.variable("words");
  const Tensor h = read(gru, words, given.ids("lengths").values);
  answers.add("h", h);
  if (!given.has("upstream")) return;
  h.backward(given.tensor("upstream"));
  for (const Tensor& input : {words, gru.Wz, gru.Wr, gru.Wc, gru.bc}) answers.add_gradient(input);
}

// Small weights: σ(9) and σ(8) would hardly differ.
Case& ask(Cases& cases, const std::string& name, const Ids& lengths, Index T, Index X, Index D) {
  Case& given = cases.add(name);
  given.give("lengths", lengths).give("words", cases.whole({lengths.shape[0], T, X}, -2, 2));
  for (const char* gate : {"z", "r", "c"})
    given.give("W" + std::string(gate), cases.whole({X + D, D}, -1, 1))
        .give("b" + std::string(gate), cases.whole({D}, -1, 1));
  return given;
}

void cases(Cases& cases) {
  cases.group("small", 2);
  ask(cases, "1 word, X = 1, D = 1", {1}, 1, 1, 1);
  ask(cases, "2 words, X = 1, D = 1", {2}, 2, 1, 1);
  ask(cases, "2 words, X = 1, D = 2", {2}, 2, 1, 2);
  cases.group("edges", 1);
  ask(cases, "a word and one of padding", {1}, 2, 1, 1);
  ask(cases, "4 texts, one is empty", {3, 0, 1, 2}, 3, 2, 3);
  const Index X = cases.size(2, 5), D = cases.size(6, 9);
  ask(cases, "more words", {7, 5, 6}, 7, X, D);
  cases.group("gradient", 1);
  ask(cases, "gradient, 2 texts", {3, 2}, 3, 2, 2).give("upstream", cases.whole({2, 2}));
}
