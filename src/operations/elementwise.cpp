#include <gradus/elementwise.h>
#include <gradus/operation.h>

#include "../kernels/elementwise.h"
#include "../kernels/math.h"
#include "../kernels/rows.h"
#include "reduce_to_shape.h"

#include <cmath>

namespace gradus {

Tensor reduce_to_shape(const Tensor& gradient, const Shape& shape) {
  Tensor result = gradient;
  for (int back = gradient.rank(); back >= 1; --back) {
    const Index size = back <= shape.rank() ? shape[-back] : 1;
    const Shape now = result.shape();
    if (now[-back] == size) continue;
    const int axis = now.rank() - back;
    Index inner = 1;
    for (int i = axis + 1; i < now.rank(); ++i) inner *= now[i];
    const Index outer = now.size() / inner / now[axis];
    Tensor less = result_of("gradient", now.with(axis, 1), gradient.where());
    if (outer == 1)
      kernels::column_sum(result.data(), now[axis], inner, less.mutable_data());
    else
      kernels::sum_axis(result.data(), outer, now[axis], inner, less.mutable_data());
    result = less;
  }
  if (result.shape() == shape) return result;
  // Only axes of size 1 in front are left over.
  Tensor same = result_of("gradient", shape, gradient.where());
  same.node()->values = result.node()->values;
  return same;
}

namespace {

// The result of f applied to two tensors, or to a tensor and a number.
template <class F>
Tensor combine(const char* name, const Operand& a, const Operand& b, F f) {
  if (a.tensor) check_exists(*a.tensor, a.where);
  if (b.tensor) check_exists(*b.tensor, b.where);
  if (a.tensor && b.tensor) {
    const std::string problem = clash(a.tensor->shape(), b.tensor->shape());
    if (!problem.empty())
      fail(name, a.where,
           describe(*a.tensor) + " and " + describe(*b.tensor) + " do not broadcast: " + problem);
    const Shape shape = broadcast(a.tensor->shape(), b.tensor->shape());
    Tensor out = result_of(name, shape, a.where);
    kernels::zip_broadcast(a.tensor->data(), a.tensor->shape(), b.tensor->data(), b.tensor->shape(),
                           shape, out.mutable_data(), f);
    return out;
  }
  if (!a.tensor && !b.tensor) fail(name, a.where, "one side must be a tensor");
  const Tensor& x = a.tensor ? *a.tensor : *b.tensor;
  Tensor out = result_of(name, x.shape(), a.where);
  if (a.tensor)
    kernels::map(x.data(), x.size(), out.mutable_data(),
                 [f, n = b.number](Scalar v) { return f(v, n); });
  else
    kernels::map(x.data(), x.size(), out.mutable_data(),
                 [f, n = a.number](Scalar v) { return f(n, v); });
  return out;
}

struct Add : Operation {
  void backward(const Tensor& out) override {
    for (int i = 0; i < inputs.count(); ++i)
      if (inputs[i].requires_grad())
        inputs[i].add_grad(reduce_to_shape(out.grad(), inputs[i].shape()));
  }
};

struct Subtract : Operation {
  void backward(const Tensor& out) override {
    if (inputs[0].requires_grad())
      inputs[0].add_grad(reduce_to_shape(out.grad(), inputs[0].shape()));
    if (inputs[1].requires_grad())
      inputs[1].add_grad(reduce_to_shape(-out.grad(), inputs[1].shape()));
  }
};

struct Multiply : Operation {
  void backward(const Tensor& out) override {
    const Tensor& a = inputs[0];
    const Tensor& b = inputs[1];
    // d(ab)/da = b, d(ab)/db = a
    if (a.requires_grad()) a.add_grad(reduce_to_shape(out.grad() * b, a.shape()));
    if (b.requires_grad()) b.add_grad(reduce_to_shape(out.grad() * a, b.shape()));
  }
};

struct Divide : Operation {
  void backward(const Tensor& out) override {
    const Tensor& a = inputs[0];
    const Tensor& b = inputs[1];
    // d(a/b)/da = 1/b, d(a/b)/db = -(a/b)/b
    const Tensor share = out.grad() / b;
    if (a.requires_grad()) a.add_grad(reduce_to_shape(share, a.shape()));
    if (b.requires_grad()) b.add_grad(reduce_to_shape(-(share * out), b.shape()));
  }
};

// factor x + shift: what is left of + − × and x / number when one side is a number.
struct Scale : Operation {
  Scalar factor = 1;

  void backward(const Tensor& out) override {
    const Tensor& x = inputs[0];
    x.add_grad(factor == 1 ? out.grad() : out.grad() * factor);
  }
};

// number / x
struct Reciprocal : Operation {
  void backward(const Tensor& out) override {
    const Tensor& x = inputs[0];
    x.add_grad(-(out.grad() * out / x));  // d(n/x)/dx = -(n/x)/x
  }
};

Tensor scaled(Tensor out, const Tensor& x, Scalar factor) {
  if (Scale* op = record<Scale>(out, x)) op->factor = factor;
  return out;
}

}  // namespace

Tensor operator+(const Operand& a, const Operand& b) {
  Tensor out = combine("add", a, b, [](Scalar x, Scalar y) { return x + y; });
  if (!a.tensor || !b.tensor) return scaled(out, a.tensor ? *a.tensor : *b.tensor, 1);
  record<Add>(out, *a.tensor, *b.tensor);
  return out;
}

Tensor operator-(const Operand& a, const Operand& b) {
  Tensor out = combine("subtract", a, b, [](Scalar x, Scalar y) { return x - y; });
  if (!b.tensor) return scaled(out, *a.tensor, 1);
  if (!a.tensor) return scaled(out, *b.tensor, -1);
  record<Subtract>(out, *a.tensor, *b.tensor);
  return out;
}

Tensor operator*(const Operand& a, const Operand& b) {
  Tensor out = combine("multiply", a, b, [](Scalar x, Scalar y) { return x * y; });
  if (!b.tensor) return scaled(out, *a.tensor, b.number);
  if (!a.tensor) return scaled(out, *b.tensor, a.number);
  record<Multiply>(out, *a.tensor, *b.tensor);
  return out;
}

Tensor operator/(const Operand& a, const Operand& b) {
  Tensor out = combine("divide", a, b, [](Scalar x, Scalar y) { return x / y; });
  if (!b.tensor) return scaled(out, *a.tensor, 1 / b.number);
  if (!a.tensor) {
    record<Reciprocal>(out, *b.tensor);
    return out;
  }
  record<Divide>(out, *a.tensor, *b.tensor);
  return out;
}

Tensor operator-(const Operand& x) {
  if (!x.tensor) fail("negate", x.where, "a tensor is needed");
  check_exists(*x.tensor, x.where);
  Tensor out = result_of("negate", x.tensor->shape(), x.where);
  kernels::map(x.tensor->data(), out.size(), out.mutable_data(), [](Scalar v) { return -v; });
  return scaled(out, *x.tensor, -1);
}

}  // namespace gradus
