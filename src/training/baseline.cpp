#include <gradus/baseline.h>

#include "../kernels/math.h"

#include <algorithm>
#include <cmath>

namespace gradus {

BagOfWords::BagOfWords(int max_tokens, bool bigrams, Where where)
    : vectorizer_({.max_tokens = max_tokens, .max_length = 1 << 20, .bigrams = bigrams}, where) {}

std::vector<BagOfWords::Text> BagOfWords::encoded(const std::vector<Example>& examples,
                                                  const Where& where) const {
  std::vector<Text> texts;
  for (const Example& example : examples) {
    if (example.label != 0 && example.label != 1)
      fail("BagOfWords", where, "labels must be 0 or 1, not ", example.label, " as of \"",
           example.text, "\"");
    std::vector<int> words = vectorizer_.encode(example.text, where);
    std::sort(words.begin(), words.end());
    words.erase(std::unique(words.begin(), words.end()), words.end());
    texts.push_back({words, example.label});
  }
  return texts;
}

Scalar BagOfWords::logit_of(const Text& text) const {
  Scalar sum = 0;
  for (const int word : text.words) sum += weights_[static_cast<std::size_t>(word)];
  return weights_[0] + sum / std::sqrt(static_cast<Scalar>(text.words.size()));
}

Metric BagOfWords::evaluate(const std::vector<Text>& texts) const {
  Metric metric;
  for (const Text& text : texts) {
    const Scalar x = logit_of(text);
    const Scalar margin = text.label ? x : -x;
    // log(1 + e^-margin), which overflows nowhere as it stands here
    const Scalar rest = kernels::log_one(1 + kernels::exp_one(-std::abs(margin)));
    metric.loss_sum += static_cast<double>(std::max(-margin, Scalar(0)) + rest);
    metric.correct += margin > 0;
    ++metric.count;
  }
  return metric;
}

Metric BagOfWords::evaluate(const std::vector<Example>& examples, Where where) const {
  return evaluate(encoded(examples, where));
}

void BagOfWords::fit(const std::vector<Example>& train, const std::vector<Example>& validation,
                     int epochs, std::uint64_t seed, Where where) {
  if (train.empty() || validation.empty() || epochs < 1)
    fail("BagOfWords", where, "texts to learn from, others to validate, and an epoch are needed");
  vectorizer_.adapt(texts_of(train), where);
  std::vector<Text> texts = encoded(train, where);
  const std::vector<Text> held_back = encoded(validation, where);
  weights_.assign(vectorizer_.vocabulary().size(), 0);
  std::vector<Scalar> squares(weights_.size(), Scalar(1e-6));
  std::vector<Scalar> best = weights_;
  std::int64_t best_correct = -1;
  Random random(seed);

  const auto move = [&](int word, Scalar gradient) {
    const auto w = static_cast<std::size_t>(word);
    squares[w] += gradient * gradient;
    weights_[w] -= Scalar(0.2) * gradient / std::sqrt(squares[w]);
  };
  for (int epoch = 0; epoch < epochs; ++epoch) {
    random.shuffle(texts);
    for (const Text& text : texts) {
      const Scalar error = kernels::sigmoid_one(logit_of(text)) - static_cast<Scalar>(text.label);
      const Scalar share = error / std::sqrt(static_cast<Scalar>(text.words.size()));
      for (const int word : text.words) move(word, share);
      move(0, error);
    }
    const Metric metric = evaluate(held_back);
    if (metric.correct <= best_correct) continue;
    best_correct = metric.correct;
    best = weights_;
  }
  weights_ = best;
}

}  // namespace gradus
