#pragma once

#include <string>

namespace gradus {

// printf to a string, with a point in every number whatever the locale.
[[gnu::format(printf, 1, 2)]] std::string format(const char* form, ...);

// The same number; but NaN without the sign that some systems would print.
double printable(double number);

// A string of JSON that may stand in a page: without "<" and "&", which mean something there.
std::string quoted(const std::string& text);

}  // namespace gradus
