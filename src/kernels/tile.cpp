// A processor can do two fused multiply-adds on whole vectors in each cycle, but each takes four
// cycles to finish, and loading the operands costs time too. A tile of 6 rows by 4 vectors keeps 24
// sums going at once and uses every loaded value 4 or 6 times.
//
// The plain loop is
//   for k: for i: for j: c[i][j] = fma(a[i][k], b[k][j], c[i][j]);
// and the tile does exactly these steps in this order for each element, so the bits are the same
// for every vector width. The vector types of GCC and Clang have no fma of their own; this file is
// compiled with -ffp-contract=fast, which makes one of `sum + a * b` on machines that have the
// instruction. Elsewhere std::fma does it number by number.

#include "tile.h"

#include <algorithm>
#include <cmath>
#include <cstring>

namespace gradus::kernels {

namespace {

typedef Scalar Vector __attribute__((vector_size(vector_bytes)));

inline Vector load(const Scalar* from) {
  Vector v;
  std::memcpy(&v, from, sizeof v);
  return v;
}

inline void store(Scalar* to, Vector v) {
  std::memcpy(to, &v, sizeof v);
}

inline Vector multiply_add(Scalar a, Vector b, Vector sum) {
#if defined(__OPTIMIZE__) && (defined(__FMA__) || defined(__aarch64__))
  return sum + (a - Vector{}) * b;  // a - 0: a in every place
#else
  for (int i = 0; i < vector_width; ++i) sum[i] = std::fma(a, b[i], sum[i]);
  return sum;
#endif
}

template <int Rows, int Vectors>
void tile(Index depth, const Scalar* a, Index a_row, Index a_step, const Scalar* b, Index b_step,
          Start start, Scalar* c, Index ldc) {
  Vector sum[Rows][Vectors];
  for (int r = 0; r < Rows; ++r)
    for (int v = 0; v < Vectors; ++v)
      sum[r][v] = load(start.values + r * start.row_stride + v * vector_width);
  // C comes into the cache while the sums are made: storing them would wait for it.
  for (int r = 0; r < Rows; ++r)
    for (int v = 0; v < Vectors; ++v) __builtin_prefetch(c + r * ldc + v * vector_width, 1);
  for (Index k = 0; k < depth; ++k) {
    Vector column[Vectors];
#pragma GCC unroll 4
    for (int v = 0; v < Vectors; ++v) column[v] = load(b + v * vector_width);
#pragma GCC unroll 6
    for (int r = 0; r < Rows; ++r) {
      const Scalar factor = a[r * a_row];
#pragma GCC unroll 4
      for (int v = 0; v < Vectors; ++v) sum[r][v] = multiply_add(factor, column[v], sum[r][v]);
    }
    a += a_step;
    b += b_step;
  }
  for (int r = 0; r < Rows; ++r)
    for (int v = 0; v < Vectors; ++v) store(c + r * ldc + v * vector_width, sum[r][v]);
}

using Tile = void (*)(Index, const Scalar*, Index, Index, const Scalar*, Index, Start, Scalar*,
                      Index);

template <int Vectors>
Tile tile_of_height(Index rows) {
  static constexpr Tile tiles[] = {tile<1, Vectors>, tile<2, Vectors>, tile<3, Vectors>,
                                   tile<4, Vectors>, tile<5, Vectors>, tile<6, Vectors>};
  return tiles[rows - 1];
}

Tile tile_of(Index rows, Index vectors) {
  if (vectors == 1) return tile_of_height<1>(rows);
  if (vectors == 2) return tile_of_height<2>(rows);
  if (vectors == 3) return tile_of_height<3>(rows);
  return tile_of_height<4>(rows);
}

// A panel whose columns are adjacent in memory, or at any distance.
void pack_rows(MatrixView b, Index depth, Index columns, Scalar* to) {
  for (Index k = 0; k < depth; ++k, to += tile_columns) {
    const Scalar* row = b.values + k * b.row_stride;
    if (b.column_stride == 1 && columns == tile_columns) {
      std::memcpy(to, row, tile_columns * sizeof(Scalar));
      continue;
    }
    for (Index j = 0; j < columns; ++j) to[j] = row[j * b.column_stride];
    std::fill(to + columns, to + tile_columns, Scalar(0));
  }
}

// A panel of a transposed matrix, whose steps are adjacent: read along memory, eight steps of one
// vector of columns at a time. Whole panels at a time would be more streams than the processor
// can foresee.
void pack_transposed(MatrixView b, Index depth, Index columns, Scalar* to) {
  for (Index first = 0; first < tile_columns; first += vector_width)
    for (Index k = 0; k < depth; k += 8) {
      const Index steps = std::min<Index>(8, depth - k);
      for (Index j = first; j < first + vector_width; ++j) {
        const Scalar* column = b.values + j * b.column_stride + k;
        for (Index s = 0; s < steps; ++s)
          to[(k + s) * tile_columns + j] = j < columns ? column[s] : Scalar(0);
      }
    }
}

}  // namespace

void multiply_tile(Index rows, Index columns, Index depth, const Scalar* a, Index a_row,
                   Index a_step, const Scalar* b, Index b_step, Start start, Scalar* c, Index ldc) {
  alignas(64) static constexpr Scalar zeros[tile_columns] = {};
  if (!start.values) start = {zeros, 0};
  const Tile run = tile_of(rows, (columns + vector_width - 1) / vector_width);
  if (columns % vector_width == 0) return run(depth, a, a_row, a_step, b, b_step, start, c, ldc);
  // The last vector of a row would reach past the edge of C: worked on in a copy.
  alignas(64) Scalar copy[tile_rows * tile_columns] = {};
  for (Index r = 0; r < rows; ++r)
    std::copy_n(start.values + r * start.row_stride, columns, copy + r * tile_columns);
  run(depth, a, a_row, a_step, b, b_step, {copy, tile_columns}, copy, tile_columns);
  for (Index r = 0; r < rows; ++r) std::copy_n(copy + r * tile_columns, columns, c + r * ldc);
}

void pack_panels(MatrixView b, Index depth, Index columns, Scalar* to) {
  const bool transposed = b.row_stride == 1 && b.column_stride != 1;
  for (Index j = 0; j < columns; j += tile_columns) {
    const MatrixView panel{b.values + j * b.column_stride, b.row_stride, b.column_stride};
    const Index width = std::min<Index>(tile_columns, columns - j);
    (transposed ? pack_transposed : pack_rows)(panel, depth, width, to + j * depth);
  }
}

void multiply_panels(Index rows, Index columns, Index depth, const Scalar* a, Index a_row,
                     Index a_step, const Scalar* packed_b, Index depth_packed, Index first,
                     Start start, Scalar* c, Index ldc) {
  for (Index j = 0; j < columns; j += tile_columns)
    for (Index i = 0; i < rows; i += tile_rows)
      multiply_tile(std::min<Index>(tile_rows, rows - i),
                    std::min<Index>(tile_columns, columns - j), depth, a + i * a_row, a_row, a_step,
                    packed_b + j * depth_packed + first * tile_columns, tile_columns,
                    start.at(i, j), c + i * ldc + j, ldc);
}

}  // namespace gradus::kernels
