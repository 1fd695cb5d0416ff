#include "attention_weights.h"

#include "../inspect/statistics.h"

namespace gradus {

Shape attention_shape(const char* picture, const Tensor& weights, std::size_t queries,
                      std::size_t keys, const Where& where) {
  const Shape& s = weights.shape(where);
  if (s.rank() < 2 || s.rank() > 4 || s[-2] != static_cast<Index>(queries) ||
      s[-1] != static_cast<Index>(keys))
    fail(picture, where, "weights [.., ", queries, ", ", keys,
         "] are needed for the words given, not ", describe(weights));
  if (count_bad(weights) > 0)
    fail(picture, where, "a weight in ", describe(weights), " is not a number");
  return {s.rank() > 3 ? s[0] : 1, s.rank() > 2 ? s[-3] : 1, s[-2], s[-1]};
}

}  // namespace gradus
