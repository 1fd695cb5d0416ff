#include "rows.h"

#include "elementwise.h"
#include "math.h"
#include "threads.h"

#include <gradus/buffer.h>

#include <algorithm>
#include <limits>

namespace gradus::kernels {

namespace {

constexpr Index lanes = 16;
constexpr Index leaf = 64 * lanes;

// term(begin) + … + term(end - 1). (Clang makes vector code of it only if the term is a copy.)
template <class Term>
Scalar sum_of(Index begin, Index end, Term term) {
  if (end - begin > leaf) {
    const Index middle = begin + (end - begin + 2 * leaf - 1) / (2 * leaf) * leaf;
    return sum_of(begin, middle, term) + sum_of(middle, end, term);
  }
  Scalar lane[lanes] = {};
  Index i = begin;
  for (; i + lanes <= end; i += lanes)
    for (Index l = 0; l < lanes; ++l) lane[l] += term(i + l);
  for (Index l = 0; i + l < end; ++l) lane[l] += term(i + l);
  for (Index half = lanes / 2; half > 0; half /= 2)
    for (Index l = 0; l < half; ++l) lane[l] += lane[l + half];
  return lane[0];
}

// add_row(r, to) adds numbers of row r to the `width` sums at `to`; sums[j] becomes sum j over all
// rows. It is made in groups of rows, each in order: up to 16 groups of 256, which are then added
// in order too; or, so that many rows do not lose digits, any number of 64, added in pairs.
template <class AddRow>
void sum_over_rows(Index rows, Index width, Scalar* sums, const AddRow& add_row) {
  const Index group = rows > 16 * 256 ? 64 : 256;
  const Index groups = std::max<Index>(1, (rows + group - 1) / group);
  const Buffer partial(groups * width);
  Scalar* first = partial.data();
  parallel_for(groups, 1 + 65536 / (group * width), [=](Index begin, Index end) {
    std::fill(first + begin * width, first + end * width, Scalar(0));
    for (Index r = begin * group; r < std::min(rows, end * group); ++r)
      add_row(r, first + r / group * width);
  });
  const auto add = [=](Index to, Index from) {
    for (Index j = 0; j < width; ++j) first[to * width + j] += first[from * width + j];
  };
  if (groups <= 16)
    for (Index g = 1; g < groups; ++g) add(0, g);
  else
    for (Index step = 1; step < groups; step *= 2)
      for (Index g = 0; g + step < groups; g += 2 * step) add(g, g + step);
  std::copy_n(first, width, sums);
}

// Calls body(where the row begins) for every row; a thread gets so many that starting it pays.
template <class Body>
void each_row(Index rows, Index columns, const Body& body) {
  parallel_each(rows, 1 + 32768 / columns, [=](Index r) { body(r * columns); });
}

// log Σ e^(x - most)
Scalar log_sum(const Scalar* x, Index count, Scalar most) {
  return log_one(sum_of(0, count, [=](Index j) { return exp_one(x[j] - most); }));
}

}  // namespace

Scalar sum(const Scalar* x, Index count) {
  return sum_of(0, count, [=](Index i) { return x[i]; });
}

Scalar dot(const Scalar* x, const Scalar* y, Index count) {
  return sum_of(0, count, [=](Index i) { return x[i] * y[i]; });
}

// (A maximum that keeps what is not a number would be no vector code; so that is looked for first.)
Scalar largest(const Scalar* x, Index count) {
  std::uint32_t numbers = 0;
  for (Index i = 0; i < count; ++i) numbers += x[i] == x[i];
  if (numbers != static_cast<std::uint32_t>(count)) return std::numeric_limits<Scalar>::quiet_NaN();
  Scalar lane[lanes];
  std::fill_n(lane, lanes, x[0]);
  Index i = 0;
  for (; i + lanes <= count; i += lanes)
    for (Index l = 0; l < lanes; ++l) lane[l] = x[i + l] > lane[l] ? x[i + l] : lane[l];
  for (Index l = 0; i + l < count; ++l) lane[l] = x[i + l] > lane[l] ? x[i + l] : lane[l];
  return *std::max_element(lane, lane + lanes);
}

void column_sum(const Scalar* x, Index rows, Index columns, Scalar* to) {
  sum_over_rows(rows, columns, to, [=](Index r, Scalar* sums) {
    for (Index j = 0; j < columns; ++j) sums[j] += x[r * columns + j];
  });
}

void softmax(const Scalar* x, Index rows, Index columns, Scalar* y) {
  each_row(rows, columns, [=](Index at) {
    Scalar* to = y + at;
    const Scalar most = largest(x + at, columns);
    for (Index j = 0; j < columns; ++j) to[j] = exp_one(x[at + j] - most);
    const Scalar total = sum(to, columns);
    for (Index j = 0; j < columns; ++j) to[j] /= total;
  });
}

void softmax_backward(const Scalar* y, const Scalar* dy, Index rows, Index columns, Scalar* dx) {
  each_row(rows, columns, [=](Index at) {
    const Scalar mean = dot(y + at, dy + at, columns);
    for (Index j = at; j < at + columns; ++j) dx[j] = y[j] * (dy[j] - mean);
  });
}

void masked_softmax(const Scalar* x, const std::uint8_t* allowed, Index rows, Index columns,
                    Scalar* y) {
  each_row(rows, columns, [=](Index at) {
    Scalar most = -std::numeric_limits<Scalar>::infinity();
    for (Index j = at; j < at + columns; ++j)
      if (allowed[j] && !(x[j] <= most)) most = x[j];
    for (Index j = at; j < at + columns; ++j) y[j] = allowed[j] ? exp_one(x[j] - most) : 0;
    const Scalar total = sum(y + at, columns);
    for (Index j = at; j < at + columns; ++j)
      if (allowed[j]) y[j] /= total;
  });
}

void log_sums(const Scalar* x, Index rows, Index columns, Scalar* most, Scalar* log_total) {
  each_row(rows, columns, [=](Index at) {
    const Scalar row_most = most[at / columns] = largest(x + at, columns);
    log_total[at / columns] = log_sum(x + at, columns, row_most);
  });
}

void log_softmax(const Scalar* x, Index rows, Index columns, Scalar* y) {
  each_row(rows, columns, [=](Index at) {
    const Scalar most = largest(x + at, columns);
    const Scalar log_total = log_sum(x + at, columns, most);
    for (Index j = at; j < at + columns; ++j) y[j] = (x[j] - most) - log_total;
  });
}

void log_softmax_backward(const Scalar* y, const Scalar* dy, Index rows, Index columns,
                          Scalar* dx) {
  each_row(rows, columns, [=](Index at) {
    const Scalar total = sum(dy + at, columns);
    for (Index j = at; j < at + columns; ++j) dx[j] = dy[j] - exp_one(y[j]) * total;
  });
}

void layer_norm(const Scalar* x, const Scalar* gamma, const Scalar* beta, Scalar epsilon,
                Index rows, Index columns, Scalar* y, Scalar* mean, Scalar* scale) {
  const auto count = static_cast<Scalar>(columns);
  each_row(rows, columns, [=](Index at) {
    Scalar* to = y + at;
    const Scalar middle = mean[at / columns] = sum(x + at, columns) / count;
    for (Index j = 0; j < columns; ++j) to[j] = x[at + j] - middle;
    const Scalar factor = scale[at / columns] =
        1 / std::sqrt(dot(to, to, columns) / count + epsilon);
    for (Index j = 0; j < columns; ++j) to[j] = to[j] * factor * gamma[j] + beta[j];
  });
}

void layer_norm_backward(const Scalar* x, const Scalar* gamma, const Scalar* mean,
                         const Scalar* scale, const Scalar* dy, Index rows, Index columns,
                         Scalar* dx, Scalar* dgamma, Scalar* dbeta) {
  // With n = (x - mean) scale and dn = dy gamma: dx = scale (dn - mean(dn) - n mean(dn n)).
  // y = gamma n + beta, so dgamma = Σ dy n and dbeta = Σ dy over the rows.
  const auto count = static_cast<Scalar>(columns);
  const Buffer both(2 * columns);
  sum_over_rows(rows, 2 * columns, both.data(), [=](Index r, Scalar* sums) {
    const Scalar* d = dy + r * columns;
    Scalar* to = dx + r * columns;
    const Scalar factor = scale[r];
    const auto n = [=, middle = mean[r]](Index j) {
      return (x[r * columns + j] - middle) * factor;
    };
    for (Index j = 0; j < columns; ++j) sums[j] += d[j] * n(j);
    for (Index j = 0; j < columns; ++j) sums[columns + j] += d[j];
    const auto dn = [=](Index j) { return d[j] * gamma[j]; };
    const Scalar mean_dn = dot(d, gamma, columns) / count;
    for (Index j = 0; j < columns; ++j) to[j] = dn(j) * n(j);
    const Scalar mean_dn_n = sum(to, columns) / count;
    for (Index j = 0; j < columns; ++j) to[j] = factor * (dn(j) - mean_dn - n(j) * mean_dn_n);
  });
  std::copy_n(both.data(), columns, dgamma);
  std::copy_n(both.data() + columns, columns, dbeta);
}

}  // namespace gradus::kernels
