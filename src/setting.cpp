#include <gradus/error.h>
#include <gradus/setting.h>

#include <charconv>
#include <cstdlib>
#include <cstring>

namespace gradus {

int setting(const char* name, int otherwise, int least, int most) {
  const char* text = std::getenv(name);
  if (!text) return otherwise;
  const char* end = text + std::strlen(text);
  int value = 0;
  const std::from_chars_result read = std::from_chars(text, end, value);
  if (read.ec != std::errc() || read.ptr != end || value < least || value > most)
    throw Error(
        worded(name, " must be a whole number from ", least, " to ", most, ", not \"", text, "\""));
  return value;
}

}  // namespace gradus
