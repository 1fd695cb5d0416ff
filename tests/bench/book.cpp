// One training step of the book's classifier: seconds, tokens a second, peak memory.
//   book THREADS STEPS BATCH LENGTH

#include "book_model.h"
#include "machine.h"

#include <algorithm>
#include <cstdio>

using namespace gradus;

int main(int argc, char** argv) {
  set_threads(static_cast<int>(bench::argument(argc, argv, 1, 2)));
  const long steps = bench::argument(argc, argv, 2, 5);
  const Index batch = bench::argument(argc, argv, 3, 32);
  const Index length = bench::argument(argc, argv, 4, 600);
  Random random(1);
  bench::BookClassifier model(random);
  RMSprop optimizer(model.parameters());
  std::vector<int> ids;
  for (Index i = 0; i < batch * length; ++i)
    ids.push_back(static_cast<int>(1 + random.below(19999)));
  Tensor targets = Tensor::zeros({batch, 1});
  for (Scalar& t : targets.mutable_values()) t = static_cast<Scalar>(random.below(2));
  const Ids words({batch, length}, ids);
  const Mask mask = Mask::padding_of(words);

  std::vector<double> seconds;
  for (long step = 0; step <= steps; ++step) {
    const double start = bench::now();
    bench::book_step(model, optimizer, words, mask, targets);
    if (step > 0) seconds.push_back(bench::now() - start);
  }
  const double median = bench::median(seconds);
  std::printf("book-step median_s=%.4f min_s=%.4f tokens_per_s=%.0f peak_rss_mib=%ld\n", median,
              *std::min_element(seconds.begin(), seconds.end()),
              static_cast<double>(batch * length) / median, bench::peak_rss_mib());
}
