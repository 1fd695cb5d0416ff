// What the forward and the backward pass of attention share: one head at a time, its keys in
// blocks, and what the mask leaves of a block.
#pragma once

#include "attention.h"

#include <algorithm>
#include <type_traits>

namespace gradus::kernels {

constexpr Index key_block = 128;   // keys at a time
constexpr Index query_block = 96;  // queries at a time: their scores stay in the cache

// One head of one sequence: row t of an operand is at values + t * stride.
template <class T>
struct Rows {
  T* values;
  Index stride;
};

template <class View>
auto rows_of(const View& view, Index b, Index h) {
  auto* values = view.values + b * view.batch_stride + h * view.head_stride;
  return Rows<std::remove_pointer_t<decltype(values)>>{values, view.token_stride};
}

// The mask as seen by one head.
struct HeadMask {
  HeadMask(const AttentionMask& of, const AttentionShape& shape, Index b, Index h)
      : causal(of.causal),
        cached(shape.keys - shape.queries),
        keys(of.lengths ? std::min<Index>(shape.keys, of.lengths[b]) : shape.keys),
        allowed(of.allowed ? of.allowed + b * of.batch_stride + h * of.head_stride : nullptr),
        query_stride(of.query_stride),
        key_stride(of.key_stride) {}

  // Query i may look at most at the keys before this.
  Index end(Index i) const { return causal ? std::min(keys, i + 1 + cached) : keys; }
  bool allows(Index i, Index j) const {
    return !allowed || allowed[i * query_stride + j * key_stride];
  }

  bool causal;
  Index cached;  // keys before that of query 0
  Index keys;
  const std::uint8_t* allowed;
  Index query_stride, key_stride;
};

// How many heads to hand to a thread at a time: one, if there are enough to go round; otherwise all
// to the caller, and the threads share the work within each head.
Index head_grain(const AttentionShape& shape);

}  // namespace gradus::kernels
