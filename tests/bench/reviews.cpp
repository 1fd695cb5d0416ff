// What padding costs: a training step of the book's classifier on real reviews, in batches of like
// length padded to their own longest; in batches that are all padded to 600; and in those again
// without a mask, so that padding is computed like words.
//   reviews FOLDER THREADS

#include "book_model.h"
#include "machine.h"

#include <algorithm>
#include <cstdio>

using namespace gradus;

namespace {

// 20 batches of an epoch, from the shortest to the longest, that stand for all its lengths.
std::vector<Batch> sample(const Batches& batches) {
  std::vector<Batch> all;
  for (const auto& which : batches.plan(0)) all.push_back(batches.make(which));
  std::stable_sort(all.begin(), all.end(),
                   [](const Batch& a, const Batch& b) { return a.ids.shape[1] < b.ids.shape[1]; });
  std::vector<Batch> some;
  for (std::size_t i = 0; i < 20; ++i) some.push_back(all[(2 * i + 1) * all.size() / 40]);
  return some;
}

// Milliseconds for one review. A first round asks the system for memory, the second is timed.
double milliseconds(const Batches& batches, bool masked) {
  Random random(1);
  bench::BookClassifier model(random);
  RMSprop optimizer(model.parameters());
  const std::vector<Batch> some = sample(batches);
  double seconds = 0;
  std::size_t reviews = 0;
  for (std::size_t i = 0; i < 40; ++i) {
    const Batch& batch = some[i % 20];
    const Shape column{static_cast<Index>(batch.labels.size()), 1};
    const Tensor targets =
        Tensor::from(column, std::vector<Scalar>(batch.labels.begin(), batch.labels.end()));
    const double start = bench::now();
    bench::book_step(model, optimizer, batch.ids, masked ? batch.mask : Mask(), targets);
    if (i < 20) continue;
    seconds += bench::now() - start;
    reviews += batch.labels.size();
  }
  return 1000 * seconds / static_cast<double>(reviews);
}

}  // namespace

int main(int argc, char** argv) try {
  if (argc < 2 || !*argv[1]) throw Error("where are the reviews? make bench-reviews DATA=folder");
  set_threads(static_cast<int>(bench::argument(argc, argv, 2, 2)));
  const std::vector<Example> examples = read_review_folder(std::string(argv[1]) + "/train");
  TextVectorizer vectorizer({.max_tokens = 20000, .max_length = 600});
  vectorizer.adapt(texts_of(examples));
  const Batches by_length(examples, vectorizer, {.size = 32});
  const Batches to_600(examples, vectorizer, {.size = 32, .group_by_length = false, .pad_to = 600});
  const double grouped = milliseconds(by_length, true);
  const double padded = milliseconds(to_600, true);
  const double all_computed = milliseconds(to_600, false);
  std::printf("reviews grouped_ms=%.2f padded_ms=%.2f all_computed_ms=%.2f ratio=%.2f %.2f\n",
              grouped, padded, all_computed, padded / grouped, all_computed / grouped);
} catch (const Error& error) {
  std::fprintf(stderr, "%s\n", error.what());
  return 1;
}
