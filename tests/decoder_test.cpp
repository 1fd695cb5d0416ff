// The decoder: what its words may see, dropout of attention weights, tied output weights, and the
// cache, which changes no bit.

#include <doctest/doctest.h>
#include <gradus/gradus.h>

#include <cmath>
#include <limits>

using namespace gradus;

namespace {

bool same_bits(const Tensor& a, const Tensor& b) {
  return a.shape() == b.shape() &&
         std::equal(a.values().begin(), a.values().end(), b.values().begin(), b.values().end());
}

Tensor changed(const Tensor& x, Index text, Index word) {
  Tensor other = Tensor::from(x.shape(), x.values());
  other.mutable_data()[(text * x.shape()[1] + word) * x.shape()[2]] += 1;
  return other;
}

// Row (text, word) of two tensors [B, T, D].
bool same_row(const Tensor& a, const Tensor& b, Index text, Index word) {
  return same_bits(slice(slice(a, 0, text, text + 1), 1, word, word + 1),
                   slice(slice(b, 0, text, text + 1), 1, word, word + 1));
}

Mask random_mask(const Shape& shape, Random& random) {
  std::vector<bool> allowed;
  for (Index i = 0; i < shape.size(); ++i) allowed.push_back(random.below(3) > 0);
  return Mask::from(shape, allowed);
}

}  // namespace

TEST_CASE("a future word and a hidden word of the source change no bit of what must not see them") {
  for (const bool pre_norm : {false, true}) {
    Random random(3);
    TransformerDecoder decoder(6, 8, 2, random, {.pre_norm = pre_norm});
    const Tensor x = Tensor::normal({2, 5, 6}, 0, 1, random);
    const Tensor encoded = Tensor::normal({2, 4, 6}, 0, 1, random);
    const Mask source = Mask::padding({4, 2});
    const Tensor y = decoder(x, encoded, {}, source);
    for (Index word = 0; word < 5; ++word) {
      const Tensor other = decoder(changed(x, 1, word), encoded, {}, source);
      for (Index t = 0; t < 5; ++t) {
        CHECK(same_row(y, other, 1, t) == (t < word));
        CHECK(same_row(y, other, 0, t));
      }
    }
    for (Index word = 0; word < 4; ++word) {
      const Tensor other = decoder(x, changed(encoded, 1, word), {}, source);
      for (Index t = 0; t < 5; ++t) CHECK(same_row(y, other, 1, t) == (word >= 2));
    }
    // A word that the mask hides is seen by itself alone, on its way round.
    const Tensor masked = decoder(x, encoded, Mask::padding({5, 3}), source);
    const Tensor other = decoder(changed(x, 1, 3), encoded, Mask::padding({5, 3}), source);
    for (Index t = 0; t < 5; ++t) CHECK(same_row(masked, other, 1, t) == (t != 3));
  }
}

TEST_CASE("the future gives no gradient, and neither does a hidden word of the source") {
  Random random(3);
  TransformerDecoder decoder(6, 8, 2, random);
  const Tensor x = Tensor::normal({2, 5, 6}, 0, 1, random).requires_grad(true);
  const Tensor encoded = Tensor::normal({2, 4, 6}, 0, 1, random).requires_grad(true);
  const Tensor y = decoder(x, encoded, {}, Mask::padding({4, 2}));
  Tensor seed = Tensor::zeros(y.shape());
  for (Index d = 0; d < 6; ++d) seed.mutable_data()[(5 + 2) * 6 + d] = Scalar(d);  // text 1, word 2
  y.backward(seed);
  for (Index b = 0; b < 2; ++b) {
    for (Index t = 0; t < 5; ++t) CHECK((x.grad().at({b, t, 0}) != 0) == (b == 1 && t <= 2));
    for (Index s = 0; s < 4; ++s) CHECK((encoded.grad().at({b, s, 0}) != 0) == (b == 1 && s < 2));
  }
}

TEST_CASE("an explicit mask of any shape that broadcasts is combined with the causal one") {
  Random random(4);
  TransformerDecoder decoder(6, 8, 2, random);
  const Tensor x = Tensor::normal({3, 4, 6}, 0, 1, random);
  const Tensor encoded = Tensor::normal({3, 5, 6}, 0, 1, random);
  const auto full = [](const Mask& mask, Index keys, bool causal) {
    std::vector<bool> allowed;
    for (Index b = 0; b < 3; ++b)
      for (Index h = 0; h < 2; ++h)
        for (Index i = 0; i < 4; ++i)
          for (Index j = 0; j < keys; ++j)
            allowed.push_back(mask.allows(b, h, i, j) && (!causal || j <= i));
    return Mask::from({3, 2, 4, keys}, allowed);
  };
  const std::vector<Mask> own{random_mask({4, 4}, random), random_mask({3, 1, 4}, random),
                              random_mask({3, 4, 4}, random), random_mask({1, 2, 1, 4}, random),
                              random_mask({3, 2, 4, 4}, random) & Mask::padding({4, 2, 3})};
  const std::vector<Mask> of_source{random_mask({4, 5}, random), random_mask({3, 1, 5}, random),
                                    random_mask({3, 4, 1}, random),
                                    random_mask({1, 2, 4, 5}, random),
                                    random_mask({3, 1, 1, 5}, random) & Mask::padding({5, 1, 3})};
  for (std::size_t m = 0; m < own.size(); ++m) {
    CAPTURE(m);
    CHECK(same_bits(decoder(x, encoded, own[m], of_source[m]),
                    decoder(x, encoded, full(own[m], 4, true), full(of_source[m], 5, false))));
  }
}

TEST_CASE("a decoder block drops after each of its three parts, in training only") {
  for (const bool pre_norm : {false, true}) {
    Random random(1), same(1);
    TransformerDecoder layer(4, 6, 2, random, {.dropout = Scalar(0.4), .pre_norm = pre_norm});
    TransformerDecoder without(4, 6, 2, same, {.pre_norm = pre_norm});
    const Tensor x = Tensor::normal({2, 30, 4}, 0, 1, random);
    const Tensor encoded = Tensor::normal({2, 9, 4}, 0, 1, random);
    const Tensor y = layer(x, encoded);
    CHECK(layer.counters().size() == 3);
    for (const Module::Counter& counter : layer.counters()) {
      CHECK(*counter.value == 1);
      *counter.value = 0;
    }
    const auto past = [&](const Tensor& z) {
      return layer.dropout_1(layer.attention_1(z, Mask::causal()));
    };
    const auto across = [&](const Tensor& z) {
      return layer.dropout_2(layer.attention_2(z, encoded, encoded));
    };
    const auto feed = [&](const Tensor& z) {
      return layer.dropout_3(layer.dense_2(layer.dense_1(z)));
    };
    Tensor z = x;
    if (pre_norm) {
      z = z + past(layer.norm_1(z));
      z = z + across(layer.norm_2(z));
      z = z + feed(layer.norm_3(z));
    } else {
      z = layer.norm_1(z + past(z));
      z = layer.norm_2(z + across(z));
      z = layer.norm_3(z + feed(z));
    }
    CHECK(same_bits(y, z));
    layer.eval();
    CHECK(same_bits(layer(x, encoded), without(x, encoded)));
  }
}

TEST_CASE("a decoder block passes each of its options on, and names its parts in order") {
  Random random(1);
  TransformerDecoder layer(
      4, 6, 2, random,
      {.key_dim = 3, .activation = Activation::sigmoid, .attention = {.value_dim = 5}});
  for (MultiHeadAttention* attention : {&layer.attention_1, &layer.attention_2}) {
    CHECK(attention->key.bias.size() == 6);
    CHECK(attention->value.bias.size() == 10);
  }
  CHECK(TransformerDecoder(4, 6, 2, random).attention_2.key.bias.size() == 8);
  layer.dense_1.kernel.mutable_values()[0] = 1;
  CHECK(layer.dense_1(Tensor::zeros({1, 4})).at({0, 0}) == Scalar(0.5));
  std::string names;
  for (const Module* part : layer.parts()) names += part->name() + " ";
  CHECK(names ==
        "attention_1 norm_1 attention_2 norm_2 dense_1 dense_2 norm_3 dropout_1 "
        "dropout_2 dropout_3 ");
  const auto refused = [&](Index embed, Index dense, int heads, DecoderOptions options,
                           const char* text) {
    CHECK_THROWS_WITH_AS(TransformerDecoder(embed, dense, heads, random, options),
                         doctest::Contains(text), Error);
  };
  refused(0, 6, 2, {}, "TransformerDecoder at tests/decoder_test.cpp:");
  refused(4, 0, 2, {}, "dense_dim must be at least 1");
  refused(4, 6, 0, {}, "num_heads must be at least 1");
  refused(4, 6, 2, {.dropout = 1}, "Dropout at tests/decoder_test.cpp:");
  refused(4, 6, 2, {.epsilon = -1}, "LayerNorm at tests/decoder_test.cpp:");
  for (const Scalar rate : {Scalar(-0.1), Scalar(1), std::numeric_limits<Scalar>::quiet_NaN()})
    refused(4, 6, 2, {.attention = {.dropout = rate}},
            "MultiHeadAttention at tests/decoder_test.cpp:");
}

TEST_CASE("the result of a decoder block has its label, and its shape is in the summary") {
  struct Whole : Module {
    explicit Whole(Module& block) : Module("Whole") { add("block", block); }
  };
  Random random(1);
  TransformerDecoder block(4, 6, 2, random);
  const Whole whole(block);
  const Tensor x = Tensor::full({2, 3, 4}, 1);
  CHECK(std::string(block(x, x).label()) == "block");
  CHECK(whole.summary().find("block (TransformerDecoder)                 [2, 3, 4]") !=
        std::string::npos);
}

TEST_CASE("dropout of attention weights is that of the matrix, forward and backward") {
  for (const Index keys : {3, 150})
    for (const int mask_kind : {0, 1, 2}) {
      CAPTURE(keys);
      CAPTURE(mask_kind);
      Random random(5);
      const Index queries = keys - 1;
      const auto made = [&](const Shape& shape) {
        return Tensor::normal(shape, 0, 1, random).requires_grad(true);
      };
      const Tensor q = made({2, 3, queries, 4}), k = made({2, 3, keys, 4});
      const Tensor v = made({2, 3, keys, 5}), seed = made({2, 3, queries, 5}).detach();
      const Mask mask = mask_kind == 0   ? Mask()
                        : mask_kind == 1 ? Mask::causal() & Mask::padding({int(keys), 2})
                                         : random_mask({2, 1, queries, keys}, random);
      Random dice(8), same(8);
      const Tensor scores = matmul(q, k, {.transpose_b = true}) * Scalar(0.5);
      const Tensor weights = dropout(masked_softmax(scores, mask), Scalar(0.3), dice);
      matmul(weights, v).backward(seed);
      const Tensor wanted = matmul(weights, v).detach();
      std::vector<Tensor> gradients;
      for (Tensor x : {q, k, v}) {
        gradients.push_back(x.grad());
        x.clear_grad();
      }
      const Tensor y = scaled_dot_product_attention(
          q, k, v, {.mask = mask, .dropout = Scalar(0.3), .seed = same.next()});
      y.backward(seed);
      gradients.push_back(wanted);
      const Tensor given[] = {q.grad(), k.grad(), v.grad(), y};
      for (std::size_t i = 0; i < 4; ++i)
        for (std::size_t n = 0; n < gradients[i].values().size(); ++n)
          REQUIRE(static_cast<double>(given[i].values()[n]) ==
                  doctest::Approx(static_cast<double>(gradients[i].values()[n])).epsilon(1e-4));
    }
}

TEST_CASE("dropped attention weights give the same bits on any number of threads") {
  const auto run = [](int count) {
    const int before = threads();
    set_threads(count);
    Random random(5);
    const Tensor x = Tensor::normal({1, 300, 8}, 0, 1, random).requires_grad(true);
    const Tensor y =
        scaled_dot_product_attention(x, x, x, {.num_heads = 2, .dropout = Scalar(0.3), .seed = 7});
    y.backward(y.detach());
    set_threads(before);
    return concatenate({y.detach(), x.grad()}, 0);
  };
  const Tensor one = run(1);
  CHECK(same_bits(one, run(2)));
  CHECK(same_bits(one, run(5)));
}

TEST_CASE("attention drops weights in training, others each time, and not otherwise") {
  Random random(5), same(5);
  MultiHeadAttention attention(6, 2, 3, random, {.dropout = Scalar(0.5)});
  MultiHeadAttention without(6, 2, 3, same);
  const Tensor x = Tensor::normal({1, 20, 6}, 0, 1, random);
  REQUIRE(attention.counters().size() == 1);
  CHECK(without.counters().empty());
  const Tensor first = attention(x);
  CHECK_FALSE(same_bits(attention(x), first));
  CHECK(*attention.counters()[0].value == 2);
  *attention.counters()[0].value = 0;
  CHECK(same_bits(attention(x), first));
  attention.keep_weights();
  attention(x);
  without.keep_weights();
  CHECK_FALSE(same_bits(attention(x), without(x)));
  CHECK(same_bits(attention.weights, without.weights));  // for looking at: before any is dropped
  attention.eval();
  CHECK(same_bits(attention(x), without(x)));
  // A second one, with the weights of the first, drops others: it has a seed of its own.
  MultiHeadAttention second(6, 2, 3, random, {.dropout = Scalar(0.5)});
  for (const auto& [to, from] : {std::pair{&second.query, &attention.query},
                                 {&second.key, &attention.key},
                                 {&second.value, &attention.value},
                                 {&second.output, &attention.output}})
    to->kernel = from->kernel;
  CHECK_FALSE(same_bits(second(x), first));
  second.eval();
  CHECK(same_bits(second(x), without(x)));
}

TEST_CASE("a dropout of attention outside 0 … 1 is refused") {
  const Tensor x = Tensor::full({2, 3}, 1);
  for (const Scalar rate : {Scalar(-0.1), Scalar(1), std::numeric_limits<Scalar>::quiet_NaN()})
    CHECK_THROWS_WITH_AS(scaled_dot_product_attention(x, x, x, {.dropout = rate}),
                         doctest::Contains("the dropout must be at least 0 and below 1"), Error);
}

TEST_CASE("an embedding's logits are the products with its rows, and train the same table") {
  Random random(2);
  Embedding words(5, 3, random);
  const Tensor x = Tensor::normal({2, 4, 3}, 0, 1, random);
  const Tensor logits = words.logits(x);
  REQUIRE(logits.shape() == Shape{2, 4, 5});
  for (Index t = 0; t < 4; ++t)
    for (Index v = 0; v < 5; ++v) {
      double sum = 0;
      for (Index d = 0; d < 3; ++d)
        sum += static_cast<double>(x.at({1, t, d})) * static_cast<double>(words.table.at({v, d}));
      CHECK(static_cast<double>(logits.at({1, t, v})) == doctest::Approx(sum).epsilon(1e-5));
    }
  sum(logits).backward();
  const Tensor column = sum(reshape(x, {8, 3}), {0});
  for (Index d = 0; d < 3; ++d)
    CHECK(words.table.grad().at({4, d}) == doctest::Approx(column.at({d})).epsilon(1e-5));
}
