#include <gradus/profile.h>
#include <gradus/trace.h>

#include <cstdio>
#include <cstdlib>
#include <string>

namespace gradus {

namespace {

bool asked_for(const char* name) {
  const char* value = std::getenv(name);
  return value && *value && std::string(value) != "0";
}

// Prints its table when the thread ends.
struct PrintedProfile : Profile {
  ~PrintedProfile() override { std::fprintf(stderr, "\n%s", table().c_str()); }
};

}  // namespace

std::vector<Watcher*> watchers_at_start() {
  std::vector<Watcher*> asked;
  if (asked_for("GRADUS_PROFILE")) {
    static thread_local PrintedProfile profile;
    asked.push_back(&profile);
  }
  if (asked_for("GRADUS_TRACE")) {
    static thread_local Trace trace;
    asked.push_back(&trace);
  }
  return asked;
}

}  // namespace gradus
