// Softmax: positive numbers that sum to 1, large where the scores are large.
#pragma once

#include <gradus/mask.h>
#include <gradus/tensor.h>

namespace gradus {

// e^x / Σ e^x along one axis, computed as e^(x - max) so that nothing overflows.
Tensor softmax(const Tensor& x, int axis = -1, Where where = here());
// log softmax(x), without the loss of digits of log(softmax(x)).
Tensor log_softmax(const Tensor& x, int axis = -1, Where where = here());
// Softmax over the keys that the mask allows; zeros where it allows none.
// scores [Tq, Tk], [B, Tq, Tk] or [B, H, Tq, Tk]. Errors: a mask of another shape.
Tensor masked_softmax(const Tensor& scores, const Mask& mask, Where where = here());

}  // namespace gradus
