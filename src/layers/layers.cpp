#include <gradus/layers.h>

#include "../kernels/math.h"

#include <cmath>

namespace gradus {

namespace {

constexpr Scalar embedding_limit = Scalar(0.05);

Tensor activate(const Tensor& x, Activation activation, Where where) {
  if (activation == Activation::relu) return relu(x, where);
  if (activation == Activation::gelu) return gelu(x, where);
  if (activation == Activation::tanh) return tanh(x, where);
  if (activation == Activation::sigmoid) return sigmoid(x, where);
  return x;
}

}  // namespace

Tensor glorot_uniform(const Shape& shape, Index fan_in, Index fan_out, Random& random,
                      Where where) {
  const Scalar limit = std::sqrt(Scalar(6) / static_cast<Scalar>(fan_in + fan_out));
  return Tensor::uniform(shape, -limit, limit, random, where);
}

Dense::Dense(Index inputs, Index units, Random& random, Activation activation, Where where)
    : Layer("Dense", {{"inputs", inputs}, {"units", units}}, where),
      kernel(glorot_uniform(Shape({inputs, units}, where), inputs, units, random, where)),
      bias(Tensor::zeros(Shape({units}, where), where)),
      activation_(activation) {
  add("kernel", kernel);
  add("bias", bias);
}

Tensor Dense::forward(const Tensor& x, Where where) {
  return activate(linear(x, kernel, bias, where), activation_, where);
}

LayerNorm::LayerNorm(Index size, Scalar epsilon, Where where)
    : Layer("LayerNorm", {{"size", size}}, where),
      gamma(Tensor::full(Shape({size}, where), 1, where)),
      beta(Tensor::zeros(Shape({size}, where), where)),
      epsilon_(epsilon) {
  if (!(epsilon >= 0) || std::isinf(epsilon))
    fail("LayerNorm", where, "epsilon must be a number of at least 0");
  add("gamma", gamma);
  add("beta", beta);
}

Tensor LayerNorm::forward(const Tensor& x, Where where) {
  return layer_norm(x, gamma, beta, epsilon_, where);
}

Dropout::Dropout(Scalar rate, Random& random, Where where)
    : Layer("Dropout"), rate_(rate), seed_(random.next()) {
  if (!(rate >= 0 && rate < 1))
    fail("Dropout", where, "the rate must be at least 0 and below 1, not ", rate);
  add("calls", calls_);
}

Tensor Dropout::forward(const Tensor& x, Where where) {
  if (!training() || rate_ == 0) return x;
  Random random(random_bits(seed_, calls_++));
  return dropout(x, rate_, random, where);
}

Embedding::Embedding(Index vocabulary, Index size, Random& random, Where where)
    : Module("Embedding", {{"vocabulary", vocabulary}, {"size", size}}, where),
      table(Tensor::uniform(Shape({vocabulary, size}, where), -embedding_limit, embedding_limit,
                            random, where)) {
  add("table", table);
}

Tensor Embedding::operator()(const Ids& ids, Where where) {
  return done(embedding(table, ids, where));
}

Tensor Embedding::logits(const Tensor& x, Where where) const {
  return matmul(x, table, {.transpose_b = true}, where);
}

PositionalEmbedding::PositionalEmbedding(Index max_length, Index vocabulary, Index size,
                                         Random& random, Where where)
    : Module("PositionalEmbedding",
             {{"max_length", max_length}, {"vocabulary", vocabulary}, {"size", size}}, where),
      tokens(vocabulary, size, random, where),
      positions(Tensor::uniform(Shape({max_length, size}, where), -embedding_limit, embedding_limit,
                                random, where)) {
  add("positions", positions);
  add("tokens", tokens);
}

Tensor PositionalEmbedding::operator()(const Ids& ids, Index first, Where where) {
  if (ids.shape.rank() < 1)
    fail("PositionalEmbedding", where, "ids of shape [B, T] are needed, not []");
  const Index length = ids.shape[-1];
  const Index most = positions.shape()[0];
  if (first < 0 || length > most - first)
    fail("PositionalEmbedding", where, "there are positions for ", most, " words, the text has ",
         length, " from position ", first, " on");
  return done(Operand(tokens(ids, where), where) +
              Operand(slice(positions, 0, first, first + length, where), where));
}

Tensor sinusoidal_positions(Index length, Index size, Index first, Where where) {
  if (first < 0) fail("sinusoidal_positions", where, "positions count from 0, not from ", first);
  Tensor waves = Tensor::zeros(Shape({length, size}, where), where);
  Scalar* values = waves.mutable_data();
  for (Index i = 0; i < size; ++i) {
    // 10000^(-even/size) as a power of e.
    const Index even = i / 2 * 2;
    const double exponent = -static_cast<double>(even) / static_cast<double>(size);
    const Scalar rate = kernels::exp_one(static_cast<Scalar>(exponent * 9.210340371976184));
    for (Index t = 0; t < length; ++t) {
      const Scalar angle = static_cast<Scalar>(first + t) * rate;
      values[t * size + i] = i % 2 ? kernels::cos_one(angle) : kernels::sin_one(angle);
    }
  }
  return waves;
}

Tensor Sequential::forward(const Tensor& x, Where where) {
  Tensor result = x;
  for (const Shared<Layer>& layer : layers_) result = (*layer.get())(result, where);
  return result;
}

}  // namespace gradus
