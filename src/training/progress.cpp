#include <gradus/progress.h>

#include "../format.h"

#include <unistd.h>

#include <algorithm>
#include <cstdio>

namespace gradus {

Progress::Progress(const std::string& title, std::size_t total, std::size_t done, bool quiet)
    : title_(title), total_(total), first_(std::min(done, total)), done_(first_), quiet_(quiet) {
  terminal_ = isatty(STDERR_FILENO) != 0;
}

Progress::~Progress() {
  if (terminal_ && !quiet_) std::fprintf(stderr, "\r\033[K");  // the bar has served its purpose
}

void Progress::step(const std::string& note) {
  if (done_ < total_) ++done_;
  const Clock::time_point now = Clock::now();
  const bool pause = now - shown_ < std::chrono::milliseconds(terminal_ ? 100 : 10000);
  if (quiet_ || (pause && !(terminal_ && done_ == total_))) return;
  shown_ = now;
  const std::string text = line(std::chrono::duration<double>(now - start_).count()) + note;
  std::fprintf(stderr, terminal_ ? "\r%s\033[K" : "%s\n", text.c_str());
  std::fflush(stderr);
}

std::string Progress::line(double seconds) const {
  const double rate = static_cast<double>(done_ - first_) / std::max(seconds, 1e-9);
  const double left = static_cast<double>(total_ - done_) / std::max(rate, 1e-9);
  const std::size_t filled = 24 * done_ / std::max<std::size_t>(total_, 1);
  const std::string bar = "[" + std::string(filled, '#') + std::string(24 - filled, '.') + "] ";
  return title_ + " " + (terminal_ ? bar : "") +
         format("%zu/%zu, %.1f steps/s, %.0f s left, ", done_, total_, rate, left);
}

}  // namespace gradus
