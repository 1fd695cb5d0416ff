// Doing the parts of a loop on several threads.
//
// Contract: the parts write to different places, and what a part computes does not depend on where
// it begins or ends. Then the result is the same for any number of threads.
#pragma once

#include <gradus/threads.h>

#include <gradus/scalar.h>

#include <functional>

namespace gradus::kernels {

using Loop = std::function<void(Index begin, Index end)>;

// Calls body(begin, end) for equal pieces of about `grain`, or more, that together make 0 … count.
void run_parallel(Index count, Index grain, const Loop& body);

// parallel_for(n, 1000, [&](Index begin, Index end) { … }): the same, but work of at most one grain
// is done right here.
template <class Body>
void parallel_for(Index count, Index grain, const Body& body) {
  if (count > grain)
    run_parallel(count, grain, std::cref(body));
  else if (count > 0)
    body(Index{0}, count);
}

// body(i) for each of 0 … count - 1, shared out in the same way.
template <class Body>
void parallel_each(Index count, Index grain, const Body& body) {
  parallel_for(count, grain, [=](Index begin, Index end) {
    for (Index i = begin; i < end; ++i) body(i);
  });
}

}  // namespace gradus::kernels
