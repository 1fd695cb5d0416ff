// A pool of threads that wait for loops.
//
// Starting a thread takes tens of microseconds, waking one that sleeps as many, and seeing that a
// number has changed less than one. So the helpers are started once, watch for a new loop for a
// moment after each, and only then go to sleep.

#include "threads.h"

#include <gradus/setting.h>

#include <algorithm>
#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

namespace gradus {

namespace {

// True on a thread that is inside a loop: loops within loops are done right there.
thread_local bool inside = false;

class Pool {
 public:
  explicit Pool(int helpers) {
    try {
      for (int i = 0; i < helpers; ++i) threads_.emplace_back([this] { help(); });
    } catch (const std::exception&) {  // no more threads to be had: fewer do as well
    }
  }

  ~Pool() {
    stopping_ = true;
    ++loops_;
    loops_.notify_all();
    for (std::thread& thread : threads_) thread.join();
  }

  void run(Index count, Index grain, const kernels::Loop& body) {
    body_ = &body;
    count_ = count;
    // Many pieces for each thread, so that one that was held up can be helped out.
    pieces_ = std::min((count + grain - 1) / grain, static_cast<Index>(threads_.size() + 1) * 32);
    error_ = nullptr;
    unfinished_ = pieces_;
    untaken_ = pieces_;  // from here on the helpers join in
    ++loops_;
    loops_.notify_all();
    inside = true;
    do_pieces();
    inside = false;
    watch([this] { return unfinished_ == 0; });
    for (Index left = unfinished_; left != 0; left = unfinished_) unfinished_.wait(left);
    if (error_) std::rethrow_exception(error_);
  }

 private:
  // Looks for a moment, some hundred microseconds, whether something has happened. Whoever else
  // wants the processor gets it.
  template <class Condition>
  static void watch(const Condition& happened) {
    for (int i = 0; i < 400 && !happened(); ++i) {
      for (int j = 0; j < 500 && !happened(); ++j)
        std::atomic_signal_fence(std::memory_order_seq_cst);
      std::this_thread::yield();
    }
  }

  // Whoever takes a piece may look at the loop, which stays as it is until all are finished. A
  // helper that comes too late finds none, and looks at nothing.
  void do_pieces() {
    for (Index left = --untaken_; left >= 0; left = --untaken_) {
      const Index piece = pieces_ - 1 - left;
      try {
        (*body_)(count_ * piece / pieces_, count_ * (piece + 1) / pieces_);
      } catch (...) {
        const std::lock_guard<std::mutex> guard(error_lock_);
        if (!error_) error_ = std::current_exception();
      }
      if (--unfinished_ == 0) unfinished_.notify_all();
    }
  }

  void help() {
    inside = true;
    int seen = 0;
    while (!stopping_) {
      watch([&] { return loops_ != seen; });
      loops_.wait(seen);
      seen = loops_;
      do_pieces();
    }
  }

  std::vector<std::thread> threads_;
  std::atomic<int> loops_{0};  // how many loops there were
  std::atomic<bool> stopping_{false};

  // The loop.
  const kernels::Loop* body_ = nullptr;
  Index count_ = 0;
  Index pieces_ = 0;
  std::atomic<Index> untaken_{0};  // pieces that nobody has begun; goes below 0
  std::atomic<Index> unfinished_{0};
  std::mutex error_lock_;
  std::exception_ptr error_;
};

int first_count() {
  const auto processors = static_cast<int>(std::thread::hardware_concurrency());
  try {
    return setting("GRADUS_THREADS", std::clamp(processors, 1, 256), 1, 256);
  } catch (const Error& error) {
    std::fprintf(stderr, "%s\n", error.what());
    std::_Exit(1);
  }
}

// The pool and who uses it. One loop at a time: whoever finds it busy works alone. It is never
// destroyed, as what is destroyed after main() may still compute.
struct Shared {
  std::mutex busy;
  std::atomic<int> count{first_count()};
  std::unique_ptr<Pool> pool;
};

Shared& shared() {
  static Shared& instance = *new Shared;
  return instance;
}

// A wrong GRADUS_THREADS is told before main(), not at the first large loop.
const Shared& at_the_start = shared();

}  // namespace

int threads() {
  return shared().count;
}

void set_threads(int count, Where where) {
  if (count < 1 || count > 256)
    fail("set_threads", where, "a count from 1 to 256 is needed, not ", count);
  Shared& all = shared();
  const std::lock_guard<std::mutex> guard(all.busy);
  if (count != all.count) all.pool.reset();
  all.count = count;
}

void kernels::run_parallel(Index count, Index grain, const Loop& body) {
  Shared& all = shared();
  std::unique_lock<std::mutex> guard(all.busy, std::defer_lock);
  if (inside || all.count == 1 || !guard.try_lock()) return body(0, count);
  if (!all.pool) all.pool = std::make_unique<Pool>(all.count - 1);
  all.pool->run(count, grain, body);
}

}  // namespace gradus
