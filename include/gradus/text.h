// From text to numbers: what Keras' TextVectorization does.
//
// Standardise (lower-case the letters A-Z, delete ASCII punctuation; "Don't!" becomes "dont"),
// split on white space, and give each word its number: 0 for padding, 1 for words that are not in
// the vocabulary, then the words of the training texts from the most frequent on. Words that are
// equally frequent come in the order of their bytes. Letters outside ASCII are kept as they are.
#pragma once

#include <gradus/error.h>

#include <unordered_map>
#include <vector>

namespace gradus {

// Lower-cased, without punctuation.
std::string standardize(const std::string& text);
std::vector<std::string> split_words(const std::string& text);

struct TextVectorizerOptions {
  int max_tokens = 20000;  // size of the vocabulary, the two special ones counted in
  int max_length = 600;    // a longer text is cut after so many numbers
  bool bigrams = false;    // after the words of a text come its pairs of neighbouring words
};

class TextVectorizer {
 public:
  // Errors: fewer than 3 tokens, a length below 1.
  explicit TextVectorizer(TextVectorizerOptions options = {}, Where where = here());

  // Takes the vocabulary from these texts. Errors: texts without any word.
  void adapt(const std::vector<std::string>& texts, Where where = here());

  // One number for each word, then for each pair. Errors: no vocabulary, a text without words.
  std::vector<int> encode(const std::string& text, Where where = here()) const;
  // The words that encode() turned into numbers, as they are in the vocabulary or "[UNK]"; nothing
  // for padding. Errors: a number outside the vocabulary.
  std::string decode(const std::vector<int>& ids, Where where = here()) const;

  const std::vector<std::string>& vocabulary() const { return vocabulary_; }
  const TextVectorizerOptions& options() const { return options_; }

  // One word a line, without the two special ones; the options are not saved. Errors: the file
  // cannot be read or written; no word, more than max_tokens allows, one that stands twice or that
  // no text could give, such as "Good".
  void save(const std::string& path, Where where = here()) const;
  void load(const std::string& path, Where where = here());

 private:
  std::vector<std::string> words_of(const std::string& text) const;
  std::vector<std::string> checked_vocabulary(const std::string& lines, const std::string& path,
                                              const Where& where) const;
  void set_vocabulary(std::vector<std::string> words);

  TextVectorizerOptions options_;
  std::vector<std::string> vocabulary_;
  std::unordered_map<std::string, int> number_;
};

}  // namespace gradus
