#include <gradus/operation.h>
#include <gradus/operations.h>

#include "../kernels/elementwise.h"

#include <algorithm>

namespace gradus {

namespace {

void check(const char* name, const Tensor& x, const Mask& mask, Where where) {
  check_exists(x, where);
  if (x.rank() != 3) fail(name, where, "[B, T, D] is needed, not ", describe(x));
  if (mask.is_causal())
    fail(name, where, "a causal mask hides from each position what comes later; a text has none");
  mask.check({x.shape()[0], 1, 1, x.shape()[1]}, x, name, where);
}

// The largest of each column of x [t, d] where the mask lets position i of text b be seen, and
// where it stands: -1 if nothing may be seen.
void choose(const Scalar* x, Index t, Index d, const Mask& mask, Index b, Scalar* y, int* best) {
  std::fill_n(y, d, Scalar(0));
  for (Index i = 0; i < t; ++i, x += d) {
    if (!mask.allows(b, 0, 0, i)) continue;
    for (Index j = 0; j < d; ++j)
      if (best[j] < 0 || kernels::larger(x[j], y[j])) {
        y[j] = x[j];
        best[j] = static_cast<int>(i);
      }
  }
}

// y[b, j] = x[b, chosen, j]: the gradient goes where the maximum came from.
struct MaxPooling {
  Tensor x;
  std::vector<int> chosen;

  void backward(const Tensor& dy) const {
    const Index t = x.shape()[1], d = x.shape()[2];
    const Scalar* largest = dy.data();
    Tensor dx = gradient_for(x);
    Scalar* values = dx.mutable_data();
    kernels::parallel_for(x.shape()[0], 1, [&](Index begin, Index end) {
      std::fill(values + begin * t * d, values + end * t * d, Scalar(0));
      for (Index i = begin * d; i < end * d; ++i) {
        const int position = chosen[static_cast<std::size_t>(i)];
        if (position >= 0) values[(i / d * t + position) * d + i % d] = largest[i];
      }
    });
    x.add_grad(dx);
  }
};

// y[b] = the sum of the allowed x[b, i] / count, so each of them receives dy[b] / count.
struct MeanPooling {
  Tensor x;
  Mask mask;
  std::vector<Scalar> counts;  // how many positions of each text are seen

  void backward(const Tensor& dy) const {
    const Index t = x.shape()[1], d = x.shape()[2];
    Tensor dx = Tensor::zeros(x.shape(), x.where());
    Scalar* row = dx.mutable_data();
    for (Index i = 0; i < x.shape()[0] * t; ++i, row += d)
      for (Index j = 0; j < d && mask.allows(i / t, 0, 0, i % t); ++j)
        row[j] = dy.data()[i / t * d + j] / counts[static_cast<std::size_t>(i / t)];
    x.add_grad(dx);
  }
};

}  // namespace

Tensor max_pooling(const Tensor& x, const Mask& mask, Where where) {
  check("max_pooling", x, mask, where);
  const Index t = x.shape()[1], d = x.shape()[2];
  Tensor y = result_of("max_pooling", x.shape().without(1), where);
  Scalar* largest = y.mutable_data();
  std::vector<int> chosen(static_cast<std::size_t>(y.size()), -1);
  kernels::parallel_for(x.shape()[0], 1, [&](Index begin, Index end) {
    for (Index b = begin; b < end; ++b)
      choose(x.data() + b * t * d, t, d, mask, b, largest + b * d, chosen.data() + b * d);
  });
  return record(y, {{x, false}}, MaxPooling{x, std::move(chosen)});
}

Tensor mean_pooling(const Tensor& x, const Mask& mask, Where where) {
  check("mean_pooling", x, mask, where);
  const Index t = x.shape()[1], d = x.shape()[2];
  Tensor y = result_of("mean_pooling", x.shape().without(1), where);
  Scalar* mean = y.mutable_data();
  std::fill_n(mean, y.size(), Scalar(0));
  std::vector<Scalar> counts;
  for (Index b = 0; b < x.shape()[0]; ++b, mean += d) {
    counts.push_back(0);
    for (Index i = 0; i < t; ++i) {
      if (!mask.allows(b, 0, 0, i)) continue;
      ++counts.back();
      for (Index j = 0; j < d; ++j) mean[j] += x.data()[(b * t + i) * d + j];
    }
    for (Index j = 0; j < d && counts.back() > 0; ++j) mean[j] /= counts.back();
  }
  return record(y, {{x, false}}, MeanPooling{x, mask, std::move(counts)});
}

}  // namespace gradus
