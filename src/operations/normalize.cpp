#include <gradus/operation.h>
#include <gradus/operations.h>

#include "../kernels/rows.h"

#include <cmath>

namespace gradus {

namespace {

// (The formulas stand with the kernel, in rows.cpp.)
struct Normalize {
  Tensor x, gamma, beta;
  Buffer mean, scale;  // of each row; scale = 1 / sqrt(variance + epsilon)

  void backward(const Tensor& dy) const {
    const Index columns = gamma.size();
    Tensor dx = gradient_for(x), dgamma = gradient_for(gamma), dbeta = gradient_for(beta);
    kernels::layer_norm_backward(x.data(), gamma.data(), mean.data(), scale.data(), dy.data(),
                                 x.size() / columns, columns, dx.mutable_data(),
                                 dgamma.mutable_data(), dbeta.mutable_data());
    x.add_grad(dx);
    gamma.add_grad(dgamma);
    beta.add_grad(dbeta);
  }
};

}  // namespace

Tensor layer_norm(const Tensor& x, const Tensor& gamma, const Tensor& beta, Scalar epsilon,
                  Where where) {
  for (const Tensor* given : {&x, &gamma, &beta}) check_exists(*given, where);
  if (x.rank() < 1) fail("layer_norm", where, "at least one axis is needed");
  const Index columns = x.shape()[-1];
  if (gamma.shape() != Shape{columns} || beta.shape() != Shape{columns})
    fail("layer_norm", where, "gamma and beta must have shape [", columns, "] for ", describe(x),
         ", not ", describe(gamma), " and ", describe(beta));
  if (!(epsilon >= 0) || std::isinf(epsilon))
    fail("layer_norm", where, "epsilon must be a number of at least 0");
  const Index rows = x.size() / columns;
  Tensor y = result_of("layer_norm", x.shape(), where);
  const Buffer mean(rows), scale(rows);
  kernels::layer_norm(x.data(), gamma.data(), beta.data(), epsilon, rows, columns, y.mutable_data(),
                      mean.data(), scale.data());
  return record(y, {x, gamma, {beta, false}}, Normalize{x, gamma, beta, mean, scale});
}

}  // namespace gradus
