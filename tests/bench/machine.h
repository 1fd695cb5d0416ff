// What this machine can do at most, measured; and the tools that all benchmarks share.
#pragma once

#include "../../src/clock.h"

#include <cstdlib>
#include <vector>

namespace bench {

// Fused multiply-adds on vectors in registers, nothing else: 10⁹ floating-point operations a second
// (each multiply-add counts as two).
double peak_gflops(int threads);

// Copying arrays far larger than the caches: 10⁹ bytes read and written a second.
double memory_gbytes(int threads);

// Number `i` of the command line, or `otherwise`.
inline long argument(int argc, char** argv, int i, long otherwise) {
  return argc > i ? std::atol(argv[i]) : otherwise;
}

inline double now() {
  return gradus::seconds_now();
}

double median(std::vector<double> seconds);

// The most memory this program has had, in MiB.
long peak_rss_mib();

}  // namespace bench
