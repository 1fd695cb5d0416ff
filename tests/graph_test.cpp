// The graph: what backward() does, once and again, and what it leaves behind.

#include "plain.h"

#include <doctest/doctest.h>
#include <gradus/operation.h>
#include <gradus/operations.h>

#include <algorithm>
#include <string>
#include <thread>

using namespace gradus;
using plain::array_of;

namespace {

using Values = std::vector<double>;

Values of(const Tensor& x) {
  return array_of(x).values;
}

Tensor leaf(std::initializer_list<Scalar> values) {
  return Tensor::vector(values).requires_grad(true);
}

}  // namespace

TEST_CASE("a result wants a gradient if one of its inputs does") {
  const Tensor x = leaf({1, 2});
  const Tensor c = Tensor::vector({3, 4});
  CHECK((x * c).requires_grad());
  CHECK((c * x).requires_grad());
  CHECK_FALSE((c * c).requires_grad());
  CHECK_FALSE(x.detach().requires_grad());
  CHECK_FALSE(c.requires_grad());
}

TEST_CASE("asking for gradients may be taken back before, not after something was computed") {
  Tensor x = Tensor::vector({1, 2});
  CHECK(&x.requires_grad(true) == &x);
  CHECK(x.requires_grad());
  CHECK_FALSE(x.requires_grad(false).requires_grad());
  Tensor y = exp(x);  // without a graph it is a tensor like any other
  y.requires_grad(true);
  Tensor z = y * y;
  z.requires_grad(true);  // as it does anyway
  sum(z).backward();
  CHECK(y.has_grad());
  CHECK_FALSE(x.has_grad());
}

TEST_CASE("backward leaves a gradient in every tensor on the way, and in no other") {
  const Tensor x = leaf({1, 2});
  const Tensor c = Tensor::vector({3, 4});
  const Tensor y = x * c;
  const Tensor aside = x * 5;
  const Tensor z = sum(y * y);
  z.backward();
  CHECK(of(z.grad()) == Values{1});
  CHECK(of(y.grad()) == Values{6, 16});
  CHECK(of(x.grad()) == Values{18, 64});
  CHECK_FALSE(c.has_grad());
  CHECK_FALSE(aside.has_grad());
}

TEST_CASE("gradients of leaves add up over calls, those in between are of the last call") {
  Tensor x = leaf({1, 2});
  const Tensor y = x * 2;
  const Tensor z = y * y;
  z.backward(Tensor::vector({1, 10}));
  CHECK(of(y.grad()) == Values{4, 80});
  CHECK(of(x.grad()) == Values{8, 160});
  z.backward(Tensor::vector({2, 0}));
  CHECK(of(z.grad()) == Values{2, 0});
  CHECK(of(y.grad()) == Values{8, 0});
  CHECK(of(x.grad()) == Values{24, 160});
  (y * 3).backward(Tensor::vector({1, 1}));  // another result, of which y is a part
  CHECK(of(y.grad()) == Values{3, 3});
  CHECK(of(x.grad()) == Values{30, 166});
  x.clear_grad();
  CHECK_FALSE(x.has_grad());
  z.backward(Tensor::vector({1, 1}));
  CHECK(of(x.grad()) == Values{8, 16});
}

TEST_CASE("backward from a leaf, and of shapes that hold one number") {
  const Tensor x = leaf({1, 2});
  x.backward(Tensor::vector({3, 4}));
  x.backward(Tensor::vector({10, 10}));
  CHECK(of(x.grad()) == Values{13, 14});
  const Tensor one = Tensor::matrix({{3}}).requires_grad(true);
  (one * one).backward();
  CHECK(of(one.grad()) == Values{6});
  CHECK(one.grad().shape() == Shape{1, 1});
  const Tensor alone = Tensor::scalar(2).requires_grad(true);
  alone.backward();
  CHECK(of(alone.grad()) == Values{1});
}

TEST_CASE("a tensor that is used along many ways receives the sum of all of them") {
  const Tensor x = leaf({2});
  Tensor y = x;
  for (int i = 0; i < 20; ++i) y = y + y;  // 2^20 ways
  y.backward();
  CHECK(of(x.grad()) == Values{1048576});
  // The two ways are of different length, and the shorter is met first or last.
  for (const bool short_first : {true, false}) {
    const Tensor w = leaf({3});
    const Tensor a = w * 2;
    const Tensor b = ((a * a) + 1) * a;        // 8w³ + 2w
    (short_first ? a * b : b * a).backward();  // 16w⁴ + 4w²
    CHECK(of(w.grad()) == Values{64 * 27 + 8 * 3});
    CHECK(of(a.grad()) == Values{4 * 216 + 2 * 6});  // a⁴ + a²
  }
}

TEST_CASE("the order has every computed tensor once, inputs before results") {
  const Tensor x = leaf({1});
  const Tensor a = exp(x);
  const Tensor b = a * x;
  const Tensor c = a + b;
  const Tensor d = c * b;
  const Tensor constant = Tensor::scalar(1) + 1;
  const Tensor root = d + constant;
  const std::vector<Tensor> order = walk_below(root).results;
  const auto place = [&](const Tensor& t) {
    const auto same = [&](const Tensor& other) { return other.node() == t.node(); };
    CHECK(std::count_if(order.begin(), order.end(), same) == 1);
    return std::find_if(order.begin(), order.end(), same);
  };
  CHECK(order.size() == 5);
  CHECK(place(a) < place(b));
  CHECK(place(b) < place(c));
  CHECK(place(c) < place(d));
  CHECK(place(d) < place(root));
}

TEST_CASE("backward that frees gives the same gradients, and memory back as it goes") {
  const Index before = live_nodes();
  const Tensor x = leaf({1, 2, 3});
  Tensor y = x;
  for (int i = 0; i < 100; ++i) y = y * 1;
  const Tensor kept = y;
  const Tensor loss = sum(kept * kept);
  CHECK(live_nodes() - before >= 103);
  loss.backward(Graph::free);
  CHECK(of(x.grad()) == Values{2, 4, 6});
  CHECK(of(kept.grad()) == Values{2, 4, 6});
  CHECK(of(kept) == Values{1, 2, 3});
  CHECK(live_nodes() - before <= 6);  // x, kept, loss and a gradient of each
  const Tensor again = leaf({1});
  (again * 2).backward(Tensor::vector({5}), Graph::free);
  CHECK(of(again.grad()) == Values{10});
}

TEST_CASE("a long chain is computed, differentiated and freed, whatever its form") {
  const Index before = live_nodes();
  for (const int form : {0, 1, 2}) {
    const Tensor x = leaf({1});
    Tensor y = x;
    for (int i = 0; i < 100000; ++i) {
      if (form == 0) y = 1 - y;
      if (form == 1) y = y + x;
      if (form == 2) y = reshape(y, {1});
    }
    y.backward(form == 0 ? Graph::free : Graph::keep);
    CHECK(x.grad().item() == (form == 1 ? 100001 : 1));
  }
  CHECK(live_nodes() == before);
}

TEST_CASE("a graph that many results share is freed when the last of them goes") {
  const Index before = live_nodes();
  {
    const Tensor x = leaf({1});
    const Tensor shared = exp(x);
    std::vector<Tensor> results;
    for (int i = 0; i < 10; ++i) results.push_back(shared * 2);
    CHECK(live_nodes() - before == 12);
    results.erase(results.begin(), results.begin() + 9);
    CHECK(live_nodes() - before == 3);
  }
  CHECK(live_nodes() == before);
}

TEST_CASE("nothing is recorded while a NoGrad lives, on this thread alone") {
  const Tensor x = leaf({1});
  CHECK(grad_enabled());
  {
    const NoGrad outer;
    CHECK_FALSE(grad_enabled());
    {
      const NoGrad inner;
      CHECK_FALSE((x * 2).requires_grad());
    }
    CHECK_FALSE(grad_enabled());
    bool elsewhere = false;
    std::thread([&] { elsewhere = grad_enabled(); }).join();
    CHECK(elsewhere);
    CHECK_FALSE((x * 2).requires_grad());
    CHECK(Tensor::scalar(1).requires_grad(true).requires_grad());
  }
  CHECK(grad_enabled());
  CHECK((x * 2).requires_grad());
}

TEST_CASE("backward records nothing, and recording goes on after it") {
  const Tensor x = leaf({3});
  const Tensor y = x * x;
  y.backward();
  CHECK_FALSE(x.grad().requires_grad());
  CHECK_FALSE(y.grad().requires_grad());
  CHECK(grad_enabled());
  CHECK_THROWS_AS(y.backward(Tensor::vector({1, 2})), Error);
  CHECK(grad_enabled());
}

TEST_CASE("copies are the same tensor, detached ones share nothing but the values") {
  Tensor x = Tensor::vector({1, 2});
  Tensor same = x;
  same.mutable_values()[0] = 7;
  CHECK(of(x) == Values{7, 2});
  same.requires_grad(true).named("x");
  CHECK(x.requires_grad());
  CHECK(x.label() == std::string("x"));
  Tensor apart = x.detach();
  apart.mutable_values()[1] = 9;
  CHECK(of(x) == Values{7, 2});
  CHECK(of(apart) == Values{7, 9});
  sum(x * 3).backward();
  CHECK_FALSE(apart.has_grad());
  Tensor moved = std::move(same);
  CHECK(moved.node() == x.node());
  moved = *&moved;
  CHECK(of(moved) == Values{7, 2});
  CHECK(Tensor().exists() == false);
}
