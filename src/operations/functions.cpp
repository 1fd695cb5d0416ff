// Functions of a single value. Each is a struct with the value y of the function at x, and the
// gradient dx that comes of a gradient dy of y.

#include <gradus/operation.h>
#include <gradus/operations.h>

#include "../kernels/elementwise.h"
#include "../kernels/math.h"

#include <cmath>

namespace gradus {

namespace {

template <class F>
struct Function {
  F f;
  Tensor x;

  void backward(const Tensor& y, const Tensor& dy) const {
    Tensor dx = gradient_for(x);
    const auto slope = [f = f](Scalar d, Scalar v, Scalar result) {
      return f.gradient(d, v, result);
    };
    kernels::map(x.size(), dx.mutable_data(), slope, dy.data(), x.data(), y.data());
    x.add_grad(dx);
  }
};

// f(x) for every value. `reads_x`: whether the gradient does, or makes do with y.
template <class F>
Tensor apply(F f, const char* name, const Tensor& x, bool reads_x, const Where& where) {
  check_exists(x, where);
  Tensor y = result_of(name, x.shape(), where);
  const auto value = [f](Scalar v) { return f.value(v); };
  kernels::map(x.size(), y.mutable_data(), value, x.data());
  return record(y, {{x, reads_x}}, Function<F>{f, x});
}

struct Exp {  // (e^x)' = e^x
  Scalar value(Scalar x) const { return kernels::exp_one(x); }
  Scalar gradient(Scalar dy, Scalar, Scalar y) const { return dy * y; }
};

struct Log {  // (log x)' = 1/x
  Scalar value(Scalar x) const { return kernels::log_one(x); }
  Scalar gradient(Scalar dy, Scalar x, Scalar) const { return dy / x; }
};

struct Sqrt {  // (√x)' = 1 / (2 √x)
  Scalar value(Scalar x) const { return std::sqrt(x); }
  Scalar gradient(Scalar dy, Scalar, Scalar y) const { return dy / (2 * y); }
};

struct Tanh {  // tanh' = 1 - tanh²
  Scalar value(Scalar x) const { return kernels::tanh_one(x); }
  Scalar gradient(Scalar dy, Scalar, Scalar y) const { return dy * (1 - y * y); }
};

struct Sigmoid {  // σ' = σ (1 - σ)
  Scalar value(Scalar x) const { return kernels::sigmoid_one(x); }
  Scalar gradient(Scalar dy, Scalar, Scalar y) const { return dy * y * (1 - y); }
};

struct Relu {  // written so that what is not a number stays so
  Scalar value(Scalar x) const { return x < 0 ? 0 : x; }
  Scalar gradient(Scalar dy, Scalar, Scalar y) const { return y <= 0 ? 0 : dy; }
};

struct Gelu {  // x Φ(x), where Φ(x) is the share of a normal distribution that lies below x
  Scalar value(Scalar x) const { return kernels::gelu_one(x); }
  Scalar gradient(Scalar dy, Scalar x, Scalar) const { return dy * kernels::gelu_slope(x); }
};

struct Pow {  // (x^n)' = n x^(n-1)
  Scalar n;
  Scalar value(Scalar x) const { return kernels::power_one(x, n); }
  Scalar gradient(Scalar dy, Scalar x, Scalar) const {
    return n == 0 ? 0 : dy * n * kernels::power_one(x, n - 1);
  }
};

}  // namespace

Tensor exp(const Tensor& x, Where where) {
  return apply(Exp{}, "exp", x, false, where);
}
Tensor log(const Tensor& x, Where where) {
  return apply(Log{}, "log", x, true, where);
}
Tensor sqrt(const Tensor& x, Where where) {
  return apply(Sqrt{}, "sqrt", x, false, where);
}
Tensor tanh(const Tensor& x, Where where) {
  return apply(Tanh{}, "tanh", x, false, where);
}
Tensor sigmoid(const Tensor& x, Where where) {
  return apply(Sigmoid{}, "sigmoid", x, false, where);
}
Tensor relu(const Tensor& x, Where where) {
  return apply(Relu{}, "relu", x, false, where);
}
Tensor gelu(const Tensor& x, Where where) {
  return apply(Gelu{}, "gelu", x, true, where);
}

Tensor pow(const Tensor& x, Scalar n, Where where) {
  if (!std::isfinite(n)) fail("pow", where, "the exponent must be a number");
  return apply(Pow{n}, "pow", x, true, where);
}

}  // namespace gradus
