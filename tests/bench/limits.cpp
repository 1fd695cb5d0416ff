// What the machine can do: limits THREADS

#include "machine.h"

#include <cstdio>

int main(int argc, char** argv) {
  const int threads = static_cast<int>(bench::argument(argc, argv, 1, 1));
  std::printf("limits fma_gflops=%.1f memory_gbytes=%.1f\n", bench::peak_gflops(threads),
              bench::memory_gbytes(threads));
}
