// Attention of plain arrays without the matrix of all weights. See attention.cpp.
#pragma once

#include "dropping.h"

namespace gradus::kernels {

struct AttentionShape {
  Index batch, heads, queries, keys, key_dim, value_dim;
};

// One head of an operand: row t begins at values + t * stride.
template <class T>
struct Rows {
  T* values;
  Index stride;
  T* operator[](Index t) const { return values + t * stride; }
};

// Element (b, t, h, d) of an operand is values[b * batch_stride + t * token_stride +
// h * head_stride + d]: heads may lie side by side in a token, or one after the other.
template <class T>
struct Heads {
  T* values;
  Index batch_stride, token_stride, head_stride;
  Rows<T> of(Index b, Index h) const {
    return {values + b * batch_stride + h * head_stride, token_stride};
  }
};
using HeadsView = Heads<const Scalar>;
using MutableHeadsView = Heads<Scalar>;

// Query i of sequence b may look at key j if j < lengths[b] (unless null), j <= i + keys - queries
// (if causal), and allowed[b * batch_stride + …] != 0 (unless null).
struct AttentionMask {
  const int* lengths;
  bool causal;
  const std::uint8_t* allowed;
  Index batch_stride, head_stride, query_stride, key_stride;
};

struct AttentionInputs {
  AttentionShape shape;
  HeadsView query, key, value;
  AttentionMask mask;
  Scalar scale;
  Dropping dropping = {};  // a weight's number is its place in [batch, heads, queries, keys]
};

// out = dropout(softmax(query keyᵀ scale)) value for every head, and log Σ e^score of each query
// [batch, heads, queries] for the gradient. A query that may look at nothing gets zeros.
void attention_forward(const AttentionInputs& inputs, MutableHeadsView out, Scalar* log_sum_exp);

// The gradients, which overwrite dquery, dkey and dvalue.
struct AttentionGradients {
  MutableHeadsView dquery, dkey, dvalue;
};
void attention_backward(const AttentionInputs& inputs, HeadsView out, const Scalar* log_sum_exp,
                        HeadsView dout, const AttentionGradients& to);

// The weights of one query, the plain way, before any are dropped.
void attention_weights(const AttentionInputs& inputs, Index b, Index h, Index i, Scalar* weights);

}  // namespace gradus::kernels
