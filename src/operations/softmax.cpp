#include <gradus/operation.h>
#include <gradus/operations.h>

#include "../kernels/rows.h"

namespace gradus {

namespace {

// f(x) with `axis` moved to the end, and back again afterwards.
template <class F>
Tensor along_last(const char* name, const Tensor& x, int axis, const Where& where, F f) {
  axis = checked_axis(x, axis, name, where);
  if (axis == x.rank() - 1) return f(x);
  return transpose(f(transpose(x, axis, -1, where)), axis, -1, where);
}

struct Softmax {
  Tensor x;
  void backward(const Tensor& y, const Tensor& dy) const {
    const Index columns = x.shape()[-1];
    // y = e^x / Σ e^x, so dx = y (dy - Σ dy y), row by row.
    Tensor dx = gradient_for(x);
    kernels::softmax_backward(y.data(), dy.data(), x.size() / columns, columns, dx.mutable_data());
    x.add_grad(dx);
  }
};

}  // namespace

Tensor softmax(const Tensor& x, int axis, Where where) {
  return along_last("softmax", x, axis, where, [&](const Tensor& rows) {
    const Index columns = rows.shape()[-1];
    Tensor y = result_of("softmax", rows.shape(), where);
    kernels::softmax(rows.data(), rows.size() / columns, columns, y.mutable_data());
    return record(y, {{rows, false}}, Softmax{rows});
  });
}

// The gradient of masked_softmax is that of softmax: where y is zero, so is dx.
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
  return record(y, {{scores, false}}, Softmax{scores});
}

namespace {

struct LogSoftmax {
  Tensor x;
  void backward(const Tensor& y, const Tensor& dy) const {
    const Index columns = x.shape()[-1];
    // y = x - log Σ e^x, so dx = dy - softmax(x) Σ dy, and softmax(x) = e^y.
    Tensor dx = gradient_for(x);
    kernels::log_softmax_backward(y.data(), dy.data(), x.size() / columns, columns,
                                  dx.mutable_data());
    x.add_grad(dx);
  }
};

}  // namespace

Tensor log_softmax(const Tensor& x, int axis, Where where) {
  return along_last("log_softmax", x, axis, where, [&](const Tensor& rows) {
    const Index columns = rows.shape()[-1];
    Tensor y = result_of("log_softmax", rows.shape(), where);
    kernels::log_softmax(rows.data(), rows.size() / columns, columns, y.mutable_data());
    return record(y, {{rows, false}}, LogSoftmax{rows});
  });
}

}  // namespace gradus
