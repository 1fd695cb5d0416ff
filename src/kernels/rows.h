// Loops along the rows of a matrix: sums, maxima, softmax, layer normalisation.
//
// A sum in floating point depends on its order. Ours is fixed: sixteen partial sums, number i into
// partial sum i mod 16, then the sixteen in pairs. It does not depend on how many numbers the
// machine adds at once, and it is one that compilers can turn into vector code.
#pragma once

#include <gradus/scalar.h>

namespace gradus::kernels {

Scalar sum(const Scalar* x, Index count);
Scalar largest(const Scalar* x, Index count);
Scalar dot(const Scalar* x, const Scalar* y, Index count);

// to[j] = the sum of column j of x (rows × columns).
void column_sum(const Scalar* x, Index rows, Index columns, Scalar* to);

// Along each row: y = e^(x - max) / sum, and dx = y (dy - Σ dy y).
void softmax(const Scalar* x, Index rows, Index columns, Scalar* y);
void softmax_backward(const Scalar* y, const Scalar* dy, Index rows, Index columns, Scalar* dx);

// Softmax over the columns where allowed != 0; zero elsewhere, and everywhere if there are none.
// y may be x.
void masked_softmax(const Scalar* x, const std::uint8_t* allowed, Index rows, Index columns,
                    Scalar* y);

// Of each row, max and log Σ e^(x - max).
void log_sums(const Scalar* x, Index rows, Index columns, Scalar* most, Scalar* log_total);

// y = x - max - log Σ e^(x - max), and dx = dy - e^y Σ dy.
void log_softmax(const Scalar* x, Index rows, Index columns, Scalar* y);
void log_softmax_backward(const Scalar* y, const Scalar* dy, Index rows, Index columns, Scalar* dx);

// y = gamma (x - mean) scale + beta with scale = 1 / sqrt(variance + epsilon); mean and scale of
// each row are kept for the gradient.
void layer_norm(const Scalar* x, const Scalar* gamma, const Scalar* beta, Scalar epsilon,
                Index rows, Index columns, Scalar* y, Scalar* mean, Scalar* scale);
void layer_norm_backward(const Scalar* x, const Scalar* gamma, const Scalar* mean,
                         const Scalar* scale, const Scalar* dy, Index rows, Index columns,
                         Scalar* dx, Scalar* dgamma, Scalar* dbeta);

}  // namespace gradus::kernels
