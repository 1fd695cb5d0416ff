// Exercise 13: pooling. It belongs to lesson 12; lesson 11 tells of the mean (The denominator).
//
// Make one vector of each text, without the pooling layers: the mean of its words, and for each of
// the D numbers the largest that a word of it has. Padding is no word: words is 1 for a word and 0
// for padding, which may stand anywhere, and what x has there must change nothing. A text without
// words gives zeros. Numbers are between -1000 and 1000.
//
// Arithmetic, sum and max are enough; reshape makes [B, T, 1] of words, so that it broadcasts over
// the D numbers. Gradients must flow through both.

#include <gradus/gradus.h>

#include "exercise.h"

using namespace gradus;

// x [B, T, D], words [B, T] of ones and zeros; gives [B, D].
Tensor mean_of_words(const Tensor& x, const Tensor& words) {
  //> yours  todo(x, words);
  const Tensor count = sum(words, 1, true);                       // [B, 1]
  const Tensor none = 1 - max(words, 1, true);                    // [B, 1], 1 for an empty text
  const Tensor kept = reshape(words, {words.shape()[0], -1, 1});  // [B, T, 1]
  return sum(x * kept, 1) / (count + none);
  //<
}

// The same shapes.
Tensor max_of_words(const Tensor& x, const Tensor& words) {
  //> yours  todo(x, words);
  const Tensor some = max(words, 1, true);  // [B, 1], 0 for an empty text
  const Tensor padding = reshape(1 - words, {words.shape()[0], -1, 1});  // [B, T, 1]
  const Tensor largest = max(x - padding * 1e6, 1);
  return largest * some;
  //<
}

// ## How it is asked

void answer(const Case& given, Answers& answers) {
  const Tensor x = given.variable("x"), words = given.tensor("words");
  const bool mean = given.text("pool") == "mean";
  const Tensor out = mean ? mean_of_words(x, words) : max_of_words(x, words);
  answers.add(mean ? "mean" : "max", out);
  if (!given.has("upstream")) return;
  out.backward(given.tensor("upstream"));
  answers.add_gradient(x);
}

// Different whole numbers, none of them 0, so that no two are the maximum; each plus `shift`.
Tensor different(Cases& cases, const Shape& shape, int shift = 0) {
  std::vector<Scalar> numbers;
  for (Index i = -shape.size() / 2; Index(numbers.size()) < shape.size(); ++i)
    if (i != 0) numbers.push_back(Scalar(i + shift));
  cases.random.shuffle(numbers);
  return Tensor::from(shape, numbers);
}

// 1 for as many words in each text as `lengths` says.
Tensor words_of(const std::vector<Index>& lengths, Index T) {
  Tensor words = Tensor::zeros({Index(lengths.size()), T});
  for (Index i = 0; i < words.size(); ++i)
    words.mutable_data()[i] = i % T < lengths[std::size_t(i / T)] ? 1 : 0;
  return words;
}

Case& ask(Cases& cases, const std::string& pool, const std::string& name,
          const std::vector<Index>& lengths, const Tensor& x) {
  return cases.add(pool + ", " + name)
      .give("pool", pool)
      .give("x", x)
      .give("words", words_of(lengths, x.shape()[1]));
}

void ask_all(Cases& cases, const std::string& pool) {
  cases.group(pool, 1);
  ask(cases, pool, "1 word, D = 1", {1}, different(cases, {1, 1, 1}));
  ask(cases, pool, "2 words, D = 1", {2}, different(cases, {1, 2, 1}));
  ask(cases, pool, "1 word and padding", {1}, different(cases, {1, 2, 1}));
  ask(cases, pool, "1 word and padding, all below 0", {1}, different(cases, {1, 2, 1}, -5));
  ask(cases, pool, "1 word and padding, all above 0", {1}, different(cases, {1, 2, 1}, 5));
  ask(cases, pool, "2 texts, of 2 words and of 1", {2, 1}, different(cases, {2, 2, 2}));
  cases.group(pool + ", edges and gradient", 1);
  ask(cases, pool, "a text without words", {2, 0}, different(cases, {2, 2, 1}, 5));
  cases.add(pool + ", padding in front")
      .give("pool", pool)
      .give("x", different(cases, {1, 2, 1}))
      .give("words", Tensor::matrix({{0, 1}}));
  const Tensor large = cases.whole({2, 3, 1}, 900, 1000);
  ask(cases, pool, "words near -1000, padding near 1000", {2, 1},
      large * (1 - 2 * reshape(words_of({2, 1}, 3), {2, 3, 1})));
  const Shape shape = {4, cases.size(6, 8), cases.size(3, 7)};
  ask(cases, pool, "4 texts", {5, 0, 3, 1}, different(cases, shape));
  ask(cases, pool, "gradient, 2 texts", {3, 2}, different(cases, {2, 3, 2}))
      .give("upstream", cases.whole({2, 2}));
  ask(cases, pool, "gradient, a text without words", {2, 0}, different(cases, {2, 3, 2}))
      .give("upstream", cases.whole({2, 2}));
}

void cases(Cases& cases) {
  ask_all(cases, "mean");
  ask_all(cases, "max");
}
