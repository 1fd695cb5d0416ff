#include <gradus/progress.h>

#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <utility>

namespace gradus {

namespace {

using Clock = std::chrono::steady_clock;

double since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

}  // namespace

Progress::Progress(std::string title, std::size_t total, std::size_t done, bool quiet)
    : title_(std::move(title)),
      total_(total),
      first_(done),
      done_(done),
      quiet_(quiet),
      terminal_(isatty(STDERR_FILENO) != 0),
      start_(Clock::now()),
      shown_(start_) {}

Progress::~Progress() {
  if (terminal_ && !quiet_) std::fprintf(stderr, "\r\033[K");  // the bar has served its purpose
}

void Progress::step(const std::string& note) {
  ++done_;
  const double pause = terminal_ ? 0.1 : 10.0;
  if (quiet_ || (since(shown_) < pause && !(terminal_ && done_ == total_))) return;
  shown_ = Clock::now();
  show(note, since(start_));
}

void Progress::show(const std::string& note, double seconds) {
  const double rate = static_cast<double>(done_ - first_) / std::max(seconds, 1e-9);
  const double left = static_cast<double>(total_ - done_) / std::max(rate, 1e-9);
  const std::size_t filled = 24 * done_ / total_;
  const std::string bar = std::string(filled, '#') + std::string(24 - filled, '.');
  const std::string shown_bar = terminal_ ? "[" + bar + "] " : "";
  std::fprintf(stderr, "%s%s %s%zu/%zu, %.1f steps/s, %.0f s left, %s%s", terminal_ ? "\r" : "",
               title_.c_str(), shown_bar.c_str(), done_, total_, rate, left, note.c_str(),
               terminal_ ? "\033[K" : "\n");
  std::fflush(stderr);
}

}  // namespace gradus
