// Operations of one's own, written as operation.h says.

#include <doctest/doctest.h>
#include <gradus/operation.h>
#include <gradus/operations.h>

using namespace gradus;

namespace {

// An operation of one's own, with a tensor beside its input that belongs to a graph too.
struct Twice {
  Tensor x;
  Tensor beside;
  void backward(const Tensor& dy) const { x.add_grad(dy * 2); }
};

Tensor twice(const Tensor& x, const Tensor& beside, Where where = here()) {
  Tensor y = result_of("twice", x.shape(), where);
  for (Index i = 0; i < x.size(); ++i)
    y.mutable_values()[static_cast<std::size_t>(i)] = 2 * x.data()[i];
  return record(y, {x}, Twice{x, beside});
}

}  // namespace

TEST_CASE("a long chain of operations of one's own that hold tensors is freed") {
  const Index before = live_nodes();
  {
    const Tensor x = Tensor::scalar(1).requires_grad(true);
    Tensor y = x;
    for (int i = 0; i < 40000; ++i) {
      y = twice(y, y);
      if (i % 20 == 19) y = y * Scalar(0x1p-20);
    }
    y.backward();
    CHECK(x.grad().item() == 1);
  }
  CHECK(live_nodes() == before);
}

namespace {

struct Asks {
  bool* recorded;
  void backward(const Tensor&) const { *recorded = grad_enabled(); }
};

}  // namespace

TEST_CASE("nothing is recorded inside the gradient of an operation") {
  const Tensor x = Tensor::vector({1, 2}).requires_grad(true);
  bool recorded = true;
  const Tensor y = record(result_of("asks", x.shape(), here()), {x}, Asks{&recorded});
  y.backward(x.detach());
  CHECK_FALSE(recorded);
}
