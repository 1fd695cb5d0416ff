// From one vector for each word to one vector for the whole text.
#pragma once

#include <gradus/mask.h>
#include <gradus/tensor.h>

namespace gradus {

// The maximum, or the mean, over the positions t of x [B, T, D] that the (padding) mask allows;
// gives [B, D], and zeros where it allows none. Errors: rank, a mask of another shape.
Tensor max_pooling(const Tensor& x, const Mask& mask = {}, Where where = here());
Tensor mean_pooling(const Tensor& x, const Mask& mask = {}, Where where = here());

}  // namespace gradus
