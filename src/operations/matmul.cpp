#include <gradus/operation.h>
#include <gradus/operations.h>

#include "../kernels/busy_rows.h"
#include "../kernels/elementwise.h"
#include "../kernels/matmul.h"
#include "../kernels/rows.h"

namespace gradus {

namespace {

using kernels::MatrixView;
using kernels::Result;
using kernels::RowsView;

// Which of its own matrices an operand has in place i of the broadcast `leading` axes.
Index matrix_number(Index i, const Shape& leading, const Shape& own) {
  const Shape places = leading.and_then(1);
  return kernels::Strides(own.and_then(1), places).row_start(i, places);
}

// The matrices of an operand as the product sees them: [rows, columns], after any transposition.
struct Matrices {
  Matrices(const Tensor& x, bool transposed)
      : rows(x.shape()[transposed ? -1 : -2]),
        columns(x.shape()[transposed ? -2 : -1]),
        first{x.data(), x.shape()[-1], 1},
        leading(x.shape().without(-1).without(-1)) {
    if (transposed) first = first.transposed();
  }
  // The one in place i of the axes `all` that they are broadcast to.
  MatrixView at(Index i, const Shape& all) const {
    const Index number = matrix_number(i, all, leading);
    return {first.values + number * rows * columns, first.row_stride, first.column_stride};
  }
  Index rows, columns;
  MatrixView first;
  Shape leading;  // the axes before the last two
};

// out_i (+)= a_i b_i for every matrix i of `leading`, each of the three broadcast to it.
void multiply_all(const Shape& leading, const Matrices& a, const Matrices& b, Scalar* out,
                  const Shape& out_leading) {
  const Index m = a.rows, n = b.columns;
  std::vector<bool> written(static_cast<std::size_t>(out_leading.size()), false);
  for (Index i = 0; i < leading.size(); ++i) {
    const Index target = matrix_number(i, leading, out_leading);
    const bool again = written[static_cast<std::size_t>(target)];
    const Result product{out + target * m * n, n};
    kernels::matmul({m, n, a.columns}, a.at(i, leading), b.at(i, leading),
                    again ? product.continued() : product);
    written[static_cast<std::size_t>(target)] = true;
  }
}

// The gradient of one operand: left · right, summed over the axes that `shape` was broadcast along.
Tensor gradient_of(const Tensor& operand, const Shape& leading, const Tensor& left,
                   bool left_transposed, const Tensor& right, bool right_transposed) {
  Tensor gradient = gradient_for(operand);
  multiply_all(leading, {left, left_transposed}, {right, right_transposed}, gradient.mutable_data(),
               operand.shape().without(-1).without(-1));
  return gradient;
}

struct Matmul {
  Tensor a, b;
  bool ta, tb;  // whether they were used transposed
  Shape leading;

  // C = A B, so dA = dC Bᵀ and dB = Aᵀ dC; if A was used transposed, dA = (dC Bᵀ)ᵀ = B dCᵀ.
  void backward(const Tensor& dc) const {
    if (a.requires_grad())
      a.add_grad(ta ? gradient_of(a, leading, b, tb, dc, true)
                    : gradient_of(a, leading, dc, false, b, !tb));
    if (b.requires_grad())
      b.add_grad(tb ? gradient_of(b, leading, dc, true, a, ta)
                    : gradient_of(b, leading, a, !ta, dc, false));
  }
};

// "query [2, 5, 8]", or "keyᵀ [2, 8, 9]" with the shape as the product sees it.
std::string operand_text(const Tensor& x, bool transposed) {
  if (!transposed || x.rank() < 2) return describe(x);
  const Shape& s = x.shape();
  const std::string name = name_of(x);
  return (name.empty() ? "" : name + "ᵀ ") + to_string(s.with(-1, s[-2]).with(-2, s[-1])) +
         (name.empty() ? "ᵀ" : "");
}

std::string product_text(const Tensor& a, const Tensor& b, const MatmulOptions& options) {
  return operand_text(a, options.transpose_a) + " × " + operand_text(b, options.transpose_b);
}

}  // namespace

Tensor matmul(const Tensor& a, const Tensor& b, MatmulOptions options, Where where) {
  for (const Tensor* x : {&a, &b}) check_exists(*x, where);
  if (a.rank() < 2 || b.rank() < 2)
    fail("matmul", where, product_text(a, b, options), ": both must have at least two axes");
  const Matrices of_a(a, options.transpose_a);
  const Matrices of_b(b, options.transpose_b);
  if (of_a.columns != of_b.rows)
    fail("matmul", where, product_text(a, b, options), ": inner sizes ", of_a.columns, " and ",
         of_b.rows, " differ");
  const std::string problem = clash(of_a.leading, of_b.leading);
  if (!problem.empty())
    fail("matmul", where, product_text(a, b, options),
         ": the axes before the last two do not broadcast: ", problem);
  const Shape leading = broadcast(of_a.leading, of_b.leading, where);
  const Shape shape = leading.and_then(of_a.rows, where).and_then(of_b.columns, where);
  Tensor c = result_of("matmul", shape, where);
  multiply_all(leading, of_a, of_b, c.mutable_data(), leading);
  return record(c, {{a, b.requires_grad()}, {b, a.requires_grad()}},
                Matmul{a, b, options.transpose_a, options.transpose_b, leading});
}

namespace {

struct Linear {
  Tensor x, weights, bias;

  void backward(const Tensor& dy) const {
    const Index d = weights.shape()[0];
    const Index n = weights.shape()[1];
    const Index rows = x.size() / d;
    // What stays is made first: the copies below, given back together, leave no gaps.
    Tensor dx = x.requires_grad() ? gradient_for(x) : Tensor();
    Tensor dw = weights.requires_grad() ? gradient_for(weights) : Tensor();
    const RowsView rows_of_x{x.data(), d, rows, d};
    const RowsView rows_of_dy{dy.data(), n, rows, n};
    const std::vector<Index> busy =
        kernels::busy_rows(rows_of_dy, {rows_of_x, {weights.data(), n, d, n}});
    // Where it is worth the copies, the busy rows alone: see busy_rows.h.
    const bool all = 8 * std::ssize(busy) > 7 * rows;
    const Index count = all ? rows : std::ssize(busy);
    const Buffer of_dy = all ? dy.node()->values : kernels::pick_rows(rows_of_dy, busy);
    if (dx.exists()) {  // dx = dy Wᵀ
      const Buffer to = all ? dx.node()->values : Buffer(count * d);
      kernels::matmul({count, d, n}, {of_dy.data(), n, 1}, {weights.data(), 1, n}, {to.data(), d});
      if (!all) kernels::put_rows(to.data(), d, busy, dx.mutable_data(), d, rows);
      x.add_grad(dx);
    }
    if (dw.exists()) {  // dW = xᵀ dy
      const Buffer of_x = all ? x.node()->values : kernels::pick_rows(rows_of_x, busy);
      kernels::matmul({d, n, count}, {of_x.data(), 1, d}, {of_dy.data(), n, 1},
                      {dw.mutable_data(), n});
      weights.add_grad(dw);
    }
    if (!bias.requires_grad()) return;
    Tensor db = gradient_for(bias);  // the sum of dy over all rows
    kernels::column_sum(dy.data(), rows, n, db.mutable_data());
    bias.add_grad(db);
  }
};

}  // namespace

Tensor linear(const Tensor& x, const Tensor& weights, const Tensor& bias, Where where) {
  for (const Tensor* given : {&x, &weights, &bias}) check_exists(*given, where);
  if (weights.rank() != 2 || x.rank() < 1)
    fail("linear", where, describe(x), " × ", describe(weights),
         ": [..., D] and a matrix [D, N] are needed");
  if (x.shape()[-1] != weights.shape()[0])
    fail("linear", where, describe(x), " × ", describe(weights), ": inner sizes ", x.shape()[-1],
         " and ", weights.shape()[0], " differ");
  if (bias.shape() != Shape{weights.shape()[1]})
    fail("linear", where, "the bias must have one value for each column of ", describe(weights),
         ", not ", describe(bias));
  const Index d = weights.shape()[0];
  const Index n = weights.shape()[1];
  const Index rows = x.size() / d;
  Tensor y = result_of("linear", x.shape().with({-1, where}, n), where);
  // The sums of every row start from the bias.
  kernels::matmul({rows, n, d}, {x.data(), d, 1}, {weights.data(), n, 1},
                  {y.mutable_data(), n, {bias.data(), 0}});
  return record(y, {{x, weights.requires_grad()}, {weights, x.requires_grad()}, {bias, false}},
                Linear{x, weights, bias});
}

}  // namespace gradus
