#include "format.h"

#include <gradus/error.h>

#include <locale.h>
#include <charconv>
#include <clocale>
#include <cmath>
#include <cstdarg>
#include <cstdio>
#if __has_include(<xlocale.h>)
#include <xlocale.h>
#endif

namespace gradus {

std::string format(const char* form, ...) {
  static const locale_t plain = newlocale(LC_ALL_MASK, "C", nullptr);
  const locale_t before = uselocale(plain);
  va_list values, again;
  va_start(values, form);
  va_copy(again, values);
  std::string text(static_cast<std::size_t>(std::vsnprintf(nullptr, 0, form, values)), ' ');
  std::vsnprintf(text.data(), text.size() + 1, form, again);
  va_end(values);
  va_end(again);
  uselocale(before);
  return text;
}

double printable(double number) {
  return std::isnan(number) ? double(NAN) : number;
}

std::string exact(double number) {
  char text[40];
  return {text, std::to_chars(text, text + sizeof text, printable(number)).ptr};
}
std::string exact(float number) {
  char text[40];
  if (std::isnan(number)) return "nan";
  return {text, std::to_chars(text, text + sizeof text, number).ptr};
}

std::string quoted(const std::string& text) {
  std::string json = "\"";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x20 || c == '<' || c == '&') {
      json += format("\\u%04x", byte);
    } else {
      if (c == '"' || c == '\\') json += '\\';
      json += c;
    }
  }
  json += '"';
  return json;
}

}  // namespace gradus
