// The fast matrix product: the plain three loops in another order.
//
//   1. Tiles (tile.cpp): the innermost work happens in registers. Without them memory, not
//      arithmetic, sets the pace.
//   2. Blocks: a block of B (384 × 2048) that stays in the second- and third-level cache is used
//      for a block of rows of A (200 × 384) that stays in the second-level cache.
//   3. Packing: both blocks are copied so that the tile reads them front to back, 64-byte aligned,
//      whatever their strides were: transposed operands cost nothing extra.
//   4. Threads: each owns some rows of C. Nobody adds to another's sums.
//
// Each element of C still gets its additions in order of k: a later block of k goes on from the
// value in C. The order of blocks is that of Goto and van de Geijn, "Anatomy of High-Performance
// Matrix Multiplication" (2008).

#include "matmul.h"

#include "threads.h"
#include "tile.h"

#include <gradus/buffer.h>

#include <algorithm>
#include <cmath>
#include <cstring>

namespace gradus::kernels {

namespace {

constexpr Index block_columns = 2048;
constexpr Index block_depth = 384;
constexpr Index block_rows = 200;  // twice as many where only half as deep

// Copies B, block of k after block of k, each in panels (see pack_panels).
void pack_b(MatrixView b, Index depth, Index columns, Scalar* to) {
  const Index panels = (columns + tile_columns - 1) / tile_columns;
  const Index blocks = (depth + block_depth - 1) / block_depth;
  const Index grain = 1 + 32768 / (std::min(depth, block_depth) * tile_columns);
  parallel_for(blocks * panels, grain, [=](Index begin, Index end) {
    for (Index i = begin; i < end; ++i) {
      const Index k = i / panels * block_depth;
      const Index j = i % panels * tile_columns;
      const Index steps = std::min(block_depth, depth - k);
      pack_panels(
          {b.values + k * b.row_stride + j * b.column_stride, b.row_stride, b.column_stride}, steps,
          std::min<Index>(tile_columns, columns - j), to + k * panels * tile_columns + j * steps);
    }
  });
}

// Copies rows of A, whose rows are adjacent in memory, in panels of tile_rows: step k of a panel is
// tile_rows adjacent numbers. Eight steps at a time: few enough to stay in the first-level cache
// for all panels, and what they fill in a panel are whole lines of the cache. The next eight are
// fetched meanwhile.
void pack_a(MatrixView a, Index rows, Index depth, Scalar* to) {
  for (Index k = 0; k < depth; k += 8)
    for (Index first = 0; first < rows; first += tile_rows) {
      const Index height = std::min<Index>(tile_rows, rows - first);
      Scalar* step = to + first * depth + k * tile_rows;
      for (Index s = k; s < std::min(k + 8, depth); ++s, step += tile_rows) {
        const Scalar* from = a.values + first * a.row_stride + s * a.column_stride;
        __builtin_prefetch(from + std::min<Index>(8, depth - 1 - s) * a.column_stride);
        if (height == tile_rows && a.row_stride == 1)
          std::memcpy(step, from, tile_rows * sizeof(Scalar));
        else
          for (Index r = 0; r < height; ++r) step[r] = from[r * a.row_stride];
      }
    }
}

// C = start + A · B for a block of rows and packed B. A whose rows are adjacent in memory is read
// where it is; a transposed one would be read across memory, and is packed.
void multiply_block(MatrixView a, const Scalar* b, Index rows, Index columns, Index depth,
                    Start start, Scalar* c, Index ldc) {
  const bool direct = a.column_stride == 1;
  const Buffer packed(direct ? 0 : round_up(rows, tile_rows) * depth);
  PanelRows panel_rows{a.values, a.row_stride, 1, tile_rows * a.row_stride};
  if (!direct) {
    pack_a(a, rows, depth, packed.data());
    panel_rows = {packed.data(), 1, tile_rows, tile_rows * depth};
  }
  for (Index j = 0; j < columns; j += tile_columns)
    multiply_panel(rows, std::min<Index>(tile_columns, columns - j), depth, panel_rows,
                   b + j * depth, tile_columns, start.at(0, j), c + j, ldc);
}

// Small products: A is read where it is, and so is B if its rows are whole vectors.
void multiply_small(Index m, Index n, Index k, MatrixView a, MatrixView b, Start start, Scalar* c,
                    Index ldc) {
  const bool direct = b.column_stride == 1 && n % vector_width == 0;
  const Buffer packed(direct ? 0 : tile_columns * k);
  for (Index j = 0; j < n; j += tile_columns) {
    const Index columns = std::min<Index>(tile_columns, n - j);
    const Scalar* panel = b.values + j;
    if (!direct) {
      pack_panels({b.values + j * b.column_stride, b.row_stride, b.column_stride}, k, columns,
                  packed.data());
      panel = packed.data();
    }
    multiply_panel(m, columns, k,
                   {a.values, a.row_stride, a.column_stride, tile_rows * a.row_stride}, panel,
                   direct ? b.row_stride : tile_columns, start.at(0, j), c + j, ldc);
  }
}

void multiply_large(Index m, Index n, Index k, MatrixView a, MatrixView b, Start start, Scalar* c,
                    Index ldc) {
  // The narrower B, the more blocks of k its buffer holds, and the fewer times threads must meet.
  // One thread alone does better with a single block, which stays in its second-level cache.
  const Index width = round_up(std::min(n, block_columns), tile_columns);
  const Index buffer_depth = block_depth * (threads() > 1 ? block_columns / width : 1);
  const Buffer packed_b(std::min(k, buffer_depth) * width);
  const Index most_rows = block_rows * block_depth / std::min(k, block_depth);
  // Rows are handed out in blocks of whole tiles, as equal as can be and as many for each thread.
  const Index tiles = (m + tile_rows - 1) / tile_rows;
  const Index blocks =
      round_up((m + most_rows - 1) / most_rows, m * n * k > 500000 ? threads() : 1);
  const auto first_row = [&](Index block) {
    return std::min(m, block * tiles / blocks * tile_rows);
  };
  for (Index j = 0; j < n; j += block_columns)
    for (Index s = 0; s < k; s += buffer_depth) {
      const Index columns = std::min(block_columns, n - j);
      const Index depth = std::min(buffer_depth, k - s);
      const Index packed_width = round_up(columns, tile_columns);
      pack_b({b.values + s * b.row_stride + j * b.column_stride, b.row_stride, b.column_stride},
             depth, columns, packed_b.data());
      const Index grain = 1 + 300000 * blocks / (m * columns * depth);
      parallel_for(blocks, grain, [&](Index begin, Index end) {
        for (Index block = begin; block < end; ++block)
          for (Index t = 0; t < depth; t += block_depth) {
            const Index i = first_row(block);
            multiply_block({a.values + i * a.row_stride + (s + t) * a.column_stride, a.row_stride,
                            a.column_stride},
                           packed_b.data() + t * packed_width, first_row(block + 1) - i, columns,
                           std::min(block_depth, depth - t),
                           (s + t == 0 ? start : Start{c, ldc}).at(i, j), c + i * ldc + j, ldc);
          }
      });
    }
}

}  // namespace

void matmul(Index m, Index n, Index k, MatrixView a, MatrixView b, Start start, Scalar* c,
            Index ldc) {
  if (k == 0)  // a tile has at least one step
    matmul_plain(m, n, k, a, b, start, c, ldc);
  else if (m * n * k <= 64 * 64 * 64 && k <= 512)
    multiply_small(m, n, k, a, b, start, c, ldc);
  else
    multiply_large(m, n, k, a, b, start, c, ldc);
}

void matmul_plain(Index m, Index n, Index k, MatrixView a, MatrixView b, Start start, Scalar* c,
                  Index ldc) {
  for (Index i = 0; i < m; ++i)
    for (Index j = 0; j < n; ++j) {
      Scalar sum = start.values ? start.values[i * start.row_stride + j] : 0;
      for (Index s = 0; s < k; ++s)
        sum = std::fma(a.values[i * a.row_stride + s * a.column_stride],
                       b.values[s * b.row_stride + j * b.column_stride], sum);
      c[i * ldc + j] = sum;
    }
}

}  // namespace gradus::kernels
