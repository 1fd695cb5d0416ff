#include "../src/kernels/threads.h"

#include <doctest/doctest.h>

#include <chrono>
#include <stdexcept>
#include <thread>
#include <vector>

using namespace gradus;

TEST_CASE("every part of a loop is done once, by awake helpers and by sleeping ones") {
  const int before = threads();
  for (const int count : {2, 3, 8}) {
    set_threads(count);
    for (int loop = 0; loop < 200; ++loop) {
      std::vector<int> done(64);
      kernels::parallel_for(64, 1, [&](Index begin, Index end) {
        for (Index i = begin; i < end; ++i) ++done[static_cast<std::size_t>(i)];
      });
      CHECK(done == std::vector<int>(64, 1));
      if (loop % 50 == 0) std::this_thread::sleep_for(std::chrono::milliseconds(2));
    }
  }
  set_threads(before);
}

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
