// Matrix products: every transposition, axes in front that broadcast, and the layer y = x W + b.

#include "plain.h"

#include <doctest/doctest.h>
#include <gradus/operations.h>

#include <algorithm>

using namespace gradus;
using namespace plain;

namespace {

// The size of axis `back` from the end, 1 if there is none; and the position there.
Index size_at(const Position& sizes, std::size_t back) {
  return back <= sizes.size() ? sizes[sizes.size() - back] : 1;
}

// Where row i, column k of an operand stands in the matrix that belongs to matrix `leading` of the
// result; `transposed` operands are stored the other way round.
Position element(const Position& sizes, const Position& result, Index i, Index k, bool transposed) {
  Position position(sizes.size());
  for (std::size_t back = 3; back <= sizes.size(); ++back)
    position[sizes.size() - back] = size_at(sizes, back) == 1 ? 0 : result[result.size() - back];
  position[sizes.size() - 2] = transposed ? k : i;
  position[sizes.size() - 1] = transposed ? i : k;
  return position;
}

struct Product {
  bool ta, tb;

  Position result_sizes(const Array& a, const Array& b) const {
    Position sizes(static_cast<std::size_t>(std::max(a.rank(), b.rank())));
    for (std::size_t back = 3; back <= sizes.size(); ++back)
      sizes[sizes.size() - back] = std::max(size_at(a.sizes, back), size_at(b.sizes, back));
    sizes[sizes.size() - 2] = size_at(a.sizes, ta ? 1 : 2);
    sizes[sizes.size() - 1] = size_at(b.sizes, tb ? 2 : 1);
    return sizes;
  }

  // Calls f(c, a, b) with the positions of each triple that is multiplied.
  template <class F>
  void each(const Array& a, const Array& b, F f) const {
    const Array c(result_sizes(a, b), 0);
    const Index inner = size_at(a.sizes, ta ? 2 : 1);
    for (Index n = 0; n < c.size(); ++n) {
      const Position p = position_of(n, c.sizes);
      const Index i = p[p.size() - 2];
      const Index j = p[p.size() - 1];
      for (Index k = 0; k < inner; ++k)
        f(p, element(a.sizes, p, i, k, ta), element(b.sizes, p, k, j, tb));
    }
  }

  Array loop(const Array& a, const Array& b) const {
    Array c(result_sizes(a, b), 0);
    each(a, b, [&](const Position& at, const Position& in_a, const Position& in_b) {
      c[at] += a[in_a] * b[in_b];
    });
    return c;
  }

  Arrays gradient(const Array& a, const Array& b, const Array& seed) const {
    Arrays gradients{Array(a.sizes, 0), Array(b.sizes, 0)};
    each(a, b, [&](const Position& at, const Position& in_a, const Position& in_b) {
      gradients[0][in_a] += seed[at] * b[in_b];
      gradients[1][in_b] += seed[at] * a[in_a];
    });
    return gradients;
  }
};

// The product of a [..., m, k] and b [..., k, n] with these sizes in front, in all four ways.
void check_product(const Position& of_a, const Position& of_b, Index m, Index k, Index n,
                   double slack = 1) {
  for (const bool ta : {false, true})
    for (const bool tb : {false, true}) {
      Position a = of_a;
      Position b = of_b;
      a.insert(a.end(), {ta ? k : m, ta ? m : k});
      b.insert(b.end(), {tb ? n : k, tb ? k : n});
      const Product product{ta, tb};
      check({.name = to_string(shape_of(a)) + (ta ? "ᵀ × " : " × ") + to_string(shape_of(b)) +
                     (tb ? "ᵀ" : ""),
             .compute =
                 [=](const Tensors& x) {
                   return matmul(x[0], x[1], {.transpose_a = ta, .transpose_b = tb});
                 },
             .loop = [=](const Arrays& x) { return product.loop(x[0], x[1]); },
             .inputs = {random(a, 1), random(b, 2)},
             .slack = slack,
             .gradient = [=](const Arrays& x,
                             const Array& seed) { return product.gradient(x[0], x[1], seed); }});
    }
}

}  // namespace

TEST_CASE("a matrix product is the three loops, and so is its gradient, in every transposition") {
  check_product({}, {}, 3, 4, 2);
  check_product({}, {}, 1, 5, 3);
  check_product({}, {}, 3, 1, 2);
  check_product({}, {}, 4, 3, 1);
  check_product({}, {}, 1, 1, 1);
}

TEST_CASE("the axes before the last two of a matrix product broadcast") {
  check_product({2}, {2}, 3, 4, 2);
  check_product({2}, {}, 3, 4, 2);
  check_product({}, {3}, 3, 4, 2);
  check_product({1}, {3}, 2, 3, 4);
  check_product({3}, {1}, 2, 3, 4);
  check_product({2, 1}, {3}, 2, 3, 4);
  check_product({3}, {2, 1}, 2, 3, 4);
  check_product({2, 3}, {2, 3}, 2, 3, 4);
  check_product({2, 3}, {2, 1}, 3, 2, 4);
  check_product({1, 3}, {2, 1}, 3, 2, 4);
  check_product({2, 3}, {}, 3, 2, 4);
  check_product({2, 1, 3}, {4, 1}, 2, 3, 2);
  check_product({1, 2, 1, 2}, {2, 1, 3, 2}, 2, 3, 1);
}

TEST_CASE("matrix products larger than the blocks they are cut in") {
  check_product({}, {}, 67, 41, 73, 4);
  check_product({2}, {}, 9, 130, 33, 8);
  check_product({}, {}, 5, 900, 3, 20);
}

TEST_CASE("a matrix multiplied with itself") {
  for (const bool ta : {false, true})
    for (const bool tb : {false, true}) {
      const Product product{ta, tb};
      check({.name = ta == tb ? "x x" : "x xᵀ",
             .compute =
                 [=](const Tensors& x) {
                   return matmul(x[0], x[0], {.transpose_a = ta, .transpose_b = tb});
                 },
             .loop = [=](const Arrays& x) { return product.loop(x[0], x[0]); },
             .inputs = {random({2, 3, 3}, 1)}});
    }
}

namespace {

Array linear_loop(const Arrays& in) {
  const Array& x = in[0];
  const Array& w = in[1];
  Position sizes = x.sizes;
  sizes.back() = w.sizes[1];
  Array y(sizes, 0);
  for (Index n = 0; n < y.size(); ++n) {
    Position p = position_of(n, sizes);
    const Index column = p.back();
    double& sum = y[p];
    sum = in[2][{column}];
    for (p.back() = 0; p.back() < w.sizes[0]; ++p.back()) sum += x[p] * w[{p.back(), column}];
  }
  return y;
}

// By rows: row r of x, r counting through all axes but the last.
Arrays linear_gradient(const Arrays& in, const Array& seed) {
  Arrays gradients{Array(in[0].sizes, 0), Array(in[1].sizes, 0), Array(in[2].sizes, 0)};
  const Index d = in[1].sizes[0];
  const Index n = in[1].sizes[1];
  const auto at = [](Index i) { return static_cast<std::size_t>(i); };
  for (Index r = 0; r < seed.size() / n; ++r)
    for (Index j = 0; j < n; ++j) {
      const double dy = seed.values[at(r * n + j)];
      gradients[2][{j}] += dy;
      for (Index i = 0; i < d; ++i) {
        gradients[0].values[at(r * d + i)] += dy * in[1][{i, j}];
        gradients[1][{i, j}] += dy * in[0].values[at(r * d + i)];
      }
    }
  return gradients;
}

}  // namespace

TEST_CASE("linear is x W + b, and so is its gradient, at every rank") {
  for (const Position& sizes : {Position{4}, Position{1, 4}, Position{3, 4}, Position{2, 3, 4},
                                Position{2, 1, 3, 4}, Position{2, 1, 2, 1, 4}, Position{600, 4}})
    check({.name = "linear of " + to_string(shape_of(sizes)),
           .compute = [](const Tensors& x) { return linear(x[0], x[1], x[2]); },
           .loop = linear_loop,
           .inputs = {random(sizes, 1), random({4, 5}, 2), random({5}, 3)},
           .slack = sizes[0] > 100 ? 10.0 : 1,
           .gradient = linear_gradient});
}

TEST_CASE("linear with rows that receive no gradient, few or many") {
  // Of 40 rows: those with a gradient are gathered and multiplied alone if they are few enough.
  const Arrays in{random({40, 6}, 1), random({6, 5}, 2), random({5}, 3)};
  for (const Index busy : {0, 1, 7, 34, 35, 36, 39, 40}) {
    CAPTURE(busy);
    Array seed = random({40, 5}, 4);
    for (Index r = 0; r < 40; ++r)
      for (Index j = 0; j < 5; ++j)
        if (r * 11 % 40 >= busy) seed[{r, j}] = 0;
    const Arrays wanted = linear_gradient(in, seed);
    for (const unsigned wanting : {1U, 2U, 7U}) {
      Tensors x;
      for (unsigned i = 0; i < 3; ++i)
        x.push_back(tensor_of(in[i]).requires_grad((wanting >> i & 1) != 0));
      linear(x[0], x[1], x[2]).backward(tensor_of(seed));
      for (unsigned i = 0; i < 3; ++i)
        if (x[i].requires_grad()) check_close(array_of(x[i].grad()), wanted[i], 1e-5, 0.01);
    }
  }
}

TEST_CASE("what is not a number goes through a product to its row and its column alone") {
  Array a = random({3, 4}, 1);
  a[{1, 2}] = not_a_number;
  for (const bool one_operation : {false, true}) {
    const Tensor x = tensor_of(a);
    const Tensor w = tensor_of(random({4, 2}, 2)).requires_grad(true);
    const Tensor y = one_operation ? linear(x, w, Tensor::zeros({2})) : matmul(x, w);
    for (Index r = 0; r < 3; ++r)
      for (Index j = 0; j < 2; ++j) CHECK((y.at({r, j}) != y.at({r, j})) == (r == 1));
    y.backward(Tensor::full({3, 2}, 1));
    const Tensor dw = w.grad();
    for (Index i = 0; i < 4; ++i) CHECK((dw.at({i, 0}) != dw.at({i, 0})) == (i == 2));
  }
}
