// The box in which a student's program runs.

#include "judging.h"

#include <fcntl.h>
#include <grp.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstring>
#include <ctime>
#include <filesystem>
#include <fstream>

#ifdef __linux__
#include <sched.h>
#include <sys/prctl.h>
#endif

namespace gradus {

namespace {

constexpr uid_t nobody = 65534;
constexpr int not_started = 125;
constexpr std::size_t most_written = 1 << 24, most_printed = 500;

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

// The program that is to run, and where.
struct Start {
  std::string program;
  const NamelessFile (&files)[3];
  bool closed;  // in `root` as its whole file system
  std::string root;
};

// The first of the new processes becomes the program.
int become(void* start) {
  const Start& with = *static_cast<Start*>(start);
  char name[] = "exercise", threads[] = "GRADUS_THREADS=1";
  char* const arguments[] = {name, nullptr};
  char* const environment[] = {threads, nullptr};
  setpgid(0, 0);
  set_descriptors(with.program, with.files);
  const bool inside = with.closed && chroot(with.root.c_str()) == 0;
  if (chdir("/") != 0) _exit(not_started);
  give_up_rights();
#ifdef __linux__
  prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
  if (inside) fexecve(4, arguments, environment);
#endif
  execve(with.program.c_str(), arguments, environment);
  _exit(not_started);
}

// Starts it in a world of its own, with no network and no other process, where we may make one.
pid_t start_alone(Start& start, bool& alone) {
#ifdef __linux__
  alignas(16) static char stack[1 << 16];
  const int world = CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWPID | SIGCHLD;
  for (const int user : {0, CLONE_NEWUSER}) {  // the latter gives an ordinary user the right to it
    const pid_t program = clone(become, stack + sizeof stack, world | user, &start);
    if (program > 0) return program;
  }
#endif
  alone = false;
  const pid_t program = fork();
  if (program == 0) become(&start);
  return program;
}

// Waits for the program, and ends it when its time is up, and with it all that it may have started.
// Says how it ended.
std::string wait_for(pid_t program) {
  const std::string seconds = std::to_string(cpu_seconds());
  const std::time_t last = std::time(nullptr) + cpu_seconds() * 10;
  int status = 0;
  while (waitpid(program, &status, WNOHANG) == 0) {
    usleep(1000);
    if (std::time(nullptr) <= last) continue;
    kill(program, SIGKILL);
    waitpid(program, &status, 0);
    return "no answer after " + seconds + "0 s of waiting";
  }
  const int end = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
  if (end == SIGXCPU || end == SIGKILL) return "no answer after " + seconds + " s of computing";
  if (end == SIGXFSZ) return "it wrote more than there can be of answers";
  if (end == SIGSEGV) return "it crashed: an index outside of a vector, or a recursion without end";
  if (end != 0) return std::string("it crashed: ") + strsignal(end);
  return WEXITSTATUS(status) == not_started ? "the program could not be started"
                                            : "the program ended without an answer (exit)";
}

}  // namespace

Ran run_boxed(const std::string& program, const std::string& input) {
  const NamelessFile files[3] = {NamelessFile(input), NamelessFile(""), NamelessFile("")};
  char root[] = "/tmp/exercise-XXXXXX";
  if (!mkdtemp(root) || chmod(root, 0555)) fail("box", here(), std::strerror(errno));
  Start start = {std::filesystem::absolute(program).string(), files, is_static(program), root};
  bool alone = true;
  const pid_t child = start_alone(start, alone);
  if (child < 0) fail("box", here(), std::strerror(errno));
  Ran ran;
  ran.problem = wait_for(child);
  std::filesystem::remove_all(root);
  ran.answers = files[2].contents(most_written);
  ran.printed = files[1].contents(most_printed);
  if (!alone) ran.gaps = "the network, other processes, ";
  if (!start.closed || (!alone && geteuid() != 0)) ran.gaps += "the files of this user, ";
#ifndef __linux__
  ran.gaps = "memory, " + ran.gaps;
#endif
  const std::size_t size = ran.answers.size();
  if (size >= 4 && ran.answers.compare(size - 4, 4, "end\n") == 0) {
    ran.answers.resize(size - 4);
    ran.problem = "";
  }
  return ran;
}

}  // namespace gradus
