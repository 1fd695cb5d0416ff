// What the forward and the backward pass of attention share: one head at a time, its keys in
// blocks, and what the mask leaves of a block.
#pragma once

#include "attention.h"
#include "threads.h"

#include <algorithm>

namespace gradus::kernels {

constexpr Index key_block = 128;   // keys at a time
constexpr Index query_block = 96;  // queries at a time: their scores stay in the cache

// One head of one sequence, with the mask as seen by it.
struct Head {
  Head(const AttentionInputs& of, Index b, Index h)
      : queries(of.shape.queries),
        keys(of.mask.lengths ? std::min<Index>(of.shape.keys, of.mask.lengths[b]) : of.shape.keys),
        key_dim(of.shape.key_dim),
        value_dim(of.shape.value_dim),
        query(of.query.of(b, h)),
        key(of.key.of(b, h)),
        value(of.value.of(b, h)),
        scale(of.scale),
        causal(of.mask.causal),
        cached(of.shape.keys - of.shape.queries),
        allowed(of.mask.allowed),
        query_stride(of.mask.query_stride),
        key_stride(of.mask.key_stride) {
    if (allowed) allowed += b * of.mask.batch_stride + h * of.mask.head_stride;
  }

  // Query i may look at most at the keys before this.
  Index end(Index i) const { return causal ? std::clamp<Index>(i + 1 + cached, 0, keys) : keys; }
  bool allows(Index i, Index j) const {
    return j < end(i) && (!allowed || allowed[i * query_stride + j * key_stride]);
  }

  Index queries, keys;  // without the padding at the end
  Index key_dim, value_dim;
  Rows<const Scalar> query, key, value;
  Scalar scale;
  bool causal;
  Index cached;  // how many keys come before that of query 0
  const std::uint8_t* allowed;
  Index query_stride, key_stride;
};

// Calls body(b, h) for every head: on a thread each, if there are enough to go round; otherwise
// one after the other, and the threads share the work within each head.
template <class Body>
void for_each_head(const AttentionShape& shape, const Body& body) {
  const Index heads = shape.batch * shape.heads;
  parallel_for(heads, heads >= 2 * threads() ? 1 : heads, [&](Index begin, Index end) {
    for (Index n = begin; n < end; ++n) body(n / shape.heads, n % shape.heads);
  });
}

}  // namespace gradus::kernels
