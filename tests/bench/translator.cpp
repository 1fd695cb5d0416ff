// One training step of the book's translator (Chollet 2021, section 11.5.3): seconds, tokens a
// second, peak memory.
//   translator THREADS STEPS BATCH LENGTH

#include "machine.h"

#include <gradus/gradus.h>

#include <algorithm>
#include <cstdio>

using namespace gradus;

namespace {

constexpr Index words = 15000;

struct Translator : SequenceModel {
  Translator(Index length, Random& random)
      : SequenceModel("Translator"),
        source(length, words, 256, random),
        encoder(256, 2048, 8, random),
        target(length, words, 256, random),
        decoder(256, 2048, 8, random),
        dropout(Scalar(0.5), random),
        logits(256, words, random) {
    add("source", source);
    add("encoder", encoder);
    add("target", target);
    add("decoder", decoder);
    add("dropout", dropout);
    add("logits", logits);
  }
  Tensor encode(const Batch& batch, Where where) override {
    return encoder(source(batch.source, where), batch.source_mask, where);
  }
  Tensor decode(const Batch& batch, const Tensor& encoded, Where where) override {
    const Tensor x = target(batch.ids, batch.first(), where);
    const Tensor y = decoder(x, encoded, batch.mask, batch.source_mask, batch.cache, where);
    return logits(dropout(y, where), where);
  }
  PositionalEmbedding source;
  TransformerEncoder encoder;
  PositionalEmbedding target;
  TransformerDecoder decoder;
  Dropout dropout;
  Dense logits;
};

std::vector<Sample> sentences(Index count, Index length, Random& random) {
  const auto text = [&](Index of) {
    std::vector<int> ids;
    for (Index i = 0; i < of; ++i) ids.push_back(static_cast<int>(1 + random.below(words - 1)));
    return ids;
  };
  std::vector<Sample> all;
  for (Index i = 0; i < count; ++i) all.push_back(next_ids(text(length + 1), text(length)));
  return all;
}

}  // namespace

int main(int argc, char** argv) {
  set_threads(static_cast<int>(bench::argument(argc, argv, 1, 2)));
  const long steps = bench::argument(argc, argv, 2, 5);
  const Index count = bench::argument(argc, argv, 3, 64);
  const Index length = bench::argument(argc, argv, 4, 20);
  Random random(1);
  Translator model(length, random);
  RMSprop optimizer(model.parameters());
  const Batches batches(sentences(count, length, random),
                        {.size = static_cast<std::size_t>(count)});
  const Batch batch = batches.make(batches.plan(0)[0]);

  std::vector<double> seconds;
  for (long step = 0; step <= steps; ++step) {
    const double start = bench::now();
    const Tensor loss = model.loss(model(batch), batch, here());
    loss.backward(Graph::free);
    optimizer.step();
    optimizer.clear_grad();
    if (step > 0) seconds.push_back(bench::now() - start);
  }
  const double median = bench::median(seconds);
  std::printf("translator median_s=%.4f min_s=%.4f tokens_per_s=%.0f peak_rss_mib=%ld\n", median,
              *std::min_element(seconds.begin(), seconds.end()),
              static_cast<double>(2 * count * length) / median, bench::peak_rss_mib());
}
