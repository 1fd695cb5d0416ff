// The matrix product of plain arrays. See matmul.cpp for how it is made fast.
#pragma once

#include <gradus/scalar.h>

namespace gradus::kernels {

// C has rows × columns elements, each a sum of `depth` products.
struct ProductSize {
  Index rows, columns, depth;
};

// A matrix in memory: element (i, j) is values[i * row_stride + j * column_stride]. A transposed
// matrix is the same memory with the strides exchanged. Requires: one of the two is 1.
struct MatrixView {
  const Scalar* values;
  Index row_stride, column_stride;

  MatrixView from(Index i, Index j) const {  // the part that begins there
    return {values + i * row_stride + j * column_stride, row_stride, column_stride};
  }
  MatrixView transposed() const { return {values, column_stride, row_stride}; }
};

// What the sums of a product start from: element (i, j) from values[i * row_stride + j]. That is
// C itself, a bias (row_stride 0), or zero (no values). Starting where the sums are made saves
// writing C once and reading it again.
struct Start {
  const Scalar* values = nullptr;
  Index row_stride = 0;
};

// Where a product goes: element (i, j) to values[i * row_stride + j].
struct Result {
  Scalar* values;
  Index row_stride;
  Start start = {};

  Result from(Index i, Index j) const {
    const Scalar* first = start.values ? start.values + i * start.row_stride + j : nullptr;
    return {values + i * row_stride + j, row_stride, {first, start.row_stride}};
  }
  Result continued() const { return {values, row_stride, {values, row_stride}}; }
};

// C = start + A · B. Every element is added up over the depth in order, each step one fused
// multiply-add. Uses all threads if the product is large.
void matmul(ProductSize size, MatrixView a, MatrixView b, Result c);

// The three loops that define the result: the fast product equals them bit for bit.
void matmul_plain(ProductSize size, MatrixView a, MatrixView b, Result c);

// ---- The parts, for attention.

#if defined(__AVX512F__)
constexpr int vector_bytes = 64;
constexpr int tile_vectors = 4;
#elif defined(__AVX__)
constexpr int vector_bytes = 32;
constexpr int tile_vectors = 2;  // only 16 registers: 6 × 2 sums and room for the operands
#elif defined(__aarch64__)
constexpr int vector_bytes = 16;
constexpr int tile_vectors = 4;
#else
constexpr int vector_bytes = 16;
constexpr int tile_vectors = 2;
#endif

constexpr int vector_width = vector_bytes / static_cast<int>(sizeof(Scalar));
constexpr int tile_rows = 6;
constexpr int tile_columns = tile_vectors * vector_width;

constexpr Index round_up(Index value, Index step) {
  return (value + step - 1) / step * step;
}

// Rows of A, tile_rows to a panel: row r of panel p has its step k at
// values[p * panel + r * row_stride + k * step].
struct RowPanels {
  const Scalar* values;
  Index row_stride, step, panel;
};

// Columns of B, tile_columns to a panel: step k of panel p has its columns side by side from
// values[p * panel + k * step] on, readable up to a whole vector.
struct ColumnPanels {
  const Scalar* values;
  Index step, panel;
};

// A where it is, and B as `pack` has left it, `depth` deep.
inline RowPanels row_panels(MatrixView a) {
  return {a.values, a.row_stride, a.column_stride, tile_rows * a.row_stride};
}
inline ColumnPanels packed_columns(const Scalar* packed, Index depth) {
  return {packed, tile_columns, tile_columns * depth};
}

// Copies B (depth × columns) in panels of `width` columns, filled up with zeros: within a panel,
// step k is `width` adjacent numbers. `to` must have room for round_up(columns, width) * depth.
void pack(MatrixView b, Index depth, Index columns, Index width, Scalar* to);

// C = start + A · B on this thread; the depth is at least 1.
void multiply_panels(ProductSize size, RowPanels a, ColumnPanels b, Result c);

}  // namespace gradus::kernels
