#include <gradus/dropout.h>
#include <gradus/elementwise.h>
#include <gradus/embedding.h>
#include <gradus/layers.h>
#include <gradus/matmul.h>
#include <gradus/normalize.h>
#include <gradus/pooling.h>
#include <gradus/shaping.h>

#include "../kernels/math.h"

#include <cmath>

namespace gradus {

namespace {

// A size that a layer was given, if it is one.
Index checked_size(const char* layer, const char* name, Index size, Where where) {
  if (size < 1)
    fail(layer, where, std::string(name) + " must be at least 1, not " + std::to_string(size));
  return size;
}

Tensor activate(const Tensor& x, Activation activation, Where where) {
  switch (activation) {
    case Activation::relu:
      return relu(x, where);
    case Activation::gelu:
      return gelu(x, where);
    case Activation::tanh:
      return tanh(x, where);
    case Activation::sigmoid:
      return sigmoid(x, where);
    case Activation::none:
      break;
  }
  return x;
}

}  // namespace

Tensor glorot_uniform(const Shape& shape, Index fan_in, Index fan_out, Random& random) {
  const Scalar limit = std::sqrt(Scalar(6) / static_cast<Scalar>(fan_in + fan_out));
  return Tensor::uniform(shape, -limit, limit, random);
}

Dense::Dense(Index inputs, Index units, Random& random, Activation activation, Where where)
    : Layer("Dense"), activation_(activation) {
  checked_size("Dense", "inputs", inputs, where);
  checked_size("Dense", "units", units, where);
  kernel = add("kernel", glorot_uniform({inputs, units}, inputs, units, random));
  bias = add("bias", Tensor::zeros({units}));
}

Tensor Dense::forward(const Tensor& x, Where where) {
  return activate(linear(x, kernel, bias, where), activation_, where);
}

LayerNorm::LayerNorm(Index size, Scalar epsilon, Where where)
    : Layer("LayerNorm"), epsilon_(epsilon) {
  checked_size("LayerNorm", "size", size, where);
  if (!(epsilon >= 0)) fail("LayerNorm", where, "epsilon must be a number of at least 0");
  gamma = add("gamma", Tensor::full({size}, 1));
  beta = add("beta", Tensor::zeros({size}));
}

Tensor LayerNorm::forward(const Tensor& x, Where where) {
  return layer_norm(x, gamma, beta, epsilon_, where);
}

Dropout::Dropout(Scalar rate, Random& random, Where where)
    : Layer("Dropout"), rate_(rate), seed_(random.next()) {
  if (!(rate >= 0 && rate < 1))
    fail("Dropout", where, "the rate must be at least 0 and below 1, not " + std::to_string(rate));
  add("calls", calls_);
}

Tensor Dropout::forward(const Tensor& x, Where where) {
  if (!training() || rate_ == 0) return x;
  Random random(random_bits(seed_, calls_++));
  return dropout(x, rate_, random, where);
}

Embedding::Embedding(Index vocabulary, Index size, Random& random, Where where)
    : Module("Embedding") {
  checked_size("Embedding", "vocabulary", vocabulary, where);
  checked_size("Embedding", "size", size, where);
  const Scalar limit = Scalar(0.05);
  table = add("table", Tensor::uniform({vocabulary, size}, -limit, limit, random));
}

Tensor Embedding::operator()(const Ids& ids, Where where) {
  return done(embedding(table, ids, where));
}

PositionalEmbedding::PositionalEmbedding(Index max_length, Index vocabulary, Index size,
                                         Random& random, Where where)
    : Module("PositionalEmbedding"), tokens(vocabulary, size, random, where) {
  checked_size("PositionalEmbedding", "max_length", max_length, where);
  const Scalar limit = Scalar(0.05);
  positions = add("positions", Tensor::uniform({max_length, size}, -limit, limit, random));
  add("tokens", tokens);
}

Tensor PositionalEmbedding::operator()(const Ids& ids, Where where) {
  const Index length = ids.shape[-1];
  if (length > positions.shape()[0])
    fail("PositionalEmbedding", where,
         "there are positions for " + std::to_string(positions.shape()[0]) +
             " words, the text has " + std::to_string(length));
  return done(Operand(tokens(ids, where), where) +
              Operand(slice(positions, 0, 0, length, where), where));
}

Tensor sinusoidal_positions(Index length, Index size, Where where) {
  Tensor waves = Tensor::zeros(Shape({length, size}, where), where);
  Scalar* values = waves.mutable_data();
  for (Index i = 0; i < size; ++i) {
    // 10000^(-even/size) as a power of e.
    const Index even = i / 2 * 2;
    const double exponent = -static_cast<double>(even) / static_cast<double>(size);
    const Scalar rate = kernels::exp_one(static_cast<Scalar>(exponent * 9.210340371976184));
    for (Index t = 0; t < length; ++t) {
      const Scalar angle = static_cast<Scalar>(t) * rate;
      values[t * size + i] = i % 2 ? kernels::cos_one(angle) : kernels::sin_one(angle);
    }
  }
  return waves;
}

Tensor GlobalMaxPooling::operator()(const Tensor& x, const Mask& mask, Where where) {
  return done(max_pooling(x, mask, where));
}

Tensor GlobalAveragePooling::operator()(const Tensor& x, const Mask& mask, Where where) {
  return done(mean_pooling(x, mask, where));
}

Tensor Sequential::forward(const Tensor& x, Where where) {
  Tensor result = x;
  for (const auto& layer : layers_) result = (*layer)(result, where);
  return result;
}

}  // namespace gradus
