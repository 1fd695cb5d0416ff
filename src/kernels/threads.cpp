// A pool of threads that wait for loops.
//
// Starting a thread takes tens of microseconds, waking one that sleeps several, and seeing that a
// number has changed less than one. So the helpers are started once, watch for a new loop for a
// moment after each, and only then go to sleep.

#include "threads.h"

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <cstdlib>
#include <exception>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace gradus {

namespace {

class Pool {
 public:
  explicit Pool(int helpers) {
    for (int i = 0; i < helpers; ++i) threads_.emplace_back([this] { help(); });
  }

  ~Pool() {
    {
      const std::lock_guard<std::mutex> guard(lock_);
      stopping_ = true;
      ++loops_;
    }
    wake_.notify_all();
    for (std::thread& thread : threads_) thread.join();
  }

  void run(Index count, Index grain, void (*body)(const void*, Index, Index), const void* context) {
    // Many pieces for each thread, so that one that was held up can be helped out.
    const Index pieces =
        std::min((count + grain - 1) / grain, static_cast<Index>(threads_.size() + 1) * 32);
    {
      const std::lock_guard<std::mutex> guard(lock_);
      body_ = body;
      context_ = context;
      count_ = count;
      pieces_ = pieces;
      next_.store(0, std::memory_order_relaxed);
      open_ = true;
      error_ = nullptr;
      loops_.fetch_add(1, std::memory_order_release);
    }
    wake_.notify_all();
    do_pieces();
    std::unique_lock<std::mutex> guard(lock_);
    open_ = false;  // a helper that comes only now has nothing to do
    guard.unlock();
    watch([this] { return helping_.load(std::memory_order_acquire) == 0; });
    guard.lock();
    done_.wait(guard, [this] { return helping_.load(std::memory_order_acquire) == 0; });
    if (error_) std::rethrow_exception(error_);
  }

 private:
  // Looks for a moment, some ten microseconds, whether something has happened.
  template <class Condition>
  static void watch(const Condition& happened) {
    for (int i = 0; i < 20000 && !happened(); ++i)
      std::atomic_signal_fence(std::memory_order_seq_cst);
  }

  void do_pieces() {
    for (;;) {
      const Index piece = next_.fetch_add(1, std::memory_order_relaxed);
      if (piece >= pieces_) return;
      try {
        body_(context_, count_ * piece / pieces_, count_ * (piece + 1) / pieces_);
      } catch (...) {
        const std::lock_guard<std::mutex> guard(lock_);
        if (!error_) error_ = std::current_exception();
      }
    }
  }

  void help();

  std::mutex lock_;
  std::condition_variable wake_, done_;
  std::vector<std::thread> threads_;
  std::atomic<unsigned> loops_{0};  // how many loops there were
  bool stopping_ = false;
  bool open_ = false;            // there is a loop that helpers may join
  std::atomic<int> helping_{0};  // how many helpers are at it
  void (*body_)(const void*, Index, Index) = nullptr;
  const void* context_ = nullptr;
  Index count_ = 0;
  Index pieces_ = 0;
  std::atomic<Index> next_{0};
  std::exception_ptr error_;
};

// True on a thread that is inside a loop: loops within loops are done right there.
thread_local bool inside = false;

void Pool::help() {
  inside = true;
  unsigned seen = 0;
  for (;;) {
    watch([&] { return loops_.load(std::memory_order_acquire) != seen; });
    std::unique_lock<std::mutex> guard(lock_);
    wake_.wait(guard, [&] { return loops_.load(std::memory_order_relaxed) != seen; });
    seen = loops_.load(std::memory_order_relaxed);
    if (stopping_) return;
    if (!open_) continue;
    ++helping_;
    guard.unlock();
    do_pieces();
    guard.lock();
    if (--helping_ == 0) done_.notify_one();
  }
}

int first_count() {
  const char* text = std::getenv("GRADUS_THREADS");
  if (!text) return std::clamp(static_cast<int>(std::thread::hardware_concurrency()), 1, 256);
  char* end = nullptr;
  const long count = std::strtol(text, &end, 10);
  if (end == text || *end != '\0' || count < 1 || count > 256)
    throw Error("GRADUS_THREADS must be a whole number from 1 to 256, not \"" + std::string(text) +
                "\"");
  return static_cast<int>(count);
}

// The pool and who uses it. One loop at a time: whoever finds it busy works alone.
struct Shared {
  std::mutex busy;
  int count = first_count();
  std::unique_ptr<Pool> pool;
};

Shared& shared() {
  static Shared instance;
  return instance;
}

}  // namespace

int threads() {
  return shared().count;
}

void set_threads(int count, Where where) {
  if (count < 1 || count > 256)
    fail("set_threads", where, "a count from 1 to 256 is needed, not " + std::to_string(count));
  Shared& all = shared();
  const std::lock_guard<std::mutex> guard(all.busy);
  if (count == all.count) return;
  all.pool.reset();
  all.count = count;
}

void kernels::run_parallel(Index count, Index grain, void (*body)(const void*, Index, Index),
                           const void* context) {
  Shared& all = shared();
  std::unique_lock<std::mutex> guard(all.busy, std::defer_lock);
  if (inside || all.count == 1 || !guard.try_lock()) return body(context, 0, count);
  if (!all.pool) all.pool = std::make_unique<Pool>(all.count - 1);
  inside = true;
  try {
    all.pool->run(count, grain, body, context);
  } catch (...) {
    inside = false;
    throw;
  }
  inside = false;
}

}  // namespace gradus
