// Random programs: a string of bytes is read as a program of operations on small tensors, and the
// gradients of all values that it starts from are compared with differences. Built in double.

#include <gradus/check_gradients.h>
#include <gradus/operation.h>
#include <gradus/operations.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <iterator>

using namespace gradus;

namespace {

struct Program {
  const unsigned char* code;
  std::size_t size;
  std::vector<Tensor> leaves, values;  // what it starts from; and what it has computed so far
  std::vector<bool> kept;              // which operations count: the same in every run
  std::size_t at, leaf;

  int next(Index count) { return at < size ? code[at++] % static_cast<int>(count) : 0; }

  // A value of this shape: one that was computed, or else one more to start from.
  Tensor of(const Shape& wanted) {
    const auto from = static_cast<std::size_t>(next(256));
    for (std::size_t i = 0; i < values.size() && from % 4 != 0; ++i)
      if (const Tensor& x = values[(from + i) % values.size()]; x.shape() == wanted) return x;
    if (leaf == leaves.size()) {
      Random random(from + 1000 * leaf);
      leaves.push_back(Tensor::uniform(wanted, -2, 2, random));
      leaves.back().requires_grad(true);
    }
    return leaves[leaf++];
  }

  Tensor any() {
    if (!values.empty()) return values[static_cast<std::size_t>(next(256)) % values.size()];
    Shape shape;
    for (int rank = next(4); rank > 0; --rank) shape = shape.and_then(1 + next(3));
    return of(shape);
  }

  std::vector<int> numbers(Index count, Index below) {
    std::vector<int> result;
    for (Index i = 0; i < count; ++i) result.push_back(next(below));
    return result;
  }

  Axes axes() {
    Axes result;
    for (int count = next(4); count > 0; --count) result.list.push_back(next(6) - 3);
    return result;
  }

  Mask mask(const Shape& full, int kinds) {  // [B, H, Tq, Tk]
    const int kind = next(kinds);
    Mask result;
    if (kind & 1) result = Mask::padding(numbers(full[0], full[3] + 1));
    if (kind & 2) result = result & Mask::causal();
    if (kind < 4) return result;
    Shape part;
    for (int axis = 0; axis < 4; ++axis) part = part.and_then(next(2) ? full[axis] : 1);
    std::vector<bool> allowed;
    for (const int number : numbers(part.size(), 4)) allowed.push_back(number != 0);
    return result & Mask::from(part, allowed);
  }

  Tensor attention(Index b, Index tq, Index tk) {
    const Index heads = 1 + next(2), k = 1 + next(2), v = 1 + next(2);
    AttentionOptions options{mask({b, heads, tq, tk}, 8), 1, Scalar(next(3)) / 2};
    if (next(2))
      return scaled_dot_product_attention(of({b, heads, tq, k}), of({b, heads, tk, k}),
                                          of({b, heads, tk, v}), options);
    options.num_heads = static_cast<int>(heads);
    return scaled_dot_product_attention(of({b, tq, heads * k}), of({b, tk, heads * k}),
                                        of({b, tk, heads * v}), options);
  }

  Tensor product(Index batch, Index m, Index n) {
    const MatmulOptions options{next(2) == 1, next(2) == 1};
    const Index k = 1 + next(3);
    Shape a = options.transpose_a ? Shape{k, m} : Shape{m, k};
    Shape b = options.transpose_b ? Shape{n, k} : Shape{k, n};
    if (next(2)) a = {batch, a[0], a[1]};
    if (next(2)) b = {next(2) ? batch : 1, b[0], b[1]};
    return matmul(of(a), of(b), options);
  }

  Tensor operation() {
    const Index b = 1 + next(2), t = 1 + next(3), d = 1 + next(3);
    const Shape rows{b, t, d};
    const auto positive = [&] { return pow(any(), 2) + Scalar(0.5); };
    const std::function<Tensor()> choices[] = {
        [&] { return attention(b, t, d); },
        [&] { return attention(b, d, t); },
        [&] { return product(b, t, d); },
        [&] { return product(b, d, t); },
        [&] {
          return linear(of(rows), of({d, t}), of({t}));
        },
        [&] { return layer_norm(of(rows), of({d}), of({d}), Scalar(0.1)); },
        [&] {
          return masked_softmax(of({b, d, t, t}), mask({b, d, t, t}, 8));
        },
        [&] {
          return max_pooling(of(rows), mask({b, 1, 1, t}, 2));
        },
        [&] {
          return mean_pooling(of(rows), mask({b, 1, 1, t}, 2));
        },
        [&] {
          return embedding(of({d, t}), Ids({b, t}, numbers(b * t, d)));
        },
        [&] {
          return cross_entropy(of(rows), Ids({b, t}, numbers(b * t, d)), next(3) - 1);
        },
        [&] { return binary_cross_entropy(of(rows), Tensor::full(rows, Scalar(next(5)) / 4)); },
        [&] { return mean_squared_error(of(rows), of(rows)); },
        [&] { return exp(any()); },
        [&] { return log(positive()); },
        [&] { return tanh(any()); },
        [&] { return sigmoid(any()); },
        [&] { return relu(any()); },
        [&] { return gelu(any()); },
        [&] { return sqrt(positive()); },
        [&] { return pow(any(), Scalar(next(5))); },
        [&] { return pow(positive(), Scalar(next(9) - 4) / 2); },
        [&] { return Scalar(3) / positive() - Scalar(2) * -any(); },
        [&] { return any() + any(); },
        [&] { return any() - any(); },
        [&] { return any() * any(); },
        [&] { return any() / positive(); },
        [&] {
          return concatenate({any(), any(), of(rows)}, next(3));
        },
        [&] {
          return reshape(of(rows), {next(2) ? b : 1, t * d, next(2) ? b : 1});
        },
        [&] { return permute(any(), numbers(1 + next(3), 3)); },
        [&] { return sum(any(), axes(), next(2) == 1); },
        [&] { return mean(any(), axes(), next(2) == 1); },
        [&] { return max(any(), axes(), next(2) == 1); },
        [&] { return transpose(any(), next(3), next(3) - 3); },
        [&] { return slice(any(), next(3), next(2), 1 + next(3)); },
        [&] { return softmax(any(), next(3) - 1); },
        [&] { return log_softmax(any(), next(3) - 1); },
    };
    return choices[next(std::ssize(choices))]();
  }

  // One number that depends on everything computed. Operations that refuse their inputs, or whose
  // values grow too large for differences, are left out.
  Tensor run() {
    at = leaf = 0;
    values.clear();
    Tensor total = Tensor::scalar(0);
    for (std::size_t step = 0; at < size && step < 12; ++step) {
      Tensor y;
      try {
        y = operation();
      } catch (const Error&) {
      }
      if (step == kept.size())
        kept.push_back(y.exists() && y.size() <= 200 &&
                       std::all_of(y.data(), y.data() + y.size(),
                                   [](Scalar value) { return std::abs(value) < 20; }));
      if (!kept[step]) continue;
      values.push_back(y);
      Random random(step);
      total = total + sum(y * Tensor::uniform(y.shape(), -1, 1, random));
    }
    return total;
  }

  // Moves all leaves along a random direction: does the sum change as the gradients say?
  void check() {
    const Tensor total = run();
    if (!total.requires_grad()) return;
    total.backward();
    const NoGrad no_grad;
    Random random(7);
    std::vector<Tensor> origin, direction;
    double gradient = 0;
    for (const Tensor& x : leaves) {
      origin.push_back(x.detach());
      direction.push_back(Tensor::uniform(x.shape(), -1, 1, random));
      if (x.has_grad()) gradient += static_cast<double>(sum(x.grad() * direction.back()).item());
    }
    const double step = 1e-4;
    double f[5];
    for (int k = 0; k < 5; ++k) {
      for (std::size_t i = 0; i < leaves.size(); ++i) {
        const Tensor moved = origin[i] + Scalar((k - 2) * step) * direction[i];
        std::copy_n(moved.data(), moved.size(), leaves[i].mutable_data());
      }
      f[k] = static_cast<double>(run().item());
    }
    const double near = (f[3] - f[1]) / (2 * step), far = (f[4] - f[0]) / (4 * step);
    const double tolerance = 1e-6 * (1 + std::abs(near)) + 3 * std::abs(far - near);
    const double bend =
        std::abs(f[3] - 2 * f[2] + f[1]) / step;  // large at corners of relu and max
    if (bend > 0.05 * (1 + std::abs(near)) || std::abs(gradient - near) <= tolerance) return;
    std::fprintf(stderr, "gradient %.9g, differences %.9g and %.9g\n", gradient, near, far);
    std::abort();
  }
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  Program{data, size, {}, {}, {}, 0, 0}.check();
  return 0;
}
