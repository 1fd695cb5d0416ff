// What the tests of training share: texts, a small model whose numbers can
// be computed by hand, and what a program prints.
#pragma once

#include <doctest/doctest.h>
#include <gradus/gradus.h>

#include <unistd.h>

#include <cstdio>
#include <functional>
#include <string>
#include <vector>

#include "folder.h"

namespace training {

using namespace gradus;

// What `act` writes to STDOUT_FILENO or STDERR_FILENO.
inline std::string printed(int where, const std::function<void()>& act) {
  std::fflush(nullptr);
  std::FILE* file = std::tmpfile();
  const int kept = dup(where);
  dup2(fileno(file), where);
  act();
  std::fflush(nullptr);
  dup2(kept, where);
  close(kept);
  std::string text;
  std::rewind(file);
  for (int c = std::fgetc(file); c != EOF; c = std::fgetc(file)) text += static_cast<char>(c);
  std::fclose(file);
  return text;
}

// Texts of one to five of nine words, with labels 0 … classes-1.
inline std::vector<Example> texts(int count, int classes, std::uint64_t seed) {
  const char* words[] = {"a", "b", "c", "d", "e", "f", "g", "h", "i"};
  Random random(seed);
  std::vector<Example> result;
  for (int i = 0; i < count; ++i) {
    std::string text = words[random.below(9)];
    for (std::int64_t more = random.below(5); more > 0; --more)
      text += std::string(" ") + words[random.below(9)];
    result.push_back({text, static_cast<int>(random.below(classes)), ""});
  }
  return result;
}

inline TextVectorizer vectorizer() {
  TextVectorizer made({.max_tokens = 20, .max_length = 12});
  made.adapt({"a b c d e f g h i"});
  return made;
}

// Each word has a score for each class; the logits of a text are the means of its words' scores.
struct Scores : TextClassifier {
  explicit Scores(Index classes, std::uint64_t seed = 3, Scalar rate = 0)
      : TextClassifier("Scores"),
        random(seed),
        table(Tensor::normal({11, classes}, 0, 1, random)),
        dropout(rate, random) {
    add("table", table);
    add("dropout", dropout);
  }
  Tensor forward(const Ids& ids, const Mask& mask, Where where) override {
    if (look) look();
    return mean_pooling(dropout(embedding(table, ids, where), where), mask, where);
  }
  Random random;
  Tensor table;  // [11, C]
  Dropout dropout;
  std::function<void()> look;  // called with each batch
};

inline std::vector<Scalar> values_of(const Tensor& tensor) {
  return {tensor.values().begin(), tensor.values().end()};
}

}  // namespace training
