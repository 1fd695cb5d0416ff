// The progress of a long loop, on a terminal and elsewhere.

#include <gradus/progress.h>

#include <fcntl.h>

#include <cstdlib>

#include "training.h"

using namespace training;

namespace {

// What `act` writes to standard error while that is a terminal.
std::string on_a_terminal(const std::function<void()>& act) {
  const int ours = posix_openpt(O_RDWR | O_NOCTTY);
  REQUIRE(ours >= 0);
  REQUIRE((grantpt(ours) == 0 && unlockpt(ours) == 0));
  const int theirs = open(ptsname(ours), O_RDWR | O_NOCTTY);
  std::fflush(stderr);
  const int kept = dup(STDERR_FILENO);
  dup2(theirs, STDERR_FILENO);
  act();
  std::fflush(stderr);
  dup2(kept, STDERR_FILENO);
  close(kept);
  close(theirs);
  std::string text;  // what is written may arrive in pieces, until all who write have closed it
  char piece[4096];
  for (ssize_t count = 0; (count = read(ours, piece, sizeof piece)) > 0;)
    text.append(piece, static_cast<std::size_t>(count));
  close(ours);
  return text;
}

}  // namespace

TEST_CASE("on a terminal the last step shows a full bar, which goes away at the end") {
  const std::string text = on_a_terminal([] {
    Progress progress("epoch 3", 2, 1);
    progress.step("loss 0.5");
  });
  CAPTURE(text);
  CHECK(text.find("\repoch 3 [########################] 2/2, ") == 0);
  CHECK(text.find(" steps/s, 0 s left, loss 0.5\033[K") != std::string::npos);
  CHECK(text.rfind("\r\033[K") == text.size() - 4);
  CHECK(on_a_terminal([] { Progress("quiet", 1, 0, true).step("note"); }).empty());
}

TEST_CASE("elsewhere a short loop shows nothing, and a step too many does no harm") {
  CHECK(printed(STDERR_FILENO, [] { Progress("short", 1).step("note"); }).empty());
  const std::string text = on_a_terminal([] {
    Progress none("none", 0);
    none.step("a");
    Progress full("full", 3, 5);
    full.step("b");
  });
  CAPTURE(text);
  CHECK(text.find("none [........................] 0/0, ") != std::string::npos);
  CHECK(text.find("full [########################] 3/3, 0.0 steps/s, 0 s left, b") !=
        std::string::npos);
}

TEST_CASE("a line says how fast it goes and how long it will take") {
  Progress progress("epoch 1", 48, 8);
  progress.step("");
  progress.step("");
  CHECK(progress.line(4) == "epoch 1 10/48, 0.5 steps/s, 76 s left, ");
}
