#include <gradus/operation.h>
#include <gradus/operations.h>

#include "../kernels/dropping.h"
#include "../kernels/elementwise.h"

namespace gradus {

namespace {

// y = x / (1 - rate) where x is kept, else 0 (also where x is no number).
void drop(const Scalar* x, Index count, kernels::Dropping dropping, Scalar* y) {
  kernels::each(count, [=](Index i) {
    const Scalar factor = dropping.factor(i);
    y[i] = factor != 0 ? x[i] * factor : 0;
  });
}

struct Dropout {
  Tensor x;
  kernels::Dropping dropping;
  void backward(const Tensor& dy) const {
    Tensor dx = gradient_for(x);
    drop(dy.data(), x.size(), dropping, dx.mutable_data());
    x.add_grad(dx);
  }
};

}  // namespace

Tensor dropout(const Tensor& x, Scalar rate, Random& random, Where where) {
  check_exists(x, where);
  if (!(rate >= 0 && rate < 1))
    fail("dropout", where, "the rate must be at least 0 and below 1, not ", rate);
  const kernels::Dropping dropping{rate, random.next()};
  Tensor y = result_of("dropout", x.shape(), where);
  drop(x.data(), x.size(), dropping, y.mutable_data());
  return record(y, {{x, false}}, Dropout{x, dropping});
}

}  // namespace gradus
