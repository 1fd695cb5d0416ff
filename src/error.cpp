#include <gradus/error.h>

namespace gradus {

std::string to_string(const Where& where) {
  return std::string(where.file) + ":" + std::to_string(where.line);
}

}  // namespace gradus
