// What all SVG pictures share.
#pragma once

#include <gradus/error.h>

#include "../format.h"

#include <string>
#include <vector>

namespace gradus::svg {

std::string begin(double width, double height);
// Errors, in the name of `picture`: some text in it is not UTF-8.
std::string finished(const std::string& svg, const std::string& picture, const Where& where);
std::string text(double x, double y, const std::string& css_class, const std::string& content,
                 const std::string& attributes = "");
// At most `most` characters (not bytes), the last one "…" if something was cut.
std::string cut(const std::string& text, std::size_t most);

// The lines of a text, each of at most `most` bytes unless one word is longer.
std::vector<std::string> wrapped(const std::string& text, std::size_t most);

}  // namespace gradus::svg
