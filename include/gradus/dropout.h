// Dropout (Srivastava et al. 2014), as "inverted" dropout: what stays is scaled up in training, so
// nothing needs to be done when the model is used.
#pragma once

#include <gradus/random.h>
#include <gradus/tensor.h>

namespace gradus {

// Sets each value to 0 with probability `rate` and divides the others by 1 - rate.
// Errors: a rate outside 0 … 1 (1 excluded).
Tensor dropout(const Tensor& x, Scalar rate, Random& random, Where where = here());

}  // namespace gradus
