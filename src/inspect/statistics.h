// What is told of many numbers.
#pragma once

#include <gradus/scalar.h>

#include <cstddef>
#include <span>
#include <string>

namespace gradus {

// Of the finite ones among `values`; without any, the numbers are not to be used.
struct Statistics {
  explicit Statistics(std::span<const Scalar> values);
  // "min -1.2, max 3, mean 0.4, deviation 0.9", and how many are NaN or infinite if any are.
  std::string text() const;

  std::size_t finite = 0, not_finite = 0, zeros = 0;
  double least = 0, most = 0, mean = 0, deviation = 0;
};

}  // namespace gradus
