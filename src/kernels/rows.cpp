#include "rows.h"

#include "math.h"
#include "threads.h"

#include <gradus/buffer.h>

#include <algorithm>
#include <limits>

namespace gradus::kernels {

namespace {

constexpr Index lanes = 16;

// The sum of sixteen numbers, in pairs.
Scalar add_lanes(Scalar* lane) {
  for (Index half = lanes / 2; half > 0; half /= 2)
    for (Index l = 0; l < half; ++l) lane[l] += lane[l + half];
  return lane[0];
}

// Rows to hand to a thread at a time: so many that starting it pays.
Index grain(Index columns) {
  return 1 + 32768 / columns;
}

}  // namespace

Scalar sum(const Scalar* x, Index count) {
  Scalar lane[lanes] = {};
  Index i = 0;
  for (; i + lanes <= count; i += lanes)
    for (Index l = 0; l < lanes; ++l) lane[l] += x[i + l];
  for (Index l = 0; i + l < count; ++l) lane[l] += x[i + l];
  return add_lanes(lane);
}

Scalar dot(const Scalar* x, const Scalar* y, Index count) {
  Scalar lane[lanes] = {};
  Index i = 0;
  for (; i + lanes <= count; i += lanes)
    for (Index l = 0; l < lanes; ++l) lane[l] += x[i + l] * y[i + l];
  for (Index l = 0; i + l < count; ++l) lane[l] += x[i + l] * y[i + l];
  return add_lanes(lane);
}

Scalar largest(const Scalar* x, Index count) {
  Scalar lane[lanes];
  std::fill_n(lane, lanes, x[0]);
  Index i = 0;
  for (; i + lanes <= count; i += lanes)
    for (Index l = 0; l < lanes; ++l) lane[l] = x[i + l] > lane[l] ? x[i + l] : lane[l];
  for (Index l = 0; i + l < count; ++l) lane[l] = x[i + l] > lane[l] ? x[i + l] : lane[l];
  return *std::max_element(lane, lane + lanes);
}

void column_sum(const Scalar* x, Index rows, Index columns, Scalar* to) {
  constexpr Index group = 256;
  const Index groups = (rows + group - 1) / group;
  const Buffer partial(groups * columns);
  Scalar* sums = partial.data();
  parallel_for(groups, 1 + 65536 / (group * columns), [=](Index begin, Index end) {
    for (Index g = begin; g < end; ++g) {
      Scalar* own = sums + g * columns;
      std::fill_n(own, columns, Scalar(0));
      for (Index r = g * group; r < std::min(rows, (g + 1) * group); ++r)
        for (Index j = 0; j < columns; ++j) own[j] += x[r * columns + j];
    }
  });
  std::copy_n(sums, columns, to);
  for (Index g = 1; g < groups; ++g)
    for (Index j = 0; j < columns; ++j) to[j] += sums[g * columns + j];
}

void softmax(const Scalar* x, Index rows, Index columns, Scalar* y) {
  parallel_for(rows, grain(columns), [=](Index begin, Index end) {
    for (Index r = begin; r < end; ++r) {
      const Scalar* row = x + r * columns;
      Scalar* to = y + r * columns;
      const Scalar most = largest(row, columns);
      for (Index j = 0; j < columns; ++j) to[j] = exp_one(row[j] - most);
      const Scalar total = sum(to, columns);
      for (Index j = 0; j < columns; ++j) to[j] /= total;
    }
  });
}

void softmax_backward(const Scalar* y, const Scalar* dy, Index rows, Index columns, Scalar* dx) {
  parallel_for(rows, grain(columns), [=](Index begin, Index end) {
    for (Index at = begin * columns; at < end * columns; at += columns) {
      const Scalar mean = dot(y + at, dy + at, columns);
      for (Index j = at; j < at + columns; ++j) dx[j] = y[j] * (dy[j] - mean);
    }
  });
}

void masked_softmax(const Scalar* x, const std::uint8_t* allowed, Index rows, Index columns,
                    Scalar* y) {
  for (Index at = 0; at < rows * columns; at += columns) {
    Scalar most = -std::numeric_limits<Scalar>::infinity();
    for (Index j = at; j < at + columns; ++j)
      if (allowed[j] && !(x[j] <= most)) most = x[j];
    Scalar* to = y + at;
    for (Index j = 0; j < columns; ++j) to[j] = allowed[at + j] ? exp_one(x[at + j] - most) : 0;
    const Scalar total = sum(to, columns);
    for (Index j = 0; j < columns && total != 0; ++j) to[j] /= total;
  }
}

void log_softmax(const Scalar* x, Index rows, Index columns, Scalar* y) {
  parallel_for(rows, grain(columns), [=](Index begin, Index end) {
    for (Index r = begin; r < end; ++r) {
      const Scalar* row = x + r * columns;
      Scalar* to = y + r * columns;
      const Scalar most = largest(row, columns);
      for (Index j = 0; j < columns; ++j) to[j] = exp_one(row[j] - most);
      const Scalar log_total = log_one(sum(to, columns));
      for (Index j = 0; j < columns; ++j) to[j] = (row[j] - most) - log_total;
    }
  });
}

void log_softmax_backward(const Scalar* y, const Scalar* dy, Index rows, Index columns,
                          Scalar* dx) {
  parallel_for(rows, grain(columns), [=](Index begin, Index end) {
    for (Index at = begin * columns; at < end * columns; at += columns) {
      const Scalar total = sum(dy + at, columns);
      for (Index j = at; j < at + columns; ++j) dx[j] = dy[j] - exp_one(y[j]) * total;
    }
  });
}

void layer_norm(const Scalar* x, const Scalar* gamma, const Scalar* beta, Scalar epsilon,
                Index rows, Index columns, Scalar* y, Scalar* mean, Scalar* scale) {
  const auto count = static_cast<Scalar>(columns);
  parallel_for(rows, grain(columns), [=](Index begin, Index end) {
    for (Index r = begin; r < end; ++r) {
      const Scalar* row = x + r * columns;
      Scalar* to = y + r * columns;
      mean[r] = sum(row, columns) / count;
      const Scalar middle = mean[r];
      for (Index j = 0; j < columns; ++j) to[j] = row[j] - middle;
      scale[r] = 1 / std::sqrt(dot(to, to, columns) / count + epsilon);
      const Scalar factor = scale[r];
      for (Index j = 0; j < columns; ++j) to[j] = to[j] * factor * gamma[j] + beta[j];
    }
  });
}

namespace {

// dx of one row, with n = (x - mean) scale and dn = dy gamma:
// dx = scale (dn - mean(dn) - n mean(dn n)).
void layer_norm_row_backward(const Scalar* x, const Scalar* gamma, Scalar mean, Scalar scale,
                             const Scalar* dy, Index columns, Scalar* normal, Scalar* dx) {
  const auto count = static_cast<Scalar>(columns);
  for (Index j = 0; j < columns; ++j) {
    normal[j] = (x[j] - mean) * scale;
    dx[j] = dy[j] * gamma[j];
  }
  const Scalar mean_dn = sum(dx, columns) / count;
  const Scalar mean_dn_n = dot(dx, normal, columns) / count;
  for (Index j = 0; j < columns; ++j) dx[j] = scale * (dx[j] - mean_dn - normal[j] * mean_dn_n);
}

}  // namespace

void layer_norm_backward(const Scalar* x, const Scalar* gamma, const Scalar* mean,
                         const Scalar* scale, const Scalar* dy, Index rows, Index columns,
                         Scalar* dx, Scalar* dgamma, Scalar* dbeta) {
  // y = gamma n + beta, so dgamma = Σ dy n and dbeta = Σ dy over the rows, in groups as column_sum.
  constexpr Index group = 256;
  const Index groups = (rows + group - 1) / group;
  const Buffer partial(groups * 2 * columns);
  Scalar* sums = partial.data();
  parallel_for(groups, 1 + 32768 / (group * columns), [=](Index begin, Index end) {
    const Buffer normal(columns);
    Scalar* n = normal.data();
    for (Index g = begin; g < end; ++g) {
      Scalar* own = sums + g * 2 * columns;
      std::fill_n(own, 2 * columns, Scalar(0));
      for (Index r = g * group; r < std::min(rows, (g + 1) * group); ++r) {
        const Scalar* d = dy + r * columns;
        layer_norm_row_backward(x + r * columns, gamma, mean[r], scale[r], d, columns, n,
                                dx + r * columns);
        for (Index j = 0; j < columns; ++j) {
          own[j] += d[j] * n[j];
          own[columns + j] += d[j];
        }
      }
    }
  });
  for (Index g = 1; g < groups; ++g)
    for (Index j = 0; j < 2 * columns; ++j) sums[j] += sums[g * 2 * columns + j];
  std::copy_n(sums, columns, dgamma);
  std::copy_n(sums + columns, columns, dbeta);
}

}  // namespace gradus::kernels
