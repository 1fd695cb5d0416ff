// How many threads the kernels use. The results do not depend on it.
#pragma once

#include <gradus/error.h>

namespace gradus {

// At first: the environment's GRADUS_THREADS if it is set, otherwise one for each core.
int threads();

// 1 switches the helpers off: everything then runs on the calling thread, which is what one wants
// when stepping through a kernel. Errors: a count below 1 or above 256.
void set_threads(int count, Where where = here());

}  // namespace gradus
