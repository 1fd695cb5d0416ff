// The time, for measuring how long something takes.
#pragma once

#include <chrono>

namespace gradus {

// Seconds since some fixed moment; they go on evenly when the date is set.
inline double seconds_now() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

}  // namespace gradus
