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
      first_(std::min(done, total)),
      done_(first_),
      quiet_(quiet),
      terminal_(isatty(STDERR_FILENO) != 0),
      start_(Clock::now()),
      shown_(start_) {}

Progress::~Progress() {
  if (terminal_ && !quiet_) std::fprintf(stderr, "\r\033[K");  // the bar has served its purpose
}

void Progress::step(const std::string& note) {
  if (done_ < total_) ++done_;
  const double pause = terminal_ ? 0.1 : 10.0;
  if (quiet_ || (since(shown_) < pause && !(terminal_ && done_ == total_))) return;
  shown_ = Clock::now();
  const std::string text = line(since(start_)) + note;
  std::fprintf(stderr, terminal_ ? "\r%s\033[K" : "%s\n", text.c_str());
  std::fflush(stderr);
}

std::string Progress::line(double seconds) const {
  const double rate = static_cast<double>(done_ - first_) / std::max(seconds, 1e-9);
  const double left = static_cast<double>(total_ - done_) / std::max(rate, 1e-9);
  const std::size_t filled = 24 * done_ / std::max<std::size_t>(total_, 1);
  const std::string bar = "[" + std::string(filled, '#') + std::string(24 - filled, '.') + "] ";
  char numbers[120];
  std::snprintf(numbers, sizeof numbers, "%zu/%zu, %.1f steps/s, %.0f s left, ", done_, total_,
                rate, left);
  return title_ + " " + (terminal_ ? bar : "") + numbers;
}

}  // namespace gradus
