#include "box.h"

#include <gradus/gradus.h>

#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <vector>

#ifdef __linux__
#include <sched.h>
#include <sys/prctl.h>
#endif

namespace gradus {

namespace {

constexpr uid_t nobody = 65534;
constexpr std::size_t most_answers = 1 << 24, most_printed = 500;

int cpu_seconds() {
  return setting("CPU_SECONDS", 2, 1, 60);
}

// Whether the program needs no other file to start: it names no loader.
bool is_static(const std::string& program) {
  std::ifstream file(program, std::ios::binary);
  std::string begin(4096, '\0');
  file.read(begin.data(), 4096);
  return begin.compare(1, 3, "ELF") == 0 && begin.find("/ld-") == std::string::npos;
}

void limit(int what, rlim_t soft, rlim_t hard) {
  const rlimit both = {soft, hard};
  setrlimit(static_cast<decltype(RLIMIT_CPU)>(what), &both);
}

// No network, no other processes and no files; returns what could not be had, as bits.
int enter_namespaces(const std::string& root, bool closed) {
  int gaps = 0;
#ifdef __linux__
  if (geteuid() != 0) unshare(CLONE_NEWUSER);  // gives the right to the rest
  if (unshare(CLONE_NEWNET | CLONE_NEWIPC) != 0) gaps |= 1;
  if (unshare(CLONE_NEWPID) != 0) gaps |= 8;
  if (!closed || chroot(root.c_str()) != 0) gaps |= 2;
  prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
#else
  (void)root;
  (void)closed;
  gaps = 15;
#endif
  return chdir("/") == 0 ? gaps : gaps | 2;
}

// The first child after enter_namespaces() sees no other process. Returns in that child; its parent
// ends as the child ends.
void fork_alone() {
  const pid_t child = fork();
  if (child == 0) return;
  for (int end = 0; end < 5; ++end) close(end);
  int status = 125 << 8;
  while (child > 0 && waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  if (WIFSIGNALED(status)) kill(getpid(), WTERMSIG(status));
  _exit(WEXITSTATUS(status));
}

// Limits come after the change of user, for they count what the user has already.
void give_up_rights() {
  if (geteuid() == 0 && (setgroups(0, nullptr) || setgid(nobody) || setuid(nobody))) _exit(126);
  const rlim_t cpu = static_cast<rlim_t>(cpu_seconds());
  limit(RLIMIT_CPU, cpu, cpu);
  limit(RLIMIT_AS, rlim_t(512) << 20, rlim_t(512) << 20);
  limit(RLIMIT_STACK, 1 << 23, 1 << 23);
  limit(RLIMIT_FSIZE, 1 << 20, 1 << 20);
  limit(RLIMIT_CORE, 0, 0);
  limit(RLIMIT_NOFILE, 16, 16);
#ifdef __linux__
  limit(RLIMIT_NPROC, 0, 0);  // neither fork nor threads
#endif
}

// The child's side: `ends` are its standard input, output and descriptor 3.
[[noreturn]] void become(const std::string& program, const std::string& root,
                         const int (&ends)[3]) {
  setpgid(0, 0);
  const int file = open(program.c_str(), O_RDONLY);
  const int from[5] = {ends[0], ends[1], ends[1], ends[2], file};
  int high[5];
  for (int i = 0; i < 5; ++i) high[i] = fcntl(from[i], F_DUPFD, 20);
  for (int i = 0; i < 5; ++i) dup2(high[i], i);
  for (int i = 5; i < 256; ++i) close(i);
  fcntl(4, F_SETFD, FD_CLOEXEC);
  const std::string path = std::filesystem::absolute(program);
  const bool closed = is_static(program);
  enter_namespaces(root, closed);
  fork_alone();
  give_up_rights();
  char name[] = "exercise", threads[] = "GRADUS_THREADS=1";
  char* const arguments[] = {name, nullptr};
  char* const environment[] = {threads, nullptr};
  if (closed)
    fexecve(4, arguments, environment);
  else
    execve(path.c_str(), arguments, environment);
  _exit(125);
}

std::string how_it_ended(int status, double wall, bool too_late) {
  if (too_late)
    return "no answer after " + std::to_string(static_cast<int>(wall)) + " s of waiting";
  if (WIFEXITED(status) && WEXITSTATUS(status) == 125) return "the program could not be started";
  if (WIFEXITED(status)) return "the program ended without an answer (exit)";
  const int signal = WTERMSIG(status);
  if (signal == SIGXCPU || signal == SIGKILL)
    return "no answer after " + std::to_string(cpu_seconds()) + " s of computing";
  if (signal == SIGSEGV)
    return "it crashed: an index outside of a vector, or a recursion without end";
  return std::string("it crashed: ") + strsignal(signal);
}

// Feeds and listens until all is closed or time is up; returns whether it is up.
bool converse(const int (&ends)[3], const std::string& input, double wall, Ran& ran) {
  std::size_t fed = 0;
  pollfd watched[3] = {{ends[0], POLLOUT, 0}, {ends[1], POLLIN, 0}, {ends[2], POLLIN, 0}};
  const auto begin = std::chrono::steady_clock::now();
  char piece[65536];
  while (watched[1].fd >= 0 || watched[2].fd >= 0) {
    const std::chrono::duration<double> passed = std::chrono::steady_clock::now() - begin;
    if (passed.count() > wall || ran.answers.size() > most_answers) break;
    if (poll(watched, 3, 100) <= 0) continue;
    if (watched[0].revents) {
      const ssize_t n =
          write(ends[0], input.data() + fed, std::min<std::size_t>(input.size() - fed, 4096));
      fed += n > 0 ? static_cast<std::size_t>(n) : 0;
      if (n < 0 || fed == input.size()) close(std::exchange(watched[0].fd, -1));
    }
    for (int i = 1; i < 3; ++i) {
      if (!watched[i].revents) continue;
      const ssize_t n = read(ends[i], piece, sizeof piece);
      if (n <= 0)
        watched[i].fd = -1;
      else if (i == 2)
        ran.answers.append(piece, static_cast<std::size_t>(n));
      else if (ran.printed.size() < most_printed)
        ran.printed.append(
            piece, std::min(static_cast<std::size_t>(n), most_printed - ran.printed.size()));
    }
  }
  const bool too_late = watched[1].fd >= 0 || watched[2].fd >= 0;
  if (watched[0].fd >= 0) close(ends[0]);
  close(ends[1]);
  close(ends[2]);
  return too_late;
}

struct EmptyFolder {
  EmptyFolder() {
    char name[] = "/tmp/exercise-XXXXXX";
    path = mkdtemp(name) ? name : "/";
    chmod(name, 0555);
  }
  ~EmptyFolder() {
    if (path != "/") std::filesystem::remove_all(path);
  }
  std::string path;
};

}  // namespace

std::string gaps_of_box(const std::string& program) {
  const EmptyFolder root;
  const pid_t child = fork();
  if (child == 0) _exit(enter_namespaces(root.path, is_static(program)));
  int gaps = 0;
  waitpid(child, &gaps, 0);
  gaps = WEXITSTATUS(gaps);
  return std::string(gaps & 4 ? "memory, " : "") + (gaps & 1 ? "the network, " : "") +
         (gaps & 8 ? "other processes, " : "") + (gaps & 2 ? "the files of this user, " : "");
}

Ran run_boxed(const std::string& program, const std::string& input) {
  signal(SIGPIPE, SIG_IGN);
  const EmptyFolder root;
  int in[2], out[2], answers[2];
  if (pipe(in) || pipe(out) || pipe(answers)) fail("box", here(), std::strerror(errno));
  const pid_t child = fork();
  if (child < 0) fail("box", here(), std::strerror(errno));
  if (child == 0) become(program, root.path, {in[0], out[1], answers[1]});
  setpgid(child, child);
  for (const int end : {in[0], out[1], answers[1]}) close(end);
  Ran ran;
  const double wall = cpu_seconds() * 10;
  const bool too_late = converse({in[1], out[0], answers[0]}, input, wall, ran);
  int status = 0;
  pid_t ended = 0;  // a program that has closed everything has a second to end
  for (int tries = 0; tries < 100 && !too_late && ended == 0; ++tries) {
    ended = waitpid(child, &status, WNOHANG);
    if (ended == 0) poll(nullptr, 0, 10);
  }
  kill(-child, SIGKILL);
  while (ended == 0 && waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  const std::size_t size = ran.answers.size(), end = size < 4 ? 0 : size - 4;
  if (size > most_answers)
    ran.problem = "it wrote more answers than there can be";
  else if (size < 4 || ran.answers.compare(end, 4, "end\n") != 0)
    ran.problem = how_it_ended(status, wall, too_late);
  else
    ran.answers.resize(end);
  return ran;
}

}  // namespace gradus
