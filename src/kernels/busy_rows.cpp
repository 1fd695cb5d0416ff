#include "busy_rows.h"

#include "threads.h"

#include <algorithm>

namespace gradus::kernels {

namespace {

Index grain(Index columns) {
  return 1 + 32768 / columns;
}

}  // namespace

std::vector<Index> busy_rows(const Scalar* x, Index stride, Index rows, Index columns) {
  std::vector<Index> busy;
  for (Index i = 0; i < rows; ++i) {
    const Scalar* row = x + i * stride;
    // Most rows have their first number that is not zero at the very beginning, or have none.
    if (std::any_of(row, row + columns, [](Scalar value) { return value != 0; })) busy.push_back(i);
  }
  return busy;
}

Buffer pick_rows(const Scalar* x, Index stride, Index columns, const std::vector<Index>& which) {
  const auto count = static_cast<Index>(which.size());
  Buffer picked(count * columns);
  Scalar* to = picked.data();
  parallel_for(count, grain(columns), [&](Index begin, Index end) {
    for (Index i = begin; i < end; ++i)
      std::copy_n(x + which[static_cast<std::size_t>(i)] * stride, columns, to + i * columns);
  });
  return picked;
}

void put_rows(const Scalar* picked, Index columns, const std::vector<Index>& which, Scalar* to,
              Index stride, Index rows) {
  parallel_for(rows, grain(columns), [&](Index begin, Index end) {
    auto next = std::lower_bound(which.begin(), which.end(), begin);
    for (Index i = begin; i < end; ++i) {
      Scalar* row = to + i * stride;
      if (next != which.end() && *next == i)
        std::copy_n(picked + (next++ - which.begin()) * columns, columns, row);
      else
        std::fill_n(row, columns, Scalar(0));
    }
  });
}

}  // namespace gradus::kernels
