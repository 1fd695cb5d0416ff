// Sums and maxima over any axes are those over the last axis of a rearranged tensor.

#include <gradus/elementwise.h>
#include <gradus/operation.h>
#include <gradus/reduce.h>
#include <gradus/shaping.h>

#include "../kernels/rows.h"
#include "../kernels/threads.h"

#include <algorithm>

namespace gradus {

namespace {

// x as a matrix whose rows are what is to be summed, and the shapes of the result.
struct Rearranged {
  Tensor rows;
  Shape dropped;  // without the axes
  Shape kept;     // with size 1 for them
};

Rearranged rearrange(const char* name, const Tensor& x, const Axes& axes, const Where& where) {
  check_exists(x, where);
  bool chosen[Shape::max_rank] = {};
  for (int axis : axes.list) {
    bool& flag = chosen[checked_axis(x, axis, name, where)];
    if (flag) fail(name, where, "axis " + std::to_string(axis) + " is named twice");
    flag = true;
  }
  Rearranged result{x, {}, x.shape()};
  std::vector<int> order;
  std::vector<int> last;
  Index columns = 1;
  for (int i = 0; i < x.rank(); ++i) {
    if (chosen[i] || axes.list.empty()) {
      last.push_back(i);
      columns *= x.shape()[i];
      result.kept = result.kept.with(i, 1);
    } else {
      order.push_back(i);
      result.dropped = result.dropped.and_then(x.shape()[i]);
    }
  }
  order.insert(order.end(), last.begin(), last.end());
  if (!std::is_sorted(order.begin(), order.end())) result.rows = permute(x, order, where);
  if (result.rows.rank() != 2 || result.rows.shape()[1] != columns)
    result.rows = reshape(result.rows, {x.size() / columns, columns}, where);
  return result;
}

struct RowSum : Operation {
  Scalar factor = 1;

  void backward(const Tensor& out) override {
    const Tensor& x = inputs[0];
    const Index columns = x.shape()[1];
    const Scalar* dy = out.grad().data();
    // y = factor Σ x, so each x of the row receives factor dy.
    Tensor dx = result_of("sum gradient", x.shape(), x.where());
    Scalar* values = dx.mutable_data();
    for (Index r = 0; r < x.shape()[0]; ++r)
      std::fill_n(values + r * columns, columns, factor * dy[r]);
    x.add_grad(dx);
  }
};

// factor times the sum of each row of x [R, C]; gives [R].
Tensor row_sum(const char* name, const Tensor& x, Scalar factor, const Shape& shape,
               const Where& where) {
  const Index columns = x.shape()[1];
  Tensor out = result_of(name, shape, where);
  Scalar* y = out.mutable_data();
  kernels::parallel_for(x.shape()[0], 1 + 32768 / columns, [&](Index begin, Index end) {
    for (Index r = begin; r < end; ++r)
      y[r] = factor * kernels::sum(x.data() + r * columns, columns);
  });
  if (RowSum* op = record<RowSum>(out, x)) op->factor = factor;
  return out;
}

struct RowMax : Operation {
  std::vector<Index> chosen;  // the column of each row's maximum

  void backward(const Tensor& out) override {
    const Tensor& x = inputs[0];
    // y = x[r, chosen]: the gradient goes where the maximum came from.
    Tensor dx = Tensor::zeros(x.shape(), x.where());
    Scalar* values = dx.mutable_data();
    for (std::size_t r = 0; r < chosen.size(); ++r)
      values[static_cast<Index>(r) * x.shape()[1] + chosen[r]] = out.grad().data()[r];
    x.add_grad(dx);
  }
};

}  // namespace

Tensor sum(const Tensor& x, const Axes& axes, bool keep, Where where) {
  const Rearranged to = rearrange("sum", x, axes, where);
  return row_sum("sum", to.rows, 1, keep ? to.kept : to.dropped, where);
}

Tensor mean(const Tensor& x, const Axes& axes, bool keep, Where where) {
  const Rearranged to = rearrange("mean", x, axes, where);
  const Scalar factor = 1 / static_cast<Scalar>(to.rows.shape()[1]);
  return row_sum("mean", to.rows, factor, keep ? to.kept : to.dropped, where);
}

Tensor max(const Tensor& x, const Axes& axes, bool keep, Where where) {
  const Rearranged to = rearrange("max", x, axes, where);
  const Index columns = to.rows.shape()[1];
  Tensor out = result_of("max", keep ? to.kept : to.dropped, where);
  std::vector<Index> chosen;
  for (Index r = 0; r < to.rows.shape()[0]; ++r) {
    const Scalar* row = to.rows.data() + r * columns;
    chosen.push_back(std::max_element(row, row + columns) - row);
    out.mutable_data()[r] = row[chosen.back()];
  }
  if (RowMax* op = record<RowMax>(out, to.rows)) op->chosen = std::move(chosen);
  return out;
}

}  // namespace gradus
