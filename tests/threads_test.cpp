#include "../src/kernels/threads.h"

#include <doctest/doctest.h>
#include <gradus/buffer.h>

#include <sys/resource.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <map>
#include <mutex>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

using namespace gradus;

namespace {

// A loop of 64 parts, of which each must be done once.
bool loop_is_right() {
  std::vector<int> done(64);
  kernels::parallel_for(64, 1, [&](Index begin, Index end) {
    for (Index i = begin; i < end; ++i) ++done[static_cast<std::size_t>(i)];
  });
  return done == std::vector<int>(64, 1);
}

// Made before main(), so destroyed after everything that a test made.
struct AtTheEnd {
  ~AtTheEnd() {
    for (int loop = 0; loop < 100; ++loop)
      if (!loop_is_right()) {
        std::fputs("a loop in a destructor after main() went wrong\n", stderr);
        std::_Exit(1);
      }
  }
};
const AtTheEnd at_the_end;

const int at_first = threads();  // before any test has changed it

}  // namespace

TEST_CASE("every part of a loop is done once, by awake helpers and by sleeping ones") {
  const int before = threads();
  for (const int count : {1, 2, 3, 8}) {
    set_threads(count);
    CHECK(threads() == count);
    for (int loop = 0; loop < 200; ++loop) {
      CHECK(loop_is_right());
      if (loop % 50 == 0) std::this_thread::sleep_for(std::chrono::milliseconds(2));
    }
  }
  set_threads(before);
}

TEST_CASE("the parts of a loop are at least as large as asked, and follow each other") {
  const int before = threads();
  set_threads(2);
  for (const Index count : {0, 1, 9, 10, 11, 19, 20, 99, 100000}) {
    CAPTURE(count);
    std::mutex lock;
    std::map<Index, Index> parts;
    kernels::parallel_for(count, 10, [&](Index begin, Index end) {
      const std::lock_guard<std::mutex> guard(lock);
      parts[begin] = end;
    });
    Index at = 0;
    for (const auto& [begin, end] : parts) {
      CHECK(begin == at);
      CHECK((end - begin >= 5 || count < 10));  // equal parts: a grain, or half of one at the least
      at = end;
    }
    CHECK(at == count);
    CHECK(parts.size() == (count == 0     ? 0
                           : count <= 10  ? 1
                           : count > 1000 ? 64
                                          : (count + 9) / 10));
  }
  set_threads(before);
}

TEST_CASE("a loop within a loop, or one that another thread asks for meanwhile, is done as well") {
  const int before = threads();
  set_threads(3);
  std::vector<int> right(20);
  kernels::parallel_for(20, 1, [&](Index begin, Index end) {
    for (Index i = begin; i < end; ++i) right[static_cast<std::size_t>(i)] = loop_is_right();
  });
  CHECK(right == std::vector<int>(20, 1));
  int wrong = 0;
  std::thread other([&] {
    for (int loop = 0; loop < 500; ++loop) wrong += !loop_is_right();
  });
  for (int loop = 0; loop < 500; ++loop) CHECK(loop_is_right());
  other.join();
  CHECK(wrong == 0);
  set_threads(before);
}

TEST_CASE("the number of threads can change while another thread computes") {
  const int before = threads();
  int wrong = 0;
  std::thread other([&] {
    for (int loop = 0; loop < 500; ++loop) wrong += !loop_is_right() || threads() < 1;
  });
  for (int i = 0; i < 50; ++i) set_threads(1 + i % 3);
  other.join();
  CHECK(wrong == 0);
  set_threads(before);
}

TEST_CASE("up to 256 threads may be asked for") {
  const int before = threads();
  set_threads(256);
  CHECK(threads() == 256);
  CHECK_THROWS_AS(set_threads(257), Error);
  CHECK(threads() == 256);
  set_threads(before);
}

// Sanitizers want memory of their own.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__) || !defined(__linux__)
#define GRADUS_ROOMY
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define GRADUS_ROOMY
#endif
#endif

#ifndef GRADUS_ROOMY
TEST_CASE("where no more threads can be started, fewer do the loop") {
  const int before = threads();
  set_threads(200);  // they are started by the first loop
  Index pages = 0;
  std::ifstream("/proc/self/statm") >> pages;
  rlimit old{};
  getrlimit(RLIMIT_AS, &old);
  rlimit tight = old;
  tight.rlim_cur = static_cast<rlim_t>(pages) * 4096 + (64 << 20);  // stacks of 8 MiB each
  setrlimit(RLIMIT_AS, &tight);
  const bool right = loop_is_right();
  setrlimit(RLIMIT_AS, &old);
  CHECK(right);
  set_threads(before);
}

TEST_CASE("what a thread has kept goes back to the system when it ends") {
  const auto resident = [] {
    Index all = 0, pages = 0;
    std::ifstream("/proc/self/statm") >> all >> pages;
    return pages * 4096;
  };
  const auto threads_come_and_go = [](int count) {
    for (int i = 0; i < count; ++i)
      std::thread([] {
        void* memory[4];
        for (void*& block : memory) std::memset(block = take_memory(25000), 1, 25000);
        for (void* block : memory) give_memory(block, 25000);
      }).join();
  };
  threads_come_and_go(20);
  const Index before = resident();
  threads_come_and_go(400);
  CHECK(resident() - before < 10000000);  // of 40 MB
}

TEST_CASE("large blocks side by side that are given back make room for a larger one") {
  constexpr std::size_t size = std::size_t{40} << 20;  // never touched
  for (const bool first_before : {true, false}) {
    std::vector<char*> blocks;
    for (int i = 0; i < 8; ++i) blocks.push_back(static_cast<char*>(take_memory(size)));
    std::size_t i = 0;
    while (i + 1 < blocks.size() && blocks[i + 1] != blocks[i] + size) ++i;
    REQUIRE(i + 1 < blocks.size());
    give_memory(blocks[first_before ? i : i + 1], size);
    give_memory(blocks[first_before ? i + 1 : i], size);
    CHECK(take_memory(2 * size) == blocks[i]);
    give_memory(blocks[i], 2 * size);
    for (std::size_t k = 0; k < blocks.size(); ++k)
      if (k != i && k != i + 1) give_memory(blocks[k], size);
  }
}

TEST_CASE("where the system has less than a chunk of memory, what is there is used") {
  constexpr std::size_t size = std::size_t{600} << 20;  // more than half a chunk; never touched
  const auto pages = [] {
    Index all = 0;
    std::ifstream("/proc/self/statm") >> all;
    return all;
  };
  std::vector<void*> taken;
  for (const Index before = pages(); pages() - before < 100000;)  // until a chunk is fetched:
    taken.push_back(take_memory(size));                           // no free block is left for it
  rlimit old{};
  getrlimit(RLIMIT_AS, &old);
  rlimit tight = old;
  // Less than a chunk; and some more, of which the C library may reserve 64 MB when it is refused.
  tight.rlim_cur = static_cast<rlim_t>(pages()) * 4096 + size + (200 << 20);
  setrlimit(RLIMIT_AS, &tight);
  CHECK_NOTHROW(taken.push_back(take_memory(size)));
  setrlimit(RLIMIT_AS, &old);
  for (void* memory : taken) give_memory(memory, size);
}

#endif

#ifdef __linux__
TEST_CASE("a wrong GRADUS_THREADS is told at the start of a program, by name and value") {
  const std::string self = std::filesystem::read_symlink("/proc/self/exe").string();
  for (const std::string value : {"none", "0", "257"}) {
    FILE* program =
        popen(("GRADUS_THREADS=" + value + " '" + self + "' --count 2>&1").c_str(), "r");
    REQUIRE(program);
    char answer[200] = {};
    const std::size_t length = std::fread(answer, 1, sizeof answer - 1, program);
    CHECK(std::string(answer, length) ==
          "GRADUS_THREADS must be a whole number from 1 to 256, not \"" + value + "\"\n");
    CHECK(pclose(program) != 0);
  }
}
#endif

TEST_CASE("an error in a part of a loop reaches the caller, and the next loop is done") {
  const int before = threads();
  set_threads(3);
  for (int loop = 0; loop < 50; ++loop) {
    CHECK_THROWS_WITH_AS(kernels::parallel_for(64, 1,
                                               [](Index begin, Index) {
                                                 if (begin == 13)
                                                   throw std::runtime_error("thirteen");
                                               }),
                         "thirteen", std::runtime_error);
    std::vector<int> done(64);
    kernels::parallel_for(64, 1,
                          [&](Index begin, Index) { ++done[static_cast<std::size_t>(begin)]; });
    CHECK(done == std::vector<int>(64, 1));
  }
  set_threads(before);
}

#ifdef __linux__
TEST_CASE("at first there are as many threads as GRADUS_THREADS says") {
  const char* const said = std::getenv("GRADUS_THREADS");
  if (said) CHECK(at_first == std::atoi(said));
  if (said && said == std::string("5")) return;  // the program that is started here
  const std::string self = std::filesystem::read_symlink("/proc/self/exe").string();
  CHECK(std::system(("GRADUS_THREADS=5 '" + self +
                     "' --test-case='at first there are as many threads*' >/dev/null")
                        .c_str()) == 0);
}
#endif
