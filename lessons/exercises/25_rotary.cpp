// Exercise 25: rotary positions, and a cache. It belongs to lesson 24, section 2, and to lesson 21,
// section 4.
//
//   turned   x [T, K] with each row turned by its position, which is `first` for row 0, first + 1
//            for the next, and so on. K is even; number i of the first half of a row and number i
//            of the second (i = 0, 1, …) are a point (a, b) of the plane. It becomes
//            (a cos α − b sin α, a sin α + b cos α) with α = position · 10000^(−2i / K). What is
//            made of a stays in the first half.
//   attend   what the words of a text find that are new in this call, one or more: a row for each
//            in query, key and value, all [T, K]. A text's first word has position 0, and a word
//            sees itself and all before it, those of earlier calls too. Queries and keys are
//            turned by the positions of their words, values are not; then it is the attention of
//            lesson 1, softmax(query keyᵀ / √K) value. The cache is the text's own. What you keep
//            in it of the earlier words is your choice: nothing else reads it.
//
// Gradients must flow through `turned`; slice, concatenate and arithmetic see to that. Positions
// are at most 100.

#include <gradus/gradus.h>

#include "exercise.h"

#include <cmath>
#include <vector>

using namespace gradus;

struct TextCache {
  Index words = 0;      // so at first; keys and values are no tensors yet
  Tensor keys, values;  // [words, K], say
};

Tensor turned(const Tensor& x, Index first) {
  //> yours  todo(x, first);
  const Index T = x.shape()[0], half = x.shape()[1] / 2;
  Tensor cosine = Tensor::zeros({T, half}), sine = Tensor::zeros({T, half});
  for (Index j = 0; j < cosine.size(); ++j) {  // point i of row t
    const Index t = j / half, i = j % half;
    const double wave = std::pow(10000.0, -double(i) / double(half));
    const double angle = double(first + t) * wave;
    cosine.mutable_data()[j] = Scalar(std::cos(angle));
    sine.mutable_data()[j] = Scalar(std::sin(angle));
  }
  const Tensor a = slice(x, 1, 0, half), b = slice(x, 1, half, 2 * half);  // [T, half]
  return concatenate({a * cosine - b * sine, a * sine + b * cosine}, 1);
  //<
}

Tensor attend(const Tensor& query, const Tensor& key, const Tensor& value, TextCache& cache) {
  //> yours  todo(query, key, value, cache);
  const Tensor asking = turned(query, cache.words);
  const Tensor fresh = turned(key, cache.words);
  const bool some = cache.words > 0;
  cache.keys = some ? concatenate({cache.keys, fresh}, 0) : fresh;
  cache.values = some ? concatenate({cache.values, value}, 0) : value;
  cache.words += query.shape()[0];
  const Mask mask = Mask::causal();
  return scaled_dot_product_attention(asking, cache.keys, cache.values, {.mask = mask});
  //<
}

// ## How it is asked

// Each call takes as many rows as `words` says, of the text that `texts` names, 0 or 1.
void answer(const Case& given, Answers& answers) {
  if (given.has("x")) {
    const Tensor x = given.variable("x");
    const Tensor y = turned(x, given.count("first"));
    answers.add("turned", y);
    if (!given.has("upstream")) return;
    y.backward(given.tensor("upstream"));
    return answers.add_gradient(x);
  }
  TextCache caches[2];
  const Ids words = given.ids("words"), texts = given.ids("texts");
  std::vector<Tensor> found;
  Index row = 0;
  for (std::size_t call = 0; call < words.values.size(); ++call) {
    const Index end = row + words.values[call];
    const auto part = [&](const std::string& of) { return slice(given.tensor(of), 0, row, end); };
    TextCache& cache = caches[texts.values[call]];
    found.push_back(attend(part("query"), part("key"), part("value"), cache));
    row = end;
  }
  answers.add("out", concatenate(found, 0));
}

Case& ask_turned(Cases& cases, const std::string& name, Index T, Index K, Index first) {
  return cases.add(name).give("x", cases.whole({T, K})).give("first", first);
}

void ask_attend(Cases& cases, const std::string& name, Index K, const std::vector<int>& words,
                const std::vector<int>& texts) {
  Index rows = 0;
  for (const int count : words) rows += count;
  Case& asked = cases.add(name);
  for (const std::string of : {"query", "key", "value"})
    asked.give(of, cases.whole({rows, K}, -2, 2));
  const Index calls = Index(words.size());
  asked.give("words", Ids({calls}, words)).give("texts", Ids({calls}, texts));
}

void cases(Cases& cases) {
  cases.group("turned", 2);
  ask_turned(cases, "turned, 1 point at position 0", 1, 2, 0);
  ask_turned(cases, "turned, 1 point at position 1", 1, 2, 1);
  ask_turned(cases, "turned, 2 points at positions 0 and 1", 2, 2, 0);
  ask_turned(cases, "turned, 2 words of 2 points, from position 3", 2, 4, 3);
  ask_turned(cases, "turned, more", cases.size(4, 6), 6, cases.size(10, 20));
  ask_turned(cases, "gradient of turned", 2, 4, 1).give("upstream", cases.whole({2, 4}));
  cases.group("attend, one call", 1);
  ask_attend(cases, "attend, 1 word", 2, {1}, {0});
  ask_attend(cases, "attend, 2 words at once", 2, {2}, {0});
  ask_attend(cases, "attend, 4 words at once", 4, {4}, {0});
  cases.group("attend, several calls", 2);
  ask_attend(cases, "attend, 2 words, one by one", 2, {1, 1}, {0, 0});
  ask_attend(cases, "attend, 3 words, one by one", 2, {1, 1, 1}, {0, 0, 0});
  ask_attend(cases, "attend, 2 words and then 2", 4, {2, 2}, {0, 0});
  ask_attend(cases, "attend, two texts in turn", 2, {1, 1, 1, 1}, {0, 1, 0, 1});
  const int a = int(cases.size(2, 5)), b = int(cases.size(2, 4));
  ask_attend(cases, "attend, more of everything", 6, {a, 1, b, 1, 2}, {0, 1, 0, 0, 1});
}
