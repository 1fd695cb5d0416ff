// Scaled dot-product attention as one operation (Vaswani et al. 2017, section 3.2.1, equation 1).
#pragma once

#include <gradus/mask.h>
#include <gradus/tensor.h>

namespace gradus {

struct AttentionOptions {
  Mask mask = {};
  int num_heads = 1;       // for rank 3: the heads lie side by side in the last axis
  Scalar scale = 0;        // 0 stands for 1 / sqrt(key_dim)
  Scalar dropout = 0;      // of the weights, as dropout() of the matrix [B, H, Tq, Tk] would
  std::uint64_t seed = 0;  // that decides which
};

// softmax(query keyᵀ scale) value, for every head by itself and without ever holding the matrix of
// all weights: memory grows with T, not with T².
//   rank 3: query [B, Tq, H·K], key [B, Tk, H·K], value [B, Tk, H·V] gives [B, Tq, H·V]
//   rank 4: query [B, H, Tq, K], key [B, H, Tk, K], value [B, H, Tk, V] gives [B, H, Tq, V]
//   rank 2: one sequence, one head: [Tq, K], [Tk, K], [Tk, V] gives [Tq, V]
// Errors: sizes that do not fit together, a mask of another shape, a scale that is not a number, a
// dropout outside 0 … 1 (1 excluded).
Tensor scaled_dot_product_attention(const Tensor& query, const Tensor& key, const Tensor& value,
                                    const AttentionOptions& options = {}, Where where = here());

// The weights that the operation above does not keep, for looking at: [B, H, Tq, Tk], without a
// graph and without dropout.
Tensor attention_weights(const Tensor& query, const Tensor& key,
                         const AttentionOptions& options = {}, Where where = here());

}  // namespace gradus
