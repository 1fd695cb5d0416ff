#include <gradus/elementwise.h>
#include <gradus/operation.h>

#include "../kernels/elementwise.h"
#include "../kernels/math.h"

#include <cmath>

namespace gradus {

namespace {

// y = f(x) for every value, as a new tensor.
template <class F>
Tensor mapped(const char* name, const Tensor& x, const Where& where, F f) {
  check_exists(x, where);
  Tensor out = result_of(name, x.shape(), where);
  kernels::map(x.data(), x.size(), out.mutable_data(), f);
  return out;
}

// dx = f(dy, v) for every value, where v are the values of x or of the result, as the derivative
// is more easily told.
template <class F>
void add_grad_to(const Tensor& x, const Tensor& out, const Tensor& known, F f) {
  Tensor dx = result_of("gradient", x.shape(), x.where());
  kernels::zip(out.grad().data(), known.data(), x.size(), dx.mutable_data(), f);
  x.add_grad(std::move(dx));
}

struct Exp : Operation {
  void backward(const Tensor& out) override {  // (e^x)' = e^x
    add_grad_to(inputs[0], out, out, [](Scalar dy, Scalar y) { return dy * y; });
  }
};

}  // namespace

Tensor exp(const Tensor& x, Where where) {
  Tensor out = mapped("exp", x, where, [](Scalar v) { return kernels::exp_one(v); });
  record<Exp>(out, x);
  return out;
}

namespace {

struct Log : Operation {
  void backward(const Tensor& out) override {  // (log x)' = 1/x
    add_grad_to(inputs[0], out, inputs[0], [](Scalar dy, Scalar x) { return dy / x; });
  }
};

}  // namespace

Tensor log(const Tensor& x, Where where) {
  Tensor out = mapped("log", x, where, [](Scalar v) { return kernels::log_one(v); });
  record<Log>(out, x);
  return out;
}

namespace {

struct Sqrt : Operation {
  void backward(const Tensor& out) override {  // (√x)' = 1 / (2 √x)
    add_grad_to(inputs[0], out, out, [](Scalar dy, Scalar y) { return dy / (2 * y); });
  }
};

}  // namespace

Tensor sqrt(const Tensor& x, Where where) {
  Tensor out = mapped("sqrt", x, where, [](Scalar v) { return std::sqrt(v); });
  record<Sqrt>(out, x);
  return out;
}

namespace {

// x^n: whole powers by repeated multiplication, others as e^(n log x).
Scalar power(Scalar x, Scalar n) {
  const bool whole = n == std::floor(n) && std::abs(n) <= 64;
  if (!whole) return x == 0 && n > 0 ? 0 : kernels::exp_one(n * kernels::log_one(x));
  Scalar result = 1;
  for (int i = 0; i < static_cast<int>(std::abs(n)); ++i) result *= x;
  return n < 0 ? 1 / result : result;
}

struct Pow : Operation {
  Scalar exponent = 1;

  void backward(const Tensor& out) override {  // (x^n)' = n x^(n-1)
    add_grad_to(inputs[0], out, inputs[0], [n = exponent](Scalar dy, Scalar x) {
      return n == 0 ? 0 : dy * n * power(x, n - 1);
    });
  }
};

}  // namespace

Tensor pow(const Tensor& x, Scalar exponent, Where where) {
  if (!std::isfinite(exponent)) fail("pow", where, "the exponent must be a number");
  Tensor out = mapped("pow", x, where, [exponent](Scalar v) { return power(v, exponent); });
  if (Pow* op = record<Pow>(out, x)) op->exponent = exponent;
  return out;
}

namespace {

struct Tanh : Operation {
  void backward(const Tensor& out) override {  // tanh' = 1 - tanh²
    add_grad_to(inputs[0], out, out, [](Scalar dy, Scalar y) { return dy * (1 - y * y); });
  }
};

}  // namespace

Tensor tanh(const Tensor& x, Where where) {
  Tensor out = mapped("tanh", x, where, [](Scalar v) { return kernels::tanh_one(v); });
  record<Tanh>(out, x);
  return out;
}

namespace {

struct Sigmoid : Operation {
  void backward(const Tensor& out) override {  // σ' = σ (1 - σ)
    add_grad_to(inputs[0], out, out, [](Scalar dy, Scalar y) { return dy * y * (1 - y); });
  }
};

}  // namespace

Tensor sigmoid(const Tensor& x, Where where) {
  Tensor out = mapped("sigmoid", x, where, [](Scalar v) { return kernels::sigmoid_one(v); });
  record<Sigmoid>(out, x);
  return out;
}

namespace {

struct Relu : Operation {
  void backward(const Tensor& out) override {  // 1 where x > 0, otherwise 0
    add_grad_to(inputs[0], out, out, [](Scalar dy, Scalar y) { return y > 0 ? dy : 0; });
  }
};

}  // namespace

Tensor relu(const Tensor& x, Where where) {
  // Written so that a value that is not a number stays one.
  Tensor out = mapped("relu", x, where, [](Scalar v) { return v < 0 ? 0 : v; });
  record<Relu>(out, x);
  return out;
}

namespace {

// Φ(x), the share of a normal distribution that lies below x.
Scalar normal_share(Scalar x) {
  return (1 + kernels::erf_one(x * Scalar(0.7071067811865476))) / 2;
}

struct Gelu : Operation {
  void backward(const Tensor& out) override {  // (x Φ(x))' = Φ(x) + x φ(x)
    add_grad_to(inputs[0], out, inputs[0], [](Scalar dy, Scalar x) {
      const Scalar density = Scalar(0.3989422804014327) * kernels::exp_one(-x * x / 2);
      return dy * (normal_share(x) + x * density);
    });
  }
};

}  // namespace

Tensor gelu(const Tensor& x, Where where) {
  Tensor out = mapped("gelu", x, where, [](Scalar v) { return v * normal_share(v); });
  record<Gelu>(out, x);
  return out;
}

}  // namespace gradus
