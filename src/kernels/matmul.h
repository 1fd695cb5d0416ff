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

// What the sums of a product start from: element (i, j) from values[i * row_stride + j]. That is
// C itself, a bias (row_stride 0), or zero (no values). Starting where the sums are made saves
// writing C once and reading it again.
struct Start {
  const Scalar* values = nullptr;
  Index row_stride = 0;
  Start at(Index i, Index j) const {
    return values ? Start{values + i * row_stride + j, row_stride} : Start{};
  }
};

// C (m × n, rows ldc apart, its columns adjacent) = start + A (m × k) · B (k × n). Every element is
// added up over k in order, each step one fused multiply-add. Uses all threads if the product is
// large.
void matmul(Index m, Index n, Index k, MatrixView a, MatrixView b, Start start, Scalar* c,
            Index ldc);

// The three loops that define the result: the fast product equals them bit for bit.
void matmul_plain(Index m, Index n, Index k, MatrixView a, MatrixView b, Start start, Scalar* c,
                  Index ldc);

}  // namespace gradus::kernels
