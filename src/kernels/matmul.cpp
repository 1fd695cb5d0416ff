// The fast matrix product: the plain three loops in another order.
//
//   1. Tiles: 6 rows by 4 vectors of C stay in registers while their sums are made. A processor can
//      do two multiply-adds on whole vectors in each cycle, but each takes four cycles to finish,
//      and loading the operands costs time too: 24 sums are under way at once, and every loaded
//      value is used 4 or 6 times.
//   2. Packing: blocks of the operands are copied so that the tiles read them front to back, on
//      whole lines of the cache, whatever their strides were: transposed ones cost next to nothing.
//   3. Blocks: a block of B (384 × 2048) stays in the second- and third-level cache while a block
//      of rows of A (200 × 384), which stays in the second-level cache, is multiplied by it.
//   4. Threads: each owns some rows of C. Nobody adds to another's sums.
//
// Each element of C still gets its additions in order of k: a later block of k goes on from the
// value in C. The order of blocks is that of Goto and van de Geijn, "Anatomy of High-Performance
// Matrix Multiplication" (2008).

#include "matmul.h"

#include "threads.h"

#include <gradus/buffer.h>

#include <algorithm>
#include <cmath>
#include <cstring>

namespace gradus::kernels {

namespace {

constexpr Index block_columns = 2048;
constexpr Index block_depth = 384;
constexpr Index few_rows = 6;
constexpr Index block_rows = 200;  // twice as many where only half as deep

typedef Scalar Vector __attribute__((vector_size(vector_bytes)));

inline Vector load(const Scalar* from) {
  Vector v;
  std::memcpy(&v, from, sizeof v);
  return v;
}

inline void store(Scalar* to, Vector v) {
  std::memcpy(to, &v, sizeof v);
}

// The vector types of GCC and Clang have no fma of their own; this file is compiled with
// -ffp-contract=fast, which makes one of `sum + a * b` on machines that have the instruction.
// Elsewhere std::fma does it number by number.
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
void tiles(Index count, Index depth, const RowPanels& a, const ColumnPanels& b, const Result& to) {
  const Scalar* start = to.start.values;
  Scalar* c = to.values;
  for (Index t = 0; t < count; ++t) {
    Vector sum[Rows][Vectors];
    for (int r = 0; r < Rows; ++r)
      for (int v = 0; v < Vectors; ++v)
        sum[r][v] = load(start + r * to.start.row_stride + v * vector_width);
    // C comes into the cache while the sums are made: storing them would wait for it.
    for (int r = 0; r < Rows; ++r)
      for (int v = 0; v < Vectors; ++v)
        __builtin_prefetch(c + r * to.row_stride + v * vector_width, 1);
    const Scalar* factors = a.values + t * a.panel;
    const Scalar* row = b.values;
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
      row += b.step;
    } while (++k < depth);
    for (int r = 0; r < Rows; ++r)
      for (int v = 0; v < Vectors; ++v) store(c + r * to.row_stride + v * vector_width, sum[r][v]);
    start += Rows * to.start.row_stride;
    c += Rows * to.row_stride;
  }
}

using Tiles = void (*)(Index, Index, const RowPanels&, const ColumnPanels&, const Result&);

template <int Vectors>
constexpr Tiles tiles_of_width[] = {tiles<1, Vectors>, tiles<2, Vectors>, tiles<3, Vectors>,
                                    tiles<4, Vectors>, tiles<5, Vectors>, tiles<6, Vectors>};

Tiles tiles_of(Index rows, Index vectors) {
  static constexpr const Tiles* widths[] = {tiles_of_width<1>, tiles_of_width<2>, tiles_of_width<3>,
                                            tiles_of_width<4>};
  return widths[vectors - 1][rows - 1];
}

// One panel of B: at most tile_columns columns.
void multiply_panel(const ProductSize& size, RowPanels a, const ColumnPanels& b, Result c) {
  alignas(64) static constexpr Scalar zeros[tile_columns] = {};
  if (!c.start.values) c.start = {zeros, 0};
  const Index vectors = (size.columns + vector_width - 1) / vector_width;
  if (size.columns % vector_width == 0) {
    const Index whole = size.rows / tile_rows;
    const Index rest = size.rows % tile_rows;
    if (whole > 0) tiles_of(tile_rows, vectors)(whole, size.depth, a, b, c);
    a.values += whole * a.panel;
    if (rest > 0) tiles_of(rest, vectors)(1, size.depth, a, b, c.from(whole * tile_rows, 0));
    return;
  }
  // The last vector of a row would reach past the edge of C: worked on in a copy.
  alignas(64) Scalar copy[tile_rows * tile_columns] = {};
  for (Index i = 0; i < size.rows; i += tile_rows, a.values += a.panel) {
    const Index height = std::min<Index>(tile_rows, size.rows - i);
    const Result part = c.from(i, 0);
    for (Index r = 0; r < height; ++r)
      std::copy_n(part.from(r, 0).start.values, size.columns, copy + r * tile_columns);
    tiles_of(height, vectors)(1, size.depth, a, b, Result{copy, tile_columns}.continued());
    for (Index r = 0; r < height; ++r)
      std::copy_n(copy + r * tile_columns, size.columns, part.from(r, 0).values);
  }
}

}  // namespace

void multiply_panels(ProductSize size, RowPanels a, ColumnPanels b, Result c) {
  for (Index j = 0; j < size.columns; j += tile_columns, b.values += b.panel)
    multiply_panel({size.rows, std::min<Index>(tile_columns, size.columns - j), size.depth}, a, b,
                   c.from(0, j));
}

namespace {

// Small products: B is read where it is if its rows are whole vectors.
void multiply_small(ProductSize size, MatrixView a, MatrixView b, Result c) {
  if (b.column_stride == 1 && size.columns % vector_width == 0)
    return multiply_panels(size, row_panels(a), {b.values, b.row_stride, tile_columns}, c);
  const Buffer packed(round_up(size.columns, tile_columns) * size.depth);
  pack(b, size.depth, size.columns, tile_columns, packed.data());
  multiply_panels(size, row_panels(a), packed_columns(packed.data(), size.depth), c);
}

// Few rows, such as the one of a decoder's newest word: B is used so little that the pace is that
// of reading it from memory. So it is read where it is, and a few steps of all columns at a time,
// which are long runs of memory.
void multiply_few_rows(ProductSize size, MatrixView a, MatrixView b, Result c) {
  constexpr Index few_steps = 32;
  const Index panels = size.columns / tile_columns;
  parallel_for(panels, 1 + 65536 / (size.depth * tile_columns), [&](Index begin, Index end) {
    const Index j = begin * tile_columns;
    const Index columns = (end - begin) * tile_columns;
    for (Index k = 0; k < size.depth; k += few_steps)
      multiply_small({size.rows, columns, std::min(few_steps, size.depth - k)}, a.from(0, k),
                     b.from(k, j), (k == 0 ? c : c.continued()).from(0, j));
  });
  const Index j = panels * tile_columns;
  multiply_small({size.rows, size.columns - j, size.depth}, a, b.from(0, j), c.from(0, j));
}

void pack_block(MatrixView b, Index depth, Index columns, Scalar* to) {
  const Index panels = (columns + tile_columns - 1) / tile_columns;
  parallel_for(panels, 1 + 32768 / (depth * tile_columns), [=](Index begin, Index end) {
    const Index first = begin * tile_columns;
    pack(b.from(0, first), depth, std::min(columns, end * tile_columns) - first, tile_columns,
         to + first * depth);
  });
}

// Some rows of A by a block of B. A whose rows are adjacent in memory is read where it is; a
// transposed one would be read across memory, and is packed.
void multiply_rows(ProductSize size, MatrixView a, const Scalar* packed_b, Result c) {
  const ColumnPanels columns = packed_columns(packed_b, size.depth);
  if (a.column_stride == 1) return multiply_panels(size, row_panels(a), columns, c);
  const Buffer packed(round_up(size.rows, tile_rows) * size.depth);
  pack(a.transposed(), size.depth, size.rows, tile_rows, packed.data());
  multiply_panels(size, {packed.data(), 1, tile_rows, tile_rows * size.depth}, columns, c);
}

// All rows of A by a block of B: handed out in blocks of whole tiles, as equal as can be and as
// many for each thread.
void multiply_block(ProductSize size, Index blocks, MatrixView a, const Scalar* packed_b,
                    Result c) {
  const Index tile_count = (size.rows + tile_rows - 1) / tile_rows;
  const auto first_row = [&](Index block) {
    return std::min(size.rows, block * tile_count / blocks * tile_rows);
  };
  const Index grain = 1 + 300000 * blocks / (size.rows * size.columns * size.depth);
  parallel_each(blocks, grain, [&](Index block) {
    const Index i = first_row(block);
    multiply_rows({first_row(block + 1) - i, size.columns, size.depth}, a.from(i, 0), packed_b,
                  c.from(i, 0));
  });
}

void multiply_large(ProductSize size, MatrixView a, MatrixView b, Result c) {
  const Buffer packed_b(std::min(size.depth, block_depth) *
                        round_up(std::min(size.columns, block_columns), tile_columns));
  const Index most_rows = block_rows * block_depth / std::min(size.depth, block_depth);
  const bool share = size.rows * size.columns * size.depth > 500000;
  const Index blocks = round_up((size.rows + most_rows - 1) / most_rows, share ? threads() : 1);
  for (Index j = 0; j < size.columns; j += block_columns)
    for (Index k = 0; k < size.depth; k += block_depth) {
      const Index columns = std::min(block_columns, size.columns - j);
      const Index depth = std::min(block_depth, size.depth - k);
      pack_block(b.from(k, j), depth, columns, packed_b.data());
      multiply_block({size.rows, columns, depth}, blocks, a.from(0, k), packed_b.data(),
                     (k == 0 ? c : c.continued()).from(0, j));
    }
}

}  // namespace

void matmul(ProductSize size, MatrixView a, MatrixView b, Result c) {
  if (size.depth == 0)  // a tile has at least one step
    matmul_plain(size, a, b, c);
  else if (size.rows <= few_rows && b.column_stride == 1 && size.columns * size.depth > 64 * 64)
    multiply_few_rows(size, a, b, c);
  else if (size.rows * size.columns * size.depth <= 64 * 64 * 64)
    multiply_small(size, a, b, c);
  else
    multiply_large(size, a, b, c);
}

void matmul_plain(ProductSize size, MatrixView a, MatrixView b, Result c) {
  for (Index i = 0; i < size.rows; ++i)
    for (Index j = 0; j < size.columns; ++j) {
      const Result at = c.from(i, j);
      Scalar sum = at.start.values ? *at.start.values : 0;
      for (Index k = 0; k < size.depth; ++k)
        sum = std::fma(*a.from(i, k).values, *b.from(k, j).values, sum);
      *at.values = sum;
    }
}

}  // namespace gradus::kernels
