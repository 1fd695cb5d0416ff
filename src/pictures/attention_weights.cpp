#include "attention_weights.h"

#include <algorithm>
#include <cmath>

namespace gradus {

AttentionWeights::AttentionWeights(const char* picture, const Tensor& weights, std::size_t q,
                                   std::size_t k, const Where& where) {
  const Shape& s = weights.shape();
  if (s.rank() < 2 || s.rank() > 4 || s[-2] != static_cast<Index>(q) ||
      s[-1] != static_cast<Index>(k))
    fail(picture, where, "weights [.., ", q, ", ", k, "] are needed for the words given, not ",
         describe(weights));
  for (const Scalar weight : weights.values())
    if (!std::isfinite(weight))
      fail(picture, where, "a weight in ", describe(weights), " is not a number");
  layers = s.rank() > 3 ? s[0] : 1;
  heads = s.rank() > 2 ? s[-3] : 1;
  queries = s[-2];
  keys = s[-1];
  values = weights.data();
}

double AttentionWeights::most(Index layer, Index head) const {
  const Scalar* const begin = of(layer, head);
  return static_cast<double>(*std::max_element(begin, begin + queries * keys));
}

std::string AttentionWeights::name(Index layer, Index head) const {
  if (layers * heads == 1) return "";
  const std::string in_layer = layers > 1 ? "layer " + std::to_string(layer + 1) + ", " : "";
  return in_layer + "head " + std::to_string(head + 1);
}

}  // namespace gradus
