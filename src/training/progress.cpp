#include <gradus/progress.h>

#include "../clock.h"
#include "../format.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace gradus {

namespace {

std::string variable(const char* name) {
  const char* value = std::getenv(name);
  return value ? value : "";
}

bool draws() {
  return isatty(STDERR_FILENO) && variable("TERM") != "dumb" && variable("NO_COLOR").empty();
}

std::size_t columns() {
  winsize size{};
  const bool known = ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0;
  return known ? size.ws_col : 80;
}

char farewell[400];

// Ends the line and the program. (A handler may call hardly more than write().)
void stop(int number) {
  if (write(STDERR_FILENO, farewell, std::strlen(farewell)) < 0) farewell[0] = 0;
  std::signal(number, SIG_DFL);
  std::raise(number);
}

std::string time_text(double seconds) {
  return seconds < 100 ? format("%.0f s", seconds) : format("%.0f min", seconds / 60);
}

}  // namespace

Progress::Progress(const std::string& title, std::size_t total, const ProgressOptions& options)
    : title_(title),
      options_(options),
      total_(total),
      done_(std::min(options.done, total)),
      terminal_(draws()),
      start_(seconds_now()),
      shown_(start_) {
  if (options.quiet || options.kept.empty()) return;
  std::snprintf(farewell, sizeof farewell, "\nstopped; %s\n", options.kept.c_str());
  const auto before = std::signal(SIGINT, stop);
  handles_ = before == SIG_DFL;
  if (!handles_) std::signal(SIGINT, before);
}

Progress::~Progress() {
  if (handles_) std::signal(SIGINT, SIG_DFL);
  if (terminal_ && !options_.quiet)
    std::fprintf(stderr, "\r\033[K");  // the bar has served its purpose
}

void Progress::step(const std::string& note) {
  if (done_ < total_) ++done_;
  const double now = seconds_now();
  const bool pause = now - shown_ < (terminal_ ? 0.1 : 10);
  if (options_.quiet || (pause && !(terminal_ && done_ == total_))) return;
  shown_ = now;
  const std::string text = line(now - start_, note);
  std::fprintf(stderr, terminal_ ? "\r%s\033[K" : "%s\n", text.c_str());
  std::fflush(stderr);
}

std::string Progress::line(double seconds, const std::string& note) const {
  const double rate =
      static_cast<double>(done_ - std::min(options_.done, total_)) / std::max(seconds, 1e-9);
  const double left = static_cast<double>(total_ - done_ + options_.later) / std::max(rate, 1e-9);
  const std::string text = format("%zu/%zu, %.1f steps/s, ", done_, total_, rate) +
                           (rate > 0 ? time_text(left) + " left, " : "") + note;
  if (!terminal_) return title_ + " " + text;
  // What is left of the line is for the bar, if that is enough to see it grow.
  const std::size_t room = columns() - 1, used = title_.size() + text.size() + 4;
  const std::size_t bar = used + 8 > room ? 0 : std::min<std::size_t>(24, room - used);
  const std::size_t filled = bar * done_ / std::max<std::size_t>(total_, 1);
  const std::string drawn =
      bar == 0 ? "" : "[" + std::string(filled, '#') + std::string(bar - filled, '.') + "] ";
  return (title_ + " " + drawn + text).substr(0, room);
}

}  // namespace gradus
