// What a model that ignores word order can do: logistic regression on which words occur.
//
// Every word (or pair of neighbouring words) of the vocabulary has one weight; the logit of a text
// is the sum of the weights of the words in it, divided by the square root of their number. A
// Transformer that does not beat this has learned nothing from order.
#pragma once

#include <gradus/fit.h>

namespace gradus {

class BagOfWords {
 public:
  // bigrams: pairs of neighbouring words count too. Errors: those of TextVectorizer.
  BagOfWords(int max_tokens, bool bigrams, Where where = here());

  // Learns from `train` (Adagrad: Duchi, Hazan and Singer 2011, one example at a time) and keeps
  // the (first) epoch that is most accurate on `validation`. Errors: an empty set, an empty text,
  // a label that is neither 0 nor 1, no epoch.
  void fit(const std::vector<Example>& train, const std::vector<Example>& validation,
           int epochs = 12, std::uint64_t seed = 1, Where where = here());

  Metric evaluate(const std::vector<Example>& examples, Where where = here()) const;

 private:
  struct Text {
    std::vector<int> words;  // each once
    int label;
  };
  std::vector<Text> encoded(const std::vector<Example>& examples, const Where& where) const;
  Scalar logit_of(const Text& text) const;
  Metric evaluate(const std::vector<Text>& texts) const;

  TextVectorizer vectorizer_;
  std::vector<Scalar> weights_;  // one for each word; that of padding is the constant term
};

}  // namespace gradus
