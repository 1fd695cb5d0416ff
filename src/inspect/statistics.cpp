#include "statistics.h"

#include "svg.h"

#include <algorithm>
#include <cmath>

namespace gradus {

Statistics::Statistics(std::span<const Scalar> values) {
  double sum = 0, squares = 0;
  for (const Scalar value : values) {
    if (!std::isfinite(value)) {
      ++not_finite;
      continue;
    }
    const auto x = static_cast<double>(value);
    least = finite == 0 ? x : std::min(least, x);
    most = finite == 0 ? x : std::max(most, x);
    sum += x;
    zeros += x == 0;
    ++finite;
  }
  if (finite == 0) return;
  mean = sum / static_cast<double>(finite);
  for (const Scalar value : values)
    if (std::isfinite(value)) squares += std::pow(static_cast<double>(value) - mean, 2);
  deviation = std::sqrt(squares / static_cast<double>(finite));
}

std::string Statistics::text() const {
  std::string text = finite == 0 ? "no finite value"
                                 : svg::format("min %.4g, max %.4g, mean %.4g, deviation %.4g",
                                               least, most, mean, deviation);
  if (not_finite > 0) text += "; NaN OR INFINITE: " + std::to_string(not_finite);
  return text;
}

}  // namespace gradus
