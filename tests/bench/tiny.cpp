// What the engine itself costs: one training step of a toy encoder, and a chain of scalars.

#include "machine.h"

#include <gradus/gradus.h>

#include <algorithm>
#include <cstdio>

using namespace gradus;

namespace {

// One text of 8 words of width 16, two heads of 8, 32 units, two classes; plain SGD.
double tiny_step_seconds() {
  Random random(1);
  TransformerEncoder encoder(16, 32, 2, random, {.key_dim = 8});
  Dense logits(16, 2, random);
  std::vector<NamedTensor> parameters = encoder.parameters();
  for (const NamedTensor& parameter : logits.parameters()) parameters.push_back(parameter);
  Sgd optimizer(parameters);
  std::vector<Scalar> numbers;
  for (int i = 0; i < 8 * 16; ++i) numbers.push_back(random.normal());
  const Tensor x = Tensor::from({1, 8, 16}, numbers);
  const Ids label({1}, {1});
  const Mask everything;
  const auto step = [&] {
    cross_entropy(logits(mean(encoder(x, everything), {1})), label).backward(Graph::free);
    optimizer.step();
    optimizer.clear_grad();
  };
  for (int i = 0; i < 200; ++i) step();
  std::vector<double> seconds;
  for (int trial = 0; trial < 15; ++trial) {
    const double start = bench::now();
    for (int i = 0; i < 200; ++i) step();
    seconds.push_back((bench::now() - start) / 200);
  }
  return bench::median(seconds);
}

// z = z · 1.001 + 0.001 a thousand times, forward and backward: two operations a round.
double chain_seconds() {
  std::vector<double> seconds;
  for (int trial = 0; trial < 30; ++trial) {
    const double start = bench::now();
    Tensor a = Tensor::full({}, 1);
    a.requires_grad(true);
    Tensor z = a;
    for (int i = 0; i < 1000; ++i) z = z * Scalar(1.001) + Scalar(0.001);
    z.backward();
    seconds.push_back((bench::now() - start) / 2000);
  }
  return bench::median(seconds);
}

}  // namespace

int main() {
  set_threads(1);
  std::printf("tiny-step us=%.1f\n", tiny_step_seconds() * 1e6);
  std::printf("chain ns_per_op=%.0f\n", chain_seconds() * 1e9);
}
