// What all SVG pictures share.
#pragma once

#include <gradus/error.h>

#include "../format.h"

#include <vector>

namespace gradus::svg {

// A picture of this size, with a title and a description for those who listen to it.
std::string begin(double width, double height, const std::string& title,
                  const std::string& description);
// Errors, in the name of `picture`: some text in it is not UTF-8.
std::string finished(const std::string& svg, const std::string& picture, const Where& where);
// A text of so many pixels; a box, with a text that appears when the mouse rests on it; a line.
std::string text(double x, double y, const std::string& css_class, const std::string& content,
                 int size = 11, const std::string& attributes = "");
std::string rect(const std::string& css_class, double x, double y, double width, double height,
                 const std::string& attributes = "", const std::string& title = "");
std::string line(const std::string& css_class, double x1, double y1, double x2, double y2,
                 const std::string& attributes = "");
const std::string in_the_middle = "text-anchor=\"middle\"", at_the_end = "text-anchor=\"end\"",
                  bold = "font-weight=\"bold\"";
// A picture's title, in lines of at most `most` bytes, from y on, 20 pixels apart.
std::string heading(double x, double y, const std::string& content, std::size_t most);

// At most `most` characters (not bytes), the last one "…" if something was cut.
std::string cut(const std::string& text, std::size_t most);

// The lines of a text, each of at most `most` bytes unless one word is longer.
std::vector<std::string> wrapped(const std::string& text, std::size_t most);

}  // namespace gradus::svg
