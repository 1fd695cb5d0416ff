#include <gradus/error.h>

namespace gradus {

std::string to_string(const Where& where) {
  return std::string(where.file) + ":" + std::to_string(where.line);
}

void fail(const std::string& what, const Where& where, const std::string& problem) {
  throw Error(what + " at " + to_string(where) + ": " + problem);
}

}  // namespace gradus
