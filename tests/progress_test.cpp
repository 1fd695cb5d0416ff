// The progress of a long loop, on a terminal and elsewhere.

#include <gradus/progress.h>

#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/wait.h>

#include <csignal>
#include <cstdlib>

#include "training.h"

using namespace training;

namespace {

// What `act` writes to standard error while that is a terminal.
std::string on_a_terminal(const std::function<void()>& act, unsigned short columns = 200) {
  setenv("TERM", "xterm", 1);
  unsetenv("NO_COLOR");
  const int ours = posix_openpt(O_RDWR | O_NOCTTY);
  REQUIRE(ours >= 0);
  REQUIRE((grantpt(ours) == 0 && unlockpt(ours) == 0));
  const int theirs = open(ptsname(ours), O_RDWR | O_NOCTTY);
  const winsize size{24, columns, 0, 0};
  ioctl(theirs, TIOCSWINSZ, &size);
  std::fflush(stderr);
  const int kept = dup(STDERR_FILENO);
  dup2(theirs, STDERR_FILENO);
  act();
  std::fflush(stderr);
  dup2(kept, STDERR_FILENO);
  close(kept);
  close(theirs);  // then the other end can be read until there is no more
  std::string text;
  char piece[256];
  for (ssize_t count; (count = read(ours, piece, sizeof piece)) > 0;)
    text.append(piece, static_cast<std::size_t>(count));
  close(ours);
  return text;
}

}  // namespace

TEST_CASE("on a terminal the last step shows a full bar, which goes away at the end") {
  const std::string text = on_a_terminal([] {
    Progress progress("epoch 3", 2, {.done = 1});
    progress.step("loss 0.5");
  });
  CAPTURE(text);
  CHECK(text.find("\repoch 3 [########################] 2/2, ") == 0);
  CHECK(text.find(" steps/s, 0 s left, loss 0.5\033[K") != std::string::npos);
  CHECK(text.rfind("\r\033[K") == text.size() - 4);
  CHECK(on_a_terminal([] { Progress("quiet", 1, {.quiet = true}).step("note"); }).empty());
}

TEST_CASE("elsewhere a short loop shows nothing, and a step too many does no harm") {
  CHECK(printed(STDERR_FILENO, [] { Progress("short", 1).step("note"); }).empty());
  const std::string text = on_a_terminal([] {
    Progress none("none", 0);
    none.step("a");
    Progress full("full", 3, {.done = 5});
    full.step("b");
  });
  CAPTURE(text);
  CHECK(text.find("none [........................] 0/0, ") != std::string::npos);
  CHECK(text.find("full [########################] 3/3, 0.0 steps/s, b") != std::string::npos);
}

TEST_CASE("a line says how fast it goes and how long it will take") {
  Progress progress("epoch 1", 48, {.done = 8});
  progress.step("");
  progress.step("");
  CHECK(progress.line(4) == "epoch 1 10/48, 0.5 steps/s, 76 s left, ");
}

TEST_CASE("the time left is that of the whole run, in minutes if it is long") {
  Progress progress("epoch 1/3", 40, {.later = 80});
  progress.step("");
  progress.step("");
  CHECK(progress.line(1) == "epoch 1/3 2/40, 2.0 steps/s, 59 s left, ");
  CHECK(progress.line(4, "x") == "epoch 1/3 2/40, 0.5 steps/s, 4 min left, x");
}

TEST_CASE("a line is narrower than its terminal: the bar gives way, then the end is cut") {
  const auto widths = [](unsigned short columns) {
    return on_a_terminal([] { Progress("epoch 3/30", 2, {.done = 1}).step("loss 0.5"); }, columns);
  };
  const auto length = [](const std::string& text) { return text.find("\033[K") - 1; };
  for (unsigned short columns = 20; columns < 90; ++columns)
    CHECK(length(widths(columns)) <= columns - 1u);
  CHECK(length(widths(20)) == 19);
  CHECK(widths(40).find('#') == std::string::npos);
  CHECK(length(widths(0)) <= 79);
  CHECK(widths(0).find("##") != std::string::npos);  // 80 columns
}

TEST_CASE("in 80 columns the line of a training is whole") {
  std::string line;
  on_a_terminal(
      [&] {
        Progress progress("epoch 12/30", 313, {.done = 119, .later = 5634});
        for (int step = 0; step < 48; ++step) progress.step("");
        Metric metric;
        metric.loss_sum = 643.5;
        metric.correct = 4321;
        metric.count = 5344;
        line = progress.line(1.5, metric.text());
      },
      80);
  CHECK(line == "epoch 12/30 167/313, 32.0 steps/s, 3 min left, loss 0.1204, 4321/5344 right");
}

TEST_CASE("a terminal that calls itself dumb, or wants no colour, gets plain lines") {
  for (const char* name : {"TERM", "NO_COLOR"})
    CHECK(on_a_terminal([&] {
            setenv(name, "dumb", 1);
            Progress("epoch 1", 1).step("");
          }).empty());
  unsetenv("NO_COLOR");
}

// The thread sanitizer delivers no signal to the child of a program that has had several threads.
#ifdef __has_feature
#define GRADUS_TSAN __has_feature(thread_sanitizer)
#elif defined(__SANITIZE_THREAD__)
#define GRADUS_TSAN true
#else
#define GRADUS_TSAN false
#endif

TEST_CASE("Ctrl-C ends the program, and says what is kept" * doctest::skip(GRADUS_TSAN)) {
  int status = 0;
  const std::string text = printed(STDERR_FILENO, [&] {
    const pid_t child = fork();
    if (child == 0) {
      std::signal(SIGINT, SIG_DFL);
      Progress progress("epoch 1", 5, {.kept = "all is in a file"});
      std::raise(SIGINT);
      _exit(0);
    }
    waitpid(child, &status, 0);
  });
  CHECK(text == "\nstopped; all is in a file\n");
  CHECK(WIFSIGNALED(status));
  CHECK(WTERMSIG(status) == SIGINT);
}

TEST_CASE("a program's own handler of Ctrl-C stays, and the usual one comes back") {
  const auto before = std::signal(SIGINT, SIG_IGN);
  { Progress progress("epoch 1", 5, {.kept = "it"}); }
  CHECK((std::signal(SIGINT, SIG_DFL) == SIG_IGN));
  { Progress progress("epoch 1", 5, {.kept = "it"}); }
  CHECK((std::signal(SIGINT, before) == SIG_DFL));
}
