#include <gradus/operation.h>
#include <gradus/operations.h>

#include "../kernels/rows.h"

namespace gradus {

namespace {

// Of softmax and masked_softmax (where y is zero, so is dx), and of log_softmax.
struct Softmax {
  Tensor x;
  decltype(kernels::softmax_backward)* gradient;

  void backward(const Tensor& y, const Tensor& dy) const {
    const Index columns = x.shape()[-1];
    Tensor dx = gradient_for(x);
    gradient(y.data(), dy.data(), x.size() / columns, columns, dx.mutable_data());
    x.add_grad(dx);
  }
};

// The kernel's result for the rows along `axis`, which is moved to the end and back for that.
Tensor along(const char* name, const Tensor& x, int axis, const Where& where,
             decltype(kernels::softmax)* kernel, decltype(kernels::softmax_backward)* gradient) {
  if (checked_axis(x, axis, name, where) != x.rank() - 1) {
    const Tensor moved = transpose(x, axis, -1, where);
    return transpose(along(name, moved, -1, where, kernel, gradient), axis, -1, where);
  }
  const Index columns = x.shape()[-1];
  Tensor y = result_of(name, x.shape(), where);
  kernel(x.data(), x.size() / columns, columns, y.mutable_data());
  return record(y, {{x, false}}, Softmax{x, gradient});
}

}  // namespace

// y = e^x / Σ e^x, so dx = y (dy - Σ dy y), row by row.
Tensor softmax(const Tensor& x, int axis, Where where) {
  return along("softmax", x, axis, where, kernels::softmax, kernels::softmax_backward);
}

// y = x - log Σ e^x, so dx = dy - softmax(x) Σ dy, and softmax(x) = e^y.
Tensor log_softmax(const Tensor& x, int axis, Where where) {
  return along("log_softmax", x, axis, where, kernels::log_softmax, kernels::log_softmax_backward);
}

Tensor masked_softmax(const Tensor& scores, const Mask& mask, Where where) {
  const Shape& s = scores.shape(where);
  if (s.rank() < 2 || s.rank() > 4)
    fail("masked_softmax", where, "[Tq, Tk], [B, Tq, Tk] or [B, H, Tq, Tk] is needed, not ",
         describe(scores));
  const Index batch = s.rank() > 2 ? s[0] : 1;
  const Index heads = s.rank() > 3 ? s[1] : 1;
  mask.check({batch, heads, s[-2], s[-1]}, scores, "masked_softmax", where);
  Tensor y = result_of("masked_softmax", s, where);
  std::vector<std::uint8_t> allowed;
  allowed.reserve(static_cast<std::size_t>(s.size()));
  for (Index b = 0; b < batch; ++b)
    for (Index h = 0; h < heads; ++h)
      for (Index i = 0; i < s[-2]; ++i)
        for (Index j = 0; j < s[-1]; ++j) allowed.push_back(mask.allows(b, h, i, j, s[-1] - s[-2]));
  kernels::masked_softmax(scores.data(), allowed.data(), s.size() / s[-1], s[-1], y.mutable_data());
  return record(y, {{scores, false}}, Softmax{scores, kernels::softmax_backward});
}

}  // namespace gradus
