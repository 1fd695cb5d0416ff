// Which values dropout drops: value i has its own random number, so that a gradient need not store
// what fell, and threads share the work as they like.
#pragma once

#include <gradus/random.h>

namespace gradus::kernels {

struct Dropping {
  Scalar rate = 0;
  std::uint64_t seed = 0;

  // What value i is multiplied by: 1 / (1 - rate), or 0 if it is dropped.
  Scalar factor(Index i) const {
    // The smallest of 2^32 equally likely numbers that is kept.
    const auto kept_from = static_cast<std::uint64_t>(static_cast<double>(rate) * 4294967296.0);
    const std::uint64_t bits = random_bits(seed, static_cast<std::uint64_t>(i)) >> 32;
    return bits >= kept_from ? 1 / (1 - rate) : 0;
  }
};

}  // namespace gradus::kernels
