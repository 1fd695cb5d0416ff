// The layers of a Transformer's outer parts: Dense, LayerNorm, Dropout, embeddings, pooling, and
// Sequential to put layers in a row. Attention and the encoder are in transformer.h.
//
// Weights start as in Keras: Glorot uniform for matrices (Glorot and Bengio 2010, equation 16),
// zeros for biases, ±0.05 uniform for embeddings. Every constructor refuses sizes below 1.
#pragma once

#include <gradus/module.h>
#include <gradus/operations.h>
#include <gradus/random.h>

namespace gradus {

enum class Activation { none, relu, gelu, tanh, sigmoid };

// Uniform in ± sqrt(6 / (fan_in + fan_out)).
Tensor glorot_uniform(const Shape& shape, Index fan_in, Index fan_out, Random& random,
                      Where where = here());

// activation(x W + b): x [..., inputs] gives [..., units].
class Dense : public Layer {
 public:
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
  // Errors: an epsilon that is negative or not a number.
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
  Embedding(Index vocabulary, Index size, Random& random, Where where = here());
  // Errors: an id outside the vocabulary.
  Tensor operator()(const Ids& ids, Where where = here());
  // How well each word of the vocabulary fits x: [..., size] to [..., vocabulary]. The same table
  // reads and writes, so the output has no weights of its own (Press and Wolf 2017).
  Tensor logits(const Tensor& x, Where where = here()) const;

  Tensor table;  // [vocabulary, size]
};

// A vector for each id plus a learned vector for each position (the book's listing 11.24):
// ids [B, T] give [B, T, size]. The first column of ids stands at position `first`.
class PositionalEmbedding : public Module {
 public:
  PositionalEmbedding(Index max_length, Index vocabulary, Index size, Random& random,
                      Where where = here());
  // Errors: an id outside the vocabulary, a position outside 0 … max_length - 1.
  Tensor operator()(const Ids& ids, Where where = here()) { return (*this)(ids, 0, where); }
  Tensor operator()(const Ids& ids, Index first, Where where = here());

  Embedding tokens;
  Tensor positions;  // [max_length, size]
};

// Fixed waves instead of learned positions (Vaswani et al. 2017, section 3.5): [length, size] with
// sin(t / 10000^(2i/size)) in column 2i and the cosine of the same in column 2i + 1, where t counts
// from `first`. Errors: sizes below 1, a `first` below 0.
Tensor sinusoidal_positions(Index length, Index size, Index first = 0, Where where = here());

// One vector for the whole text from [B, T, D]: the maximum, or the mean, over its words.
class GlobalMaxPooling : public MaskedLayer {
 public:
  GlobalMaxPooling() : MaskedLayer("GlobalMaxPooling") {}

 protected:
  Tensor forward(const Tensor& x, const Mask& mask, Where where) override {
    return max_pooling(x, mask, where);
  }
};

class GlobalAveragePooling : public MaskedLayer {
 public:
  GlobalAveragePooling() : MaskedLayer("GlobalAveragePooling") {}

 protected:
  Tensor forward(const Tensor& x, const Mask& mask, Where where) override {
    return mean_pooling(x, mask, where);
  }
};

// Layers in a row:
//   Sequential model;
//   model.add<Dense>("hidden", 4, 16, random, Activation::relu);
//   model.add<Dense>("logits", 16, 2, random);
class Sequential : public Layer {
 public:
  Sequential() : Layer("Sequential") {}

  // The name of a layer, and the line that names it.
  struct Name {
    template <class Text>
    Name(const Text& of_text, Where of_where = here()) : text(of_text), where(of_where) {}
    std::string text;
    Where where;
  };

  // Errors: those of the layer's constructor, a name that is taken.
  template <class L, class... Arguments>
  L& add(const Name& name, Arguments&&... arguments) {
    L* added = nullptr;
    try {
      added = new L(std::forward<Arguments>(arguments)...);
    } catch (const Error& error) {  // which speaks of the line above
      fail("Sequential::add", name.where, "\"", name.text, "\" was not made: ", error.what());
    }
    const Shared<Layer> layer(added);
    Module::add(name.text, *added, name.where);
    layers_.push_back(layer);
    return *added;
  }

 protected:
  Tensor forward(const Tensor& x, Where where) override;

 private:
  std::vector<Shared<Layer>> layers_;
};

}  // namespace gradus
