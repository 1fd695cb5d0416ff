// The innermost part of every matrix product: a small tile of the result that stays in registers,
// and the packing of operands so that it reads them front to back.
#pragma once

#include "matmul.h"

#include <gradus/buffer.h>
#include <gradus/scalar.h>

namespace gradus::kernels {

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

// Rows of A, in tiles: row r of tile t has its step k at
// values[t * tile + r * row_stride + k * step].
struct PanelRows {
  const Scalar* values;
  Index row_stride, step, tile;
};

// C = start + A · B for a panel of at most tile_columns columns, tile_rows rows at a time, each
// element added up over k in order; depth is at least 1. Step k of B is at b[k * b_step], its
// columns adjacent and readable up to a whole vector.
void multiply_panel(Index rows, Index columns, Index depth, PanelRows a, const Scalar* b,
                    Index b_step, Start start, Scalar* c, Index ldc);

// B in panels of tile_columns columns, filled up with zeros: within a panel, step k is tile_columns
// adjacent numbers. `to` must have room for round_up(columns, tile_columns) * depth numbers.
void pack_panels(MatrixView b, Index depth, Index columns, Scalar* to);

// C = start + A · B with B packed `depth_packed` deep, of which the steps from `first` on are used.
void multiply_panels(Index rows, Index columns, Index depth, const Scalar* a, Index a_row,
                     Index a_step, const Scalar* packed_b, Index depth_packed, Index first,
                     Start start, Scalar* c, Index ldc);

}  // namespace gradus::kernels
