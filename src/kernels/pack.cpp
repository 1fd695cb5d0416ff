// Copies of matrices that the tiles of a product read front to back; see matmul.cpp.

#include "matmul.h"

#include <algorithm>
#include <cstring>

namespace gradus::kernels {

namespace {

// Rows that are adjacent in memory: eight steps of all panels at a time, so that what is read is
// near each other, and what is written are whole lines of the cache. The next steps are fetched
// meanwhile.
void pack_rows(MatrixView b, Index depth, Index columns, Index width, Scalar* to) {
  for (Index k = 0; k < depth; k += 8)
    for (Index j = 0; j < columns; j += width) {
      const Index count = std::min(width, columns - j);
      Scalar* step = to + j * depth + k * width;
      for (Index s = k; s < std::min(k + 8, depth); ++s, step += width) {
        const Scalar* row = b.from(s, j).values;
        __builtin_prefetch(row + std::min<Index>(8, depth - 1 - s) * b.row_stride);
        if (count == tile_columns)  // sizes that the compiler knows
          std::memcpy(step, row, tile_columns * sizeof(Scalar));
        else if (count == tile_rows)
          std::memcpy(step, row, tile_rows * sizeof(Scalar));
        else
          std::copy_n(row, count, step);
        std::fill(step + count, step + width, Scalar(0));
      }
    }
}

// Rows that are apart (a transposed matrix): read along its columns, eight steps of one vector of
// columns at a time. More would be more streams than the processor can foresee, and even so it is
// told what comes next.
void pack_columns(MatrixView b, Index depth, Index columns, Scalar* to) {
  for (Index first = 0; first < round_up(columns, tile_columns); first += vector_width) {
    Scalar* panel = to + first / tile_columns * tile_columns * depth + first % tile_columns;
    for (Index k = 0; k < depth; k += 8) {
      const Index steps = std::min<Index>(8, depth - k);
      for (Index j = 0; j < vector_width; ++j) {
        const Scalar* column = b.from(k, first + j).values;
        __builtin_prefetch(column + std::min<Index>(64, depth - 1 - k));
        for (Index s = 0; s < steps; ++s)
          panel[(k + s) * tile_columns + j] = first + j < columns ? column[s] : Scalar(0);
      }
    }
  }
}

}  // namespace

void pack(MatrixView b, Index depth, Index columns, Index width, Scalar* to) {
  if (b.column_stride == 1)
    pack_rows(b, depth, columns, width, to);
  else
    pack_columns(b, depth, columns, to);
}

}  // namespace gradus::kernels
