#include <gradus/operation.h>
#include <gradus/operations.h>

#include "../kernels/elementwise.h"
#include "../kernels/rows.h"

namespace gradus {

namespace {

// Undoing a broadcast: the gradient of an operand that was repeated is the sum over all repeats.
Tensor sum_repeats(const Tensor& gradient, const Shape& shape) {
  Tensor result = gradient;
  for (int back = gradient.rank(); back >= 1; --back) {
    const Index size = back <= shape.rank() ? shape[-back] : 1;
    const Shape now = result.shape();
    if (now[-back] == size) continue;
    const AxisView view(now, -back);
    Tensor less = result_of("gradient", now.with(-back, 1), gradient.where());
    const Scalar* from = result.data();
    Scalar* to = less.mutable_data();
    const Index block = view.size * view.inner;
    kernels::parallel_each(view.outer, 1 + kernels::elementwise_grain / block, [&](Index o) {
      kernels::column_sum(from + o * block, view.size, view.inner, to + o * view.inner);
    });
    result = less;
  }
  if (result.shape() == shape) return result;
  // Only axes of size 1 in front are left over.
  return result_of("gradient", shape, gradient.where(), result.node()->values);
}

// Adds to the gradient of one side of an operator.
void give(const Tensor& side, const Tensor& gradient) {
  const bool repeated = side.shape() != gradient.shape();
  side.add_grad(repeated ? sum_repeats(gradient, side.shape()) : gradient);
}

// f(v) for every value v.
template <class F>
Tensor mapped(const char* name, const Tensor& x, const Where& where, F f) {
  Tensor y = result_of(name, x.shape(where), where);
  kernels::map(y.size(), y.mutable_data(), f, x.data());
  return y;
}

// f(a, b) for every pair of values.
template <class F>
Tensor combine(const char* name, const Operand& a, const Operand& b, F f) {
  const Tensor &x = a.tensor, &z = b.tensor;
  if (!x.exists() && !z.exists()) fail(name, a.where, "one side must be a tensor");
  if (!z.exists()) return mapped(name, x, a.where, [f, n = b.number](Scalar v) { return f(v, n); });
  if (!x.exists()) return mapped(name, z, a.where, [f, n = a.number](Scalar v) { return f(n, v); });
  const std::string problem = clash(x.shape(), z.shape());
  if (!problem.empty())
    fail(name, a.where, describe(x), " and ", describe(z), " do not broadcast: ", problem);
  Tensor y = result_of(name, broadcast(x.shape(), z.shape(), a.where), a.where);
  kernels::zip_broadcast(x.data(), x.shape(), z.data(), z.shape(), y.shape(), y.mutable_data(), f);
  return y;
}

// record() for the sides that are tensors.
template <class Gradient>
Tensor record_sides(const Tensor& y, const Edge& a, const Edge& b, Gradient gradient) {
  if (!a.tensor.exists()) return record(y, {b}, std::move(gradient));
  if (!b.tensor.exists()) return record(y, {a}, std::move(gradient));
  return record(y, {a, b}, std::move(gradient));
}

struct Add {
  Tensor a, b;  // none for a number
  void backward(const Tensor& dy) const {
    if (a.requires_grad()) give(a, dy);
    if (b.requires_grad()) give(b, dy);
  }
};

struct Subtract {
  Tensor a, b;
  void backward(const Tensor& dy) const {
    if (a.requires_grad()) give(a, dy);
    if (b.requires_grad()) give(b, -dy);
  }
};

struct Multiply {
  Operand a, b;
  void backward(const Tensor& dy) const {
    if (a.tensor.requires_grad()) give(a.tensor, dy * b);  // d(ab)/da = b
    if (b.tensor.requires_grad()) give(b.tensor, dy * a);
  }
};

struct Divide {
  Operand a, b;
  void backward(const Tensor& y, const Tensor& dy) const {
    const Tensor share = dy / b;
    if (a.tensor.requires_grad()) give(a.tensor, share);         // d(a/b)/da = 1/b
    if (b.tensor.requires_grad()) give(b.tensor, -(share * y));  // d(a/b)/db = -(a/b)/b
  }
};

struct Negate {
  Tensor x;
  void backward(const Tensor& dy) const { x.add_grad(-dy); }
};

}  // namespace

Tensor operator+(const Operand& a, const Operand& b) {
  const Tensor y = combine("add", a, b, [](Scalar x, Scalar z) { return x + z; });
  return record_sides(y, {a.tensor, false}, {b.tensor, false}, Add{a.tensor, b.tensor});
}

Tensor operator-(const Operand& a, const Operand& b) {
  const Tensor y = combine("subtract", a, b, [](Scalar x, Scalar z) { return x - z; });
  return record_sides(y, {a.tensor, false}, {b.tensor, false}, Subtract{a.tensor, b.tensor});
}

Tensor operator*(const Operand& a, const Operand& b) {
  const Tensor y = combine("multiply", a, b, [](Scalar x, Scalar z) { return x * z; });
  return record_sides(y, {a.tensor, b.tensor.requires_grad()}, {b.tensor, a.tensor.requires_grad()},
                      Multiply{a, b});
}

Tensor operator/(const Operand& a, const Operand& b) {
  const Tensor y = combine("divide", a, b, [](Scalar x, Scalar z) { return x / z; });
  return record_sides(y, {a.tensor, false}, b.tensor, Divide{a, b});
}

Tensor operator-(const Operand& x) {
  const Tensor y = mapped("negate", x.tensor, x.where, [](Scalar v) { return -v; });
  return record(y, {{x.tensor, false}}, Negate{x.tensor});
}

Tensor& operator+=(Tensor& a, const Operand& b) {
  return a = Operand(a, b.where) + b;
}

}  // namespace gradus
