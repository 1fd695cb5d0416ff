#include "statistics.h"

#include "../format.h"

#include <algorithm>
#include <cmath>

namespace gradus {

Statistics statistics_of(std::span<const Scalar> values) {
  Statistics s;
  double sum = 0, squares = 0, deviations = 0;
  for (const Scalar value : values) {
    if (!std::isfinite(value)) {
      if (++s.bad == 1) s.first_bad = s.count;
    } else {
      const auto v = static_cast<double>(value);
      const bool first = s.count == s.bad;
      s.smallest = first ? v : std::min(s.smallest, v);
      s.largest = first ? v : std::max(s.largest, v);
      s.zeros += v == 0;
      sum += v;
      squares += v * v;
    }
    ++s.count;
  }
  const auto good = static_cast<double>(s.count - s.bad);
  if (good == 0) return s;
  s.mean = sum / good;
  for (const Scalar value : values)
    if (std::isfinite(value)) deviations += std::pow(static_cast<double>(value) - s.mean, 2);
  s.deviation = std::sqrt(deviations / good);
  s.norm = std::sqrt(squares);
  return s;
}

Index count_bad(const Tensor& x) {
  Index bad = 0;
  for (const Scalar value : x.values()) bad += !std::isfinite(value);
  return bad;
}

std::string to_string(const Statistics& s) {
  std::string text;
  if (s.bad < s.count)
    text = format("min %.4g, max %.4g, mean %.4g, deviation %.4g, ", s.smallest, s.largest, s.mean,
                  s.deviation);
  if (s.bad == 0) return text + "all finite";
  const double share = static_cast<double>(s.bad) / static_cast<double>(s.count);
  return worded(text, s.bad, " of ", s.count, format(" bad (%.1f%%)", 100 * share));
}

std::string position_text(Index i, const Shape& shape) {
  std::string text;
  for (int axis = shape.rank() - 1; axis >= 0; --axis) {
    text = std::to_string(i % shape[axis]) + (text.empty() ? "" : ", ") + text;
    i /= shape[axis];
  }
  return "[" + text + "]";
}

std::string bad_values(const Tensor& x) {
  const Statistics s = statistics_of(x.values());
  const Scalar value = x.values()[static_cast<std::size_t>(s.first_bad)];
  const std::string name = std::isnan(value) ? "nan" : value > 0 ? "inf" : "-inf";
  return worded(s.bad, " of ", s.count, " values bad, the first, ", name, ", at ",
                position_text(s.first_bad, x.shape()));
}

}  // namespace gradus
