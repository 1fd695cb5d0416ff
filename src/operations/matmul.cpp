#include <gradus/matmul.h>
#include <gradus/operation.h>

#include "../kernels/matmul.h"
#include "../kernels/rows.h"

#include <algorithm>

namespace gradus {

namespace {

using kernels::MatrixView;
using kernels::Start;

// The matrices of an operand as the product sees them: [rows, columns], after any transposition.
struct Matrices {
  Index rows, columns;
  Index row_stride, column_stride;
  Shape leading;  // the axes before the last two
};

Matrices matrices_of(const Shape& shape, bool transposed) {
  const Index rows = shape[-2];
  const Index columns = shape[-1];
  const Shape leading = shape.without(-1).without(-1);
  if (transposed) return {columns, rows, 1, columns, leading};
  return {rows, columns, columns, 1, leading};
}

// Where matrix number `i` of the broadcast `leading` axes lies within an operand.
Index matrix_number(Index i, const Shape& leading, const Shape& own) {
  Index number = 0;
  Index step = 1;
  for (int back = 1; back <= leading.rank(); ++back) {
    const Index position = i % leading[-back];
    i /= leading[-back];
    if (back > own.rank()) continue;
    if (own[-back] > 1) number += position * step;
    step *= own[-back];
  }
  return number;
}

// out_i (+)= a_i b_i for every matrix i of `leading`, each of the three broadcast to it.
void multiply_all(const Shape& leading, const Scalar* a, const Matrices& of_a, const Scalar* b,
                  const Matrices& of_b, Scalar* out, const Shape& out_leading) {
  const Index m = of_a.rows;
  const Index n = of_b.columns;
  const Index k = of_a.columns;
  std::vector<bool> written(static_cast<std::size_t>(out_leading.size()), false);
  for (Index i = 0; i < leading.size(); ++i) {
    const MatrixView left{a + matrix_number(i, leading, of_a.leading) * m * k, of_a.row_stride,
                          of_a.column_stride};
    const MatrixView right{b + matrix_number(i, leading, of_b.leading) * k * n, of_b.row_stride,
                           of_b.column_stride};
    const Index target = matrix_number(i, leading, out_leading);
    Scalar* c = out + target * m * n;
    const bool again = written[static_cast<std::size_t>(target)];
    kernels::matmul(m, n, k, left, right, again ? Start{c, n} : Start{}, c, n);
    written[static_cast<std::size_t>(target)] = true;
  }
}

// The gradient of one operand: left · right, summed over the axes that `shape` was broadcast along.
Tensor gradient_of(const Tensor& operand, const Shape& leading, const Tensor& left,
                   bool left_transposed, const Tensor& right, bool right_transposed) {
  Tensor gradient = result_of("matmul gradient", operand.shape(), operand.where());
  multiply_all(leading, left.data(), matrices_of(left.shape(), left_transposed), right.data(),
               matrices_of(right.shape(), right_transposed), gradient.mutable_data(),
               operand.shape().without(-1).without(-1));
  return gradient;
}

struct Matmul : Operation {
  MatmulOptions options;
  Shape leading;

  void backward(const Tensor& out) override {
    const Tensor& a = inputs[0];
    const Tensor& b = inputs[1];
    const Tensor& dc = out.grad();
    const bool ta = options.transpose_a;
    const bool tb = options.transpose_b;
    // C = A B, so dA = dC Bᵀ and dB = Aᵀ dC; if A was used transposed, dA = (dC Bᵀ)ᵀ = B dCᵀ.
    if (a.requires_grad())
      a.add_grad(ta ? gradient_of(a, leading, b, tb, dc, true)
                    : gradient_of(a, leading, dc, false, b, !tb));
    if (b.requires_grad())
      b.add_grad(tb ? gradient_of(b, leading, dc, true, a, ta)
                    : gradient_of(b, leading, a, !ta, dc, false));
  }
};

std::string product_text(const Tensor& a, const Tensor& b, const MatmulOptions& options) {
  return describe(a) + (options.transpose_a ? " transposed" : "") + " × " + describe(b) +
         (options.transpose_b ? " transposed" : "");
}

}  // namespace

Tensor matmul(const Tensor& a, const Tensor& b, MatmulOptions options, Where where) {
  if (a.rank() < 2 || b.rank() < 2)
    fail("matmul", where, product_text(a, b, options) + ": both must have at least two axes");
  const Matrices of_a = matrices_of(a.shape(), options.transpose_a);
  const Matrices of_b = matrices_of(b.shape(), options.transpose_b);
  if (of_a.columns != of_b.rows)
    fail("matmul", where,
         product_text(a, b, options) + ": inner sizes " + std::to_string(of_a.columns) + " and " +
             std::to_string(of_b.rows) + " differ");
  const Shape leading = broadcast(of_a.leading, of_b.leading, "matmul", where);
  Tensor out = result_of("matmul", leading.and_then(of_a.rows).and_then(of_b.columns), where);
  multiply_all(leading, a.data(), of_a, b.data(), of_b, out.mutable_data(), leading);
  if (Matmul* op = record<Matmul>(out, a, b)) {
    op->options = options;
    op->leading = leading;
  }
  return out;
}

namespace {

struct Linear : Operation {
  void backward(const Tensor& out) override {
    const Tensor& x = inputs[0];
    const Tensor& weights = inputs[1];
    const Tensor& bias = inputs[2];
    const Scalar* dy = out.grad().data();
    const Index d = weights.shape()[0];
    const Index n = weights.shape()[1];
    const Index rows = x.size() / d;
    // y = x W + b
    if (x.requires_grad()) {  // dx = dy Wᵀ
      Tensor dx = result_of("linear gradient", x.shape(), x.where());
      kernels::matmul(rows, d, n, {dy, n, 1}, {weights.data(), 1, n}, {}, dx.mutable_data(), d);
      x.add_grad(dx);
    }
    if (weights.requires_grad()) {  // dW = xᵀ dy
      Tensor dw = result_of("linear gradient", weights.shape(), weights.where());
      kernels::matmul(d, n, rows, {x.data(), 1, d}, {dy, n, 1}, {}, dw.mutable_data(), n);
      weights.add_grad(dw);
    }
    if (bias.requires_grad()) {  // db = the sum of dy over all rows
      Tensor db = result_of("linear gradient", bias.shape(), bias.where());
      kernels::column_sum(dy, rows, n, db.mutable_data());
      bias.add_grad(db);
    }
  }
};

}  // namespace

Tensor linear(const Tensor& x, const Tensor& weights, const Tensor& bias, Where where) {
  if (weights.rank() != 2 || x.rank() < 1 || x.shape()[-1] != weights.shape()[0])
    fail("linear", where,
         describe(x) + " × " + describe(weights) + ": the last size of the first must be the " +
             "first size of a matrix");
  if (bias.shape() != Shape{weights.shape()[1]})
    fail("linear", where,
         "the bias must have one value for each column of " + describe(weights) + ", not " +
             describe(bias));
  const Index d = weights.shape()[0];
  const Index n = weights.shape()[1];
  const Index rows = x.size() / d;
  Tensor out = result_of("linear", x.shape().with(-1, n), where);
  Scalar* y = out.mutable_data();
  // The sums of every row start from the bias.
  kernels::matmul(rows, n, d, {x.data(), d, 1}, {weights.data(), n, 1}, {bias.data(), 0}, y, n);
  record<Linear>(out, x, weights, bias);
  return out;
}

}  // namespace gradus
