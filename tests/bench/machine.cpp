#include "machine.h"

#include "../../src/kernels/matmul.h"

#include <sys/resource.h>

#include <algorithm>
#include <cstring>
#include <thread>

namespace bench {

namespace {

typedef float Vector __attribute__((vector_size(gradus::kernels::vector_bytes)));

// Twelve chains of multiply-adds that do not wait for each other. This file is compiled with
// -ffp-contract=fast, which makes one instruction of each.
double spin(long rounds) {
  Vector sum[12];
  for (int chain = 0; chain < 12; ++chain)  // all different, or the compiler keeps only one
    sum[chain] = Vector{} + static_cast<float>(rounds % 7 + chain);
  Vector factor = Vector{} + 0.999F;
  Vector other = Vector{} + 0.001F;
  for (long i = 0; i < rounds; ++i) {
#pragma GCC unroll 12
    for (int chain = 0; chain < 12; ++chain) sum[chain] = sum[chain] * factor + other;
  }
  Vector all = {};
  for (const Vector& s : sum) all += s;
  return static_cast<double>(all[0]);
}

// The shortest time of five in which `threads` threads have each run work(thread).
template <class Work>
double shortest(int threads, Work work) {
  double best = 1e30;
  for (int trial = 0; trial < 5; ++trial) {
    const double start = now();
    std::vector<std::thread> others;
    for (int t = 1; t < threads; ++t) others.emplace_back(work, t);
    work(0);
    for (std::thread& other : others) other.join();
    best = std::min(best, now() - start);
  }
  return best;
}

}  // namespace

double peak_gflops(int threads) {
  constexpr long rounds = 3000000;
  std::vector<double> results(static_cast<std::size_t>(threads));
  const double seconds =
      shortest(threads, [&](int t) { results[static_cast<std::size_t>(t)] = spin(rounds); });
  const double operations = 2.0 * 12 * gradus::kernels::vector_bytes / sizeof(float) * rounds;
  return results[0] > 0 ? operations * threads / seconds / 1e9 : 0;
}

double memory_gbytes(int threads) {
  constexpr std::size_t bytes = 128 << 20;
  std::vector<std::vector<char>> from(static_cast<std::size_t>(threads),
                                      std::vector<char>(bytes, 1));
  std::vector<std::vector<char>> to = from;
  const double seconds = shortest(threads, [&](int t) {
    const auto i = static_cast<std::size_t>(t);
    std::memcpy(to[i].data(), from[i].data(), bytes);
  });
  return 2.0 * static_cast<double>(bytes) * threads / seconds / 1e9;
}

double median(std::vector<double> seconds) {
  std::sort(seconds.begin(), seconds.end());
  return seconds[seconds.size() / 2];
}

long peak_rss_mib() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
#ifdef __APPLE__  // counts in bytes there
  return usage.ru_maxrss >> 20;
#else
  return usage.ru_maxrss >> 10;
#endif
}

}  // namespace bench
