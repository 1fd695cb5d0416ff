// Texts that a model writes, one token at a time: read the words so far, choose one of those that
// may come next, and go on with it.
#pragma once

#include <gradus/fit.h>

#include <limits>

namespace gradus {

// How the next token is chosen: with probability softmax(logits / temperature), among those that
// are left after top_k and then top_p (Holtzman et al. 2020, section 3).
struct Sampling {
  Scalar temperature = 0;  // 0: always the likeliest, the first of equals (greedy)
  Index top_k = std::numeric_limits<Index>::max();  // only the k likeliest
  Scalar top_p = 1;  // only the fewest that have this probability together

  // Errors: a temperature below 0 or not a number, a k below 1, a p outside 0 … 1.
  void check(const Where& where) const;
};

// A token by the logits [V] of one text. Errors: those of Sampling; no logits, or some that are not
// numbers.
int choose(std::span<const Scalar> logits, const Sampling& sampling, Random& random,
           Where where = here());

struct WriterOptions {
  Index max_length = 128;  // of a text with its prompt
  int stop = -1;           // the token that ends a text; -1: none does
  Sampling sampling = {};
  std::uint64_t seed = 0;  // text b draws from a stream of its own, random_bits(seed, b)
  bool cache = true;       // the same bits without, at O(T²) a token
};

// Writes a batch of texts:
//   Writer writer(model, {{1, 7, 3}, {1}}, {.max_length = 20, .stop = 2});
//   while (writer.next()) {}
//   print(writer.texts());
class Writer {
 public:
  // `sources` are what the model's encoder reads, one for each prompt, or none at all.
  // Errors: no prompt, an empty one, one longer than max_length; another number of sources, an
  // empty source; those of Sampling.
  Writer(SequenceModel& model, std::vector<std::vector<int>> prompts, WriterOptions options,
         const std::vector<std::vector<int>>& sources = {}, Where where = here());

  // One token more for each text that is not finished; one whose prompt reaches further than the
  // shortest text takes it from there. False if all were finished. Errors: those of the model; a
  // model that changed since the last call (see Cache::check()).
  bool next(Where where = here());

  const std::vector<std::vector<int>>& texts() const { return texts_; }
  // Of the last call: what may stand in the last column, [B, V].
  const Tensor& logits() const { return logits_; }

 private:
  friend struct BeamSearch;
  bool finished(std::size_t b) const;
  void read(const Where& where);

  SequenceModel& model_;
  WriterOptions options_;
  std::vector<std::vector<int>> texts_;
  std::vector<std::size_t> prompts_;  // their lengths
  std::vector<Random> random_;
  std::size_t columns_;  // of the texts, that all have
  Batch batch_;
  Cache cache_;
  Tensor logits_;
};

struct BeamOptions {
  int beams = 4;
  Index max_length = 128;
  int stop = -1;
  Scalar length_power = 1;  // 0 favours short texts
  bool cache = true;
};

struct Beam {
  std::vector<int> text;       // with its prompt
  double log_probability = 0;  // the sum over what was written
  double score = 0;            // that divided by (tokens written)^length_power
};

// The best texts that begin with the prompt, best first. In each step every text goes on with every
// token. Of all these, one that ends with `stop` is put aside if it is among the `beams` likeliest;
// of the others the `beams` likeliest go on. The search is over when `beams` or more are put aside,
// or at max_length, where the others join them. (Wu et al. 2016, section 7, with the simpler norm.)
// Errors: less than one beam, a length_power that is not a number, those of Writer (a source that
// is given and empty is one of them).
std::vector<Beam> beam_search(SequenceModel& model, const std::vector<int>& prompt,
                              BeamOptions options = {},
                              const std::optional<std::vector<int>>& source = {},
                              Where where = here());

}  // namespace gradus
