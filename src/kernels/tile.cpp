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

// `count` tiles below one another. There is at least one step of k, hence do … while: for the case
// of none GCC would keep a copy of all sums in memory.
template <int Rows, int Vectors>
void tiles(Index count, Index depth, PanelRows a, const Scalar* b, Index b_step, Start start,
           Scalar* c, Index ldc) {
  for (Index t = 0; t < count; ++t) {
    Vector sum[Rows][Vectors];
    for (int r = 0; r < Rows; ++r)
      for (int v = 0; v < Vectors; ++v)
        sum[r][v] = load(start.values + r * start.row_stride + v * vector_width);
    // C comes into the cache while the sums are made: storing them would wait for it.
    for (int r = 0; r < Rows; ++r)
      for (int v = 0; v < Vectors; ++v) __builtin_prefetch(c + r * ldc + v * vector_width, 1);
    const Scalar* factors = a.values;
    const Scalar* row = b;
    Index k = 0;
    do {
      Vector column[Vectors];
#pragma GCC unroll 4
      for (int v = 0; v < Vectors; ++v) column[v] = load(row + v * vector_width);
#pragma GCC unroll 6
      for (int r = 0; r < Rows; ++r) {
        const Scalar factor = factors[r * a.row_stride];
#pragma GCC unroll 4
        for (int v = 0; v < Vectors; ++v) sum[r][v] = multiply_add(factor, column[v], sum[r][v]);
      }
      factors += a.step;
      row += b_step;
    } while (++k < depth);
    for (int r = 0; r < Rows; ++r)
      for (int v = 0; v < Vectors; ++v) store(c + r * ldc + v * vector_width, sum[r][v]);
    a.values += a.tile;
    start.values += Rows * start.row_stride;
    c += Rows * ldc;
  }
}

using Tiles = void (*)(Index, Index, PanelRows, const Scalar*, Index, Start, Scalar*, Index);

template <int Vectors>
Tiles tiles_of_height(Index rows) {
  static constexpr Tiles heights[] = {tiles<1, Vectors>, tiles<2, Vectors>, tiles<3, Vectors>,
                                      tiles<4, Vectors>, tiles<5, Vectors>, tiles<6, Vectors>};
  return heights[rows - 1];
}

Tiles tiles_of(Index rows, Index vectors) {
  if (vectors == 1) return tiles_of_height<1>(rows);
  if (vectors == 2) return tiles_of_height<2>(rows);
  if (vectors == 3) return tiles_of_height<3>(rows);
  return tiles_of_height<4>(rows);
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
// can foresee, and even so it is told what comes next.
void pack_transposed(MatrixView b, Index depth, Index columns, Scalar* to) {
  for (Index first = 0; first < tile_columns; first += vector_width)
    for (Index k = 0; k < depth; k += 8) {
      const Index steps = std::min<Index>(8, depth - k);
      for (Index j = first; j < first + vector_width; ++j) {
        const Scalar* column = b.values + j * b.column_stride + k;
        __builtin_prefetch(column + std::min<Index>(64, depth - 1 - k));
        for (Index s = 0; s < steps; ++s)
          to[(k + s) * tile_columns + j] = j < columns ? column[s] : Scalar(0);
      }
    }
}

}  // namespace

void multiply_panel(Index rows, Index columns, Index depth, PanelRows a, const Scalar* b,
                    Index b_step, Start start, Scalar* c, Index ldc) {
  alignas(64) static constexpr Scalar zeros[tile_columns] = {};
  if (!start.values) start = {zeros, 0};
  const Index vectors = (columns + vector_width - 1) / vector_width;
  if (columns % vector_width == 0) {
    const Index whole = rows / tile_rows;
    if (whole > 0) tiles_of(tile_rows, vectors)(whole, depth, a, b, b_step, start, c, ldc);
    if (rows % tile_rows == 0) return;
    a.values += whole * a.tile;
    tiles_of(rows % tile_rows, vectors)(1, depth, a, b, b_step, start.at(whole * tile_rows, 0),
                                        c + whole * tile_rows * ldc, ldc);
    return;
  }
  // The last vector of a row would reach past the edge of C: worked on in a copy.
  alignas(64) Scalar copy[tile_rows * tile_columns] = {};
  for (Index i = 0; i < rows; i += tile_rows, a.values += a.tile) {
    const Index height = std::min<Index>(tile_rows, rows - i);
    for (Index r = 0; r < height; ++r)
      std::copy_n(start.values + (i + r) * start.row_stride, columns, copy + r * tile_columns);
    tiles_of(height, vectors)(1, depth, a, b, b_step, {copy, tile_columns}, copy, tile_columns);
    for (Index r = 0; r < height; ++r)
      std::copy_n(copy + r * tile_columns, columns, c + (i + r) * ldc);
  }
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
    multiply_panel(rows, std::min<Index>(tile_columns, columns - j), depth,
                   {a, a_row, a_step, tile_rows * a_row},
                   packed_b + j * depth_packed + first * tile_columns, tile_columns, start.at(0, j),
                   c + j, ldc);
}

}  // namespace gradus::kernels
