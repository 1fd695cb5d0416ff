#pragma once

#include <string>

namespace gradus {

// printf to a string, with a point in every number whatever the locale.
[[gnu::format(printf, 1, 2)]] std::string format(const char* form, ...);

}  // namespace gradus
