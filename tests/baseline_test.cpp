// Counting words: what a loop in double computes.

#include "training.h"

#include <cmath>
#include <map>
#include <set>

using namespace training;

namespace {

// Logistic regression on which words occur, by Adagrad (Duchi, Hazan and Singer 2011).
struct Plain {
  std::map<std::string, double> weights, squares;
  std::set<std::string> known;

  // Each once; what no text to learn from has counts as one more word.
  std::set<std::string> words_of(const Example& example, bool pairs, bool learning = false) {
    std::vector<std::string> all = split_words(example.text);
    for (std::size_t i = all.size() - 1; pairs && i > 0; --i)
      all.push_back(all[i - 1] + " " + all[i]);
    std::set<std::string> found;
    for (const std::string& word : all)
      found.insert(learning || known.count(word) ? word : "unknown");
    if (learning) known.insert(found.begin(), found.end());
    return found;
  }
  double logit(const std::set<std::string>& words) {
    double sum = 0;
    for (const std::string& word : words) sum += weights[word];
    return weights["constant"] + sum / std::sqrt(static_cast<double>(words.size()));
  }
  void move(const std::string& word, double slope) {
    squares.try_emplace(word, 1e-6).first->second += slope * slope;
    weights[word] -= 0.2 * slope / std::sqrt(squares[word]);
  }
  void learn(const Example& example, bool pairs) {
    const std::set<std::string> words = words_of(example, pairs, true);
    const double error = 1 / (1 + std::exp(-logit(words))) - example.label;
    for (const std::string& word : words)
      move(word, error / std::sqrt(static_cast<double>(words.size())));
    move("constant", error);
  }
  Metric judge(const std::vector<Example>& examples, bool pairs) {
    Metric metric;
    for (const Example& example : examples) {
      const double x = logit(words_of(example, pairs));
      metric.loss_sum += std::log1p(std::exp(example.label == 1 ? -x : x));
      metric.correct += (x > 0) == (example.label == 1);
      ++metric.count;
    }
    return metric;
  }
};

}  // namespace

TEST_CASE(
    "counting words, or pairs of them, is what a loop in double computes, with its best epoch") {
  const std::vector<Example> train = texts(21, 2, 1), validation = texts(16, 2, 5);
  const std::vector<Example> test = texts(17, 2, 3);
  for (const bool pairs : {false, true}) {
    std::vector<Metric> wanted;
    Plain plain;
    Random random(6);
    std::vector<std::size_t> order(train.size());
    for (std::size_t i = 0; i < order.size(); ++i) order[i] = i;
    std::int64_t best = -1;
    Metric of_best;
    for (int epochs = 1; epochs <= 6; ++epochs) {
      random.shuffle(order);
      for (const std::size_t i : order) plain.learn(train[i], pairs);
      if (const Metric now = plain.judge(validation, pairs); now.correct > best) {
        best = now.correct;
        of_best = plain.judge(test, pairs);
      }
      CAPTURE(pairs);
      CAPTURE(epochs);
      BagOfWords bag(1000, pairs);
      bag.fit(train, validation, epochs, 6);
      const Metric given = bag.evaluate(test);
      CHECK(given.count == 17);
      CHECK(given.correct == of_best.correct);
      CHECK(given.loss_sum == doctest::Approx(of_best.loss_sum).epsilon(1e-4));
    }
  }
}

TEST_CASE("counting words learns for twelve epochs, with the seed 1") {
  const std::vector<Example> train = texts(24, 2, 120);  // better in the 12th and the 13th
  const auto loss = [&](auto... how) {
    BagOfWords bag(100, false);
    bag.fit(train, train, how...);
    return bag.evaluate(train).loss();
  };
  CHECK(loss() == loss(12, 1u));
  CHECK(loss(12) == loss(12, 1u));
  CHECK(loss(12) != loss(11));
  CHECK(loss(12) != loss(13));
}

TEST_CASE("counting words learns the most frequent words, as many as it may have") {
  // "x" and "y" are most frequent and say nothing; what says all is not among three tokens.
  std::vector<Example> all;
  for (int i = 0; i < 40; ++i) all.push_back({i % 2 ? "x x y good" : "x x y bad", i % 2, ""});
  for (const int tokens : {4, 6}) {  // padding, unknown, x, y; and good, bad
    BagOfWords bag(tokens, false);
    bag.fit(all, all);
    CHECK(bag.evaluate(all).accuracy() == (tokens == 4 ? 0.5 : 1));
  }
}

TEST_CASE("counting words refuses empty sets, other labels, and to judge before it has learned") {
  const std::vector<Example> some = texts(5, 2, 1);
  BagOfWords bag(100, false);
  const auto refused = [](const std::function<void()>& act, const char* text) {
    CHECK_THROWS_WITH_AS(act(), doctest::Contains(text), Error);
    CHECK_THROWS_WITH_AS(act(), doctest::Contains("at tests/baseline_test.cpp:"), Error);
  };
  refused([&] { bag.evaluate(some); }, "vocabulary");
  refused([&] { bag.fit({}, some); }, "texts to learn from");
  refused([&] { bag.fit(some, {}); }, "others to validate");
  refused([&] { bag.fit(some, some, 0); }, "an epoch");
  refused([&] { bag.fit({{"a", 2, ""}}, some); }, "labels must be 0 or 1, not 2 as of \"a\"");
  refused([&] { bag.fit(some, {{"a", -1, ""}}); }, "not -1");
}

TEST_CASE("counting words reads a long text to its end") {
  std::string filler;
  for (int i = 0; i < 700; ++i) filler += "a ";
  const std::vector<Example> examples{{filler + "bad", 0, ""}, {filler + "good", 1, ""}};
  BagOfWords model(9, false);
  model.fit(examples, examples);
  CHECK(model.evaluate(examples).accuracy() == 1);
}
