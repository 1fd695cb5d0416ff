#include "../src/kernels/matmul.h"

#include <doctest/doctest.h>
#include <gradus/random.h>
#include <gradus/threads.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

using namespace gradus;
using kernels::MatrixView;
using kernels::ProductSize;
using kernels::Result;

namespace {

constexpr Scalar gap = std::numeric_limits<Scalar>::max();

// A matrix whose rows do not follow each other directly: what lies between is `gap`, so that a
// product that reads it shows it, and one that writes there is found out.
struct Matrix {
  Matrix(Index rows, Index columns, bool transposed, std::uint64_t seed)
      : row_stride(transposed ? 1 : columns + 3),
        column_stride(transposed ? rows + 5 : 1),
        values(static_cast<std::size_t>(transposed ? columns * (rows + 5) : rows * (columns + 3)),
               gap) {
    Random random(seed);
    for (Index i = 0; i < rows; ++i)
      for (Index j = 0; j < columns; ++j) at(i, j) = random.uniform(-1, 1);
  }
  Scalar& at(Index i, Index j) {
    return values[static_cast<std::size_t>(i * row_stride + j * column_stride)];
  }
  MatrixView view() const { return {values.data(), row_stride, column_stride}; }

  Index row_stride, column_stride;
  std::vector<Scalar> values;
};

enum class From { zero, bias, other, result };

kernels::Start start_of(From from, const Matrix& c, const Matrix& other) {
  if (from == From::bias) return {other.values.data(), 0};
  if (from == From::other) return {other.values.data(), other.row_stride};
  if (from == From::result) return {c.values.data(), c.row_stride};
  return {};
}

// Whether kernels::matmul with 1, 2 and 3 threads, and matmul_plain, give the bits of three loops.
void check_product(ProductSize size, bool ta, bool tb, From from) {
  CAPTURE(size.rows);
  CAPTURE(size.columns);
  CAPTURE(size.depth);
  CAPTURE(ta);
  CAPTURE(tb);
  CAPTURE(static_cast<int>(from));
  Matrix a(size.rows, size.depth, ta, 1);
  Matrix b(size.depth, size.columns, tb, 2);
  Matrix other(size.rows, size.columns, false, 3);
  const Matrix before(size.rows, size.columns, false, 4);
  Matrix wanted = before;
  for (Index i = 0; i < size.rows; ++i)
    for (Index j = 0; j < size.columns; ++j) {
      Scalar sum = from == From::result ? wanted.at(i, j) : 0;
      if (from == From::bias) sum = other.at(0, j);
      if (from == From::other) sum = other.at(i, j);
      for (Index k = 0; k < size.depth; ++k) sum = std::fma(a.at(i, k), b.at(k, j), sum);
      wanted.at(i, j) = sum;
    }
  const auto result = [&](Matrix& c) {
    return Result{c.values.data(), c.row_stride, start_of(from, c, other)};
  };
  Matrix plain = before;
  kernels::matmul_plain(size, a.view(), b.view(), result(plain));
  CHECK_MESSAGE(plain.values == wanted.values, "plain");
  const int threads_before = threads();
  for (const int count : {1, 2, 3}) {
    CAPTURE(count);
    set_threads(count);
    Matrix fast = before;
    kernels::matmul(size, a.view(), b.view(), result(fast));
    CHECK(fast.values == wanted.values);
  }
  set_threads(threads_before);
}

void check_all_layouts(ProductSize size) {
  for (const bool ta : {false, true})
    for (const bool tb : {false, true})
      for (const From from : {From::zero, From::bias, From::other, From::result})
        check_product(size, ta, tb, from);
}

}  // namespace

TEST_CASE("small matrix products give the bits of three loops, at every height and width") {
  for (const Index rows : {1, 2, 5, 6, 7, 12, 13})
    for (const Index columns : {1, 7, 16, 17, 63, 64, 65, 130})
      check_all_layouts({rows, columns, 3});
  for (const Index depth : {0, 1, 7, 8, 9, 63}) check_all_layouts({7, 5, depth});
  check_all_layouts({64, 64, 64});
  check_all_layouts({63, 33, 65});
}

TEST_CASE("large matrix products give the bits of three loops, over several blocks of each size") {
  check_all_layouts({65, 64, 64});  // just more than a small one
  for (const Index depth : {383, 384, 385, 775}) check_all_layouts({50, 70, depth});
  for (const Index columns : {2047, 2048, 2049, 2115}) check_all_layouts({13, columns, 19});
  for (const Index rows : {199, 205, 413}) check_all_layouts({rows, 21, 390});
  check_product({1300, 20, 70}, false, false, From::bias);  // blocks of more rows, less deep
  check_product({1300, 20, 70}, true, true, From::result);
}

TEST_CASE("products of few rows with a large matrix give the bits of three loops") {
  for (const Index rows : {1, 2, 3, 4, 5, 6, 7}) check_all_layouts({rows, 96 + rows, 2800});
  check_product({1, 4096, 100}, false, false, From::zero);
  check_product({1, 4096, 100}, false, true, From::zero);
  check_product({1, 64, 4100}, false, false, From::bias);
  check_product({3, 5, 30000}, false, false, From::bias);  // not one whole panel of columns
}
