// Doing the parts of a loop on several threads.
//
// Contract: the parts write to different places, and what a part computes does not depend on where
// it begins or ends. Then the result is the same for any number of threads.
#pragma once

#include <gradus/threads.h>

#include <gradus/scalar.h>

namespace gradus::kernels {

// Calls body(context, begin, end) for equal pieces of about `grain`, or more, that together make
// 0 … count.
void run_parallel(Index count, Index grain, void (*body)(const void*, Index, Index),
                  const void* context);

// parallel_for(n, 1000, [&](Index begin, Index end) { … }): the same for a lambda. Work of at most
// one grain is done right here.
template <class Body>
void parallel_for(Index count, Index grain, const Body& body) {
  if (count <= grain) {
    if (count > 0) body(Index{0}, count);
    return;
  }
  run_parallel(
      count, grain,
      [](const void* context, Index begin, Index end) {
        (*static_cast<const Body*>(context))(begin, end);
      },
      &body);
}

}  // namespace gradus::kernels
