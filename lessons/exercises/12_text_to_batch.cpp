// Exercise 12: from texts to a batch. It belongs to lesson 11.
//
// Write steps 1 to 4 of lesson 11. The words of the training texts get numbers: the most frequent
// word 2, the next 3, and so on; words that are equally frequent in the order of the alphabet (that
// of std::string's <). There are at most max_tokens numbers, 0 and 1 counted in, so max_tokens - 2
// words have one. Then each of `texts` becomes a row of the batch:
//
//   - a word without a number becomes 1; 0 is padding and nothing else
//   - after max_length words a text is cut
//   - shorter texts are padded with 0 to the longest row; a text without words is all padding
//
// standardize(text) and split_words(text) are there. Ids({B, T}, values) makes the batch from a
// std::vector<int> of B·T numbers, text by text. At least one text has a word.

#include <gradus/gradus.h>

#include "exercise.h"

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

using namespace gradus;

// A place for functions of your own, if you want some.
//> yours
// The number of each word that has one.
std::map<std::string, int> numbers_of(const std::vector<std::string>& training, int max_tokens) {
  std::map<std::string, int> count;  // in the order of the alphabet
  for (const std::string& text : training)
    for (const std::string& word : split_words(standardize(text))) ++count[word];
  std::vector<std::pair<std::string, int>> words(count.begin(), count.end());
  const auto more = [](const auto& a, const auto& b) { return a.second > b.second; };
  std::stable_sort(words.begin(), words.end(), more);
  std::map<std::string, int> numbers;
  for (const auto& [word, times] : words)
    if (int(numbers.size()) < max_tokens - 2) numbers.insert({word, int(numbers.size()) + 2});
  return numbers;
}
//<

// Gives [B, T]: B texts, the longest of which has T words, at most max_length.
Ids to_batch(const std::vector<std::string>& training, const std::vector<std::string>& texts,
             int max_tokens, int max_length) {
  //> yours  todo(training, texts, max_tokens, max_length);
  const std::map<std::string, int> numbers = numbers_of(training, max_tokens);
  std::vector<std::vector<int>> rows;
  std::size_t longest = 0;
  for (const std::string& text : texts) {
    std::vector<int> row;
    for (const std::string& word : split_words(standardize(text)))
      row.push_back(numbers.count(word) ? numbers.at(word) : 1);
    if (row.size() > std::size_t(max_length)) row.resize(std::size_t(max_length));
    longest = std::max(longest, row.size());
    rows.push_back(row);
  }
  std::vector<int> all_texts;
  for (std::vector<int>& row : rows) {
    row.resize(longest, 0);
    all_texts.insert(all_texts.end(), row.begin(), row.end());
  }
  return Ids({Index(rows.size()), Index(longest)}, all_texts);
  //<
}

// ## How it is asked

void answer(const Case& given, Answers& answers) {
  answers.add("ids", to_batch(given.lines("training"), given.lines("texts"),
                              int(given.count("max_tokens")), int(given.count("max_length"))));
}

Case& ask(Cases& cases, const std::string& name, const std::vector<std::string>& training,
          const std::vector<std::string>& texts, int max_tokens = 100, int max_length = 50) {
  return cases.add(name)
      .give("training", training)
      .give("texts", texts)
      .give("max_tokens", max_tokens)
      .give("max_length", max_length);
}

// Texts of up to `longest` words, the first words of `words` more often than the last.
std::vector<std::string> some(Cases& cases, std::vector<std::string> words, Index count,
                              Index longest) {
  std::vector<std::string> texts;
  for (Index i = 0; i < count; ++i) {
    texts.push_back("");
    for (Index left = cases.size(1, longest); left > 0; --left) {
      const Index last = cases.size(0, Index(words.size()) - 1);
      texts.back() += words[std::size_t(cases.size(0, last))] + (left % 3 ? " " : ", ");
    }
  }
  return texts;
}

void cases(Cases& cases) {
  std::vector<std::string> words = {"good", "bad",  "film", "not",  "a",    "plot",
                                    "dull", "fine", "seen", "ever", "cast", "it"};
  cases.random.shuffle(words);
  std::sort(words.begin(), words.begin() + 3);  // a before b before c in the alphabet
  const std::string a = words[0], b = words[1], c = words[2], d = words[3];
  cases.group("small", 2);
  ask(cases, "1 word", {a}, {a});
  ask(cases, "3 words", {c + " " + b + " " + a + " " + b + " " + a + " " + b},
      {a + " " + b + " " + c});
  ask(cases, "a word that is not in the training texts", {a}, {a + " " + b});
  ask(cases, "2 texts", {a + " " + b + " " + b}, {b, a + " " + a});
  ask(cases, "words that are equally frequent", {c + " " + a + " " + b}, {a + " " + b + " " + c});
  cases.group("edges", 2);
  ask(cases, "cut after 2 words", {a + " " + b + " " + b}, {a + " " + b + " " + b}, 100, 2);
  ask(cases, "4 numbers", {a + " " + b + " " + b, c + " " + c + " " + c}, {a + " " + b + " " + c},
      4);
  ask(cases, "capitals and punctuation", {"Oh, " + a + "! OH " + b + "?"},
      {"oh " + a + " (" + b + ")"});
  ask(cases, "a text without words", {a + " " + b + " " + b}, {"...", b});
  const std::vector<std::string> most(words.begin(), words.end() - 3);
  std::vector<std::string> training = some(cases, most, 5, 9);
  ask(cases, "3 texts", training, some(cases, words, 3, 6));
  training = some(cases, most, 9, 12);
  ask(cases, "many texts", training, some(cases, words, cases.size(6, 9), 12), 9, 7);
}
