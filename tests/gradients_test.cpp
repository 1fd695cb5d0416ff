// Every operation's gradient against central differences. In double, the second
// build that `make test` runs, they must agree to 1e-6.

#include <doctest/doctest.h>
#include <gradus/check_gradients.h>
#include <gradus/operation.h>
#include <gradus/operations.h>

#include <algorithm>

using namespace gradus;

namespace {

using Inputs_ = std::vector<Tensor>;

Tensor random_tensor(const Shape& shape, std::uint64_t seed, Scalar low = -1, Scalar high = 1) {
  Random random(seed);
  return Tensor::uniform(shape, low, high, random);
}

void check(const std::string& name, const std::function<Tensor(const Inputs_&)>& f,
           const Inputs_& x) {
  const GradientReport report = check_gradients(f, x);
  CAPTURE(name);
  CAPTURE(report.text);
  CHECK(report.passed);
}

}  // namespace

TEST_CASE("gradients of arithmetic with broadcasting") {
  const Tensor a = random_tensor({2, 3, 4}, 1);
  const Tensor row = random_tensor({4}, 2, 1, 2);
  const Tensor column = random_tensor({3, 1}, 3, 1, 2);
  const Tensor one = random_tensor({}, 4, 1, 2);
  for (const Tensor& b : {row, column, one, random_tensor({2, 3, 4}, 5, 1, 2)}) {
    check("add", [](const Inputs_& x) { return x[0] + x[1]; }, {a, b});
    check("subtract", [](const Inputs_& x) { return x[1] - x[0]; }, {a, b});
    check("multiply", [](const Inputs_& x) { return x[0] * x[1]; }, {a, b});
    check("divide", [](const Inputs_& x) { return x[0] / x[1]; }, {a, b});
  }
  check("both broadcast", [](const Inputs_& x) { return x[0] * x[1]; }, {row, column});
  check("numbers", [](const Inputs_& x) { return (2 - x[0] * 3 + 1) / 4 - 1 / x[0] - -x[0]; },
        {row});
}

TEST_CASE("gradients of functions") {
  const Tensor x = random_tensor({3, 5}, 1, Scalar(-2), Scalar(2));
  const Tensor positive = random_tensor({3, 5}, 2, Scalar(0.5), Scalar(2));
  // Away from 0, where relu has a corner.
  const Tensor two_sides = concatenate({positive, -positive}, 0);
  check("exp", [](const Inputs_& v) { return exp(v[0]); }, {x});
  check("log", [](const Inputs_& v) { return log(v[0]); }, {positive});
  check("sqrt", [](const Inputs_& v) { return sqrt(v[0]); }, {positive});
  check("pow 3", [](const Inputs_& v) { return pow(v[0], 3); }, {x});
  check("pow -2", [](const Inputs_& v) { return pow(v[0], -2); }, {positive});
  check("pow 1.5", [](const Inputs_& v) { return pow(v[0], Scalar(1.5)); }, {positive});
  check("tanh", [](const Inputs_& v) { return tanh(v[0]); }, {x});
  check("sigmoid", [](const Inputs_& v) { return sigmoid(v[0]); }, {x});
  check("relu", [](const Inputs_& v) { return relu(v[0]); }, {two_sides});
  check("gelu", [](const Inputs_& v) { return gelu(v[0]); }, {x});
}

TEST_CASE("gradients of matrix products") {
  for (const bool ta : {false, true})
    for (const bool tb : {false, true}) {
      const auto product = [=](const Inputs_& x) {
        return matmul(x[0], x[1], {.transpose_a = ta, .transpose_b = tb});
      };
      const Index m = ta ? 4 : 3, k = ta ? 3 : 4;
      const Index l = tb ? 2 : 4, n = tb ? 4 : 2;
      check("rank 2", product, {random_tensor({m, k}, 1), random_tensor({l, n}, 2)});
      check("rank 3", product, {random_tensor({2, m, k}, 1), random_tensor({2, l, n}, 2)});
      check("rank 4", product, {random_tensor({2, 3, m, k}, 1), random_tensor({2, 3, l, n}, 2)});
      check("broadcast", product, {random_tensor({2, 1, m, k}, 1), random_tensor({3, l, n}, 2)});
      check("a shared", product, {random_tensor({m, k}, 1), random_tensor({5, l, n}, 2)});
    }
  check("linear", [](const Inputs_& x) { return linear(x[0], x[1], x[2]); },
        {random_tensor({2, 3, 4}, 1), random_tensor({4, 5}, 2), random_tensor({5}, 3)});
}

TEST_CASE("gradients of rearranging") {
  const Tensor x = random_tensor({2, 3, 4}, 1);
  check("reshape", [](const Inputs_& v) { return reshape(v[0], {4, 6}) * 2; }, {x});
  check("permute", [](const Inputs_& v) { return permute(v[0], {2, 0, 1}); }, {x});
  check("transpose", [](const Inputs_& v) { return transpose(v[0]); }, {x});
  check("slice", [](const Inputs_& v) { return slice(v[0], 1, 1, 3); }, {x});
  check("concatenate",
        [](const Inputs_& v) {
          return concatenate({v[0], v[1], v[0]}, 1);
        },
        {x, random_tensor({2, 2, 4}, 2)});
}

TEST_CASE("gradients of sums, means and maxima") {
  const Tensor x = random_tensor({2, 3, 4}, 1);
  for (const Axes& axes : {Axes(), Axes(0), Axes(1), Axes(-1), Axes({0, 2}), Axes({2, 1})})
    for (const bool keep : {false, true}) {
      check("sum", [&](const Inputs_& v) { return sum(v[0], axes, keep); }, {x});
      check("mean", [&](const Inputs_& v) { return mean(v[0], axes, keep); }, {x});
      check("max", [&](const Inputs_& v) { return max(v[0], axes, keep); }, {x});
    }
}

TEST_CASE("gradients of softmax, masks and layer normalisation") {
  const Tensor x = random_tensor({2, 3, 5}, 1, -2, 2);
  const Tensor gamma = random_tensor({5}, 2);
  const Tensor beta = random_tensor({5}, 3);
  const Mask mask = Mask::causal() & Mask::padding({5, 2});
  check("softmax", [](const Inputs_& v) { return softmax(v[0]); }, {x});
  check("softmax of another axis", [](const Inputs_& v) { return softmax(v[0], 0); }, {x});
  check("log_softmax", [](const Inputs_& v) { return log_softmax(v[0]); }, {x});
  check("masked_softmax", [&](const Inputs_& v) { return masked_softmax(v[0], mask); }, {x});
  check("layer_norm", [](const Inputs_& v) { return layer_norm(v[0], v[1], v[2]); },
        {x, gamma, beta});
}

TEST_CASE("gradients of look-up, dropout and pooling") {
  const Tensor x = random_tensor({2, 3, 4}, 1);
  const Ids ids({2, 3}, {0, 3, 1, 1, 1, 4});
  const Mask mask = Mask::padding({3, 1});
  check("embedding", [&](const Inputs_& v) { return embedding(v[0], ids); },
        {random_tensor({5, 3}, 1)});
  check("dropout",
        [](const Inputs_& v) {
          Random random(7);
          return dropout(v[0], Scalar(0.4), random);
        },
        {x});
  check("max_pooling", [&](const Inputs_& v) { return max_pooling(v[0], mask); }, {x});
  check("mean_pooling", [&](const Inputs_& v) { return mean_pooling(v[0], mask); }, {x});
}

TEST_CASE("gradients of losses") {
  const Tensor logits = random_tensor({4, 3}, 1, -2, 2);
  const Tensor targets = random_tensor({4, 3}, 2, 0, 1);
  check("cross_entropy",
        [](const Inputs_& v) {
          return cross_entropy(v[0], {0, 2, -1, 1});
        },
        {logits});
  check("binary_cross_entropy",
        [&](const Inputs_& v) { return binary_cross_entropy(v[0], targets); }, {logits});
  check("mean_squared_error", [](const Inputs_& v) { return mean_squared_error(v[0], v[1]); },
        {logits, targets});
}

TEST_CASE("gradients of scaled dot-product attention") {
  const Tensor query = random_tensor({2, 5, 6}, 1);
  const Tensor key = random_tensor({2, 7, 6}, 2);
  const Tensor value = random_tensor({2, 7, 4}, 3);
  std::vector<bool> some;
  for (int i = 0; i < 35; ++i) some.push_back(i % 3 != 0);
  const Mask masks[] = {Mask(), Mask::causal(), Mask::padding({7, 3}),
                        Mask::from({5, 7}, some) & Mask::padding({4, 7})};
  for (const Mask& mask : masks)
    for (const int heads : {1, 2})
      check("attention",
            [&](const Inputs_& v) {
              return scaled_dot_product_attention(v[0], v[1], v[2],
                                                  {.mask = mask, .num_heads = heads});
            },
            {query, key, value});
  for (const Mask& mask : masks)  // only two queries have a gradient, the others are left out
    check("attention of two queries",
          [&](const Inputs_& v) {
            const Tensor all = scaled_dot_product_attention(v[0], v[1], v[2], {.mask = mask});
            return concatenate({slice(all, 1, 1, 2), slice(all, 1, 3, 4)}, 1);
          },
          {query, key, value});
  check("rank 4", [](const Inputs_& v) { return scaled_dot_product_attention(v[0], v[1], v[2]); },
        {random_tensor({1, 2, 3, 4}, 1), random_tensor({1, 2, 3, 4}, 2),
         random_tensor({1, 2, 3, 4}, 3)});
}

namespace {

struct Wrong {
  Tensor x;
  void backward(const Tensor& dy) const { x.add_grad(dy * 1.1); }
};

Tensor wrong_identity(const Tensor& x) {
  Tensor y = result_of("wrong_identity", x.shape(), here());
  std::copy_n(x.data(), x.size(), y.mutable_data());
  return record(y, {{x, false}}, Wrong{x});
}

}  // namespace

TEST_CASE("a wrong gradient is found, and so is one that is zero everywhere") {
  const Tensor x = random_tensor({2, 2}, 1).named("x");
  const GradientReport report =
      check_gradients([](const Inputs_& v) { return wrong_identity(v[0]); }, {x});
  CHECK_FALSE(report.passed);
  CHECK(report.text.find("x [2, 2]: WRONG") != std::string::npos);
  CHECK(report.text.find("wrong_identity at tests/gradients_test.cpp:") != std::string::npos);
  const GradientReport none = check_gradients([](const Inputs_& v) { return v[0] * 0; }, {x});
  CHECK_FALSE(none.passed);
}
