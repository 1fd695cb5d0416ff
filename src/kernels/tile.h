// The innermost part of every matrix product: a small tile of the result that stays in registers.
//
// A processor can do two fused multiply-adds on whole vectors in each cycle, but each takes four
// cycles to finish, and loading the operands costs time too. A tile of 6 rows by 4 vectors keeps 24
// sums going at once and uses every loaded value 4 or 6 times.
//
// The plain loop is
//   for k: for i: for j: c[i][j] = fma(a[i][k], b[k][j], c[i][j]);
// and the tile does exactly these steps in this order for each element, so the bits are the same
// for every vector width. The vector types of GCC and Clang have no fma of their own; the files
// that include this one are compiled with -ffp-contract=fast, which makes one of `sum + a * b` on
// machines that have the instruction. Elsewhere, and in builds without optimisation, std::fma does
// it number by number.
#pragma once

#include <gradus/scalar.h>

#include <algorithm>
#include <cmath>
#include <cstring>

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

constexpr int width = vector_bytes / static_cast<int>(sizeof(Scalar));  // numbers in a vector
constexpr int tile_rows = 6;
constexpr int tile_columns = tile_vectors * width;

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
  return sum + (a - Vector{}) * b;  // a - 0 in every place
#else
  for (int i = 0; i < width; ++i) sum[i] = std::fma(a, b[i], sum[i]);
  return sum;
#endif
}

// C += A · B for Rows × (Vectors · width) elements of C. a: row r, step k at a[r * a_row + k *
// a_step]; b: step k at b[k * b_step], columns adjacent.
template <int Rows, int Vectors>
void tile(Index depth, const Scalar* a, Index a_row, Index a_step, const Scalar* b, Index b_step,
          Scalar* c, Index ldc) {
  Vector sum[Rows][Vectors];
  for (int r = 0; r < Rows; ++r)
    for (int v = 0; v < Vectors; ++v) sum[r][v] = load(c + r * ldc + v * width);
  for (Index k = 0; k < depth; ++k) {
    Vector column[Vectors];
#pragma GCC unroll 4
    for (int v = 0; v < Vectors; ++v) column[v] = load(b + v * width);
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
    for (int v = 0; v < Vectors; ++v) store(c + r * ldc + v * width, sum[r][v]);
}

using Tile = void (*)(Index, const Scalar*, Index, Index, const Scalar*, Index, Scalar*, Index);

template <int Vectors>
Tile tile_of_height(Index rows) {
  static constexpr Tile tiles[] = {tile<1, Vectors>, tile<2, Vectors>, tile<3, Vectors>,
                                   tile<4, Vectors>, tile<5, Vectors>, tile<6, Vectors>};
  return tiles[rows - 1];
}

// The tile for that many rows and vectors, at most tile_rows and tile_vectors.
inline Tile tile_of(Index rows, Index vectors) {
  if (vectors == 1) return tile_of_height<1>(rows);
  if (vectors == 2) return tile_of_height<2>(rows);
  if (vectors == 3) return tile_of_height<3>(rows);
  return tile_of_height<4>(rows);
}

// C += A · B for a tile of any size up to the full one. The last vector of a row may reach past
// the edge of C (b must be readable there), so such a tile is worked on in a copy.
inline void any_tile(Index rows, Index columns, Index depth, const Scalar* a, Index a_row,
                     Index a_step, const Scalar* b, Index b_step, Scalar* c, Index ldc) {
  const Index vectors = (columns + width - 1) / width;
  const Tile run = tile_of(rows, vectors);
  if (columns % width == 0) return run(depth, a, a_row, a_step, b, b_step, c, ldc);
  alignas(64) Scalar copy[tile_rows * tile_columns] = {};
  for (Index r = 0; r < rows; ++r) std::copy_n(c + r * ldc, columns, copy + r * tile_columns);
  run(depth, a, a_row, a_step, b, b_step, copy, tile_columns);
  for (Index r = 0; r < rows; ++r) std::copy_n(copy + r * tile_columns, columns, c + r * ldc);
}

}  // namespace gradus::kernels
