#include <gradus/elementwise.h>
#include <gradus/operation.h>
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
      query(width, num_heads * key_dim, random),
      key(width, num_heads * key_dim, random),
      value(width, num_heads * (options.value_dim ? options.value_dim : key_dim), random),
      output(value.bias.size(), width, random),
      num_heads_(num_heads) {
  add("query", query);
  add("key", key);
  add("value", value);
  add("output", output);
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
                                      const Tensor& value_input, const Mask& mask, Where where) {
  const Tensor q = query(query_input, where);
  const Tensor k = key(key_input, where);
  const Tensor v = value(value_input, where);
  const AttentionOptions options{.mask = mask, .num_heads = num_heads_};
  if (keep_weights_) {
    weights = attention_weights(q, k, options, where);
    weights.named(path().empty() ? "weights" : path() + ".weights");
  }
  return done(output(scaled_dot_product_attention(q, k, v, options, where), where));
}

TransformerEncoder::TransformerEncoder(Index embed_dim, Index dense_dim, int num_heads,
                                       Random& random, EncoderOptions options, Where where)
    : MaskedLayer("TransformerEncoder", {{"embed_dim", embed_dim}, {"dense_dim", dense_dim}},
                  where),
      attention(embed_dim, num_heads, options.key_dim ? options.key_dim : embed_dim, random,
                options.attention, where),
      dense_1(embed_dim, dense_dim, random, options.activation),
      dense_2(dense_dim, embed_dim, random),
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

Tensor TransformerEncoder::forward(const Tensor& x, const Mask& mask, Where where) {
  const auto add = [where](const Tensor& a, const Tensor& b) {
    return Operand(a, where) + Operand(b, where);
  };
  if (pre_norm_) {
    const Tensor attended = attention(norm_1(x, where), mask, where);
    const Tensor middle = add(x, dropout_1(attended, where));
    const Tensor fed = dense_2(dense_1(norm_2(middle, where), where), where);
    return add(middle, dropout_2(fed, where));
  }
  const Tensor attended = attention(x, mask, where);
  const Tensor middle = norm_1(add(x, dropout_1(attended, where)), where);
  const Tensor fed = dense_2(dense_1(middle, where), where);
  return norm_2(add(middle, dropout_2(fed, where)), where);
}

}  // namespace gradus
