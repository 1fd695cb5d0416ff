// Exercise 22: writing. It belongs to lesson 21, sections 1 and 2.
//
//   chances   the probability with which each of the V tokens is written, in the order of the
//             logits: softmax(logits / temperature); of these only the top_k likeliest; of what is
//             then left only the likeliest, as few as have the share top_p of it together, but at
//             least one. What is left is divided by its sum; the other tokens get 0.
//   pick      the token that is drawn: the first, in the order of the ids, for which the sum of the
//             chances up to it, its own counted in, is larger than `drawn`
//   write     adds to a prompt, again and again, the likeliest token, until that is `stop`, which
//             is written too, or the text, with its prompt, has `most` tokens
//
// A temperature is 0 or at least 0.01. With temperature 0 the likeliest token has the chance 1,
// whatever top_k and top_p are. top_k is at least 1 and may be more than V; top_p is from 0 to 1.
// Logits are numbers between -10,000 and 10,000, no two of a row are equal. `drawn` is at least 0
// and at most 0.99, chances have the sum 1. A prompt has at least one token, fewer than `most`, and
// no `stop`.

#include <gradus/gradus.h>

#include "exercise.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <vector>

using namespace gradus;

// Gives [T, V] for T tokens: row t has the logits of the token after token t.
struct Model {
  Tensor after, at;  // [V, V], [positions, V]

  Tensor operator()(const std::vector<int>& text) const {
    const Index T = Index(text.size());
    return embedding(after, Ids({T}, text)) + slice(at, 0, 0, T);
  }
};

std::vector<double> chances(const std::vector<double>& logits, double temperature, int top_k,
                            double top_p) {
  //> yours  todo(logits, temperature, top_k, top_p);
  std::vector<std::size_t> order(logits.size());  // the likeliest first
  std::iota(order.begin(), order.end(), 0);
  std::sort(order.begin(), order.end(), [&](auto a, auto b) { return logits[a] > logits[b]; });
  std::vector<double> p(logits.size(), 0.0);
  if (temperature == 0) {
    p[order[0]] = 1;
    return p;
  }
  const double highest = logits[order[0]];
  order.resize(std::min(order.size(), std::size_t(top_k)));
  double all = 0, kept = 0;
  for (const std::size_t id : order) all += p[id] = std::exp((logits[id] - highest) / temperature);
  for (const std::size_t id : order) {
    if (kept > 0 && kept >= top_p * all) p[id] = 0;
    kept += p[id];
  }
  for (double& chance : p) chance /= kept;
  return p;
  //<
}

int pick(const std::vector<double>& chances, double drawn) {
  //> yours  todo(chances, drawn);
  double sum = 0;
  for (std::size_t id = 0; id < chances.size(); ++id) {
    sum += chances[id];
    if (sum > drawn) return int(id);
  }
  return int(chances.size()) - 1;
  //<
}

std::vector<int> write(const Model& model, std::vector<int> text, int stop, std::size_t most) {
  //> yours  todo(model, text, stop, most);
  while (text.size() < most) {
    const Tensor logits = model(text);  // [T, V]
    const Index last = Index(text.size()) - 1;
    int best = 0;
    for (int id = 1; id < logits.shape()[1]; ++id)
      if (logits.at({last, id}) > logits.at({last, best})) best = id;
    text.push_back(best);
    if (best == stop) break;
  }
  return text;
  //<
}

// ## How it is asked

void answer(const Case& given, Answers& answers) {
  const auto numbers = [&](const std::string& name) {
    const Tensor tensor = given.tensor(name);
    return std::vector<double>(tensor.values().begin(), tensor.values().end());
  };
  if (given.has("logits"))
    return answers.add("chances", chances(numbers("logits"), given.number("temperature"),
                                          int(given.count("top_k")), given.number("top_p")));
  if (given.has("drawn"))
    return answers.add("token", pick(numbers("chances"), given.number("drawn")));
  const Model model = {given.tensor("after"), given.tensor("at")};
  const std::vector<int> text = write(model, given.ids("prompt").values, int(given.count("stop")),
                                      std::size_t(given.count("most")));
  answers.add("text", std::vector<double>(text.begin(), text.end()));
}

// The logits 0, 1, 2, … in some order.
void ask_chances(Cases& cases, const std::string& name, int V, double temperature, int top_k = 99,
                 double top_p = 1, double shift = 0) {
  std::vector<double> logits;
  for (int i = 0; i < V; ++i) logits.push_back(i + shift);
  do {
    cases.random.shuffle(logits);
  } while (V > 1 && logits[0] > logits[1]);  // the likeliest is not the first
  cases.add(name)
      .give("logits", logits)
      .give("temperature", temperature)
      .give("top_k", top_k)
      .give("top_p", top_p);
}

void ask_pick(Cases& cases, const std::string& name, const std::vector<double>& eighths,
              double drawn) {
  std::vector<double> chances;
  for (const double eighth : eighths) chances.push_back(eighth / 8);
  cases.add(name).give("chances", chances).give("drawn", drawn / 8);
}

// 6 tokens, of which mostly the next one comes next; `stop`, here 5, is the likeliest after
// `length` tokens and not before.
void ask_write(Cases& cases, const std::string& name, Index prompt, Index length, Index most) {
  Tensor at = cases.normal({2 * most, 6}) * 2, after = cases.normal({6, 6});
  for (Index i = 0; i < 5; ++i) after.mutable_values()[std::size_t(6 * i + (i + 1) % 5)] += 4;
  for (Index t = 0; t < 2 * most; ++t)
    at.mutable_values()[std::size_t(6 * t + 5)] = t == length - 1 ? 50 : -50;
  cases.add(name)
      .give("after", after)
      .give("at", at)
      .give("prompt", cases.ids({prompt}, 0, 4))
      .give("stop", 5)
      .give("most", most);
}

void cases(Cases& cases) {
  cases.group("chances", 2);
  ask_chances(cases, "2 tokens", 2, 1);
  ask_chances(cases, "2 tokens, temperature 2", 2, 2);
  ask_chances(cases, "3 tokens, temperature 0.5", 3, 0.5);
  ask_chances(cases, "3 tokens, top_k 2", 3, 1, 2);
  ask_chances(cases, "4 tokens, top_p 0.8: 0.64 and 0.24", 4, 1, 99, 0.8);
  ask_chances(cases, "4 tokens, top_p 0.6: 0.64", 4, 1, 99, 0.6);
  ask_chances(cases, "4 tokens, top_p 0.5, temperature 2", 4, 2, 99, 0.5);
  ask_chances(cases, "4 tokens, top_k 2, top_p 0.7", 4, 1, 2, 0.7);
  cases.group("edges", 1);
  ask_chances(cases, "temperature 0", 3, 0, 2, 0.9);
  ask_chances(cases, "top_p 0", 3, 1, 99, 0);
  ask_chances(cases, "1 token", 1, 2, 1, 0.5);
  ask_chances(cases, "logits of 9,000", 3, 1, 99, 1, 9000);
  ask_chances(cases, "logits of -9,000, temperature 0.01", 3, 0.01, 2, 1, -9000);
  const double close = double(cases.size(1, 3)) / 256;
  cases.add("logits close to each other, temperature 0.01")
      .give("logits", std::vector<double>{0, close, -close})
      .give("temperature", 0.01)
      .give("top_k", 9)
      .give("top_p", 1);
  cases.add("many tokens")
      .give("logits", cases.normal({cases.size(20, 40)}) * 2)
      .give("temperature", 1.5)
      .give("top_k", cases.size(7, 12))
      .give("top_p", 0.8);
  cases.group("pick", 1);
  ask_pick(cases, "pick, in the middle of 3", {1, 6, 1}, 6);
  ask_pick(cases, "pick, the last of 3", {3, 2, 3}, 7);
  ask_pick(cases, "pick, the first of 3", {3, 4, 1}, 2);
  ask_pick(cases, "pick, drawn 0", {0, 0, 5, 3}, 0);
  ask_pick(cases, "pick, drawn just where a token ends", {2, 0, 3, 3}, 2);
  ask_pick(cases, "pick, any", {1, 1, 1, 2, 2, 1}, double(cases.size(0, 7)));
  cases.group("write", 1);
  ask_write(cases, "write, 1 token more", 1, 9, 2);
  ask_write(cases, "write, 3 tokens more", 2, 9, 5);
  ask_write(cases, "write, until it stops", 1, 3, 6);
  ask_write(cases, "write, it stops at once", 3, 3, 5);
  ask_write(cases, "write, more", cases.size(2, 4), cases.size(8, 12), 12);
}
