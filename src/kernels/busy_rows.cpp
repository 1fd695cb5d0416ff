#include "busy_rows.h"

#include "threads.h"

#include <algorithm>
#include <atomic>
#include <numeric>

namespace gradus::kernels {

namespace {

Index grain(Index columns) {
  return 1 + 32768 / columns;
}

// Whether `test` holds for a number of row i. It looks at every number, which compilers turn into
// vector code.
template <class Test>
bool any(RowsView x, Index i, const Test& test) {
  int found = 0;
  for (Index j = 0; j < x.columns; ++j) found |= test(x.values[i * x.stride + j]);
  return found != 0;
}

bool all_finite(RowsView x) {
  std::atomic<bool> finite{true};
  parallel_each(x.rows, grain(x.columns), [&](Index i) {
    if (any(x, i, [](Scalar v) { return v - v != 0; })) finite = false;
  });
  return finite;
}

}  // namespace

std::vector<Index> busy_rows(RowsView x, std::initializer_list<RowsView> others) {
  std::vector<Index> busy;
  busy.reserve(static_cast<std::size_t>(x.rows));
  for (Index i = 0; i < x.rows; ++i)  // of a busy row the first number mostly says so
    if (x.values[i * x.stride] != 0 || any(x, i, [](Scalar v) { return v != 0; }))
      busy.push_back(i);
  if (std::ssize(busy) < x.rows && !std::all_of(others.begin(), others.end(), all_finite)) {
    busy.resize(static_cast<std::size_t>(x.rows));
    std::iota(busy.begin(), busy.end(), Index{0});
  }
  return busy;
}

Buffer pick_rows(RowsView x, const std::vector<Index>& which) {
  const auto count = std::ssize(which);
  const Buffer picked(count * x.columns);
  Scalar* to = picked.data();
  parallel_each(count, grain(x.columns), [&](Index i) {
    const Scalar* row = x.values + which[static_cast<std::size_t>(i)] * x.stride;
    std::copy_n(row, x.columns, to + i * x.columns);
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
