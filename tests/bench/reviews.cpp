// What padding costs: a training step of the book's classifier on real reviews, in batches of like
// length padded to their own longest, and in batches that are all padded to 600.
//   reviews FOLDER THREADS

#include "book_model.h"
#include "machine.h"

#include <cstdio>

using namespace gradus;

namespace {

// Milliseconds for one review, from 20 batches of an epoch that stand for all its lengths.
double milliseconds(const Batches& batches) {
  Random random(1);
  bench::BookClassifier model(random);
  RMSprop optimizer(model.parameters());
  const std::vector<std::vector<std::size_t>> plan = batches.plan(0);
  double seconds = 0;
  std::size_t reviews = 0;
  for (std::size_t i = 0; i <= 20; ++i) {
    const Batch batch = batches.make(plan[i * (plan.size() - 1) / 20]);
    const Shape column{static_cast<Index>(batch.labels.size()), 1};
    const Tensor targets =
        Tensor::from(column, std::vector<Scalar>(batch.labels.begin(), batch.labels.end()));
    const double start = bench::now();
    bench::book_step(model, optimizer, batch.ids, batch.mask, targets);
    if (i == 0) continue;  // the first step asks the system for memory
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
  const double grouped = milliseconds(Batches(examples, vectorizer, {.size = 32}));
  const double padded = milliseconds(
      Batches(examples, vectorizer, {.size = 32, .group_by_length = false, .pad_to = 600}));
  std::printf("reviews grouped_ms=%.2f padded_ms=%.2f ratio=%.2f\n", grouped, padded,
              padded / grouped);
} catch (const Error& error) {
  std::fprintf(stderr, "%s\n", error.what());
  return 1;
}
