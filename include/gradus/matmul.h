// The matrix product, the operation that nearly all time of a Transformer is spent in.
#pragma once

#include <gradus/tensor.h>

namespace gradus {

struct MatmulOptions {
  bool transpose_a = false;  // use a with its last two axes swapped; nothing is copied
  bool transpose_b = false;
};

// a [..., M, K] times b [..., K, N] gives [..., M, N]; the axes before the last two broadcast.
// Errors: a tensor of rank below 2, inner sizes that differ, leading axes that do not broadcast.
Tensor matmul(const Tensor& a, const Tensor& b, MatmulOptions options = {}, Where where = here());

// x [..., D] times weights [D, N] plus bias [N] gives [..., N], in one operation.
Tensor linear(const Tensor& x, const Tensor& weights, const Tensor& bias, Where where = here());

}  // namespace gradus
