#include <gradus/baseline.h>
#include <gradus/random.h>

#include "../kernels/math.h"

#include <algorithm>
#include <cmath>

namespace gradus {

BagOfWords::BagOfWords(int max_tokens, bool bigrams, Where where)
    : vectorizer_({.max_tokens = max_tokens, .max_length = 1 << 20, .bigrams = bigrams}, where) {}

std::vector<BagOfWords::Features> BagOfWords::features_of(const std::vector<Example>& examples,
                                                          Where where) const {
  std::vector<Features> all;
  for (const Example& example : examples) {
    if (example.label != 0 && example.label != 1)
      fail("BagOfWords", where,
           "labels must be 0 or 1, not " + std::to_string(example.label) + " as of \"" +
               example.text + "\"");
    Features features = vectorizer_.encode(example.text, where);
    std::sort(features.begin(), features.end());
    features.erase(std::unique(features.begin(), features.end()), features.end());
    all.push_back(features);
  }
  return all;
}

Scalar BagOfWords::logit_of(const Features& features) const {
  Scalar sum = 0;
  for (const int word : features) sum += weights_[static_cast<std::size_t>(word)];
  return weights_[0] + sum / std::sqrt(static_cast<Scalar>(features.size()));
}

Metric BagOfWords::evaluate(const std::vector<Features>& texts,
                            const std::vector<Example>& examples) const {
  Metric metric;
  for (std::size_t i = 0; i < texts.size(); ++i) {
    const Scalar x = logit_of(texts[i]);
    const Scalar margin = examples[i].label ? x : -x;
    // log(1 + e^-margin)
    const Scalar size = margin < 0 ? -margin : margin;
    metric.loss_sum += static_cast<double>((margin < 0 ? size : 0) +
                                           kernels::log_one(1 + kernels::exp_one(-size)));
    metric.correct += margin > 0;
    ++metric.count;
  }
  return metric;
}

Metric BagOfWords::evaluate(const std::vector<Example>& examples, Where where) const {
  return evaluate(features_of(examples, where), examples);
}

void BagOfWords::fit(const std::vector<Example>& train, const std::vector<Example>& validation,
                     int epochs, std::uint64_t seed, Where where) {
  if (train.empty() || validation.empty() || epochs < 1)
    fail("BagOfWords", where, "texts to learn from, others to validate, and an epoch are needed");
  vectorizer_.adapt(texts_of(train), where);
  const std::vector<Features> texts = features_of(train, where);
  const std::vector<Features> held_back = features_of(validation, where);
  weights_.assign(vectorizer_.vocabulary().size(), 0);
  std::vector<Scalar> squares(weights_.size(), Scalar(1e-6));
  std::vector<Scalar> best = weights_;
  std::int64_t best_correct = -1;
  std::vector<std::size_t> order(texts.size());
  for (std::size_t i = 0; i < order.size(); ++i) order[i] = i;
  Random random(seed);

  const auto move = [&](int word, Scalar gradient) {
    const auto w = static_cast<std::size_t>(word);
    squares[w] += gradient * gradient;
    weights_[w] -= Scalar(0.2) * gradient / std::sqrt(squares[w]);
  };
  for (int epoch = 0; epoch < epochs; ++epoch) {
    random.shuffle(order);
    for (const std::size_t i : order) {
      const Scalar target = static_cast<Scalar>(train[i].label);
      const Scalar error = kernels::sigmoid_one(logit_of(texts[i])) - target;
      const Scalar share = error / std::sqrt(static_cast<Scalar>(texts[i].size()));
      for (const int word : texts[i]) move(word, share);
      move(0, error);
    }
    const Metric metric = evaluate(held_back, validation);
    if (metric.correct <= best_correct) continue;
    best_correct = metric.correct;
    best = weights_;
  }
  weights_ = best;
}

}  // namespace gradus
