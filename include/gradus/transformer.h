// Multi-head attention, the Transformer's encoder and its decoder, as in Keras and the book.
#pragma once

#include <gradus/cache.h>
#include <gradus/layers.h>

namespace gradus {

struct MultiHeadAttentionOptions {
  Index value_dim = 0;  // 0 stands for key_dim
  // The Keras versions of the book take the query, key and value kernels for convolutions when they
  // compute how large the first weights may be: ± sqrt(6 / (D (H + K))) instead of
  // ± sqrt(6 / (D + H K)), several times smaller, so attention starts out almost even.
  bool keras_book_start = false;
  Scalar dropout = 0;  // of the weights, in training
};

// num_heads heads, each of which projects the input to key_dim numbers, attends, and gives its
// result to a common projection back to the width of the query (Vaswani et al. 2017,
// section 3.2.2).
//   query [B, Tq, D], key [B, Tk, D], value [B, Tk, D] give [B, Tq, D]
// With a cache, self-attention adds the keys of its input to those of earlier calls and looks at
// all; attention to another input computes the keys of that once.
class MultiHeadAttention : public Module {
 public:
  MultiHeadAttention(Index width, int num_heads, Index key_dim, Random& random,
                     MultiHeadAttentionOptions options = {}, Where where = here());

  Tensor operator()(const Tensor& query_input, const Tensor& key_input, const Tensor& value_input,
                    const Mask& mask = {}, Where where = here()) {
    return (*this)(query_input, key_input, value_input, mask, nullptr, where);
  }
  // Errors: a cache with the keys of another input.
  Tensor operator()(const Tensor& query_input, const Tensor& key_input, const Tensor& value_input,
                    const Mask& mask, Cache* cache, Where where = here());
  // Self-attention: x attends to x.
  Tensor operator()(const Tensor& x, const Mask& mask = {}, Where where = here()) {
    return (*this)(x, x, x, mask, where);
  }

  // The next calls also compute `weights`, which attention itself never needs as a whole.
  void keep_weights(bool keep = true) { keep_weights_ = keep; }
  Tensor weights;  // [B, H, Tq, Tk] of the last call

  Dense query, key, value;  // D to H·K, H·K and H·V
  Dense output;             // H·V to D
  int num_heads() const { return num_heads_; }

 private:
  int num_heads_;
  bool keep_weights_ = false;
  Scalar dropout_;
  std::uint64_t seed_ = 0, calls_ = 0;
};

struct EncoderOptions {
  Index key_dim = 0;      // 0 stands for embed_dim, as in the book
  Scalar dropout = 0;     // on the output of attention and of the feed-forward part
  bool pre_norm = false;  // normalise before each part instead of after it (Xiong et al. 2020)
  Scalar epsilon = Scalar(1e-3);  // of the two norms
  Activation activation = Activation::relu;
  MultiHeadAttentionOptions attention = {};
};

// The book's encoder block (listing 11.21): attention, then two Dense layers, each with a way round
// it that is added back (residual) and a layer normalisation. x [B, T, embed_dim] to the same
// shape.
class TransformerEncoder : public Module {
 public:
  TransformerEncoder(Index embed_dim, Index dense_dim, int num_heads, Random& random,
                     EncoderOptions options = {}, Where where = here());
  Tensor operator()(const Tensor& x, const Mask& mask = {}, Where where = here()) {
    return (*this)(x, mask, nullptr, where);
  }
  // The block of a model that has a decoder only: give it Mask::causal(), and a cache to write
  // with.
  Tensor operator()(const Tensor& x, const Mask& mask, Cache* cache, Where where = here());

  MultiHeadAttention attention;
  Dense dense_1, dense_2;
  LayerNorm norm_1, norm_2;
  Dropout dropout_1, dropout_2;

 private:
  bool pre_norm_;
};

using DecoderOptions = EncoderOptions;

// The book's decoder block (listing 11.33): the words written so far attend to themselves, but not
// to the future, then to what the encoder made of the source, then two Dense layers; each with a
// way round it and a layer normalisation.
//   x [B, T, embed_dim], encoded [B, S, embed_dim] give [B, T, embed_dim]
class TransformerDecoder : public Module {
 public:
  TransformerDecoder(Index embed_dim, Index dense_dim, int num_heads, Random& random,
                     DecoderOptions options = {}, Where where = here());

  // `mask` says which words of x count besides, `encoded_mask` which of `encoded`.
  Tensor operator()(const Tensor& x, const Tensor& encoded, const Mask& mask = {},
                    const Mask& encoded_mask = {}, Where where = here()) {
    return (*this)(x, encoded, mask, encoded_mask, nullptr, where);
  }
  Tensor operator()(const Tensor& x, const Tensor& encoded, const Mask& mask,
                    const Mask& encoded_mask, Cache* cache, Where where = here());

  MultiHeadAttention attention_1, attention_2;
  Dense dense_1, dense_2;
  LayerNorm norm_1, norm_2, norm_3;
  Dropout dropout_1, dropout_2, dropout_3;

 private:
  bool pre_norm_;
};

}  // namespace gradus
