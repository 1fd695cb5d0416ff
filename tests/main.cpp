// The test program. It may be started from any folder: the files that tests read are found from
// where the program lies.

#define DOCTEST_CONFIG_IMPLEMENT
#include <doctest/doctest.h>
#include <gradus/operation.h>

#include <cstdio>
#include <filesystem>

namespace {

void go_to_the_project(const std::filesystem::path& program) {
  for (const std::filesystem::path& start : {program, std::filesystem::current_path()})
    for (std::filesystem::path folder = start;; folder = folder.parent_path()) {
      if (exists(folder / "tests/reference")) return current_path(folder);
      if (folder == folder.parent_path()) break;
    }
}

}  // namespace

// Asked by the sanitizers: a tensor that is too large is an Error of ours, not their own.
extern "C" const char* __asan_default_options() {
  return "allocator_may_return_null=1";
}
extern "C" const char* __tsan_default_options() {
  return "allocator_may_return_null=1";
}

int main(int argc, char** argv) {
  doctest::Context context(argc, argv);
  go_to_the_project(std::filesystem::weakly_canonical(argv[0]));
  const int failed = context.run();
  if (context.shouldExit()) return failed;
  std::printf("tensors still alive after all tests: %lld\n",
              static_cast<long long>(gradus::live_nodes()));
  return failed != 0 || gradus::live_nodes() != 0;
}
