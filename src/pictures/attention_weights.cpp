#include "attention_weights.h"

#include <cmath>

namespace gradus {

AttentionWeights::AttentionWeights(const char* picture, const Tensor& weights, std::size_t q,
                                   std::size_t k, const Where& where) {
  const Shape& s = weights.shape();
  if (s.rank() < 2 || s.rank() > 4 || s[-2] != static_cast<Index>(q) ||
      s[-1] != static_cast<Index>(k))
    fail(picture, where,
         "weights [.., " + std::to_string(q) + ", " + std::to_string(k) +
             "] are needed for the words given, not " + describe(weights));
  for (const Scalar weight : weights.values())
    if (!std::isfinite(weight))
      fail(picture, where, "a weight in " + describe(weights) + " is not a number");
  layers = s.rank() > 3 ? s[0] : 1;
  heads = s.rank() > 2 ? s[-3] : 1;
  queries = s[-2];
  keys = s[-1];
  values = weights.data();
}

}  // namespace gradus
