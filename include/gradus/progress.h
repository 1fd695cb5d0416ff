// How far a long loop is: a bar where standard error is a terminal, else a line now and then.
#pragma once

#include <chrono>
#include <cstddef>
#include <string>

namespace gradus {

class Progress {
 public:
  // `total` steps of which `done` were done by an earlier run.
  Progress(const std::string& title, std::size_t total, std::size_t done = 0, bool quiet = false);
  ~Progress();
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  // One step more; `note` stands at the end of the bar, such as the loss so far.
  void step(const std::string& note);
  // What is shown `seconds` after the start: "epoch 3 120/313, 41.2 steps/s, 5 s left, ".
  std::string line(double seconds) const;

 private:
  using Clock = std::chrono::steady_clock;

  std::string title_;
  std::size_t total_, first_, done_;
  bool quiet_, terminal_;
  Clock::time_point start_ = Clock::now(), shown_ = start_;
};

}  // namespace gradus
