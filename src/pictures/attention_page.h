// The parts of an attention page that are the same whatever it shows.
#pragma once

namespace gradus::page {

extern const char* const style;   // CSS
extern const char* const script;  // JavaScript

}  // namespace gradus::page
