// How far a long loop is: a bar where standard error is a terminal, else a line now and then (also
// where TERM=dumb, or NO_COLOR is set).
#pragma once

#include <cstddef>
#include <string>

namespace gradus {

// What a loop is part of.
struct ProgressOptions {
  std::size_t done = 0;   // steps that were taken by an earlier run
  std::size_t later = 0;  // steps that come after this loop, such as those of further epochs
  std::string kept = {};  // what Ctrl-C leaves behind, and how to start over
  bool quiet = false;
};

class Progress {
 public:
  // `total` steps of which some may be done. While it lives, Ctrl-C ends the line and says what is
  // kept before it ends the program (unless the program has a handler of its own).
  Progress(const std::string& title, std::size_t total, const ProgressOptions& options = {});
  ~Progress();
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  // One step more; `note` stands at the end of the bar, such as the loss so far.
  void step(const std::string& note);
  // What is shown `seconds` after the start, with the time left for this loop and what comes later:
  // "epoch 3/30 120/313, 41.2 steps/s, 76 s left, ". On a terminal it fits the width.
  std::string line(double seconds, const std::string& note = "") const;

 private:
  std::string title_;
  ProgressOptions options_;
  std::size_t total_, done_;
  bool terminal_, handles_ = false;
  double start_, shown_;  // seconds
};

}  // namespace gradus
