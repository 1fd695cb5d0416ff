// Arithmetic on every value of a tensor.
//
// Two tensors of different shapes are combined by broadcasting: see broadcast() in shape.h. The
// gradient of a value that was used many times is the sum over all its uses.
#pragma once

#include <gradus/tensor.h>

namespace gradus {

// One side of an operator: a tensor or a number. It exists because an operator cannot have a
// further argument to say where it was called; this conversion can.
struct Operand {
  Operand(const Tensor& x, Where from = here()) : tensor(&x), where(from) {}
  Operand(Scalar x, Where from = here()) : number(x), where(from) {}

  const Tensor* tensor = nullptr;  // null for a number
  Scalar number = 0;
  Where where;
};

// Errors: shapes that do not broadcast.
Tensor operator+(const Operand& a, const Operand& b);
Tensor operator-(const Operand& a, const Operand& b);
Tensor operator*(const Operand& a, const Operand& b);
Tensor operator/(const Operand& a, const Operand& b);
Tensor operator-(const Operand& x);

Tensor pow(const Tensor& x, Scalar exponent, Where where = here());
Tensor sqrt(const Tensor& x, Where where = here());
Tensor exp(const Tensor& x, Where where = here());
Tensor log(const Tensor& x, Where where = here());
Tensor tanh(const Tensor& x, Where where = here());
Tensor sigmoid(const Tensor& x, Where where = here());  // 1 / (1 + e^-x)
Tensor relu(const Tensor& x, Where where = here());     // max(x, 0); its gradient at 0 is 0
// x Φ(x) with the normal distribution's Φ (Hendrycks and Gimpel 2016, "Gaussian Error Linear
// Units", section 2); exact, as Keras' default.
Tensor gelu(const Tensor& x, Where where = here());

}  // namespace gradus
