// Sums and maxima over any axes are those over the last axis of a rearranged tensor.

#include <gradus/operation.h>
#include <gradus/operations.h>

#include "../kernels/elementwise.h"
#include "../kernels/rows.h"

#include <algorithm>

namespace gradus {

namespace {

// x as a matrix whose rows are what is to be summed, and the shape of the result.
struct Rearranged {
  Tensor rows;
  Shape result;
};

Rearranged rearrange(const char* name, const Tensor& x, const Axes& axes, bool keep,
                     const Where& where) {
  check_exists(x, where);
  bool chosen[Shape::max_rank] = {};
  for (int axis : axes.list) {
    bool& flag = chosen[checked_axis(x, axis, name, where)];
    if (flag) fail(name, where, "axis ", axis, " is named twice");
    flag = true;
  }
  Rearranged to{x, {}};
  std::vector<int> order, last;
  for (int i = 0; i < x.rank(); ++i) {
    const bool goes = chosen[i] || axes.list.empty();
    (goes ? last : order).push_back(i);
    if (!goes || keep) to.result = to.result.and_then(goes ? 1 : x.shape()[i]);
  }
  order.insert(order.end(), last.begin(), last.end());
  if (!std::is_sorted(order.begin(), order.end())) to.rows = permute(x, order, where);
  const Index rows = to.result.size();
  if (to.rows.rank() != 2 || to.rows.shape()[0] != rows)
    to.rows = reshape(to.rows, {rows, x.size() / rows}, where);
  return to;
}

// y = factor Σ x over each row, so each x of the row receives factor dy.
struct SumRows {
  Tensor x;  // [R, C]
  Scalar factor;
  void backward(const Tensor& dy) const {
    Tensor dx = gradient_for(x);
    Scalar* row = dx.mutable_data();
    for (const Scalar d : dy.values()) row = std::fill_n(row, x.shape()[1], factor * d);
    x.add_grad(dx);
  }
};

Tensor sum_rows(const char* name, const Tensor& x, Scalar factor, const Shape& shape,
                const Where& where) {
  const Index columns = x.shape()[1];
  Tensor y = result_of(name, shape, where);
  const Scalar* from = x.data();
  Scalar* sums = y.mutable_data();
  kernels::parallel_each(x.shape()[0], 1 + kernels::elementwise_grain / columns, [=](Index r) {
    sums[r] = factor * kernels::sum(from + r * columns, columns);
  });
  return record(y, {{x, false}}, SumRows{x, factor});
}

// The gradient goes where the maximum came from.
struct Max {
  Tensor x;
  std::vector<Index> chosen;  // where each maximum stands among the values of x; -1: there is none
  void backward(const Tensor& dy) const {
    Tensor dx = Tensor::zeros(x.shape(), x.where());
    Scalar* values = dx.mutable_data();
    for (std::size_t i = 0; i < chosen.size(); ++i)
      if (chosen[i] >= 0) values[chosen[i]] = dy.values()[i];
    x.add_grad(dx);
  }
};

}  // namespace

Tensor sum(const Tensor& x, const Axes& axes, bool keep, Where where) {
  const Rearranged to = rearrange("sum", x, axes, keep, where);
  return sum_rows("sum", to.rows, 1, to.result, where);
}

Tensor mean(const Tensor& x, const Axes& axes, bool keep, Where where) {
  const Rearranged to = rearrange("mean", x, axes, keep, where);
  return sum_rows("mean", to.rows, 1 / static_cast<Scalar>(to.rows.shape()[1]), to.result, where);
}

Tensor max(const Tensor& x, const Axes& axes, bool keep, Where where) {
  const Rearranged to = rearrange("max", x, axes, keep, where);
  const Index columns = to.rows.shape()[1];
  const Scalar* values = to.rows.data();
  Tensor y = result_of("max", to.result, where);
  std::vector<Index> chosen;
  for (Scalar& largest : y.mutable_values()) {
    Index best = std::ssize(chosen) * columns;
    for (Index i = best; i < static_cast<Index>(chosen.size() + 1) * columns; ++i)
      if (kernels::larger(values[i], values[best])) best = i;
    chosen.push_back(best);
    largest = values[best];
  }
  return record(y, {{to.rows, false}}, Max{to.rows, std::move(chosen)});
}

// ---- Over the words of texts.

namespace {

void check_pooling(const char* name, const Tensor& x, const Mask& mask, Where where) {
  check_exists(x, where);
  if (x.rank() != 3) fail(name, where, "[B, T, D] is needed, not ", describe(x));
  if (mask.is_causal())
    fail(name, where, "a causal mask hides from each position what comes later; a text has none");
  mask.check({x.shape()[0], 1, 1, x.shape()[1]}, x, name, where);
}

// The largest of each column of x [t, d] where the mask lets position i of text b be seen, and
// where it stands among the values of all texts: -1 if nothing may be seen.
void choose(const Scalar* x, Index t, Index d, const Mask& mask, Index b, Scalar* y, Index* best) {
  std::fill_n(y, d, Scalar(0));
  for (Index i = 0; i < t; ++i, x += d) {
    if (!mask.allows(b, 0, 0, i)) continue;
    for (Index j = 0; j < d; ++j)
      if (best[j] < 0 || kernels::larger(x[j], y[j])) {
        y[j] = x[j];
        best[j] = (b * t + i) * d + j;
      }
  }
}

// y[b] = the sum of the allowed x[b, i] / count, so each of them receives dy[b] / count.
struct MeanPooling {
  Tensor x;
  Mask mask;
  std::vector<Scalar> counts;  // how many positions of each text are seen

  void backward(const Tensor& dy) const {
    const Index t = x.shape()[1], d = x.shape()[2];
    Tensor dx = Tensor::zeros(x.shape(), x.where());
    Scalar* row = dx.mutable_data();
    for (Index i = 0; i < x.shape()[0] * t; ++i, row += d)
      for (Index j = 0; j < d && mask.allows(i / t, 0, 0, i % t); ++j)
        row[j] = dy.data()[i / t * d + j] / counts[static_cast<std::size_t>(i / t)];
    x.add_grad(dx);
  }
};

}  // namespace

Tensor max_pooling(const Tensor& x, const Mask& mask, Where where) {
  check_pooling("max_pooling", x, mask, where);
  const Index t = x.shape()[1], d = x.shape()[2];
  Tensor y = result_of("max_pooling", x.shape().without(1), where);
  Scalar* largest = y.mutable_data();
  std::vector<Index> chosen(static_cast<std::size_t>(y.size()), -1);
  kernels::parallel_each(x.shape()[0], 1, [&](Index b) {
    choose(x.data() + b * t * d, t, d, mask, b, largest + b * d, chosen.data() + b * d);
  });
  return record(y, {{x, false}}, Max{x, std::move(chosen)});
}

Tensor mean_pooling(const Tensor& x, const Mask& mask, Where where) {
  check_pooling("mean_pooling", x, mask, where);
  const Index t = x.shape()[1], d = x.shape()[2];
  Tensor y = result_of("mean_pooling", x.shape().without(1), where);
  Scalar* mean = y.mutable_data();
  std::fill_n(mean, y.size(), Scalar(0));
  std::vector<Scalar> counts;
  for (Index b = 0; b < x.shape()[0]; ++b, mean += d) {
    counts.push_back(0);
    for (Index i = 0; i < t; ++i) {
      if (!mask.allows(b, 0, 0, i)) continue;
      ++counts.back();
      for (Index j = 0; j < d; ++j) mean[j] += x.data()[(b * t + i) * d + j];
    }
    for (Index j = 0; j < d && counts.back() > 0; ++j) mean[j] /= counts.back();
  }
  return record(y, {{x, false}}, MeanPooling{x, mask, std::move(counts)});
}

}  // namespace gradus
