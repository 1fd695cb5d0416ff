// Undoing a broadcast: the gradient of an operand that was repeated is the sum over all repeats.
#pragma once

#include <gradus/operation.h>

namespace gradus {

// The sum of `gradient` over every axis along which `shape` was repeated; has that shape.
Tensor reduce_to_shape(const Tensor& gradient, const Shape& shape);

}  // namespace gradus
