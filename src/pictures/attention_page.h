// The parts of an attention page that are the same whatever it shows.
#pragma once

#include <string>

namespace gradus::page {

// A page for a browser up to its body.
std::string begin(const std::string& title, const std::string& css);

extern const char* const style;   // CSS
extern const char* const script;  // JavaScript

}  // namespace gradus::page
