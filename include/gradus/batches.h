// Batches of texts, for every task. Texts of a batch are padded to the longest of them, so texts of
// similar length are put together: padding is work for nothing.
#pragma once

#include <gradus/cache.h>
#include <gradus/reviews.h>
#include <gradus/text.h>

namespace gradus {

// A text in numbers, and what a model shall say of it.
struct Sample {
  std::vector<int> ids;          // what is read: [T]
  std::vector<int> labels;       // one for the whole text, or one for each id; -1: none is wanted
  std::vector<int> source = {};  // what an encoder reads besides, such as the sentence to translate
};

// To say at each position which id comes next: of the text a b c d, a b c are read and b c d are
// the labels. Without this shift a decoder would be shown the very words that it is asked for.
// Errors: fewer than two ids.
Sample next_ids(const std::vector<int>& text, std::vector<int> source = {}, Where where = here());

struct Batch {
  Ids ids;                  // [B, T], 0 for padding
  Mask mask;                // which of them are words
  std::vector<int> labels;  // [B], or [B · T] with -1 for padding
  Ids source = {};          // [B, S], 0 for padding; no numbers if the samples have no source
  Mask source_mask = {};
  Cache* cache = nullptr;  // of the words before these, when a text is written word by word

  Index first() const { return cache ? cache->length() : 0; }  // the position of the first id
};

struct BatchOptions {
  std::size_t size = 32;
  bool shuffle = true;
  bool group_by_length = true;
  std::size_t pad_to = 0;  // if not 0: every batch has at least this length
};

// Texts turned into numbers, and how they are dealt out in each epoch. The plan of an epoch depends
// on the seed and its number alone, so a training that was interrupted finds its place again.
class Batches {
 public:
  // Errors: no examples, a text without words, a batch of no texts or of more than 2^28 positions.
  Batches(const std::vector<Example>& examples, const TextVectorizer& vectorizer,
          BatchOptions options = {}, std::uint64_t seed = 0, Where where = here());
  // Errors: the same; a label for each id in some samples and one a text in others; labels for only
  // some ids; a source that is empty in some samples alone.
  explicit Batches(std::vector<Sample> samples, BatchOptions options = {}, std::uint64_t seed = 0,
                   Where where = here());

  std::size_t examples() const { return samples_.size(); }
  // Batches in an epoch.
  std::size_t count() const { return (samples_.size() + options_.size - 1) / options_.size; }

  // The texts of each batch of an epoch, by their numbers among the examples: each text once, all
  // batches of the same size but for one that has what is left.
  std::vector<std::vector<std::size_t>> plan(std::uint64_t epoch) const;
  // Errors: no text, or one that is not there.
  Batch make(const std::vector<std::size_t>& which, Where where = here()) const;
  // How they are dealt out, and a number that differs with every change of a text or a label.
  std::string settings() const;
  // What share of all positions of an epoch is padding.
  double padding_share(std::uint64_t epoch) const;

 private:
  std::vector<Sample> samples_;
  bool per_id_ = false;  // a label for each id
  BatchOptions options_;
  std::uint64_t seed_;
};

}  // namespace gradus
