#include <gradus/operation.h>
#include <gradus/operations.h>

#include "../kernels/attention.h"
#include "../kernels/rows.h"

#include <cmath>

namespace gradus {

namespace {

using kernels::AttentionMask;
using kernels::AttentionShape;

// The sizes of an operand; see its three forms in operations.h.
struct Sizes {
  Index batch, heads, tokens, dim;
};

Sizes sizes_of(const Tensor& x, int num_heads) {
  const Shape& s = x.shape();
  if (x.rank() == 4) return {s[0], s[1], s[2], s[3]};
  return {x.rank() == 3 ? s[0] : 1, num_heads, s[-2], s[-1] / num_heads};
}

// Where the heads of x lie: one after the other, or side by side in each token.
template <class Values>
kernels::Heads<Values> heads_of(Values* values, const Tensor& x, int num_heads) {
  const auto [batch, heads, tokens, dim] = sizes_of(x, num_heads);
  if (x.rank() == 4) return {values, heads * tokens * dim, dim, tokens * dim};
  return {values, heads * tokens * dim, heads * dim, dim};
}

AttentionMask mask_of(const Mask& mask) {
  AttentionMask plain{};
  plain.causal = mask.is_causal();
  if (!mask.lengths().empty()) plain.lengths = mask.lengths().data();
  if (!mask.allowed().empty()) {
    const Shape& s = mask.allowed_shape();
    plain.allowed = mask.allowed().data();
    plain.batch_stride = s[0] > 1 ? s[1] * s[2] * s[3] : 0;
    plain.head_stride = s[1] > 1 ? s[2] * s[3] : 0;
    plain.query_stride = s[2] > 1 ? s[3] : 0;
    plain.key_stride = s[3] > 1 ? 1 : 0;
  }
  return plain;
}

void check_heads(const char* name, const Tensor& x, const AttentionOptions& options, Where where) {
  check_exists(x, where);
  if (options.num_heads < 1 || (x.rank() == 4 && options.num_heads != 1))
    fail(name, where, "num_heads must be at least 1, and 1 for tensors of rank 4");
  if (x.rank() < 2 || x.rank() > 4)
    fail(name, where, "[T, D], [B, T, D] or [B, H, T, D] is needed, not ", describe(x));
  if (x.rank() < 4 && x.shape()[-1] % options.num_heads != 0)
    fail(name, where, "the last size of ", describe(x), " is no multiple of ", options.num_heads,
         " heads");
  if (!std::isfinite(options.scale)) fail(name, where, "the scale must be a number");
  if (!(options.dropout >= 0 && options.dropout < 1))
    fail(name, where, "the dropout must be at least 0 and below 1, not ", options.dropout);
}

// The part that a tensor plays, and what it is if it goes by another name.
std::string labelled(const std::string& part, const Tensor& x) {
  return x.label() == part ? describe(x) : part + " " + describe(x);
}

AttentionShape checked_shape(const char* name, const Tensor& query, const Tensor& key,
                             const Tensor& value, const AttentionOptions& options, Where where) {
  for (const Tensor* x : {&query, &key, &value}) check_heads(name, *x, options, where);
  const Sizes q = sizes_of(query, options.num_heads);
  const Sizes k = sizes_of(key, options.num_heads);
  const Sizes v = sizes_of(value, options.num_heads);
  const bool same_rank = query.rank() == key.rank() && key.rank() == value.rank();
  const bool fits = q.batch == k.batch && k.batch == v.batch && q.heads == k.heads &&
                    k.heads == v.heads && q.dim == k.dim && k.tokens == v.tokens;
  if (!same_rank || !fits)
    fail(name, where, labelled("query", query), ", ", labelled("key", key), " and ",
         labelled("value", value),
         " do not fit: batches and heads must agree, query and key in their last size, key ",
         "and value in their number of positions");
  options.mask.check({q.batch, q.heads, q.tokens, k.tokens}, query, name, where);
  return {q.batch, q.heads, q.tokens, k.tokens, q.dim, v.dim};
}

kernels::AttentionInputs inputs_of(const Tensor& query, const Tensor& key, const Tensor& value,
                                   const AttentionOptions& options, const AttentionShape& shape) {
  const Scalar usual_scale = 1 / std::sqrt(static_cast<Scalar>(shape.key_dim));
  return {shape,
          heads_of(query.data(), query, options.num_heads),
          heads_of(key.data(), key, options.num_heads),
          heads_of(value.data(), value, options.num_heads),
          mask_of(options.mask),
          options.scale != 0 ? options.scale : usual_scale,
          {options.dropout, options.seed}};
}

struct Attention {
  Tensor query, key, value;
  AttentionOptions options;
  AttentionShape shape;
  Buffer log_sum_exp;  // of each row of scores: the weights, in short

  void backward(const Tensor& y, const Tensor& dy) const {
    const int h = options.num_heads;
    Tensor dq = gradient_for(query), dk = gradient_for(key), dv = gradient_for(value);
    kernels::attention_backward(
        inputs_of(query, key, value, options, shape), heads_of(y.data(), y, h), log_sum_exp.data(),
        heads_of(dy.data(), dy, h),
        {heads_of(dq.mutable_data(), dq, h), heads_of(dk.mutable_data(), dk, h),
         heads_of(dv.mutable_data(), dv, h)});
    query.add_grad(dq);
    key.add_grad(dk);
    value.add_grad(dv);
  }
};

}  // namespace

Tensor scaled_dot_product_attention(const Tensor& query, const Tensor& key, const Tensor& value,
                                    const AttentionOptions& options, Where where) {
  const char* name = "scaled_dot_product_attention";
  const AttentionShape shape = checked_shape(name, query, key, value, options, where);
  const Index width = query.rank() == 4 ? shape.value_dim : shape.heads * shape.value_dim;
  Tensor y = result_of(name, query.shape().with({-1, where}, width), where);
  const Buffer log_sum_exp(shape.batch * shape.heads * shape.queries);
  kernels::attention_forward(inputs_of(query, key, value, options, shape),
                             heads_of(y.mutable_data(), y, options.num_heads), log_sum_exp.data());
  return record(y, {query, key, value}, Attention{query, key, value, options, shape, log_sum_exp});
}

Tensor attention_weights(const Tensor& query, const Tensor& key, const AttentionOptions& options,
                         Where where) {
  const AttentionShape shape = checked_shape("attention_weights", query, key, key, options, where);
  const kernels::AttentionInputs inputs = inputs_of(query, key, key, options, shape);
  Tensor weights =
      result_of("attention_weights", {shape.batch, shape.heads, shape.queries, shape.keys}, where);
  Scalar* row = weights.mutable_data();
  for (Index b = 0; b < shape.batch; ++b)
    for (Index h = 0; h < shape.heads; ++h)
      for (Index i = 0; i < shape.queries; ++i, row += shape.keys)
        kernels::attention_weights(inputs, b, h, i, row);
  finish(weights, {}, {});
  return weights;
}

}  // namespace gradus
