// + - × / with broadcasting, with numbers, and with the same tensor on both sides.

#include "plain.h"

#include <doctest/doctest.h>
#include <gradus/operations.h>

#include <algorithm>
#include <cmath>

using namespace gradus;
using namespace plain;

namespace {

struct Arithmetic {
  const char* name;
  Tensor (*compute)(const Operand& a, const Operand& b);
  double (*plain)(double a, double b);
};

const Arithmetic arithmetic[] = {
    {"add", [](const Operand& a, const Operand& b) { return a + b; },
     [](double a, double b) { return a + b; }},
    {"subtract", [](const Operand& a, const Operand& b) { return a - b; },
     [](double a, double b) { return a - b; }},
    {"multiply", [](const Operand& a, const Operand& b) { return a * b; },
     [](double a, double b) { return a * b; }},
    {"divide", [](const Operand& a, const Operand& b) { return a / b; },
     [](double a, double b) { return a / b; }},
};

// NumPy's rule, axis by axis from the last: a size that is missing or 1 is repeated.
Position repeated(const Position& a, const Position& b) {
  Position sizes(std::max(a.size(), b.size()), 1);
  for (const Position* own : {&a, &b})
    for (std::size_t back = 1; back <= own->size(); ++back) {
      Index& size = sizes[sizes.size() - back];
      size = std::max(size, (*own)[own->size() - back]);
    }
  return sizes;
}

// The position in an operand of these sizes that is repeated at `position` of the result.
Position within(const Position& sizes, const Position& position) {
  Position own(sizes.size());
  for (std::size_t back = 1; back <= sizes.size(); ++back)
    if (sizes[sizes.size() - back] > 1) own[sizes.size() - back] = position[position.size() - back];
  return own;
}

Array combined(const Array& a, const Array& b, double (*f)(double, double)) {
  Array y(repeated(a.sizes, b.sizes), 0);
  for (Index i = 0; i < y.size(); ++i) {
    const Position p = position_of(i, y.sizes);
    y[p] = f(a[within(a.sizes, p)], b[within(b.sizes, p)]);
  }
  return y;
}

// Every pattern is tried both ways round.
const std::pair<Position, Position> patterns[] = {
    {{}, {}},
    {{}, {1}},
    {{}, {3}},
    {{}, {2, 3, 4}},
    {{4}, {4}},
    {{1}, {4}},
    {{1, 1}, {3}},
    {{3, 4}, {3, 4}},
    {{3, 4}, {4}},
    {{3, 4}, {3, 1}},
    {{3, 4}, {1, 1}},
    {{3, 1}, {4}},
    {{3, 1}, {1, 4}},
    {{2, 3, 4}, {4}},
    {{2, 3, 4}, {3, 1}},
    {{2, 3, 4}, {2, 1, 4}},
    {{2, 3, 4}, {2, 3, 1}},
    {{2, 3, 4}, {1, 3, 4}},
    {{2, 3, 4}, {2, 1, 1}},
    {{2, 1, 4}, {3, 1}},
    {{2, 3, 1}, {1, 1, 5}},
    {{2, 1, 3, 1}, {4, 1, 5}},
    {{3, 2, 4, 2}, {1, 2, 1, 2}},
    {{3, 2, 4, 2}, {3, 1, 4, 1}},
    {{2, 1, 3, 1, 2}, {3, 1, 4, 2}},
    {{2, 3, 1, 2, 3}, {2, 1, 4, 2, 1}},
    {{1, 2, 1, 3, 1, 2}, {2, 1, 2, 1, 3, 1}},
};

}  // namespace

TEST_CASE("arithmetic of two tensors is the loop, and so is its gradient, however they broadcast") {
  for (const Arithmetic& f : arithmetic)
    for (const auto& [one, other] : patterns)
      for (const bool swapped : {false, true}) {
        const Position& a = swapped ? other : one;
        const Position& b = swapped ? one : other;
        check({.name = std::string(f.name) + " " + to_string(shape_of(a)) + " and " +
                       to_string(shape_of(b)),
               .compute = [&](const Tensors& x) { return f.compute(x[0], x[1]); },
               .loop = [&](const Arrays& x) { return combined(x[0], x[1], f.plain); },
               .inputs = {random(a, 1, -2, 2), random_around(b, 2, 0.5, 2)}});
      }
}

TEST_CASE("arithmetic of a tensor with itself counts both sides") {
  for (const Arithmetic& f : arithmetic)
    check({.name = f.name,
           .compute = [&](const Tensors& x) { return f.compute(x[0], x[0]); },
           .loop = [&](const Arrays& x) { return combined(x[0], x[0], f.plain); },
           .inputs = {random_around({3, 4}, 1, 0.5, 2)}});
}

TEST_CASE("arithmetic of a tensor and a number, on either side") {
  for (const Arithmetic& f : arithmetic)
    for (const double n : {3.0, -0.75, 1.0, -1.0})
      for (const Position& sizes : {Position{}, Position{5}, Position{2, 3}}) {
        const auto number = static_cast<Scalar>(n);
        const Array of_n({}, n);
        check({.name = std::string(f.name) + " a number on the right",
               .compute = [&](const Tensors& x) { return f.compute(x[0], number); },
               .loop = [&](const Arrays& x) { return combined(x[0], of_n, f.plain); },
               .inputs = {random_around(sizes, 1, 0.5, 2)}});
        check({.name = std::string(f.name) + " a number on the left",
               .compute = [&](const Tensors& x) { return f.compute(number, x[0]); },
               .loop = [&](const Arrays& x) { return combined(of_n, x[0], f.plain); },
               .inputs = {random_around(sizes, 1, 0.5, 2)}});
      }
  check({.name = "minus",
         .compute = [](const Tensors& x) { return -x[0]; },
         .loop = [](const Arrays& x) { return combined(Array({}, 0), x[0], arithmetic[1].plain); },
         .inputs = {random({2, 3}, 1)}});
}

TEST_CASE("arithmetic on many values, where threads share the work") {
  // 3 × 17,000 values: more than a thread takes at a time, rows that end in the middle.
  const Array a = random({3, 17000}, 1);
  const Array row = random({17000}, 2);
  check({.name = "a row repeated",
         .compute = [](const Tensors& x) { return x[0] * x[1]; },
         .loop = [](const Arrays& x) { return combined(x[0], x[1], arithmetic[2].plain); },
         .inputs = {a, row},
         .gradient =
             [](const Arrays& x, const Array& seed) {
               Arrays gradients{x[0], Array(x[1].sizes, 0)};
               for (Index r = 0; r < 3; ++r)
                 for (Index j = 0; j < 17000; ++j) {
                   gradients[0][{r, j}] = seed[{r, j}] * x[1][{j}];
                   gradients[1][{j}] += seed[{r, j}] * x[0][{r, j}];
                 }
               return gradients;
             }});
  check({.name = "a column repeated",
         .compute = [](const Tensors& x) { return x[0] - x[1]; },
         .loop = [](const Arrays& x) { return combined(x[0], x[1], arithmetic[1].plain); },
         .inputs = {a, random({3, 1}, 3)},
         .slack = 10,
         .gradient =
             [](const Arrays& x, const Array& seed) {
               Arrays gradients{seed, Array(x[1].sizes, 0)};
               for (Index r = 0; r < 3; ++r)
                 for (Index j = 0; j < 17000; ++j) gradients[1][{r, 0}] -= seed[{r, j}];
               return gradients;
             }});
}

TEST_CASE("arithmetic with zero, infinity and what is not a number") {
  const double special[] = {0, -0.0, 1, -2.5, infinity, -infinity, not_a_number};
  Array a({7, 1}, 0);
  Array b({7}, 0);
  std::copy_n(special, 7, a.values.begin());
  std::copy_n(special, 7, b.values.begin());
  for (const Arithmetic& f : arithmetic) {
    CAPTURE(std::string(f.name));
    const Array wanted = combined(a, b, f.plain);
    const Array computed = array_of(f.compute(tensor_of(a), tensor_of(b)));
    check_close(computed, wanted, forward_tolerance());
    for (std::size_t i = 0; i < 49; ++i)
      if (wanted.values[i] == 0)
        CHECK(std::signbit(computed.values[i]) == std::signbit(wanted.values[i]));
  }
}

TEST_CASE("a number of any type may stand beside a tensor") {
  const Tensor x = Tensor::vector({3, -8});
  const auto values = [](const Tensor& y) { return array_of(y).values; };
  using Values = std::vector<double>;
  CHECK(values(x * 2) == Values{6, -16});
  CHECK(values(x * 0.5) == Values{1.5, -4});
  CHECK(values(0.5F + x) == Values{3.5, -7.5});
  CHECK(values(x / x.size()) == Values{1.5, -4});
  CHECK(values(x - 1U) == Values{2, -9});
  REFUSED("add", "one side must be a tensor", Operand(1) + Operand(2));
  REFUSED("divide", "one side must be a tensor", Operand(1) / Operand(2));
}

TEST_CASE("a += b is a new tensor: who holds the old one keeps it, and the graph goes on") {
  const Tensor x = Tensor::vector({1, 2}).requires_grad(true);
  Tensor total = x * 3;
  const Tensor before = total;
  total += x;
  total += 10;
  CHECK(array_of(before).values == std::vector<double>{3, 6});
  CHECK(array_of(total).values == std::vector<double>{14, 18});
  total.backward(Tensor::vector({1, 5}));
  CHECK(array_of(x.grad()).values == std::vector<double>{4, 20});
  Tensor two = Tensor::zeros({2});
  REFUSED("add", "[2] and [3] do not broadcast: sizes 2 and 3 differ", two += Tensor::zeros({3}));
}
