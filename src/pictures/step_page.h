// A run, step by step, as a page: the parts that are the same whatever it shows.
#pragma once

namespace gradus::step_page {

extern const char* const style;       // CSS
extern const char* const script;      // JavaScript: what is shown, and how one moves
extern const char* const arithmetic;  // JavaScript: how a number was computed

}  // namespace gradus::step_page
