// Errors, and where they happened.
//
// Everything in Gradus that can fail takes a last argument `Where where = here()`. A default
// argument is evaluated at the call, so it holds the file and line of the caller: the student's
// own line, which is the line that an error should name.
#pragma once

#include <stdexcept>
#include <string>
#include <type_traits>

namespace gradus {

// A line of source code. (Made by a function, not from braces: in Ids({2}, {0, 1}) the second pair
// must not pass for a line.)
struct Where {
  static constexpr Where at(const char* file, int line) {
    Where where;
    where.file = file;
    where.line = line;
    return where;
  }
  constexpr Where() = default;

  const char* file = "";
  int line = 0;
};

// The place this is called from; only useful as a default argument.
// (std::source_location would do the same; Clang 14 does not have it.)
constexpr Where here(const char* file = __builtin_FILE(), int line = __builtin_LINE()) {
  return Where::at(file, line);
}

// "lessons/01_attention.cpp:57"
inline std::string to_string(const Where& where) {
  return where.file + (":" + std::to_string(where.line));
}

// What every mistake of a user of this library is reported with. The text says what was wanted,
// what was given, and where.
class Error : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// The shortest text that is read back as exactly this number.
std::string exact(double number);
std::string exact(float number);

template <class Part>
std::string as_text(const Part& part) {
  static_assert(!std::is_same_v<Part, char>, "'c' would be a number; \"c\" is a text");
  using std::to_string;
  if constexpr (std::is_convertible_v<Part, std::string>)
    return part;
  else if constexpr (std::is_floating_point_v<Part>)
    return exact(part);
  else
    return to_string(part);
}
// Texts, exact numbers, and shapes and lines as to_string() writes them, one after the other.
template <class... Parts>
std::string worded(const Parts&... parts) {
  return (std::string() + ... + as_text(parts));
}

// Throws Error with "<what> at <where>: <problem>", for example
// "matmul at lessons/01_attention.cpp:57: inner sizes 8 and 9 differ".
template <class... Parts>
[[noreturn]] void fail(const std::string& what, const Where& where, const Parts&... problem) {
  throw Error(worded(what, " at ", where, ": ", problem...));
}

}  // namespace gradus
