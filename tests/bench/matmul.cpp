// One matrix product: matmul M N K THREADS [LAYOUT], LAYOUT nn, nt, tn or tt (t: transposed).

#include "machine.h"

#include "../../src/kernels/matmul.h"

#include <gradus/random.h>
#include <gradus/threads.h>

#include <cstdio>
#include <string>

int main(int argc, char** argv) {
  const long m = bench::argument(argc, argv, 1, 1024);
  const long n = bench::argument(argc, argv, 2, 1024);
  const long k = bench::argument(argc, argv, 3, 1024);
  const int threads = static_cast<int>(bench::argument(argc, argv, 4, 1));
  const std::string layout = argc > 5 ? argv[5] : "nn";
  gradus::set_threads(threads);
  gradus::Random random(1);
  std::vector<gradus::Scalar> a(static_cast<std::size_t>(m * k));
  std::vector<gradus::Scalar> b(static_cast<std::size_t>(k * n));
  std::vector<gradus::Scalar> c(static_cast<std::size_t>(m * n));
  for (auto& x : a) x = random.uniform();
  for (auto& x : b) x = random.uniform();
  const gradus::kernels::MatrixView left{a.data(), layout[0] == 't' ? 1 : k,
                                         layout[0] == 't' ? m : 1};
  const gradus::kernels::MatrixView right{b.data(), layout[1] == 't' ? 1 : n,
                                          layout[1] == 't' ? k : 1};
  const double operations =
      2.0 * static_cast<double>(m) * static_cast<double>(n) * static_cast<double>(k);
  const long repeat = static_cast<long>(2e8 / operations) + 1;  // at least some milliseconds
  std::vector<double> seconds;
  const double begin = bench::now();
  for (int i = 0; i < 5 || bench::now() - begin < 0.3; ++i) {
    const double start = bench::now();
    for (long r = 0; r < repeat; ++r)
      gradus::kernels::matmul({m, n, k}, left, right, {c.data(), n});
    seconds.push_back((bench::now() - start) / static_cast<double>(repeat));
  }
  std::printf("matmul gflops=%.1f peak_gflops=%.1f\n", operations / bench::median(seconds) / 1e9,
              bench::peak_gflops(threads));
}
