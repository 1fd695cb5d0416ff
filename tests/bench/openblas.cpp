// The same product as matmul.cpp by OpenBLAS, where it is installed: openblas M N K THREADS LAYOUT

#include "machine.h"

#include <cblas.h>

#include <cstdio>
#include <random>
#include <string>

extern "C" void openblas_set_num_threads(int);

int main(int argc, char** argv) {
  const int m = static_cast<int>(bench::argument(argc, argv, 1, 1024));
  const int n = static_cast<int>(bench::argument(argc, argv, 2, 1024));
  const int k = static_cast<int>(bench::argument(argc, argv, 3, 1024));
  openblas_set_num_threads(static_cast<int>(bench::argument(argc, argv, 4, 1)));
  const std::string layout = argc > 5 ? argv[5] : "nn";
  const bool ta = layout[0] == 't';
  const bool tb = layout[1] == 't';
  // The same kind of numbers as in matmul.cpp: a processor is faster on constants.
  std::mt19937 random(1);
  std::uniform_real_distribution<float> uniform(0, 1);
  std::vector<float> a(static_cast<std::size_t>(m) * static_cast<std::size_t>(k));
  std::vector<float> b(static_cast<std::size_t>(k) * static_cast<std::size_t>(n));
  for (float& x : a) x = uniform(random);
  for (float& x : b) x = uniform(random);
  std::vector<float> c(static_cast<std::size_t>(m) * static_cast<std::size_t>(n));
  const double operations = 2.0 * m * n * k;
  const long repeat = static_cast<long>(2e8 / operations) + 1;
  std::vector<double> seconds;
  const double begin = bench::now();
  for (int i = 0; i < 5 || bench::now() - begin < 0.3; ++i) {
    const double start = bench::now();
    for (long r = 0; r < repeat; ++r)
      cblas_sgemm(CblasRowMajor, ta ? CblasTrans : CblasNoTrans, tb ? CblasTrans : CblasNoTrans, m,
                  n, k, 1, a.data(), ta ? m : k, b.data(), tb ? k : n, 0, c.data(), n);
    seconds.push_back((bench::now() - start) / static_cast<double>(repeat));
  }
  std::printf("openblas gflops=%.1f\n", operations / bench::median(seconds) / 1e9);
}
