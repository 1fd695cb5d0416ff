// From text to numbers by byte-pair encoding: no word is unknown.
//
// It starts with the 256 bytes, of which any text is made, and puts the most frequent pair of
// neighbouring tokens together to a new token, again and again (Sennrich, Haddow and Birch 2016,
// "Neural machine translation of rare words with subword units", algorithm 1; on bytes: Radford et
// al. 2019, "Language models are unsupervised multitask learners", section 2.2). Frequent words end
// as one token, rare ones as several. Case, spaces and punctuation are kept.
//
// Tokens do not cross the border of a piece: a run of letters (all bytes from 128 on are letters),
// of digits, of white space or of other characters, of at most 64 bytes with a space before it.
#pragma once

#include <gradus/error.h>

#include <cstdint>
#include <unordered_map>
#include <vector>

namespace gradus {

class BytePairEncoding {
 public:
  using Pair = std::pair<int, int>;  // ids of two tokens that become one

  // Id 0 is padding; from 1 on come the special tokens, such as "[START]", which no text gives;
  // then the bytes; then what is learned. Errors: names that are no lines, or not different.
  explicit BytePairEncoding(const std::vector<std::string>& special = {}, Where where = here());

  // Learns tokens until there are `most` ids, or no pair occurs twice (aaa has a a twice). Of pairs
  // that are equally frequent the one with the lower first, then second id comes first. What was
  // learned before is forgotten. Errors: `most` is less than the ids before learning.
  void train(const std::vector<std::string>& texts, int most, Where where = here());

  std::vector<int> encode(const std::string& text) const;
  // The text that gives these ids; nothing for padding and special tokens. Errors: no such id.
  std::string decode(const std::vector<int>& ids, Where where = here()) const;

  int size() const { return static_cast<int>(tokens_.size()); }
  // The bytes of each id, or the name of a special token, "" for padding.
  const std::vector<std::string>& tokens() const { return tokens_; }

  // Errors: the file cannot be read or written; it is damaged, or has other special tokens.
  void save(const std::string& path, Where where = here()) const;
  void load(const std::string& path, Where where = here());

 private:
  int first_byte() const { return size() - 256 - static_cast<int>(pairs_.size()); }
  bool add(Pair pair);  // false if it cannot be: an id that is not there, a pair that is
  void forget();
  std::string contents() const;

  std::vector<std::string> tokens_;
  std::vector<Pair> pairs_;                         // that of the first learned token first
  std::unordered_map<std::uint64_t, int> learned_;  // the token that a pair becomes
};

}  // namespace gradus
