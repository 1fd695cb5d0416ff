#include <gradus/operation.h>
#include <gradus/pooling.h>

#include "../kernels/threads.h"

#include <algorithm>

namespace gradus {

namespace {

void check(const char* name, const Tensor& x, const Mask& mask, Where where) {
  check_exists(x, where);
  if (x.rank() != 3) fail(name, where, "[B, T, D] is needed, not " + describe(x));
  mask.check({x.shape()[0], 1, 1, x.shape()[1]}, x, name, where);
}

struct MaxPooling : Operation {
  std::vector<int> chosen;  // [B, D]: the position of the maximum, -1 if nothing was allowed

  void backward(const Tensor& out) override {
    const Tensor& x = inputs[0];
    const Index t = x.shape()[1];
    const Index d = x.shape()[2];
    const Scalar* dy = out.grad().data();
    // y[b, j] = x[b, chosen, j]: the gradient goes where the maximum came from.
    Tensor dx = result_of("max_pooling gradient", x.shape(), x.where());
    Scalar* values = dx.mutable_data();
    kernels::parallel_for(x.shape()[0], 1, [&](Index begin, Index end) {
      std::fill(values + begin * t * d, values + end * t * d, Scalar(0));
      for (Index i = begin * d; i < end * d; ++i) {
        const int position = chosen[static_cast<std::size_t>(i)];
        if (position >= 0) values[(i / d * t + position) * d + i % d] = dy[i];
      }
    });
    x.add_grad(dx);
  }
};

}  // namespace

namespace {

// The largest of each column of x [t, d] where the mask lets position i of text b be seen, and
// where it stands.
void choose(const Scalar* x, Index t, Index d, const Mask& mask, Index b, Scalar* y, int* best) {
  std::fill_n(y, d, Scalar(0));
  for (Index i = 0; i < t; ++i, x += d) {
    if (!mask.allows(b, 0, 0, i)) continue;
    for (Index j = 0; j < d; ++j)
      if (best[j] < 0 || x[j] > y[j]) {
        y[j] = x[j];
        best[j] = static_cast<int>(i);
      }
  }
}

}  // namespace

Tensor max_pooling(const Tensor& x, const Mask& mask, Where where) {
  check("max_pooling", x, mask, where);
  const Index t = x.shape()[1];
  const Index d = x.shape()[2];
  Tensor out = result_of("max_pooling", x.shape().without(1), where);
  Scalar* y = out.mutable_data();
  std::vector<int> chosen(static_cast<std::size_t>(out.size()), -1);
  kernels::parallel_for(x.shape()[0], 1, [&](Index begin, Index end) {
    for (Index b = begin; b < end; ++b)
      choose(x.data() + b * t * d, t, d, mask, b, y + b * d, chosen.data() + b * d);
  });
  if (MaxPooling* op = record<MaxPooling>(out, x)) op->chosen = std::move(chosen);
  return out;
}

namespace {

struct MeanPooling : Operation {
  Mask mask;
  std::vector<Index> counts;  // [B]: how many positions were allowed

  void backward(const Tensor& out) override {
    const Tensor& x = inputs[0];
    const Index t = x.shape()[1];
    const Index d = x.shape()[2];
    const Scalar* dy = out.grad().data();
    // y[b] = the sum of the allowed x[b, i] / count, so each of them receives dy[b] / count.
    Tensor dx = Tensor::zeros(x.shape(), x.where());
    Scalar* values = dx.mutable_data();
    for (Index b = 0; b < x.shape()[0]; ++b)
      for (Index i = 0; i < t; ++i)
        for (Index j = 0; j < d && mask.allows(b, 0, 0, i); ++j)
          values[(b * t + i) * d + j] =
              dy[b * d + j] / static_cast<Scalar>(counts[static_cast<std::size_t>(b)]);
    x.add_grad(dx);
  }
};

}  // namespace

Tensor mean_pooling(const Tensor& x, const Mask& mask, Where where) {
  check("mean_pooling", x, mask, where);
  const Index t = x.shape()[1];
  const Index d = x.shape()[2];
  Tensor out = result_of("mean_pooling", x.shape().without(1), where);
  Scalar* y = out.mutable_data();
  std::vector<Index> counts;
  for (Index b = 0; b < x.shape()[0]; ++b, y += d) {
    Index count = 0;
    std::fill_n(y, d, Scalar(0));
    for (Index i = 0; i < t; ++i) {
      if (!mask.allows(b, 0, 0, i)) continue;
      ++count;
      const Scalar* row = x.data() + (b * t + i) * d;
      for (Index j = 0; j < d; ++j) y[j] += row[j];
    }
    for (Index j = 0; j < d && count > 0; ++j) y[j] /= static_cast<Scalar>(count);
    counts.push_back(count);
  }
  if (MeanPooling* op = record<MeanPooling>(out, x)) {
    op->mask = mask;
    op->counts = std::move(counts);
  }
  return out;
}

}  // namespace gradus
