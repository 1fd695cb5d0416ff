// Values that are overwritten, gradients that are shared, cycles that are tried: none of them may
// give a wrong number or keep memory.

#include "plain.h"

#include <doctest/doctest.h>
#include <gradus/gradus.h>

#include <thread>
#include <utility>

using namespace gradus;
using plain::array_of;

namespace {

using Values = std::vector<double>;

Values of(const Tensor& x) {
  return array_of(x).values;
}

void overwrite(Tensor x, Scalar value) {
  for (Scalar& v : x.mutable_values()) v = value;
}

struct Harmless {
  const char* name;
  Tensor (*compute)(const Tensor& x, const Tensor& c);
};

// The gradient of x is told by the result, by c, or by nothing: x itself may be overwritten.
const Harmless input_not_needed[] = {
    {"x + 1", [](const Tensor& x, const Tensor&) { return x + 1; }},
    {"1 - x", [](const Tensor& x, const Tensor&) { return 1 - x; }},
    {"x * 3", [](const Tensor& x, const Tensor&) { return x * 3; }},
    {"3 * x", [](const Tensor& x, const Tensor&) { return 3 * x; }},
    {"x / 3", [](const Tensor& x, const Tensor&) { return x / 3; }},
    {"-x", [](const Tensor& x, const Tensor&) { return -x; }},
    {"x + c", [](const Tensor& x, const Tensor& c) { return x + c; }},
    {"c - x", [](const Tensor& x, const Tensor& c) { return c - x; }},
    {"x * c", [](const Tensor& x, const Tensor& c) { return x * c; }},
    {"c * x", [](const Tensor& x, const Tensor& c) { return c * x; }},
    {"x / c", [](const Tensor& x, const Tensor& c) { return x / c; }},
    {"exp", [](const Tensor& x, const Tensor&) { return exp(x); }},
    {"sqrt", [](const Tensor& x, const Tensor&) { return sqrt(x); }},
    {"tanh", [](const Tensor& x, const Tensor&) { return tanh(x); }},
    {"sigmoid", [](const Tensor& x, const Tensor&) { return sigmoid(x); }},
    {"relu", [](const Tensor& x, const Tensor&) { return relu(x); }},
    {"softmax", [](const Tensor& x, const Tensor&) { return softmax(x); }},
    {"log_softmax", [](const Tensor& x, const Tensor&) { return log_softmax(x); }},
    {"sum", [](const Tensor& x, const Tensor&) { return sum(x, 0); }},
    {"mean", [](const Tensor& x, const Tensor&) { return mean(x); }},
    {"reshape", [](const Tensor& x, const Tensor&) { return reshape(x, {4}); }},
    {"permute",
     [](const Tensor& x, const Tensor&) {
       return permute(x, {1, 0});
     }},
    {"slice", [](const Tensor& x, const Tensor&) { return slice(x, 0, 1, 2); }},
    {"concatenate",
     [](const Tensor& x, const Tensor& c) {
       return concatenate({c, x}, 0);
     }},
    {"matmul", [](const Tensor& x, const Tensor& c) { return matmul(x, c); }},
    {"embedding",
     [](const Tensor& x, const Tensor&) {
       return embedding(x, {1, 0, 1});
     }},
    {"dropout",
     [](const Tensor& x, const Tensor&) {
       Random random(1);
       return dropout(x, 0.5, random);
     }},
};

}  // namespace

TEST_CASE("an input that no gradient needs may be overwritten") {
  for (const Harmless& f : input_not_needed) {
    INFO(std::string(f.name));
    Tensor gradients[2];
    for (const bool overwritten : {false, true}) {
      const Tensor x = Tensor::matrix({{1, 2}, {3, 5}}).requires_grad(true);
      const Tensor c = Tensor::matrix({{2, 7}, {1, 4}});
      const Tensor y = f.compute(x, c);
      if (overwritten) overwrite(x, 100);
      y.backward(plain::tensor_of(plain::random(plain::sizes_of(y), 1)));
      gradients[overwritten] = x.grad();
    }
    CHECK(of(gradients[0]) == of(gradients[1]));
  }
}

TEST_CASE("a value that a gradient needs must not be overwritten: which, and who used it") {
  Tensor x = Tensor::vector({1, 2}).requires_grad(true).named("x");
  const Tensor y = log(x);
  const std::string used = to_string(y.where());
  x.mutable_values()[0] = 5;
  REFUSED("backward", "the values of x [2] were changed after log at " + used + " used them",
          y.backward(x.detach()));
  CHECK_FALSE(x.has_grad());  // refused before anything was done
  Tensor z = exp(x).named("z");
  const std::string made = to_string(z.where());
  z.mutable_values()[1] = 5;
  REFUSED("backward", "the values of z [2] were changed after exp at " + made + " computed them",
          z.backward(x.detach()));
  Tensor again =
      x.detach().requires_grad(true).named("again");  // whose values nobody has written yet
  const Tensor square = again * again;
  again.mutable_values()[0] = 7;
  const std::string times = to_string(square.where());
  REFUSED("backward",
          "the values of again [2] were changed after multiply at " + times + " used them",
          sum(square).backward());
}

TEST_CASE("overwriting a detached or reshaped tensor is not seen by the graph") {
  const Tensor x = Tensor::vector({1, 2}).requires_grad(true);
  const Tensor y = x * x;
  overwrite(x.detach(), 100);
  overwrite(reshape(x, {2, 1}), 100);
  overwrite(y.detach(), 100);
  sum(y).backward();
  CHECK(of(x.grad()) == Values{2, 4});
}

TEST_CASE("what is given to add_grad stays the caller's") {
  const Tensor a = Tensor::vector({0, 0}).requires_grad(true);
  const Tensor b = Tensor::vector({0, 0}).requires_grad(true);
  const Tensor g = Tensor::vector({1, 2});
  a.add_grad(g);
  b.add_grad(g);
  a.add_grad(g);
  CHECK(of(a.grad()) == Values{2, 4});
  CHECK(of(b.grad()) == Values{1, 2});
  CHECK(of(g) == Values{1, 2});
  overwrite(g, 77);
  overwrite(a.grad(), 5);
  CHECK(of(b.grad()) == Values{1, 2});
  const Tensor wants_none = Tensor::vector({0, 0});
  wants_none.add_grad(g);
  CHECK_FALSE(wants_none.has_grad());
}

TEST_CASE("a gradient that was looked at may be given to another tensor and then be overwritten") {
  Tensor a = Tensor::vector({1, 2}).requires_grad(true);
  Tensor b = Tensor::vector({3, 4}).requires_grad(true);
  sum(a * a).backward();
  Tensor gradient = a.grad();
  b.add_grad(gradient);
  gradient.mutable_values()[0] = 9;
  CHECK(b.grad().at({0}) == 2);
  CHECK(a.grad().at({0}) == 9);
}

TEST_CASE("a gradient that somebody holds stays as it was when more is added") {
  const Tensor x = Tensor::vector({1, 2}).requires_grad(true);
  sum(x * x).backward();
  const Tensor held = x.grad();
  sum(x * x).backward();
  CHECK(of(held) == Values{2, 4});
  CHECK(of(x.grad()) == Values{4, 8});
}

TEST_CASE("a gradient that came from one operation belongs to each tensor by itself") {
  const Tensor a = Tensor::vector({1, 2}).requires_grad(true);
  const Tensor b = Tensor::vector({3, 4}).requires_grad(true);
  const Tensor seed = Tensor::vector({5, 6});
  const Tensor y = (a + b) + 1;
  y.backward(seed);
  overwrite(a.grad(), 77);
  overwrite(seed, 78);
  overwrite(y.grad(), 79);
  CHECK(of(b.grad()) == Values{5, 6});
  b.backward(seed);
  overwrite(seed, 80);
  CHECK(of(b.grad()) == Values{83, 84});
}

TEST_CASE("a seed that is the result itself, a gradient that was computed from its tensor") {
  const Index before = live_nodes();
  {
    const Tensor x = Tensor::vector({2, 3}).requires_grad(true);
    const Tensor y = x * x;
    y.backward(y);
    CHECK(of(x.grad()) == Values{16, 54});
    const Tensor w = Tensor::vector({1, 2}).requires_grad(true);
    w.add_grad(w * Scalar(0.5));
    w.add_grad(w);
    CHECK(of(w.grad()) == Values{1.5, 3});
    const Tensor own = Tensor::vector({1, 2}).requires_grad(true);
    own.backward(own);
    own.add_grad(own.grad());
    CHECK(of(own.grad()) == Values{2, 4});
    CHECK_FALSE(own.grad().requires_grad());
  }
  CHECK(live_nodes() == before);
}

TEST_CASE("a temporary may be asked for its shape, its gradient and its name") {
  const Tensor y = Tensor::vector({1, 2});
  const Shape& shape = (y * 2).shape();
  CHECK(shape == Shape{2});
  const Tensor& named = (y * 2).named("t");
  CHECK(named.label() == std::string("t"));
  CHECK(of(named) == Values{2, 4});
  const auto leaf = [] {
    const Tensor x = Tensor::vector({1, 2}).requires_grad(true);
    sum(x * 3).backward();
    return x;
  };
  const Tensor& gradient = leaf().grad();
  CHECK(of(gradient) == Values{3, 3});
}

TEST_CASE("tensors that were made on another thread are counted and freed as any other") {
  const Index before = live_nodes();
  const Index values = live_values();
  for (int i = 0; i < 20; ++i) {
    Tensor made;
    std::thread([&] { made = Tensor::zeros({1000}) + 1; }).join();
    CHECK(made.at({999}) == 1);
    CHECK(live_values() >= values);
    Tensor given = Tensor::zeros({1000});
    std::thread([moved = std::move(given)]() mutable { moved = Tensor(); }).join();
  }
  CHECK(live_nodes() == before);
  CHECK(live_values() == values);
}

TEST_CASE("a tensor too large for this machine is an error with a line, not the end") {
  const Index most = Index(1) << 46;
  REFUSED("tensor",
          "there is no memory for the " + std::to_string(most) + " values of [" +
              std::to_string(most) + "]",
          Tensor::zeros({most}));
  const Index half = Index(1) << 31;
  CHECK_THROWS_AS(broadcast(Shape{half, 1}, Shape{1, half}), Error);
}
