#include <gradus/normalize.h>
#include <gradus/operation.h>

#include "../kernels/rows.h"

namespace gradus {

namespace {

struct LayerNormalization : Operation {
  Buffer mean;   // of each row
  Buffer scale;  // 1 / sqrt(variance + epsilon) of each row

  void backward(const Tensor& out) override {
    const Tensor& x = inputs[0];
    const Tensor& gamma = inputs[1];
    const Tensor& beta = inputs[2];
    const Index columns = x.shape()[-1];
    // With n = (x - mean) scale and y = gamma n + beta:
    //   dgamma = Σ dy n, dbeta = Σ dy over the rows;
    //   dx = scale (dn - mean(dn) - n mean(dn n)) with dn = dy gamma, within each row.
    Tensor dx = result_of("layer_norm gradient", x.shape(), x.where());
    Tensor dgamma = result_of("layer_norm gradient", gamma.shape(), gamma.where());
    Tensor dbeta = result_of("layer_norm gradient", beta.shape(), beta.where());
    kernels::layer_norm_backward(x.data(), gamma.data(), mean.data(), scale.data(),
                                 out.grad().data(), x.size() / columns, columns, dx.mutable_data(),
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
    fail("layer_norm", where,
         "gamma and beta must have shape [" + std::to_string(columns) + "] for " + describe(x) +
             ", not " + describe(gamma) + " and " + describe(beta));
  if (!(epsilon >= 0)) fail("layer_norm", where, "epsilon must be a number of at least 0");
  const Index rows = x.size() / columns;
  const Buffer mean(rows);
  const Buffer scale(rows);
  Tensor out = result_of("layer_norm", x.shape(), where);
  kernels::layer_norm(x.data(), gamma.data(), beta.data(), epsilon, rows, columns,
                      out.mutable_data(), mean.data(), scale.data());
  if (auto* op = record<LayerNormalization>(out, x, gamma, beta)) {
    op->mean = mean;
    op->scale = scale;
  }
  return out;
}

}  // namespace gradus
