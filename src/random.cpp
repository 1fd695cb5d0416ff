#include <gradus/random.h>

#include "kernels/math.h"

#include <cmath>

namespace gradus {

std::uint64_t random_bits(std::uint64_t seed, std::uint64_t n) {
  std::uint64_t z = seed + (n + 1) * 0x9E3779B97F4A7C15u;
  z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
  z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
  return z ^ (z >> 31);
}

Scalar Random::uniform() {
  // 24 bits: every such number is a float, so float and double builds draw the same ones.
  return static_cast<Scalar>(next() >> 40) / Scalar(16777216);
}

Scalar Random::uniform(Scalar low, Scalar high) {
  return low + (high - low) * uniform();
}

Scalar Random::normal() {
  const Scalar radius = std::sqrt(-2 * kernels::log_one(1 - uniform()));
  return radius * kernels::cos_one(Scalar(6.283185307179586) * uniform());
}

std::int64_t Random::below(std::int64_t count, Where where) {
  if (count < 1) fail("Random::below", where, "no number lies below ", count);
  // The highest numbers would make some remainders likelier; they are drawn again.
  const auto range = static_cast<std::uint64_t>(count);
  const std::uint64_t uneven = (0 - range) % range;  // 2^64 mod range
  std::uint64_t bits = next();
  while (bits < uneven) bits = next();
  return static_cast<std::int64_t>(bits % range);
}

}  // namespace gradus
