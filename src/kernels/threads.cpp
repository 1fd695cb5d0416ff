// A pool of threads that wait for loops.
//
// Starting a thread takes tens of microseconds, waking one that sleeps as many, and seeing that a
// number has changed less than one. So the helpers are started once, watch for a new loop for a
// moment after each, and only then go to sleep.

#include "threads.h"

#include <gradus/setting.h>

#include <algorithm>
#include <atomic>
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
    stopping_ = true;
    ++loops_;
    loops_.notify_all();
    for (std::thread& thread : threads_) thread.join();
  }

  void run(Index count, Index grain, void (*body)(const void*, Index, Index), const void* context) {
    body_ = body;
    context_ = context;
    count_ = count;
    // Many pieces for each thread, so that one that was held up can be helped out.
    pieces_ = std::min((count + grain - 1) / grain, static_cast<Index>(threads_.size() + 1) * 32);
    next_ = 0;
    error_ = nullptr;
    gate_ += open;
    ++loops_;
    loops_.notify_all();
    do_pieces();
    gate_ -= open;  // a helper that comes only now has nothing to do
    watch([this] { return gate_ == 0; });
    for (int left = gate_; left != 0; left = gate_) gate_.wait(left);
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

  void do_pieces() {
    for (;;) {
      const Index piece = next_++;
      if (piece >= pieces_) return;
      try {
        body_(context_, count_ * piece / pieces_, count_ * (piece + 1) / pieces_);
      } catch (...) {
        const std::lock_guard<std::mutex> guard(error_lock_);
        if (!error_) error_ = std::current_exception();
      }
    }
  }

  void help();

  std::vector<std::thread> threads_;
  std::atomic<int> loops_{0};  // how many loops there were
  std::atomic<bool> stopping_{false};

  // Who may look at the loop: `open` while it may be joined, and one `helper` for each inside.
  // The loop is changed only when this is 0. No lock: a thread that finds one taken goes to sleep,
  // and all of them come at the same moment.
  static constexpr int open = 1, helper = 2;
  std::atomic<int> gate_{0};

  void (*body_)(const void*, Index, Index) = nullptr;
  const void* context_ = nullptr;
  Index count_ = 0;
  Index pieces_ = 0;
  std::atomic<Index> next_{0};
  std::mutex error_lock_;
  std::exception_ptr error_;
};

// True on a thread that is inside a loop: loops within loops are done right there.
thread_local bool inside = false;

void Pool::help() {
  inside = true;
  int seen = 0;
  for (;;) {
    watch([&] { return loops_ != seen; });
    loops_.wait(seen);
    seen = loops_;
    if (stopping_) return;
    if (gate_.fetch_add(helper) & open) do_pieces();
    gate_ -= helper;
    gate_.notify_all();
  }
}

int first_count() {
  const auto processors = static_cast<int>(std::thread::hardware_concurrency());
  return setting("GRADUS_THREADS", std::clamp(processors, 1, 256), 1, 256);
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
