#include "box.h"

#include <gradus/gradus.h>

#include <fcntl.h>
#include <grp.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstring>
#include <filesystem>
#include <fstream>

#ifdef __linux__
#include <sched.h>
#include <sys/prctl.h>
#endif

namespace gradus {

namespace {

constexpr uid_t nobody = 65534;
constexpr std::size_t most_written = 1 << 24, most_printed = 500;

// How the guard says that the program did not end by a signal.
enum End { by_itself = 0, too_late = 124, not_started = 125 };

// What could not be kept away, as bits.
enum Gap { network = 1, files = 2, memory = 4, processes = 8 };

int cpu_seconds() {
  return setting("CPU_SECONDS", 2, 1, 60);
}

// A file that has no name, and vanishes with the last who has it open.
struct NamelessFile {
  explicit NamelessFile(const std::string& contents) : file(std::tmpfile()) {
    if (!file) fail("box", here(), std::strerror(errno));
    std::fwrite(contents.data(), 1, contents.size(), file);
    std::rewind(file);
  }
  NamelessFile(const NamelessFile&) = delete;
  ~NamelessFile() { std::fclose(file); }
  std::string contents(std::size_t most) const {
    std::string text(most, '\0');
    const ssize_t count = pread(fileno(file), text.data(), most, 0);
    return text.substr(0, count < 0 ? 0 : static_cast<std::size_t>(count));
  }
  std::FILE* file;
};

// Whether the program needs no other file to start: it names no loader.
bool is_static(const std::string& program) {
  std::ifstream file(program, std::ios::binary);
  std::string begin(4096, '\0');
  file.read(begin.data(), 4096);
  return begin.compare(1, 3, "ELF") == 0 && begin.find("/ld-") == std::string::npos;
}

// No network, no other processes and no files but those in `root`; returns the gaps that are left.
int enter_namespaces(const std::string& root, bool closed) {
#ifdef __linux__
  int gaps = 0;
  if (geteuid() != 0) unshare(CLONE_NEWUSER);  // gives the right to the rest
  if (unshare(CLONE_NEWNET | CLONE_NEWIPC) != 0) gaps |= network;
  if (unshare(CLONE_NEWPID) != 0) gaps |= processes;
  if (!closed || chroot(root.c_str()) != 0) gaps |= files;
  prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
  return chdir("/") == 0 ? gaps : gaps | files;
#else
  (void)root, (void)closed;
  return network | files | memory | processes;
#endif
}

void limit(int what, rlim_t most) {
  const rlimit both = {most, most};
  setrlimit(static_cast<decltype(RLIMIT_CPU)>(what), &both);
}

// Limits come after the change of user, for they count what the user has already.
void give_up_rights() {
  if (geteuid() == 0 && (setgroups(0, nullptr) || setgid(nobody) || setuid(nobody)))
    _exit(not_started);
  limit(RLIMIT_CPU, static_cast<rlim_t>(cpu_seconds()));
  limit(RLIMIT_AS, rlim_t(512) << 20);
  limit(RLIMIT_FSIZE, most_written);
  limit(RLIMIT_NOFILE, 16);
#ifdef __linux__
  limit(RLIMIT_NPROC, 0);  // neither fork nor threads
#endif
}

// Standard input and output, descriptor 3 for answers and 4 for the program itself; no other.
void set_descriptors(const std::string& program, const NamelessFile (&given)[3]) {
  const int in = fileno(given[0].file), out = fileno(given[1].file), to = fileno(given[2].file);
  const int wanted[5] = {in, out, out, to, open(program.c_str(), O_RDONLY)};
  int high[5];
  for (int i = 0; i < 5; ++i) high[i] = fcntl(wanted[i], F_DUPFD, 20);
  for (int i = 0; i < 5; ++i) dup2(high[i], i);
  for (int i = 5; i < 256; ++i) close(i);
  fcntl(4, F_SETFD, FD_CLOEXEC);
}

[[noreturn]] void become(const std::string& program, bool closed) {
  setpgid(0, 0);
  give_up_rights();
  char name[] = "exercise", threads[] = "GRADUS_THREADS=1";
  char* const arguments[] = {name, nullptr};
  char* const environment[] = {threads, nullptr};
#ifdef __linux__
  if (closed) fexecve(4, arguments, environment);
#endif
  execve(program.c_str(), arguments, environment);
  _exit(not_started);
}

// Waits for the program, and ends it when its time is up: it is process 1 of a world of its own,
// with which all ends that it may have started. Returns an End, or the signal.
int guard(pid_t program, double seconds) {
  const auto begin = std::chrono::steady_clock::now();
  int status = 0;
  while (waitpid(program, &status, WNOHANG) == 0) {
    const std::chrono::duration<double> passed = std::chrono::steady_clock::now() - begin;
    if (passed.count() > seconds) {
      kill(program, SIGKILL);
      waitpid(program, &status, 0);
      return too_late;
    }
    usleep(1000);
  }
  if (WIFSIGNALED(status)) return WTERMSIG(status);
  return WEXITSTATUS(status) == not_started ? not_started : by_itself;
}

std::string how_it_ended(int end) {
  const std::string seconds = std::to_string(cpu_seconds());
  if (end == by_itself) return "the program ended without an answer (exit)";
  if (end == not_started) return "the program could not be started";
  if (end == too_late) return "no answer after " + seconds + "0 s of waiting";
  if (end == SIGXCPU || end == SIGKILL) return "no answer after " + seconds + " s of computing";
  if (end == SIGXFSZ) return "it wrote more than there can be of answers";
  if (end == SIGSEGV) return "it crashed: an index outside of a vector, or a recursion without end";
  return std::string("it crashed: ") + strsignal(end);
}

}  // namespace

std::string gaps_of_box(const std::string& program) {
  const pid_t child = fork();
  if (child == 0) _exit(enter_namespaces("/", is_static(program)));
  int status = 0;
  waitpid(child, &status, 0);
  const int gaps = WEXITSTATUS(status);
  return std::string(gaps & memory ? "memory, " : "") + (gaps & network ? "the network, " : "") +
         (gaps & processes ? "other processes, " : "") +
         (gaps & files ? "the files of this user, " : "");
}

Ran run_boxed(const std::string& program, const std::string& input) {
  const NamelessFile given[3] = {NamelessFile(input), NamelessFile(""), NamelessFile("")};
  char root[] = "/tmp/exercise-XXXXXX";
  if (!mkdtemp(root) || chmod(root, 0555)) fail("box", here(), std::strerror(errno));
  const std::string path = std::filesystem::absolute(program);
  const pid_t child = fork();
  if (child < 0) fail("box", here(), std::strerror(errno));
  if (child == 0) {  // the guard; what it starts is the first of the new processes
    set_descriptors(path, given);
    const bool closed = is_static(path);
    enter_namespaces(root, closed);
    const pid_t boxed = fork();
    if (boxed == 0) become(path, closed);
    _exit(boxed < 0 ? not_started : guard(boxed, cpu_seconds() * 10));
  }
  int status = 0;
  waitpid(child, &status, 0);
  std::filesystem::remove_all(root);
  Ran ran = {given[2].contents(most_written), given[1].contents(most_printed), ""};
  const std::size_t size = ran.answers.size();
  if (size < 4 || ran.answers.compare(size - 4, 4, "end\n") != 0)
    ran.problem = how_it_ended(WEXITSTATUS(status));
  else
    ran.answers.resize(size - 4);
  return ran;
}

}  // namespace gradus
