// Exercise 23: how good is a language model? It belongs to lesson 22.
//
//   loss_of       how surprised a model was by B texts: the sum of -ln p over all tokens but the
//                 first of each text, where p is the probability that the token was given, and how
//                 many tokens these are. Logits at position t are for the token at t + 1. Each text
//                 has at least two tokens, and then, up to length T, padding, of id 0, which is no
//                 token: it was not asked for, and what the logits are there must change nothing.
//   perplexities  of a token and of a byte, given such a sum, the number of tokens, and how many
//                 bytes the texts have
//   probability   the rival that counts: how probable is `next` after `before`? After `before` came
//                 in the training text `total` tokens, k different ones, and `times` of them were
//                 `next`; so it is (times + k · less) / (total + k), and just `less` if `before`
//                 never came or nothing came after it. `less` is made in the same way from all
//                 tokens that came after any other (all but the first of the training text), with
//                 1 / V in the place of less. Ids are 0 to V - 1 here; a training text has at least
//                 two tokens.
//
// Logits are numbers between -1000 and 1000.

#include <gradus/gradus.h>

#include "exercise.h"

#include <cmath>
#include <map>
#include <vector>

using namespace gradus;

struct Loss {
  double sum = 0;
  int tokens = 0;
};
struct Perplexities {
  double of_token, of_byte;
};

// logits [B, T, V], ids [B, T] with ids.values text by text.
Loss loss_of(const Tensor& logits, const Ids& ids) {
  //> yours  todo(logits, ids);
  const Index B = ids.shape[0], T = ids.shape[1];
  const Tensor logs = log_softmax(logits);
  Loss loss;
  for (Index b = 0; b < B; ++b)
    for (Index t = 0; t + 1 < T; ++t) {
      const int next = ids.values[std::size_t(b * T + t + 1)];
      if (next == 0) continue;
      loss.sum -= double(logs.at({b, t, next}));
      ++loss.tokens;
    }
  return loss;
  //<
}

Perplexities perplexities(const Loss& loss, double bytes) {
  //> yours  todo(loss, bytes);
  return {std::exp(loss.sum / loss.tokens), std::exp(loss.sum / bytes)};
  //<
}

double probability(const std::vector<int>& training, int V, int before, int next) {
  //> yours  todo(training, V, before, next);
  std::map<int, int> any, after;  // how often each token came, and came after `before`
  int total_any = 0, total = 0;
  for (std::size_t t = 1; t < training.size(); ++t) {
    ++any[training[t]];
    ++total_any;
    if (training[t - 1] != before) continue;
    ++after[training[t]];
    ++total;
  }
  const double k_any = double(any.size()), k = double(after.size());
  const double less = (any[next] + k_any / V) / (total_any + k_any);
  if (total == 0) return less;
  return (after[next] + k * less) / (total + k);
  //<
}

// ## How it is asked

void answer(const Case& given, Answers& answers) {
  if (given.has("ids")) {
    const Loss loss = loss_of(given.tensor("logits"), given.ids("ids"));
    answers.add("sum", loss.sum);
    return answers.add("tokens", loss.tokens);
  }
  if (given.has("sum")) {
    const Perplexities found =
        perplexities({given.number("sum"), int(given.count("tokens"))}, given.number("bytes"));
    answers.add("of a token", found.of_token);
    return answers.add("of a byte", found.of_byte);
  }
  answers.add("probability", probability(given.ids("training").values, int(given.count("V")),
                                         int(given.count("before")), int(given.count("next"))));
}

void ask_loss(Cases& cases, const std::string& name, const std::vector<Index>& lengths, Index V,
              Scalar scale = 1) {
  const Index B = Index(lengths.size()), T = *std::max_element(lengths.begin(), lengths.end());
  Ids ids = cases.ids({B, T}, 1, int(V) - 1);
  for (Index b = 0; b < B; ++b)
    for (Index t = lengths[std::size_t(b)]; t < T; ++t) ids.values[std::size_t(b * T + t)] = 0;
  cases.add(name).give("logits", cases.whole({B, T, V}) * scale).give("ids", ids);
}

void ask_perplexities(Cases& cases, const std::string& name, Index sum, Index tokens, Index bytes) {
  cases.add(name).give("sum", sum).give("tokens", tokens).give("bytes", bytes);
}

void ask_probability(Cases& cases, const std::string& name, const std::vector<int>& training, int V,
                     int before, int next) {
  cases.add(name)
      .give("training", Ids({Index(training.size())}, training))
      .give("V", V)
      .give("before", before)
      .give("next", next);
}

void cases(Cases& cases) {
  cases.group("loss", 2);
  ask_loss(cases, "loss, 2 tokens", {2}, 3);
  ask_loss(cases, "loss, 3 tokens", {3}, 3);
  ask_loss(cases, "loss, 3 tokens and 2", {3, 2}, 4);
  ask_loss(cases, "loss, 3 tokens and 5", {3, 5}, 3);
  ask_loss(cases, "loss, logits in the hundreds", {4, 3}, 4, 250);
  ask_loss(cases, "loss, 4 texts", {cases.size(4, 6), 2, cases.size(6, 8), 3}, cases.size(8, 12));
  cases.group("perplexity", 1);
  ask_perplexities(cases, "perplexity, 1 token", 2, 1, 4);
  ask_perplexities(cases, "perplexity, 3 tokens of 12 bytes", 6, 3, 12);
  ask_perplexities(cases, "perplexity, no surprise", 0, 5, 20);
  const Index tokens = cases.size(300, 500);
  ask_perplexities(cases, "perplexity, many", 3 * tokens, tokens, 4 * tokens + 99);
  cases.group("counting", 2);
  std::vector<int> a = {1, 2, 3, 4, 5, 6};
  cases.random.shuffle(a);
  ask_probability(cases, "counting, of 3 tokens", {a[0], a[1], a[0]}, 8, a[0], a[1]);
  ask_probability(cases, "counting, of 4 tokens", {a[0], a[1], a[0], a[1]}, 8, a[0], a[1]);
  const std::vector<int> text = {a[0], a[1], a[0], a[2], a[1], a[0], a[1]};
  ask_probability(cases, "counting, twice of 3 times", text, 8, a[0], a[1]);
  ask_probability(cases, "counting, after the last token", text, 8, a[1], a[0]);
  ask_probability(cases, "counting, never so", text, 8, a[1], a[2]);
  ask_probability(cases, "counting, a next that never came", text, 8, a[0], a[5]);
  ask_probability(cases, "counting, a before that never came", text, 8, a[5], a[0]);
  ask_probability(cases, "counting, a before that came last only", {a[0], a[1], a[0], a[2]}, 8,
                  a[2], a[0]);
  std::vector<int> many = cases.ids({cases.size(60, 90)}, 0, 4).values;
  many.push_back(1);  // so that both have been there
  many.push_back(2);
  ask_probability(cases, "counting, many", many, 9, 1, 2);
  ask_probability(cases, "counting, many, a rare one", many, 9, 2, 7);
}
