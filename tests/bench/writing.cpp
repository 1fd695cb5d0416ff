// How long it takes to write a text token by token, with a cache and without.
//   writing TOKENS CACHE THREADS     (CACHE is 1 or 0)

#include "machine.h"

#include <gradus/gradus.h>

#include <algorithm>
#include <cstdio>
#include <memory>

using namespace gradus;

namespace {

// Four blocks of width 256, four heads of 64, 1024 units between; a vocabulary of 8000.
struct LanguageModel : SequenceModel {
  LanguageModel(Index length, Random& random)
      : SequenceModel("LanguageModel"),
        embedding(length, 8000, 256, random),
        norm(256),
        logits(256, 8000, random) {
    add("embedding", embedding);
    for (int i = 0; i < 4; ++i) {
      blocks.push_back(std::make_unique<TransformerEncoder>(
          256, 1024, 4, random, EncoderOptions{.key_dim = 64, .pre_norm = true}));
      add("block_" + std::to_string(i), *blocks.back());
    }
    add("norm", norm);
    add("logits", logits);
  }
  Tensor decode(const Batch& batch, const Tensor&, Where where) override {
    Tensor x = embedding(batch.ids, batch.first(), where);
    for (const auto& block : blocks) x = (*block)(x, Mask::causal(), batch.cache, where);
    return logits(norm(x, where), where);
  }
  PositionalEmbedding embedding;
  std::vector<std::unique_ptr<TransformerEncoder>> blocks;
  LayerNorm norm;
  Dense logits;
};

double seconds_to_write(LanguageModel& model, Index tokens, bool cache) {
  const double start = bench::now();
  Writer writer(model, {{1}}, {.max_length = tokens + 1, .cache = cache});
  while (writer.next()) {
  }
  return bench::now() - start;
}

}  // namespace

int main(int argc, char** argv) {
  const Index tokens = bench::argument(argc, argv, 1, 256);
  const bool cache = bench::argument(argc, argv, 2, 1) != 0;
  set_threads(static_cast<int>(bench::argument(argc, argv, 3, 1)));
  Random random(1);
  LanguageModel model(tokens + 1, random);
  seconds_to_write(model, std::min<Index>(tokens, 16), cache);
  std::vector<double> seconds;
  for (int i = 0; i < (cache ? 3 : 1); ++i)
    seconds.push_back(seconds_to_write(model, tokens, cache));
  const double median = bench::median(seconds);
  std::printf("writing median_s=%.4f tokens_per_s=%.0f\n", median,
              static_cast<double>(tokens) / median);
}
