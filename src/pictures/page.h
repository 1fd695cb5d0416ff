// Pages for a browser: what all of them share, and the parts that do not depend on what is shown.
#pragma once

#include <string>

namespace gradus::page {

// A page up to its body, with this CSS after what is common.
std::string begin(const std::string& title, const std::string& css);
// Two buttons and a slider, to go through so many steps or pages, or what they are called.
std::string turner(const std::string& of, std::size_t count);

extern const char* const attention_style;   // CSS
extern const char* const attention_script;  // JavaScript
extern const char* const steps_style;
extern const char* const steps_script;      // what is shown, and how one moves
extern const char* const steps_arithmetic;  // how a number was computed

}  // namespace gradus::page
