// Attention, forward and backward, one head of 64: attention LENGTH THREADS

#include "machine.h"

#include "../../src/kernels/attention.h"

#include <gradus/random.h>
#include <gradus/threads.h>

#include <cstdio>

using namespace gradus::kernels;

int main(int argc, char** argv) {
  const gradus::Index length = bench::argument(argc, argv, 1, 2048);
  gradus::set_threads(static_cast<int>(bench::argument(argc, argv, 2, 1)));
  constexpr gradus::Index dim = 64;
  gradus::Random random(1);
  std::vector<gradus::Scalar> arrays[8];  // query, key, value, out, their gradients
  for (auto& array : arrays)
    for (gradus::Index i = 0; i < length * dim; ++i) array.push_back(random.uniform(-1, 1));
  std::vector<gradus::Scalar> log_sum_exp(static_cast<std::size_t>(length));
  const AttentionShape shape{1, 1, length, length, dim, dim};
  const auto in = [&](int i) { return HeadsView{arrays[i].data(), length * dim, dim, dim}; };
  const auto out = [&](int i) {
    return MutableHeadsView{arrays[i].data(), length * dim, dim, dim};
  };
  const AttentionInputs inputs{shape, in(0), in(1), in(2), {}, gradus::Scalar(0.125)};

  const long before = bench::peak_rss_mib();
  std::vector<double> seconds;
  const double begin = bench::now();
  for (int i = 0; i < 3 || bench::now() - begin < 0.5; ++i) {
    const double start = bench::now();
    attention_forward(inputs, out(3), log_sum_exp.data());
    attention_backward(inputs, in(3), log_sum_exp.data(), in(4), {out(5), out(6), out(7)});
    seconds.push_back(bench::now() - start);
  }
  std::printf("attention median_s=%.6f extra_mib=%ld\n", bench::median(seconds),
              bench::peak_rss_mib() - before);
}
