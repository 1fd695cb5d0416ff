// The matrix product of plain arrays. See matmul.cpp for how it is made fast.
#pragma once

#include <gradus/scalar.h>

namespace gradus::kernels {

// A matrix anywhere in memory: element (i, j) is values[i * row_stride + j * column_stride]. A
// transposed matrix is the same memory with the strides exchanged.
struct MatrixView {
  const Scalar* values;
  Index row_stride;
  Index column_stride;
};

// C (m × n, rows ldc apart, its columns adjacent) = A (m × k) · B (k × n), or C += if accumulate.
// Every element is added up over k in order, each step one fused multiply-add, starting from 0 or
// from what is in C. Uses all threads if the product is large.
void matmul(Index m, Index n, Index k, MatrixView a, MatrixView b, Scalar* c, Index ldc,
            bool accumulate);

// The three loops that define the result: the fast product equals them bit for bit.
void matmul_plain(Index m, Index n, Index k, MatrixView a, MatrixView b, Scalar* c, Index ldc,
                  bool accumulate);

}  // namespace gradus::kernels
