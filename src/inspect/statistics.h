// What a tensor's values are like, for reports.
#pragma once

#include <gradus/tensor.h>

namespace gradus {

struct Statistics {
  Index count = 0;
  Index bad = 0;         // not a number, or infinite; left out of everything below
  Index first_bad = -1;  // its position, row by row
  Index zeros = 0;
  double smallest = 0, largest = 0;
  double mean = 0, deviation = 0;
  double norm = 0;  // sqrt(Σ x²)
};

Statistics statistics_of(std::span<const Scalar> values);

// How many values are not a number or infinite.
Index count_bad(const Tensor& x);

// "min -1.2, max 3.4, mean 0.05, deviation 1.5, 2 of 6 bad (33.3%)", or "…, all finite"
std::string to_string(const Statistics& statistics);
// "[1, 0]": where value number i, row by row, stands.
std::string position_text(Index i, const Shape& shape);
// "2 of 6 values bad, the first, -inf, at [1, 0]"
std::string bad_values(const Tensor& x);

}  // namespace gradus
