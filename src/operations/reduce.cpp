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
  Index columns = 1;
  for (int i = 0; i < x.rank(); ++i) {
    const bool goes = chosen[i] || axes.list.empty();
    (goes ? last : order).push_back(i);
    if (goes) columns *= x.shape()[i];
    if (!goes || keep) to.result = to.result.and_then(goes ? 1 : x.shape()[i]);
  }
  order.insert(order.end(), last.begin(), last.end());
  if (!std::is_sorted(order.begin(), order.end())) to.rows = permute(x, order, where);
  if (to.rows.rank() != 2 || to.rows.shape()[1] != columns)
    to.rows = reshape(to.rows, {x.size() / columns, columns}, where);
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
  std::vector<Index> chosen;  // where each row's maximum stands among all values
  void backward(const Tensor& dy) const {
    Tensor dx = Tensor::zeros(x.shape(), x.where());
    Scalar* values = dx.mutable_data();
    for (std::size_t row = 0; row < chosen.size(); ++row) values[chosen[row]] = dy.values()[row];
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

}  // namespace gradus
