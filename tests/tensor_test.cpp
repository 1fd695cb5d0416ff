#include <doctest/doctest.h>
#include <gradus/buffer.h>
#include <gradus/operations.h>
#include <gradus/tensor.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <string>
#include <vector>

using namespace gradus;

namespace {

std::string message_of(void (*act)()) {
  try {
    act();
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("the gradient of a product of sums is what the chain rule says") {
  Tensor w = Tensor::matrix({{1, 2}, {3, 4}}).requires_grad(true);
  const Tensor loss = sum(w * w + 2 * w);
  CHECK(loss.item() == 50);
  loss.backward();
  for (Index i = 0; i < 4; ++i) CHECK(w.grad().data()[i] == 2 * w.data()[i] + 2);
}

TEST_CASE("a gradient adds up over its uses and over calls") {
  Tensor a = Tensor::scalar(3).requires_grad(true);
  const Tensor b = a + a;
  const Tensor c = b + b;
  c.backward();
  CHECK(a.grad().item() == 4);
  c.backward();
  CHECK(a.grad().item() == 8);  // parameters add up ...
  CHECK(b.grad().item() == 2);  // ... results in between do not
  a.clear_grad();
  CHECK_FALSE(a.has_grad());
}

TEST_CASE("broadcasting sums the gradient back to each operand's shape") {
  Tensor row = Tensor::vector({1, 2, 3}).requires_grad(true);
  Tensor column = Tensor::matrix({{10}, {20}}).requires_grad(true);
  const Tensor table = row * column;
  CHECK(table.shape() == Shape{2, 3});
  CHECK(table.at({1, 2}) == 60);
  sum(table).backward();
  CHECK(row.grad().shape() == Shape{3});
  CHECK(row.grad().at({0}) == 30);
  CHECK(column.grad().shape() == Shape{2, 1});
  CHECK(column.grad().at({1, 0}) == 6);
}

TEST_CASE("live_values counts the numbers of every buffer once, however many tensors share it") {
  const Index before = live_values();
  {
    const Tensor x = Tensor::zeros({3, 4});
    const Tensor same = reshape(x, {12});
    CHECK(live_values() == before + 12);
    const Tensor twice = x * Scalar(2);
    CHECK(live_values() == before + 24);
  }
  CHECK(live_values() == before);
}

TEST_CASE("memory of every size begins on a cache line, new and used again") {
  const auto offset = [](const void* memory) {
    return reinterpret_cast<std::uintptr_t>(memory) % 64;
  };
  for (int round = 0; round < 2; ++round) {
    std::vector<Buffer> buffers;
    std::vector<void*> blocks;
    const std::vector<std::size_t> sizes = {1, 40, 64, 70, 100, 1000, 100000, 200000, 1000000};
    for (int i = 0; i < 9; ++i)
      for (const std::size_t bytes : sizes) {
        buffers.emplace_back(static_cast<Index>(bytes));
        blocks.push_back(take_memory(bytes));
        CHECK(offset(buffers.back().data()) == 0);
        CHECK(offset(blocks.back()) == 0);
      }
    for (std::size_t i = 0; i < blocks.size(); ++i) give_memory(blocks[i], sizes[i % sizes.size()]);
  }
}

TEST_CASE("a chain of a million nodes is built, differentiated and freed") {
  const Index before = live_nodes();
  {
    Tensor x = Tensor::scalar(1).requires_grad(true);
    Tensor y = x;
    for (int i = 0; i < 1000000; ++i) y = y + Scalar(1);
    y.backward();
    CHECK(x.grad().item() == 1);
  }
  CHECK(live_nodes() == before);
}

TEST_CASE("backward that frees the graph keeps what is held and refuses to run twice") {
  Tensor x = Tensor::scalar(2).requires_grad(true);
  const Tensor y = x * x;
  const Tensor loss = y * Scalar(3);
  const Index before = live_nodes();
  loss.backward(Graph::free);
  CHECK(x.grad().item() == 12);
  CHECK(y.grad().item() == 3);
  CHECK(y.item() == 4);
  CHECK(live_nodes() <= before + 3);  // the three gradients
  CHECK_THROWS_WITH_AS(loss.backward(), doctest::Contains("was freed by an earlier"), Error);
  CHECK_THROWS_WITH_AS((y * x).backward(), doctest::Contains("was freed by an earlier"), Error);
}

TEST_CASE("a changed value that backward needs is detected") {
  Tensor x = Tensor::scalar(2).requires_grad(true);
  x.named("x");
  const Tensor y = x * x;
  x.mutable_values()[0] = 5;
  CHECK_THROWS_WITH_AS(y.backward(), doctest::Contains("the values of x [] were changed"), Error);
}

TEST_CASE("new tensors have the values that were asked for, in their order") {
  const Tensor x = Tensor::from({2, 3}, {1, 2, 3, 4, 5, 6});
  for (Index i = 0; i < 2; ++i)
    for (Index j = 0; j < 3; ++j) CHECK(x.at({i, j}) == static_cast<Scalar>(3 * i + j + 1));
  const Tensor y = Tensor::matrix({{1, 2, 3}, {4, 5, 6}});
  CHECK(y.shape() == Shape{2, 3});
  CHECK(y.at({1, 0}) == 4);
  CHECK(Tensor::vector({7, 8}).at({1}) == 8);
  const Tensor full = Tensor::full({2, 2}, 9);
  for (const Scalar value : full.values()) CHECK(value == 9);
  const Tensor zeros = Tensor::zeros({70000});
  for (const Scalar value : zeros.values()) REQUIRE(value == 0);
  CHECK(Tensor::scalar(5).rank() == 0);
  CHECK(Tensor::scalar(5).item() == 5);
}

TEST_CASE("random tensors: uniform between the bounds, normal with its mean and deviation") {
  Random random(1);
  const Tensor u = Tensor::uniform({20000}, -3, 5, random);
  const Tensor n = Tensor::normal({20000}, 2, 4, random);
  double least = 9, most = -9, of_u = 0, of_n = 0, square = 0;
  for (Index i = 0; i < 20000; ++i) {
    const auto x = static_cast<double>(u.data()[i]);
    const auto z = static_cast<double>(n.data()[i]);
    least = std::min(least, x);
    most = std::max(most, x);
    of_u += x / 20000;
    of_n += z / 20000;
    square += (z - 2) * (z - 2) / 20000;
  }
  CHECK(least >= -3);
  CHECK(least < -2.9);
  CHECK(most <= 5);
  CHECK(most > 4.9);
  CHECK(std::abs(of_u - 1) < 0.1);
  CHECK(std::abs(of_n - 2) < 0.15);
  CHECK(std::abs(square - 16) < 0.8);
  Random again(1);
  CHECK(Tensor::uniform({3}, -3, 5, again).at({2}) == u.at({2}));
}

TEST_CASE("a detached tensor keeps its values when the original is changed in place") {
  Tensor x = Tensor::vector({1, 2});
  const Tensor before = x.detach();
  x.mutable_values()[0] = 7;
  CHECK(before.at({0}) == 1);
  CHECK(x.at({0}) == 7);
}

TEST_CASE("no graph is recorded without gradients") {
  Tensor x = Tensor::scalar(2).requires_grad(true);
  const NoGrad no_grad;
  const Tensor y = x * x;
  CHECK_FALSE(y.requires_grad());
}

TEST_CASE("errors name the caller's line, the operation and the shapes") {
  const std::string text = message_of([] {
    Tensor query = Tensor::zeros({2, 3}).named("query");
    Tensor key = Tensor::zeros({2, 4}).named("key");
    const Tensor sum_of_both = query + key;
  });
  CHECK(contains(text, "add at tests/tensor_test.cpp:"));
  CHECK(contains(text, "query [2, 3] and key [2, 4] do not broadcast: sizes 3 and 4 differ"));
  CHECK(contains(message_of([] {
                   const Tensor nothing;
                   nothing.values();
                 }),
                 "before anything was assigned"));
  CHECK(contains(message_of([] { Tensor::zeros({2, 0}); }), "axis 1 has size 0"));
  CHECK(contains(message_of([] { Tensor::matrix({{1, 2}, {3}}); }), "one has 1"));
  CHECK(contains(message_of([] { Tensor::zeros({2}).requires_grad(true).backward(); }),
                 "give a seed"));
  CHECK(contains(message_of([] { Tensor::scalar(1).backward(); }), "requires a gradient"));
}
