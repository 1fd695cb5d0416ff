// What all pictures of attention need to know of its weights.
#pragma once

#include <gradus/tensor.h>

#include <string>

namespace gradus {

// Weights [Tq, Tk], [H, Tq, Tk] or [L, H, Tq, Tk], seen as [L, H, Tq, Tk].
struct AttentionWeights {
  // Errors, in the name of `picture`: another rank, other sizes than `queries` and `keys`, a weight
  // that is not a number.
  AttentionWeights(const char* picture, const Tensor& weights, std::size_t queries,
                   std::size_t keys, const Where& where);

  const Scalar* of(Index layer, Index head) const {
    return values + (layer * heads + head) * queries * keys;
  }
  double most(Index layer, Index head) const;  // the largest weight of a head
  // "layer 1, head 2", without what there is only one of.
  std::string name(Index layer, Index head) const;
  Index layers, heads, queries, keys;
  const Scalar* values;  // Requires: the tensor lives on
};

}  // namespace gradus
