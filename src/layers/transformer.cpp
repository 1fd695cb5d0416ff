#include <gradus/transformer.h>

#include <cmath>

namespace gradus {

MultiHeadAttention::MultiHeadAttention(Index width, int num_heads, Index key_dim, Random& random,
                                       MultiHeadAttentionOptions options, Where where)
    : Module("MultiHeadAttention",
             {{"width", width},
              {"num_heads", num_heads},
              {"key_dim", key_dim},
              {"value_dim", options.value_dim ? options.value_dim : key_dim}},
             where),
      query(width, num_heads * key_dim, random, Activation::none, where),
      key(width, num_heads * key_dim, random, Activation::none, where),
      value(width, num_heads * (options.value_dim ? options.value_dim : key_dim), random,
            Activation::none, where),
      output(value.bias.size(), width, random, Activation::none, where),
      num_heads_(num_heads),
      dropout_(options.dropout) {
  add("query", query);
  add("key", key);
  add("value", value);
  add("output", output);
  if (!(dropout_ >= 0 && dropout_ < 1))
    fail(kind(), where, "the dropout must be at least 0 and below 1, not ", dropout_);
  if (dropout_ > 0) {
    seed_ = random.next();
    add("calls", calls_);
  }
  if (!options.keras_book_start) return;
  // Rescales what Glorot's rule gave to the limit that Keras computed.
  for (Dense* dense : {&query, &key, &value, &output}) {
    const Index inputs = dense->kernel.shape()[0], units = dense->kernel.shape()[1];
    const Index fans = dense == &output ? inputs + num_heads * units
                                        : inputs * num_heads + inputs * units / num_heads;
    const Scalar factor =
        std::sqrt(static_cast<Scalar>(inputs + units) / static_cast<Scalar>(fans));
    for (Scalar& w : dense->kernel.mutable_values()) w *= factor;
  }
}

Tensor MultiHeadAttention::operator()(const Tensor& query_input, const Tensor& key_input,
                                      const Tensor& value_input, const Mask& mask, Cache* cache,
                                      Where where) {
  const Tensor q = query(query_input, where);
  KeysAndValues own;
  KeysAndValues& kept = cache ? cache->of(*this) : own;
  const bool first = !kept.key.exists();
  const bool to_itself = query_input.node() == key_input.node();
  if (first || to_itself) {
    const Tensor k = key(key_input, where);
    const Tensor v = value(value_input, where);
    kept.key = first ? k : concatenate({kept.key, k}, 1, where);
    kept.value = first ? v : concatenate({kept.value, v}, 1, where);
    kept.grows = to_itself;
  } else if (kept.made_from.node() != key_input.node()) {
    fail("Cache", where, "it has the keys of another input than " + describe(key_input));
  }
  kept.made_from = key_input;
  AttentionOptions options{.mask = mask, .num_heads = num_heads_};
  if (keep_weights_) {
    weights = attention_weights(q, kept.key, options, where);
    weights.named(path().empty() ? "weights" : path() + ".weights");
  }
  if (training() && dropout_ > 0) {
    options.dropout = dropout_;
    options.seed = random_bits(seed_, calls_++);
  }
  return done(output(scaled_dot_product_attention(q, kept.key, kept.value, options, where), where));
}

namespace {

// The way round a part of a block: the part's input is added to its output. The norm comes after
// that (post-norm), or before the part.
struct Residual {
  LayerNorm& norm;
  Dropout& dropout;
  bool pre_norm;
  Where where;

  Tensor input(const Tensor& x) const { return pre_norm ? norm(x, where) : x; }
  Tensor output(const Tensor& x, const Tensor& part) const {
    const Tensor sum = Operand(x, where) + Operand(dropout(part, where), where);
    return pre_norm ? sum : norm(sum, where);
  }
};

}  // namespace

TransformerEncoder::TransformerEncoder(Index embed_dim, Index dense_dim, int num_heads,
                                       Random& random, EncoderOptions options, Where where)
    : Module("TransformerEncoder", {{"embed_dim", embed_dim}, {"dense_dim", dense_dim}}, where),
      attention(embed_dim, num_heads, options.key_dim ? options.key_dim : embed_dim, random,
                options.attention, where),
      dense_1(embed_dim, dense_dim, random, options.activation, where),
      dense_2(dense_dim, embed_dim, random, Activation::none, where),
      norm_1(embed_dim, options.epsilon, where),
      norm_2(embed_dim, options.epsilon, where),
      dropout_1(options.dropout, random, where),
      dropout_2(options.dropout, random, where),
      pre_norm_(options.pre_norm) {
  add("attention", attention);
  add("norm_1", norm_1);
  add("dense_1", dense_1);
  add("dense_2", dense_2);
  add("norm_2", norm_2);
  add("dropout_1", dropout_1);
  add("dropout_2", dropout_2);
}

Tensor TransformerEncoder::operator()(const Tensor& x, const Mask& mask, Cache* cache,
                                      Where where) {
  const Residual first{norm_1, dropout_1, pre_norm_, where};
  const Residual second{norm_2, dropout_2, pre_norm_, where};
  const Tensor in = first.input(x);
  const Tensor middle = first.output(x, attention(in, in, in, mask, cache, where));
  return done(second.output(middle, dense_2(dense_1(second.input(middle), where), where)));
}

TransformerDecoder::TransformerDecoder(Index embed_dim, Index dense_dim, int num_heads,
                                       Random& random, DecoderOptions options, Where where)
    : Module("TransformerDecoder", {{"embed_dim", embed_dim}, {"dense_dim", dense_dim}}, where),
      attention_1(embed_dim, num_heads, options.key_dim ? options.key_dim : embed_dim, random,
                  options.attention, where),
      attention_2(embed_dim, num_heads, options.key_dim ? options.key_dim : embed_dim, random,
                  options.attention, where),
      dense_1(embed_dim, dense_dim, random, options.activation, where),
      dense_2(dense_dim, embed_dim, random, Activation::none, where),
      norm_1(embed_dim, options.epsilon, where),
      norm_2(embed_dim, options.epsilon, where),
      norm_3(embed_dim, options.epsilon, where),
      dropout_1(options.dropout, random, where),
      dropout_2(options.dropout, random, where),
      dropout_3(options.dropout, random, where),
      pre_norm_(options.pre_norm) {
  add("attention_1", attention_1);
  add("norm_1", norm_1);
  add("attention_2", attention_2);
  add("norm_2", norm_2);
  add("dense_1", dense_1);
  add("dense_2", dense_2);
  add("norm_3", norm_3);
  add("dropout_1", dropout_1);
  add("dropout_2", dropout_2);
  add("dropout_3", dropout_3);
}

Tensor TransformerDecoder::operator()(const Tensor& x, const Tensor& encoded, const Mask& mask,
                                      const Mask& encoded_mask, Cache* cache, Where where) {
  const Residual first{norm_1, dropout_1, pre_norm_, where};
  const Residual second{norm_2, dropout_2, pre_norm_, where};
  const Residual third{norm_3, dropout_3, pre_norm_, where};
  const Tensor in = first.input(x);
  const Mask past = mask & Mask::causal(where);
  const Tensor a = first.output(x, attention_1(in, in, in, past, cache, where));
  const Tensor asked = second.input(a);
  const Tensor b =
      second.output(a, attention_2(asked, encoded, encoded, encoded_mask, cache, where));
  return done(third.output(b, dense_2(dense_1(third.input(b), where), where)));
}

}  // namespace gradus
