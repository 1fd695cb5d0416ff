// The number type of every tensor.
//
// Gradus computes in IEEE float32. The gradient checks need more digits than that, so the same
// sources can be built a second time with double (`make MODE=double ...`).
#pragma once

#include <cstdint>

namespace gradus {

#ifdef GRADUS_DOUBLE
using Scalar = double;
#else
using Scalar = float;
#endif

// Sizes and positions inside tensors, signed so that differences of them are ordinary numbers.
using Index = std::int64_t;

}  // namespace gradus
