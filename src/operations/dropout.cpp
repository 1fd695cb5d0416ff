#include <gradus/dropout.h>
#include <gradus/operation.h>

#include "../kernels/threads.h"

namespace gradus {

namespace {

// y = x / (1 - rate) where the random number for that position is at least the rate, else 0.
// Value i has its own random number, so forward and backward need not store which ones fell.
void drop(const Scalar* x, Index count, Scalar rate, std::uint64_t seed, Scalar* y) {
  const Scalar scale = 1 / (1 - rate);
  // The smallest of 2^32 equally likely numbers that is kept.
  const auto kept_from = static_cast<std::uint64_t>(static_cast<double>(rate) * 4294967296.0);
  kernels::parallel_for(count, 32768, [=](Index begin, Index end) {
    for (Index i = begin; i < end; ++i) {
      const std::uint64_t bits = random_bits(seed, static_cast<std::uint64_t>(i)) >> 32;
      y[i] = bits >= kept_from ? x[i] * scale : 0;
    }
  });
}

struct Dropout {
  Tensor x;
  Scalar rate;
  std::uint64_t seed;
  void backward(const Tensor& dy) const {
    Tensor dx = gradient_for(x);
    drop(dy.data(), x.size(), rate, seed, dx.mutable_data());
    x.add_grad(dx);
  }
};

}  // namespace

Tensor dropout(const Tensor& x, Scalar rate, Random& random, Where where) {
  check_exists(x, where);
  if (!(rate >= 0 && rate < 1))
    fail("dropout", where, "the rate must be at least 0 and below 1, not " + std::to_string(rate));
  const std::uint64_t seed = random.next();
  Tensor y = result_of("dropout", x.shape(), where);
  drop(x.data(), x.size(), rate, seed, y.mutable_data());
  return record(y, {{x, false}}, Dropout{x, rate, seed});
}

}  // namespace gradus
