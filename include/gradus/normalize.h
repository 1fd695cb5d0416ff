// Layer normalisation (Ba, Kiros and Hinton 2016, equation 4).
#pragma once

#include <gradus/tensor.h>

namespace gradus {

// Each row of x [..., D] is moved to mean 0 and scaled to variance 1, then scaled by gamma [D] and
// moved by beta [D]: gamma (x - mean) / sqrt(variance + epsilon) + beta.
// Errors: gamma or beta of another shape, an epsilon that is negative or not a number.
Tensor layer_norm(const Tensor& x, const Tensor& gamma, const Tensor& beta,
                  Scalar epsilon = Scalar(1e-3), Where where = here());

}  // namespace gradus
