// What attention keeps of the words so far when a text is written word by word.
//
// The keys and values of a word depend on that word and those before it alone, if the mask is
// causal. So they are computed once: a new word asks with its own query, adds its own key and
// value, and costs O(T) instead of O(T²). The results are the same to the bit.
#pragma once

#include <gradus/module.h>

namespace gradus {

// Keys and values of one MultiHeadAttention: [B, T, H·K] and [B, T, H·V].
struct KeysAndValues {
  const Module* attention = nullptr;
  Tensor made_from;  // the last key input
  Tensor key, value;
  bool grows = false;  // the queries come from the same input: each call adds what is new
};

class Cache {
 public:
  Index length() const;  // how many words are in it; the next call begins at this position

  // Those of an attention; none before its first call.
  KeysAndValues& of(const Module& attention);
  // Row i becomes what row rows[i] was: the texts that a beam search goes on with.
  void pick(const std::vector<int>& rows, Where where = here());

  // A model asks before each call with a cache. Errors: the cache was filled by another model, with
  // another source or number of texts, or before the weights were changed.
  void check(const Module& model, const Ids& ids, const Ids& source, Where where);

  Tensor encoded;  // what the model made of the source

 private:
  std::vector<KeysAndValues> entries_;
  const Module* model_ = nullptr;
  std::vector<Edge> weights_;  // as they were in the first call
  Index texts_ = 0;
  Ids source_;
};

}  // namespace gradus
