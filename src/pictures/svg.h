// What all SVG pictures share.
#pragma once

#include <string>
#include <vector>

namespace gradus::svg {

// printf to a string; `form` is a literal.
template <class... Values>
std::string format(const char* form, Values... values);

std::string begin(double width, double height);
std::string text(double x, double y, const std::string& css_class, const std::string& content,
                 const std::string& attributes = "");
// At most `most` characters (not bytes), the last one "…" if something was cut.
std::string cut(const std::string& text, std::size_t most);

// The lines of a text, each of at most `most` bytes unless one word is longer.
std::vector<std::string> wrapped(const std::string& text, std::size_t most);

}  // namespace gradus::svg

#include <cstdio>

template <class... Values>
std::string gradus::svg::format(const char* form, Values... values) {
  char buffer[400];
  std::snprintf(buffer, sizeof buffer, form, values...);
  return buffer;
}
