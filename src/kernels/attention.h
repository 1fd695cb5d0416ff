// Attention of plain arrays without the matrix of all weights. See attention.cpp.
#pragma once

#include <gradus/scalar.h>

#include <cstdint>

namespace gradus::kernels {

struct AttentionShape {
  Index batch, heads, queries, keys, key_dim, value_dim;
};

// Element (b, t, h, d) of an operand is values[b * batch_stride + t * token_stride +
// h * head_stride + d]: heads may lie side by side in a token, or one after the other.
struct HeadsView {
  const Scalar* values;
  Index batch_stride, token_stride, head_stride;
};
struct MutableHeadsView {
  Scalar* values;
  Index batch_stride, token_stride, head_stride;
};

// Query i of sequence b may look at key j if j < lengths[b] (unless null), j <= i + keys - queries
// (if causal), and allowed[b * batch_stride + …] != 0 (unless null).
struct AttentionMask {
  const int* lengths;
  bool causal;
  const std::uint8_t* allowed;
  Index batch_stride, head_stride, query_stride, key_stride;
};

// out = softmax(query keyᵀ scale) value for every head, and log Σ e^score of each query
// [batch, heads, queries] for the gradient. A query that may look at nothing gets zeros.
void attention_forward(const AttentionShape& shape, HeadsView query, HeadsView key, HeadsView value,
                       const AttentionMask& mask, Scalar scale, MutableHeadsView out,
                       Scalar* log_sum_exp);

// The gradients, which overwrite dquery, dkey and dvalue.
void attention_backward(const AttentionShape& shape, HeadsView query, HeadsView key,
                        HeadsView value, const AttentionMask& mask, Scalar scale, HeadsView out,
                        const Scalar* log_sum_exp, HeadsView dout, MutableHeadsView dquery,
                        MutableHeadsView dkey, MutableHeadsView dvalue);

}  // namespace gradus::kernels
