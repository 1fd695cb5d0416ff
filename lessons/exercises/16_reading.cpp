// Exercise 16: reading a model. It belongs to lesson 13.
//
// Two measures of how much each word of a text counts, and the word that counts most:
//
//   received   the attention that word j receives: the mean of column j of the weights over all
//              heads and all queries, times the number of words, so that 1 is an even share. The
//              text stands in a batch with longer ones: only the first `length` of its T positions
//              are words, the others are padding. They neither look nor are looked at here.
//   effects    the logit of the text minus its logit without word j: above 0 if the word speaks for
//              "positive". Here the word is removed, not hidden: the later words move up one place.
//              Ask the model once for the whole text, and once for a batch of T texts, in text j of
//              which word j is missing and the last place holds a 0, the id of padding.
//   decisive   the place of the word on which the answer depends most, for whichever answer it
//              speaks.

#include <gradus/gradus.h>

#include "exercise.h"

#include <cmath>

using namespace gradus;

// The model: the vectors of a text's words and places, their mean, and from that the logit.
struct Model {
  Tensor words, places, w;  // [V, D], [most, D], [D, 1]

  // ids [B, T] and the number of words of each text give [B, 1]; the logit of no words is 0.
  Tensor operator()(const Ids& ids, const std::vector<int>& lengths) const {
    const Tensor x = embedding(words, ids) + slice(places, 0, 0, ids.shape[1]);  // [B, T, D]
    return matmul(mean_pooling(x, Mask::padding(lengths)), w);
  }
};

// weights [H, T, T], of which the first `length` rows and columns are words; gives [length].
Tensor received(const Tensor& weights, Index length) {
  //> yours  todo(weights, length);
  const Tensor looking = slice(weights, 1, 0, length);           // [H, length, T]
  const Tensor looked_at = slice(looking, 2, 0, length);         // [H, length, length]
  return (mean(looked_at, {0, 1}) * length).named("attention");  // [length]
  //<
}

// The ids of a text of T words; gives [T].
Tensor effects(const Model& model, const std::vector<int>& text) {
  //> yours  todo(model, text);
  const Index T = static_cast<Index>(text.size());
  std::vector<int> copies;
  for (std::size_t missing = 0; missing < text.size(); ++missing) {
    for (std::size_t t = 0; t < text.size(); ++t)
      if (t != missing) copies.push_back(text[t]);
    copies.push_back(0);
  }
  const std::vector<int> lengths(text.size(), static_cast<int>(T) - 1);
  const Tensor whole = model(Ids({1, T}, text), {static_cast<int>(T)}).named("whole");  // [1, 1]
  const Tensor without = model(Ids({T, T}, copies), lengths).named("without");          // [T, 1]
  return reshape(whole - without, {T}).named("effects");
  //<
}

// The place of the word, given the effects of all.
Index decisive(const Tensor& effects) {
  //> yours  todo(effects);
  Index best = 0;
  for (Index j = 0; j < effects.size(); ++j)
    if (std::abs(effects.at({j})) > std::abs(effects.at({best}))) best = j;
  return best;
  //<
}

// ## How it is asked

void answer(const Case& given, Answers& answers) {
  const Model model = {given.tensor("vectors of words"), given.tensor("vectors of places"),
                       given.tensor("w")};
  const Ids text = given.ids("text");
  answers.add("attention", received(given.tensor("weights"), text.shape[0]));
  const Tensor found = effects(model, text.values);
  answers.add("effects", found);
  answers.add("decisive", static_cast<double>(decisive(found)));
}

// Weights [H, T, T] in which each row shares out 1 among the words.
Tensor shares(Cases& cases, Index H, Index T, Index length) {
  std::vector<Scalar> seen;
  for (Index t = 0; t < T; ++t) seen.push_back(t < length ? 1 : 0);
  const Tensor some = cases.whole({H, T, T}, 1, 3) * Tensor::from({T}, seen);
  return some / sum(some, -1, true);
}

void ask(Cases& cases, const std::string& name, Index length, Index padding, Index H, Index D) {
  const Index T = length + padding;
  cases.add(name)
      .give("text", cases.ids({length}, 1, 9))
      .give("weights", shares(cases, H, T, length))
      .give("vectors of words", cases.whole({10, D}, -9, 9))
      .give("vectors of places", cases.whole({T, D}))
      .give("w", cases.whole({D, 1}));
}

void cases(Cases& cases) {
  cases.group("small", 2);
  ask(cases, "2 words, 1 head, D = 1", 2, 0, 1, 1);
  ask(cases, "3 words, 2 heads, D = 1", 3, 0, 2, 1);
  cases.group("edges", 2);
  ask(cases, "3 words and 2 of padding", 3, 2, 1, 1);
  ask(cases, "1 word", 1, 1, 2, 2);
  const Index length = cases.size(5, 9), padding = cases.size(1, 4);
  ask(cases, "more of everything", length, padding, 4, 3);
  ask(cases, "another text", padding + 4, 0, 2, 2);
  ask(cases, "and another", padding + 5, length, 3, 2);
}
