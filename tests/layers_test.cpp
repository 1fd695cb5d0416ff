// Layers against plain loops in double, results and all gradients; how they start; their options.

#include "plain.h"

#include <doctest/doctest.h>
#include <gradus/gradus.h>
#include <gradus/watcher.h>

#include <algorithm>
#include <cmath>

using namespace gradus;
using plain::Array;
using plain::Arrays;
using plain::Position;
using plain::Tensors;

namespace {

using Loop = std::function<Array(const Arrays&)>;

// With random numbers in all its parameters: what the module computes from `inputs`, and the
// gradients of these and of the parameters, must be those of the loop, which is given both, the
// parameters in their order.
void check_layer(const std::string& name, Module& module, const Arrays& inputs,
                 const std::function<Tensor(const Tensors&)>& compute, const Loop& loop) {
  INFO(name);
  Arrays arrays = inputs;
  Tensors tensors;
  for (const Array& input : inputs) tensors.push_back(plain::tensor_of(input).requires_grad(true));
  for (const NamedTensor& parameter : module.parameters()) {
    tensors.push_back(parameter.tensor);
    arrays.push_back(plain::random(plain::sizes_of(parameter.tensor), 100 + arrays.size()));
    const Tensor values = plain::tensor_of(arrays.back());
    std::copy_n(values.data(), values.size(), tensors.back().mutable_data());
  }
  module.clear_grad();
  const Tensor y = compute(tensors);
  plain::check_close(plain::array_of(y), loop(arrays), 10 * plain::forward_tolerance());
  const Array seed = plain::random(plain::sizes_of(y), 99);
  y.backward(plain::tensor_of(seed));
  const Arrays wanted = plain::differences(loop, arrays, seed);
  for (std::size_t i = 0; i < tensors.size(); ++i) {
    CAPTURE(i);
    REQUIRE(tensors[i].has_grad());
    plain::check_close(plain::array_of(tensors[i].grad()), wanted[i],
                       10 * plain::gradient_tolerance(), 0.02);
  }
}

// ---- the loops

double activated(double x, Activation activation) {
  switch (activation) {
    case Activation::none:
      return x;
    case Activation::relu:
      return x > 0 ? x : 0;
    case Activation::gelu:
      return x * 0.5 * (1 + std::erf(x / std::sqrt(2.0)));
    case Activation::tanh:
      return std::tanh(x);
    case Activation::sigmoid:
      return 1 / (1 + std::exp(-x));
  }
  return 0;
}

Array dense(const Array& x, const Array& kernel, const Array& bias,
            Activation activation = Activation::none) {
  const Index inputs = kernel.sizes[0], units = kernel.sizes[1];
  Position sizes = x.sizes;
  sizes.back() = units;
  Array y(sizes, 0);
  for (Index row = 0; row < x.size() / inputs; ++row)
    for (Index u = 0; u < units; ++u) {
      double total = bias.values[std::size_t(u)];
      for (Index i = 0; i < inputs; ++i)
        total += x.values[std::size_t(row * inputs + i)] * kernel[{i, u}];
      y.values[std::size_t(row * units + u)] = activated(total, activation);
    }
  return y;
}

Array normalised(const Array& x, const Array& gamma, const Array& beta, double epsilon) {
  Array y = x;
  const Index size = x.sizes.back();
  for (Index row = 0; row < x.size() / size; ++row) {
    double* values = y.values.data() + row * size;
    double mean = 0, variance = 0;
    for (Index i = 0; i < size; ++i) mean += values[i] / double(size);
    for (Index i = 0; i < size; ++i)
      variance += (values[i] - mean) * (values[i] - mean) / double(size);
    for (Index i = 0; i < size; ++i)
      values[i] =
          gamma.values[std::size_t(i)] * (values[i] - mean) / std::sqrt(variance + epsilon) +
          beta.values[std::size_t(i)];
  }
  return y;
}

Array plus(const Array& a, const Array& b) {
  Array y = a;
  for (std::size_t i = 0; i < y.values.size(); ++i) y.values[i] += b.values[i];
  return y;
}

using Rule = std::function<bool(Index b, Index h, Index i, Index j)>;

// The weights [B, H, Tq, Tk] of q [B, Tq, H K] and k [B, Tk, H K].
Array attention_weights_of(const Array& q, const Array& k, Index heads, const Rule& allows) {
  const Index dim = q.sizes[2] / heads;
  Array weights({q.sizes[0], heads, q.sizes[1], k.sizes[1]}, 0);
  for (Index b = 0; b < q.sizes[0]; ++b)
    for (Index h = 0; h < heads; ++h)
      for (Index i = 0; i < q.sizes[1]; ++i) {
        double total = 0;
        for (Index j = 0; j < k.sizes[1]; ++j) {
          if (!allows(b, h, i, j)) continue;
          double dot = 0;
          for (Index d = 0; d < dim; ++d) dot += q[{b, i, h * dim + d}] * k[{b, j, h * dim + d}];
          total += weights[{b, h, i, j}] = std::exp(dot / std::sqrt(double(dim)));
        }
        for (Index j = 0; j < k.sizes[1] && total > 0; ++j) weights[{b, h, i, j}] /= total;
      }
  return weights;
}

// Multi-head attention of three inputs; `w` are the eight parameters: query, key, value, output.
Array attended(const Array& query, const Array& key, const Array& value, const Array* w,
               Index heads, const Rule& allows) {
  const Array v = dense(value, w[4], w[5]);
  const Array weights =
      attention_weights_of(dense(query, w[0], w[1]), dense(key, w[2], w[3]), heads, allows);
  const Index dim = v.sizes[2] / heads;
  Array mixed({query.sizes[0], query.sizes[1], v.sizes[2]}, 0);
  for (Index n = 0; n < weights.size(); ++n) {
    const Position p = plain::position_of(n, weights.sizes);
    for (Index d = 0; d < dim; ++d)
      mixed[{p[0], p[2], p[1] * dim + d}] += weights[p] * v[{p[0], p[3], p[1] * dim + d}];
  }
  return dense(mixed, w[6], w[7]);
}

const Rule everything = [](Index, Index, Index, Index) { return true; };

struct Ruled {
  const char* name;
  Mask mask;
  Rule rule;
};

// For B = 2, H heads, 3 queries and 4 keys.
std::vector<Ruled> masks_for(Index heads, Index queries, Index keys) {
  std::vector<bool> by_head;
  for (Index n = 0; n < heads * keys; ++n) by_head.push_back(n % 3 != 1);
  return {{"none", Mask(), everything},
          {"padding", Mask::padding({int(keys), 1}),
           [=](Index b, Index, Index, Index j) { return b == 0 || j < 1; }},
          {"causal", Mask::causal(),
           [=](Index, Index, Index i, Index j) { return j - keys <= i - queries; }},
          {"heads", Mask::from({1, heads, 1, keys}, by_head),
           [=](Index, Index h, Index, Index j) { return (h * keys + j) % 3 != 1; }}};
}

bool same_bits(const Tensor& a, const Tensor& b) {
  return a.shape() == b.shape() && std::equal(a.data(), a.data() + a.size(), b.data());
}

std::vector<std::string> names_of(const Module& module) {
  std::vector<std::string> names;
  for (const NamedTensor& parameter : module.parameters()) names.push_back(parameter.name);
  return names;
}
using Names = std::vector<std::string>;

}  // namespace

TEST_CASE("Dense is activation(x W + b), for every activation and rank") {
  Random random(1);
  for (const Activation activation : {Activation::none, Activation::relu, Activation::gelu,
                                      Activation::tanh, Activation::sigmoid})
    for (const Position& sizes : {Position{3}, Position{4, 3}, Position{2, 4, 3}}) {
      Dense layer(3, 5, random, activation);
      check_layer(
          "Dense with activation " + std::to_string(int(activation)), layer,
          {plain::random(sizes, 7, -2, 2)}, [&](const Tensors& x) { return layer(x[0]); },
          [=](const Arrays& x) { return dense(x[0], x[1], x[2], activation); });
    }
  Dense without(3, 5, random);
  check_layer(
      "Dense without", without, {plain::random({4, 3}, 7)},
      [&](const Tensors& x) { return without(x[0]); },
      [](const Arrays& x) { return dense(x[0], x[1], x[2]); });
}

TEST_CASE("LayerNorm is the formula, with its gamma, beta and epsilon") {
  for (const double epsilon : {1e-3, 0.0, 0.5})
    for (const Position& sizes : {Position{4, 5}, Position{2, 3, 5}}) {
      LayerNorm given(5, Scalar(epsilon)), usual(5);
      LayerNorm& layer = epsilon == 1e-3 ? usual : given;
      // The values are small, so that epsilon counts.
      check_layer(
          "LayerNorm, epsilon " + std::to_string(epsilon), layer,
          {plain::random(sizes, 7, -0.1, 0.2)}, [&](const Tensors& x) { return layer(x[0]); },
          [=](const Arrays& x) { return normalised(x[0], x[1], x[2], epsilon); });
    }
}

TEST_CASE("Dropout drops at its rate in training, scales what stays, and does nothing otherwise") {
  const Index count = 40000;
  for (const double rate : {0.25, 0.5, 0.8}) {
    Random random(3);
    Dropout layer(Scalar(rate), random);
    Tensor x = Tensor::full({200, 200}, 3).requires_grad(true);
    const Tensor y = layer(x);
    Index dropped = 0;
    for (const Scalar value : y.values()) {
      dropped += value == 0;
      if (value != 0) CHECK(double(value) == doctest::Approx(3 / (1 - rate)).epsilon(1e-6));
    }
    // Within five standard deviations of the expected number.
    CHECK(std::abs(double(dropped) - rate * double(count)) <
          5 * std::sqrt(double(count) * rate * (1 - rate)));
    sum(y).backward();
    bool alike = true;
    for (Index i = 0; i < count; ++i) alike &= x.grad().data()[i] * 3 == y.data()[i];
    CHECK(alike);
    layer.eval();
    CHECK(layer(x).node() == x.node());
  }
}

TEST_CASE("Dropout draws the same from the same seed and count, and anew each time") {
  Random random(3), same(3), other(4);
  Dropout first(Scalar(0.5), random), second(Scalar(0.5), random);
  Dropout again(Scalar(0.5), same), different(Scalar(0.5), other);
  const Tensor x = Tensor::full({100}, 1);
  const Tensor y = first(x);
  CHECK(same_bits(again(x), y));
  CHECK_FALSE(same_bits(second(x), y));
  CHECK_FALSE(same_bits(different(x), y));
  CHECK_FALSE(same_bits(first(x), y));
  *first.counters()[0].value = 0;  // as a training that goes on where it was
  CHECK(same_bits(first(x), y));
  Dropout never(0, random);
  CHECK(never(x).node() == x.node());
  CHECK(*never.counters()[0].value == 0);
}

TEST_CASE("Embedding gives the row of each id, whose gradients add up") {
  Random random(1);
  Embedding layer(4, 3, random);
  for (const Shape& shape : {Shape{5}, Shape{1, 5}, Shape{5, 1}}) {
    const std::vector<int> ids = {2, 0, 2, 3, 2};
    check_layer(
        "Embedding", layer, {}, [&](const Tensors&) { return layer(Ids(shape, ids)); },
        [&](const Arrays& x) {
          Array rows(shape.rank() == 1 ? Position{5, 3} : Position{shape[0], shape[1], 3}, 0);
          for (Index t = 0; t < 5; ++t)
            for (Index d = 0; d < 3; ++d)
              rows.values[std::size_t(t * 3 + d)] = x[0][{ids[std::size_t(t)], d}];
          return rows;
        });
  }
}

TEST_CASE("PositionalEmbedding adds to the row of the id that of its position, from any first on") {
  Random random(1);
  PositionalEmbedding layer(6, 4, 3, random);
  const Ids ids({2, 3}, {1, 0, 3, 3, 2, 1});
  for (const Index first : {0, 1, 3})
    check_layer(
        "PositionalEmbedding from " + std::to_string(first), layer, {},
        [&](const Tensors&) { return first ? layer(ids, first) : layer(ids); },
        [&](const Arrays& x) {  // positions, table
          Array y({2, 3, 3}, 0);
          for (Index b = 0; b < 2; ++b)
            for (Index t = 0; t < 3; ++t)
              for (Index d = 0; d < 3; ++d)
                y[{b, t, d}] = x[1][{ids.values[std::size_t(b * 3 + t)], d}] + x[0][{first + t, d}];
          return y;
        });
  const auto refused = [](const std::string& text, int line, const std::string& problem) {
    CHECK(text ==
          "PositionalEmbedding at tests/layers_test.cpp:" + std::to_string(line) + ": " + problem);
  };
  const Ids long_row(Shape{7}, std::vector<int>(7)), one(Shape(), {1});
  const int line = __LINE__;
  const auto too_long = [&] { layer(long_row); };
  const auto too_far = [&] { layer(ids, 4); };
  const auto negative = [&] { layer(ids, -1); };
  const auto rank_0 = [&] { layer(one); };
  const std::string there = "there are positions for 6 words, the text has ";
  refused(plain::refusal(too_long), line + 1, there + "7 from position 0 on");
  refused(plain::refusal(too_far), line + 2, there + "3 from position 4 on");
  refused(plain::refusal(negative), line + 3, there + "3 from position -1 on");
  refused(plain::refusal(rank_0), line + 4, "ids of shape [B, T] are needed, not []");
}

TEST_CASE("sinusoidal positions are sines and cosines of slower and slower waves") {
  for (const Index size : {1, 6, 7})
    for (const Index first : {0, 5, 1000}) {
      const Tensor waves = sinusoidal_positions(9, size, first);
      REQUIRE(waves.shape() == Shape{9, size});
      for (Index t = 0; t < 9; ++t)
        for (Index i = 0; i < size; ++i) {
          const double angle =
              double(first + t) / std::pow(10000.0, double(i - i % 2) / double(size));
          const double wanted = i % 2 ? std::cos(angle) : std::sin(angle);
          CHECK(double(waves.at({t, i})) ==
                doctest::Approx(wanted).scale(1).epsilon(first > 9 ? 1e-4 : 2e-6));
        }
    }
  const Tensor all = sinusoidal_positions(9, 4);
  CHECK(same_bits(sinusoidal_positions(4, 4, 5), slice(all, 0, 5, 9)));
  const int line = __LINE__ + 1;
  const auto negative = [] { sinusoidal_positions(4, 4, -1); };
  CHECK(plain::refusal(negative) ==
        "sinusoidal_positions at tests/layers_test.cpp:" + std::to_string(line) +
            ": positions count from 0, not from -1");
}

TEST_CASE("the pooling layers are the maximum and the mean over the words") {
  GlobalMaxPooling max_layer;
  GlobalAveragePooling mean_layer;
  const std::vector<int> lengths = {4, 1, 3};
  for (const bool masked : {false, true})
    for (const bool largest : {true, false}) {
      const Mask mask = masked ? Mask::padding(lengths) : Mask();
      Module& module = largest ? static_cast<Module&>(max_layer) : mean_layer;
      check_layer(
          largest ? "max" : "mean", module, {plain::random({3, 4, 2}, 7, -3, -1)},
          [&](const Tensors& x) {
            return largest ? max_layer(x[0], mask) : mean_layer(x[0], mask);
          },
          [=](const Arrays& x) {
            Array y({3, 2}, 0);
            for (Index b = 0; b < 3; ++b)
              for (Index d = 0; d < 2; ++d) {
                const Index count = masked ? lengths[std::size_t(b)] : 4;
                double total = 0, most = x[0][{b, 0, d}];
                for (Index t = 0; t < count; ++t) {
                  total += x[0][{b, t, d}] / double(count);
                  most = std::max(most, x[0][{b, t, d}]);
                }
                y[{b, d}] = largest ? most : total;
              }
            return y;
          });
    }
}

TEST_CASE("pooling refuses a causal mask: it has no queries") {
  const Tensor x = Tensor::zeros({2, 3, 4});
  const Mask mask = Mask::padding({3, 1}) & Mask::causal();
  GlobalMaxPooling most;
  GlobalAveragePooling average;
  const int line = __LINE__;
  const auto max_layer = [&] { most(x, mask); };
  const auto mean_layer = [&] { average(x, mask); };
  const auto refused = [](const std::string& text, int at, const std::string& what) {
    CHECK(text.find(what + " at tests/layers_test.cpp:" + std::to_string(at) + ": a causal mask") ==
          0);
  };
  refused(plain::refusal(max_layer), line + 1, "max_pooling");
  refused(plain::refusal(mean_layer), line + 2, "mean_pooling");
}

TEST_CASE("multi-head attention of three different inputs is the plain loop, with every mask") {
  Random random(1);
  for (const int heads : {1, 2, 3})
    for (const Index value_dim : {0, 4})
      for (const Ruled& ruled : masks_for(heads, 3, 4)) {
        MultiHeadAttention layer(5, heads, 2, random, {.value_dim = value_dim});
        CHECK(layer.num_heads() == heads);
        CHECK(layer.query.kernel.shape() == Shape{5, heads * 2});
        CHECK(layer.value.kernel.shape() == Shape{5, heads * (value_dim ? 4 : 2)});
        check_layer(
            std::string("attention, mask ") + ruled.name, layer,
            {plain::random({2, 3, 5}, 1), plain::random({2, 4, 5}, 2), plain::random({2, 4, 5}, 3)},
            [&](const Tensors& x) { return layer(x[0], x[1], x[2], ruled.mask); },
            [&](const Arrays& x) {
              return attended(x[0], x[1], x[2], x.data() + 3, heads, ruled.rule);
            });
      }
}

TEST_CASE("self-attention is attention of x to x, with every mask") {
  Random random(1);
  for (const Ruled& ruled : masks_for(2, 4, 4)) {
    MultiHeadAttention layer(5, 2, 3, random);
    check_layer(
        std::string("self-attention, mask ") + ruled.name, layer, {plain::random({2, 4, 5}, 1)},
        [&](const Tensors& x) { return layer(x[0], ruled.mask); },
        [&](const Arrays& x) { return attended(x[0], x[0], x[0], x.data() + 1, 2, ruled.rule); });
  }
}

TEST_CASE("attention keeps its weights when asked, and only then") {
  Random random(1);
  struct Whole : Layer {
    explicit Whole(MultiHeadAttention& part) : Layer("Whole") { add("attention", part); }
    Tensor forward(const Tensor& x, Where) override { return x; }
  };
  MultiHeadAttention layer(5, 2, 3, random);
  const Array x = plain::random({2, 3, 5}, 1), y = plain::random({2, 4, 5}, 2);
  const Tensor query = plain::tensor_of(x), key = plain::tensor_of(y);
  layer(query, key, key);
  CHECK_FALSE(layer.weights.exists());
  layer.keep_weights();
  const Ruled ruled = masks_for(2, 3, 4)[3];
  layer(query, key, key, ruled.mask);
  Arrays w;
  for (const NamedTensor& parameter : layer.parameters())
    w.push_back(plain::array_of(parameter.tensor));
  plain::check_close(
      plain::array_of(layer.weights),
      attention_weights_of(dense(x, w[0], w[1]), dense(y, w[2], w[3]), 2, ruled.rule),
      10 * plain::forward_tolerance());
  CHECK(std::string(layer.weights.label()) == "weights");
  const Whole whole(layer);
  layer(query, key, key);
  CHECK(std::string(layer.weights.label()) == "attention.weights");
  const Tensor kept = layer.weights;
  layer.keep_weights(false);
  layer(query, query, query);
  CHECK(layer.weights.node() == kept.node());
}

TEST_CASE("an encoder block is the plain loop, norm after and before, with every option") {
  struct Case {
    const char* name;
    EncoderOptions options;
    double epsilon;
  };
  const Case cases[] = {
      {"the book's", {}, 1e-3},
      {"key_dim", {.key_dim = 2}, 1e-3},
      {"gelu", {.activation = Activation::gelu}, 1e-3},
      {"epsilon", {.epsilon = Scalar(0.25)}, 0.25},
      {"value_dim", {.key_dim = 3, .attention = {.value_dim = 5}}, 1e-3},
      {"pre-norm", {.pre_norm = true}, 1e-3},
      {"pre-norm, all",
       {.key_dim = 2, .pre_norm = true, .epsilon = Scalar(0.25), .activation = Activation::tanh},
       0.25}};
  Random random(1);
  const std::vector<Ruled> masks = masks_for(2, 3, 3);
  for (const Case& c : cases)
    for (const std::size_t m : {0u, 1u, 2u}) {
      const EncoderOptions& options = c.options;
      TransformerEncoder layer(4, 6, 2, random, options);
      CHECK(layer.attention.query.bias.size() == 2 * (options.key_dim ? options.key_dim : 4));
      check_layer(
          std::string(c.name) + ", mask " + masks[m].name, layer, {plain::random({2, 3, 4}, 1)},
          [&](const Tensors& x) { return layer(x[0], masks[m].mask); },
          [&](const Arrays& x) {
            const Array* w = x.data() + 1;  // 8 of attention, norm_1, dense_1, dense_2, norm_2
            const auto attend = [&](const Array& y) {
              return attended(y, y, y, w, 2, masks[m].rule);
            };
            const auto feed = [&](const Array& y) {
              return dense(dense(y, w[10], w[11], options.activation), w[12], w[13]);
            };
            const auto norm_1 = [&](const Array& y) {
              return normalised(y, w[8], w[9], c.epsilon);
            };
            const auto norm_2 = [&](const Array& y) {
              return normalised(y, w[14], w[15], c.epsilon);
            };
            if (options.pre_norm) {
              const Array middle = plus(x[0], attend(norm_1(x[0])));
              return plus(middle, feed(norm_2(middle)));
            }
            const Array middle = norm_1(plus(x[0], attend(x[0])));
            return norm_2(plus(middle, feed(middle)));
          });
    }
}

TEST_CASE("an encoder block drops after attention and after feed-forward, in training only") {
  for (const bool pre_norm : {false, true}) {
    Random random(1), same(1);
    TransformerEncoder layer(4, 6, 2, random, {.dropout = Scalar(0.4), .pre_norm = pre_norm});
    TransformerEncoder without(4, 6, 2, same, {.pre_norm = pre_norm});
    const Tensor x = Tensor::normal({2, 30, 4}, 0, 1, random);
    const Tensor y = layer(x);
    for (const Module::Counter& counter : layer.counters()) {
      CHECK(*counter.value == 1);
      *counter.value = 0;
    }
    const auto feed = [&](const Tensor& z) {
      return layer.dropout_2(layer.dense_2(layer.dense_1(z)));
    };
    if (pre_norm) {
      const Tensor middle = x + layer.dropout_1(layer.attention(layer.norm_1(x)));
      CHECK(same_bits(y, middle + feed(layer.norm_2(middle))));
    } else {
      const Tensor middle = layer.norm_1(x + layer.dropout_1(layer.attention(x)));
      CHECK(same_bits(y, layer.norm_2(middle + feed(middle))));
    }
    const Tensor ones = Tensor::full({100, 100}, 1);
    for (Dropout* dropout : {&layer.dropout_1, &layer.dropout_2}) {
      const Tensor dropped = (*dropout)(ones);  // 0.4 of 10,000, within five standard deviations
      CHECK(std::abs(double(std::count(dropped.data(), dropped.data() + 10000, 0)) - 4000) < 250);
    }
    CHECK_FALSE(same_bits(layer.dropout_1(ones), layer.dropout_2(ones)));
    layer.eval();
    CHECK(same_bits(layer(x), without(x)));
  }
}

TEST_CASE("the parameters of each layer have their names and order") {
  Random random(1);
  CHECK(names_of(Dense(2, 3, random)) == Names{"kernel", "bias"});
  CHECK(names_of(LayerNorm(2)) == Names{"gamma", "beta"});
  CHECK(names_of(Dropout(Scalar(0.5), random)).empty());
  CHECK(names_of(Embedding(2, 3, random)) == Names{"table"});
  CHECK(names_of(PositionalEmbedding(2, 3, 4, random)) == Names{"positions", "tokens.table"});
  const Names attention = {"query.kernel", "query.bias", "key.kernel",    "key.bias",
                           "value.kernel", "value.bias", "output.kernel", "output.bias"};
  CHECK(names_of(MultiHeadAttention(2, 3, 4, random)) == attention);
  Names encoder;
  for (const std::string& name : attention) encoder.push_back("attention." + name);
  for (const char* name : {"norm_1.gamma", "norm_1.beta", "dense_1.kernel", "dense_1.bias",
                           "dense_2.kernel", "dense_2.bias", "norm_2.gamma", "norm_2.beta"})
    encoder.push_back(name);
  TransformerEncoder layer(2, 3, 4, random);
  CHECK(names_of(layer) == encoder);
  Names counters;
  for (const Module::Counter& counter : layer.counters()) counters.push_back(counter.name);
  CHECK(counters == Names{"dropout_1.calls", "dropout_2.calls"});
}

namespace {

// The values lie in ± limit, reach close to it on both sides, and are spread evenly.
void check_uniform(const std::string& name, const Tensor& x, double limit) {
  CAPTURE(name);
  const auto [least, most] = std::minmax_element(x.data(), x.data() + x.size());
  const double count = double(x.size());
  CHECK(double(*most) <= limit * 1.000001);
  CHECK(double(*least) >= -limit * 1.000001);
  CHECK(double(*most) > limit * (1 - 20 / count));
  CHECK(double(*least) < -limit * (1 - 20 / count));
  double total = 0, squares = 0;
  for (const Scalar value : x.values()) {
    total += double(value) / count;
    squares += double(value) * double(value) / count;
  }
  CHECK(std::abs(total) < 5 * limit / std::sqrt(3 * count));
  CHECK(squares / (limit * limit / 3) == doctest::Approx(1).epsilon(5 / std::sqrt(count)));
}

void check_all(const Tensor& x, Scalar value) {
  CHECK(std::count(x.data(), x.data() + x.size(), value) == x.size());
}

double glorot(Index fan_in, Index fan_out) {
  return std::sqrt(6.0 / double(fan_in + fan_out));
}

}  // namespace

TEST_CASE("weights start as in Keras: Glorot uniform, small embeddings, biases of zero") {
  Random random(11);
  check_uniform("glorot_uniform", glorot_uniform({40, 50}, 7, 13, random), glorot(7, 13));
  const Dense layer(30, 90, random);
  check_uniform("Dense", layer.kernel, glorot(30, 90));
  check_all(layer.bias, 0);
  const LayerNorm norm(40);
  check_all(norm.gamma, 1);
  check_all(norm.beta, 0);
  check_uniform("Embedding", Embedding(40, 60, random).table, 0.05);
  const PositionalEmbedding positional(50, 40, 30, random);
  check_uniform("positions", positional.positions, 0.05);
  check_uniform("tokens", positional.tokens.table, 0.05);
}

TEST_CASE("the matrices of attention start as Dense, or as in the Keras of the book") {
  const Index D = 30, H = 4, K = 12, V = 20;
  Random random(11);
  const MultiHeadAttention usual(D, H, K, random, {.value_dim = V});
  check_uniform("query", usual.query.kernel, glorot(D, H * K));
  check_uniform("key", usual.key.kernel, glorot(D, H * K));
  check_uniform("value", usual.value.kernel, glorot(D, H * V));
  check_uniform("output", usual.output.kernel, glorot(H * V, D));
  CHECK_FALSE(same_bits(usual.query.kernel, usual.key.kernel));
  // Kernels [D, H, K] and [H, V, D] as Keras takes them for convolutions: the last two sizes are
  // the channels, times the size of what lies before them.
  const MultiHeadAttention book(D, H, K, random, {.value_dim = V, .keras_book_start = true});
  check_uniform("the book's query", book.query.kernel, glorot(D * H, D * K));
  check_uniform("the book's key", book.key.kernel, glorot(D * H, D * K));
  check_uniform("the book's value", book.value.kernel, glorot(D * H, D * V));
  check_uniform("the book's output", book.output.kernel, glorot(H * V, H * D));
  for (const Dense* part : {&book.query, &book.key, &book.value, &book.output})
    check_all(part->bias, 0);
  const TransformerEncoder encoder(D, 50, int(H), random,
                                   {.key_dim = K, .attention = {.keras_book_start = true}});
  check_uniform("the encoder's query", encoder.attention.query.kernel, glorot(D * H, D * K));
}

TEST_CASE("layers start alike from the same seed, and otherwise from another") {
  const auto start = [](std::uint64_t seed) {
    Random random(seed);
    const TransformerEncoder encoder(4, 6, 2, random);
    const PositionalEmbedding embedding(3, 4, 5, random);
    std::vector<Scalar> values;
    for (const Module* module :
         {static_cast<const Module*>(&encoder), static_cast<const Module*>(&embedding)})
      for (const NamedTensor& parameter : module->parameters())
        values.insert(values.end(), parameter.tensor.values().begin(),
                      parameter.tensor.values().end());
    return values;
  };
  CHECK(start(5) == start(5));
  CHECK(start(5) != start(6));
}

TEST_CASE("numbers that make no sense are refused by the layer, at the caller's line") {
  Random random(1);
  const Scalar not_a_number = std::nanf(""), infinite = Scalar(plain::infinity);
  const auto refused = [](const std::function<void()>& act, int line, const std::string& what,
                          const std::string& problem) {
    const std::string text = plain::refusal(act);
    CHECK(text.find(what + " at tests/layers_test.cpp:" + std::to_string(line) + ": " + problem) ==
          0);
  };
  const int line = __LINE__;
  const auto rate_below = [&] { Dropout layer(Scalar(-0.1), random); };
  const auto rate_one = [&] { Dropout layer(1, random); };
  const auto rate_nan = [&] { Dropout layer(not_a_number, random); };
  const auto epsilon_below = [&] { LayerNorm layer(3, Scalar(-1e-3)); };
  const auto epsilon_nan = [&] { LayerNorm layer(3, not_a_number); };
  const auto epsilon_infinite = [&] { LayerNorm layer(3, infinite); };
  const auto encoder_rate = [&] { TransformerEncoder layer(2, 3, 1, random, {.dropout = 1}); };
  const auto encoder_epsilon = [&] { TransformerEncoder(2, 3, 1, random, {.epsilon = -1}); };
  const std::string rate = "the rate must be at least 0 and below 1, not ";
  refused(rate_below, line + 1, "Dropout", rate + "-0.1");
  refused(rate_one, line + 2, "Dropout", rate + "1");
  refused(rate_nan, line + 3, "Dropout", rate + "nan");
  const std::string epsilon = "epsilon must be a number of at least 0";
  refused(epsilon_below, line + 4, "LayerNorm", epsilon);
  refused(epsilon_nan, line + 5, "LayerNorm", epsilon);
  refused(epsilon_infinite, line + 6, "LayerNorm", epsilon);
  refused(encoder_rate, line + 7, "Dropout", rate + "1");
  refused(encoder_epsilon, line + 8, "LayerNorm", epsilon);
}

TEST_CASE("a parameter names the line that made its layer") {
  Random random(1);
  const auto check = [](const Module& layer, int line) {
    CHECK(layer.parameter_count() > 0);
    for (const NamedTensor& parameter : layer.parameters()) {
      INFO(parameter.name);
      CHECK(to_string(parameter.tensor.where()) == "tests/layers_test.cpp:" + std::to_string(line));
    }
  };
  check(Dense(2, 3, random), __LINE__);
  check(LayerNorm(2), __LINE__);
  check(Embedding(2, 3, random), __LINE__);
  check(PositionalEmbedding(2, 2, 3, random), __LINE__);
  check(MultiHeadAttention(4, 2, 3, random), __LINE__);
  check(TransformerEncoder(4, 3, 2, random), __LINE__);
  check(TransformerDecoder(4, 3, 2, random), __LINE__);
}

TEST_CASE("everything that a layer computes names the line that called it") {
  struct Lines : Watcher {
    void before_backward(const Tensor& out) override { seen.push_back(to_string(out.where())); }
    Names seen;
  };
  Random random(1);
  const auto check = [](const Tensor& y, int line) {
    Lines lines;
    add_watcher(lines);
    y.backward(Tensor::full(y.shape(), 1));
    remove_watcher(lines);
    CHECK_FALSE(lines.seen.empty());
    for (const std::string& place : lines.seen)
      CHECK(place == "tests/layers_test.cpp:" + std::to_string(line));
  };
  const Tensor x = Tensor::normal({1, 3, 4}, 0, 1, random);
  const Ids ids({1, 2}, {0, 1});
  Dense layers[] = {{4, 2, random, Activation::none},
                    {4, 2, random, Activation::relu},
                    {4, 2, random, Activation::gelu},
                    {4, 2, random, Activation::tanh},
                    {4, 2, random, Activation::sigmoid}};
  for (Dense& layer : layers) check(layer(x), __LINE__);
  LayerNorm norm(4);
  check(norm(x), __LINE__);
  Embedding embedding(3, 4, random);
  check(embedding(ids), __LINE__);
  PositionalEmbedding positional(3, 3, 4, random);
  check(positional(ids), __LINE__);
  check(positional(ids, 1), __LINE__);
  MultiHeadAttention attention(4, 2, 3, random);
  attention.keep_weights();
  check(attention(x), __LINE__);
  CHECK(attention.weights.where().line == __LINE__ - 1);
  check(attention(x, x, x), __LINE__);
  Sequential row;
  row.add<Dense>("a", 4, 4, random);
  row.add<Dropout>("drop", Scalar(0.5), random);
  row.add<Dense>("b", 4, 2, random, Activation::relu);
  check(row(x), __LINE__);
  GlobalMaxPooling most;
  GlobalAveragePooling average;
  const Tensor leaf = Tensor::full({1, 3, 4}, 1).requires_grad(true);
  check(most(leaf), __LINE__);
  check(average(leaf), __LINE__);
  for (const bool pre_norm : {false, true}) {
    TransformerEncoder encoder(4, 6, 2, random, {.dropout = Scalar(0.5), .pre_norm = pre_norm});
    check(encoder(x), __LINE__);
    TransformerDecoder decoder(4, 6, 2, random, {.dropout = Scalar(0.5), .pre_norm = pre_norm});
    check(decoder(x, leaf), __LINE__);
    const Mask five = Mask::from({5, 5}, std::vector<bool>(25));  // and 3 words
    CHECK(plain::refusal([&] { decoder(x, leaf, five); }).find("mask of tests/layers_test.cpp:") !=
          std::string::npos);
  }
  check(embedding.logits(x), __LINE__);
  Cache cache;
  const auto twice = [&](Where where) {
    attention(x, x, x, {}, &cache, where);
    return attention(x, x, x, {}, &cache, where);
  };
  check(twice(here()), __LINE__);
  CHECK(to_string(glorot_uniform({2, 3}, 2, 3, random).where()) == to_string(here()));
  CHECK(to_string(sinusoidal_positions(2, 3).where()) == to_string(here()));
}
