// The progress of a long loop, on a terminal and elsewhere.

#include <gradus/progress.h>

#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/wait.h>

#include <chrono>
#include <csignal>
#include <cstdlib>
#include <thread>

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

TEST_CASE(
    "the bar of a training says its epoch, its batches, the loss, and when all will be done") {
  struct Stop {};
  const Folder folder;
  const Batches batches(texts(6, 2, 1), vectorizer(), {.size = 2});
  const auto shown = [&](int stop_at, int milliseconds) {
    Scores model(1);
    Sgd optimizer(model.parameters());
    int calls = 0;
    model.look = [&] {
      if (++calls == stop_at) throw Stop();
      std::this_thread::sleep_for(std::chrono::milliseconds(milliseconds));
    };
    return on_a_terminal([&] {
      printed(STDOUT_FILENO, [&] {
        try {
          fit(model, optimizer, batches, batches,
              {.epochs = 2, .folder = folder.path, .save_every = 0});
        } catch (const Stop&) {
        }
      });
    });
  };
  const auto line_of = [](const std::string& text, const char* title) {
    const std::size_t begin = text.find(title + std::string(" [########################] 3/3, "));
    return begin == std::string::npos ? "none"
                                      : text.substr(begin, text.find('\033', begin) - begin);
  };
  const std::string text = shown(0, 180);  // half a second is shown as one
  const std::string first = line_of(text, "epoch 1/2"), second = line_of(text, "epoch 2/2");
  CAPTURE(text);
  CHECK(first.find(" 0 s left, ") == std::string::npos);
  CHECK(second.find(" 0 s left, loss ") != std::string::npos);
  for (const std::string& line : {first, second}) {
    CHECK(line.find(" left, loss 0.") != std::string::npos);
    CHECK(line.find("/6 right") != std::string::npos);
  }
  shown(4, 0);  // after a look at the first batch and two steps; then the third is the last
  CHECK(line_of(shown(0, 0), "epoch 1/2") != "none");
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

TEST_CASE("Ctrl-C in a training says where it goes on" * doctest::skip(GRADUS_TSAN)) {
  const Folder folder;
  const Batches batches(texts(6, 2, 1), vectorizer(), {.size = 2});
  const auto stopped = [&](const std::string& path, bool quiet) {
    std::string text;
    printed(STDOUT_FILENO, [&] {
      text = printed(STDERR_FILENO, [&] {
        const pid_t child = fork();
        if (child == 0) {
          std::signal(SIGINT, SIG_DFL);
          Scores model(1);
          Sgd optimizer(model.parameters());
          int calls = 0;
          model.look = [&] { ++calls == 3 ? std::raise(SIGINT) : 0; };
          fit(model, optimizer, batches, batches, {.epochs = 1, .folder = path, .quiet = quiet});
          _exit(0);
        }
        waitpid(child, nullptr, 0);
      });
    });
    return text;
  };
  CHECK(stopped(folder.path, false) ==
        "\nstopped; kept: " + folder.path +
            "/training.safetensors\nThe same command goes on from there; to start over, delete "
            "that file.\n");
  CHECK(stopped("", false) == "\nstopped; nothing is kept, the next run starts over\n");
  CHECK(stopped("", true).empty());
}

TEST_CASE("a program's own handler of Ctrl-C stays, and the usual one comes back") {
  const auto before = std::signal(SIGINT, SIG_IGN);
  { Progress progress("epoch 1", 5, {.kept = "it"}); }
  CHECK((std::signal(SIGINT, SIG_DFL) == SIG_IGN));
  { Progress progress("epoch 1", 5, {.kept = "it"}); }
  CHECK((std::signal(SIGINT, before) == SIG_DFL));
}
