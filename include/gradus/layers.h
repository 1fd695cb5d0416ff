// The layers of a Transformer's outer parts: Dense, LayerNorm, Dropout, embeddings, pooling, and
// Sequential to put layers in a row. Attention and the encoder are in transformer.h.
//
// Weights start as in Keras: Glorot uniform for matrices (Glorot and Bengio 2010, equation 16),
// zeros for biases, ±0.05 uniform for embeddings.
#pragma once

#include <gradus/ids.h>
#include <gradus/mask.h>
#include <gradus/module.h>
#include <gradus/random.h>

#include <memory>
#include <utility>

namespace gradus {

enum class Activation { none, relu, gelu, tanh, sigmoid };

// Uniform in ± sqrt(6 / (fan_in + fan_out)).
Tensor glorot_uniform(const Shape& shape, Index fan_in, Index fan_out, Random& random);

// activation(x W + b): x [..., inputs] gives [..., units].
class Dense : public Layer {
 public:
  // Errors: sizes below 1.
  Dense(Index inputs, Index units, Random& random, Activation activation = Activation::none,
        Where where = here());

  Tensor kernel;  // [inputs, units]
  Tensor bias;    // [units]

 protected:
  Tensor forward(const Tensor& x, Where where) override;

 private:
  Activation activation_;
};

// Layer normalisation with a learned scale and shift: [..., size] to the same shape.
class LayerNorm : public Layer {
 public:
  // Errors: a size below 1, an epsilon that is negative or not a number.
  explicit LayerNorm(Index size, Scalar epsilon = Scalar(1e-3), Where where = here());

  Tensor gamma;  // [size], ones at first
  Tensor beta;   // [size], zeros at first

 protected:
  Tensor forward(const Tensor& x, Where where) override;

 private:
  Scalar epsilon_;
};

// Drops values in training, and does nothing otherwise.
class Dropout : public Layer {
 public:
  // Errors: a rate outside 0 … 1 (1 excluded).
  Dropout(Scalar rate, Random& random, Where where = here());

 protected:
  Tensor forward(const Tensor& x, Where where) override;

 private:
  Scalar rate_;
  std::uint64_t seed_;
  std::uint64_t calls_ = 0;
};

// A vector for each id: ids [B, T] give [B, T, size].
class Embedding : public Module {
 public:
  // Errors: sizes below 1.
  Embedding(Index vocabulary, Index size, Random& random, Where where = here());
  // Errors: an id outside the vocabulary.
  Tensor operator()(const Ids& ids, Where where = here());

  Tensor table;  // [vocabulary, size]
};

// A vector for each id plus a learned vector for each position (the book's listing 11.24):
// ids [B, T] give [B, T, size].
class PositionalEmbedding : public Module {
 public:
  PositionalEmbedding(Index max_length, Index vocabulary, Index size, Random& random,
                      Where where = here());
  // Errors: an id outside the vocabulary, a text longer than max_length.
  Tensor operator()(const Ids& ids, Where where = here());

  Embedding tokens;
  Tensor positions;  // [max_length, size]
};

// Fixed waves instead of learned positions (Vaswani et al. 2017, section 3.5): [length, size] with
// sin(t / 10000^(2i/size)) in column 2i and the cosine of the same in column 2i + 1.
Tensor sinusoidal_positions(Index length, Index size, Where where = here());

// One vector for the whole text from [B, T, D]: the maximum, or the mean, over its words.
class GlobalMaxPooling : public Module {
 public:
  GlobalMaxPooling() : Module("GlobalMaxPooling") {}
  Tensor operator()(const Tensor& x, const Mask& mask = {}, Where where = here());
};

class GlobalAveragePooling : public Module {
 public:
  GlobalAveragePooling() : Module("GlobalAveragePooling") {}
  Tensor operator()(const Tensor& x, const Mask& mask = {}, Where where = here());
};

// Layers in a row:
//   Sequential model;
//   model.add<Dense>("hidden", 4, 16, random, Activation::relu);
//   model.add<Dense>("logits", 16, 2, random);
class Sequential : public Layer {
 public:
  Sequential() : Layer("Sequential") {}

  template <class L, class... Arguments>
  L& add(const std::string& name, Arguments&&... arguments) {
    auto layer = std::make_unique<L>(std::forward<Arguments>(arguments)...);
    L& added = *layer;
    Module::add(name, added);
    layers_.push_back(std::move(layer));
    return added;
  }

 protected:
  Tensor forward(const Tensor& x, Where where) override;

 private:
  std::vector<std::unique_ptr<Layer>> layers_;
};

}  // namespace gradus
