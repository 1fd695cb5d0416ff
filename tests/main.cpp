#define DOCTEST_CONFIG_IMPLEMENT
#include <doctest/doctest.h>
#include <gradus/operation.h>

#include <cstdio>

int main(int argc, char** argv) {
  doctest::Context context(argc, argv);
  const int failed = context.run();
  if (context.shouldExit()) return failed;
  std::printf("tensors still alive after all tests: %lld\n",
              static_cast<long long>(gradus::live_nodes()));
  return failed != 0 || gradus::live_nodes() != 0;
}
