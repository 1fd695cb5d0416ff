// What the forward and the backward pass of attention share: one head at a time, its keys and
// queries in blocks, and what the mask leaves of a block.
#pragma once

#include "attention.h"
#include "matmul.h"
#include "threads.h"

#include <algorithm>

namespace gradus::kernels {

constexpr Index key_block = 128;   // keys at a time
constexpr Index query_block = 96;  // queries at a time: their scores stay in the cache

// One head of one sequence, with the mask as seen by it; `keys` are those before the padding.
struct Head : AttentionShape {
  Head(const AttentionInputs& of, Index b, Index h)
      : AttentionShape(of.shape),
        query(of.query.of(b, h)),
        key(of.key.of(b, h)),
        value(of.value.of(b, h)),
        mask(of.mask),
        scale(of.scale),
        dropping(of.dropping),
        first_weight((b * of.shape.heads + h) * of.shape.queries * of.shape.keys),
        all_keys(of.shape.keys) {
    if (mask.lengths) keys = std::min<Index>(keys, of.mask.lengths[b]);
    if (mask.allowed) mask.allowed += b * mask.batch_stride + h * mask.head_stride;
  }

  // Query i may look at most at the keys before this.
  Index end(Index i) const {
    return mask.causal ? std::clamp<Index>(i + 1 + all_keys - queries, 0, keys) : keys;
  }
  bool allows(Index i, Index j) const {
    return j < end(i) &&
           (!mask.allowed || mask.allowed[i * mask.query_stride + j * mask.key_stride]);
  }

  // What dropout multiplies the weight of query i for key j by.
  Scalar kept(Index i, Index j) const { return dropping.factor(first_weight + i * all_keys + j); }

  Rows<const Scalar> query, key, value;
  AttentionMask mask;
  Scalar scale;
  Dropping dropping;
  Index first_weight;
  Index all_keys;  // how many there are with the padding
};

// The rows from `first` on as a matrix.
inline MatrixView matrix(Rows<const Scalar> rows, Index first) {
  return {rows[first], rows.stride, 1};
}

// Calls body(b, h) for every head: on a thread each, if there are enough to go round; otherwise
// one after the other, and the threads share the work within each head.
template <class Body>
void for_each_head(const AttentionShape& shape, const Body& body) {
  const Index heads = shape.batch * shape.heads;
  parallel_each(heads, heads >= 2 * threads() ? 1 : heads,
                [&](Index n) { body(n / shape.heads, n % shape.heads); });
}

// Calls body(first, how many) for all blocks of `size` that make 0 … count.
template <class Body>
void for_each_block(Index count, Index size, const Body& body) {
  parallel_for((count + size - 1) / size, 1, [&](Index begin, Index end) {
    for (Index first = begin * size; first < std::min(count, end * size); first += size)
      body(first, std::min(size, count - first));
  });
}

}  // namespace gradus::kernels
