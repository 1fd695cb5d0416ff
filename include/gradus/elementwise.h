// Arithmetic on every value of a tensor.
//
// Two tensors of different shapes are combined by broadcasting: see broadcast() in shape.h. The
// gradient of a value that was used many times is the sum over all its uses.
#pragma once

#include <gradus/tensor.h>

#include <concepts>

namespace gradus {

template <class T>
concept Number = std::integral<T> || std::floating_point<T>;

// One side of an operator: a tensor, or a number.
struct Side {
  Tensor tensor;  // none for a number
  Scalar number = 0;
};

// A side, and the line where the operator stands. It exists because an operator cannot have a
// further argument to say where it was called; this conversion can.
struct Operand : Side {
  Operand(const Tensor& x, Where from = here()) : Side{x}, where(from) { x.shape(from); }
  Operand(const Side& side, Where from = here()) : Side(side), where(from) {}
  template <Number N>
  Operand(N x, Where from = here()) : Side{{}, static_cast<Scalar>(x)}, where(from) {}
  Where where;
};

// Errors: shapes that do not broadcast, two numbers.
Tensor operator+(const Operand& a, const Operand& b);
Tensor operator-(const Operand& a, const Operand& b);
Tensor operator*(const Operand& a, const Operand& b);
Tensor operator/(const Operand& a, const Operand& b);
Tensor operator-(const Operand& x);
// a = a + b, a new tensor: whoever holds the old one keeps it.
Tensor& operator+=(Tensor& a, const Operand& b);

// x^n: for whole n by repeated multiplication, otherwise e^(n log x). Errors: n is not finite.
Tensor pow(const Tensor& x, Scalar n, Where where = here());
Tensor sqrt(const Tensor& x, Where where = here());
Tensor exp(const Tensor& x, Where where = here());
Tensor log(const Tensor& x, Where where = here());
Tensor tanh(const Tensor& x, Where where = here());
Tensor sigmoid(const Tensor& x, Where where = here());  // 1 / (1 + e^-x)
// max(x, 0). Its gradient at 0 is 0; where x is not a number, it lets through what comes in.
Tensor relu(const Tensor& x, Where where = here());
// x Φ(x) with the normal distribution's Φ (Hendrycks and Gimpel 2016, "Gaussian Error Linear
// Units", section 2); exact, as Keras' default.
Tensor gelu(const Tensor& x, Where where = here());

}  // namespace gradus
