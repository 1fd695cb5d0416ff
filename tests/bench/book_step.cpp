// One training step of the book's classifier: seconds, tokens a second, peak memory.
//   book_step THREADS STEPS BATCH LENGTH

#include <gradus/gradus.h>

#include <sys/resource.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>

using namespace gradus;

namespace {

struct Classifier : Module {
  explicit Classifier(Random& random)
      : Module("Classifier"),
        embedding(600, 20000, 256, random),
        encoder(256, 32, 2, random),
        dropout(Scalar(0.5), random),
        dense(256, 1, random) {
    add("embedding", embedding);
    add("encoder", encoder);
    add("pooling", pooling);
    add("dropout", dropout);
    add("dense", dense);
  }
  Tensor operator()(const Ids& ids, const Mask& mask) {
    return dense(dropout(pooling(encoder(embedding(ids), mask), mask)));
  }
  PositionalEmbedding embedding;
  TransformerEncoder encoder;
  GlobalMaxPooling pooling;
  Dropout dropout;
  Dense dense;
};

double now() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

}  // namespace

int main(int argc, char** argv) {
  const auto argument = [&](int i, int otherwise) {
    return argc > i ? std::atoi(argv[i]) : otherwise;
  };
  set_threads(argument(1, 2));
  const int steps = argument(2, 5);
  const Index batch = argument(3, 32);
  const Index length = argument(4, 600);
  Random random(1);
  Classifier model(random);
  RMSprop optimizer(model.parameters());
  std::vector<int> ids;
  for (Index i = 0; i < batch * length; ++i)
    ids.push_back(static_cast<int>(1 + random.below(19999)));
  Tensor targets = Tensor::zeros({batch, 1});
  for (Scalar& t : targets.mutable_values()) t = static_cast<Scalar>(random.below(2));
  const Ids words({batch, length}, ids);
  const Mask mask = Mask::padding_of(words);

  std::vector<double> seconds;
  for (int step = 0; step <= steps; ++step) {
    const double start = now();
    const Tensor loss = binary_cross_entropy(model(words, mask), targets);
    loss.backward(Graph::free);
    optimizer.step();
    optimizer.clear_grad();
    if (step > 0) seconds.push_back(now() - start);
  }
  std::sort(seconds.begin(), seconds.end());
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  const double median = seconds[seconds.size() / 2];
  std::printf("book-step median_s=%.4f min_s=%.4f tokens_per_s=%.0f peak_rss_mib=%ld\n", median,
              seconds[0], static_cast<double>(batch * length) / median, usage.ru_maxrss / 1024);
}
