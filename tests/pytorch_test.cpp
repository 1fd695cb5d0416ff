// The same numbers as PyTorch: tests/reference/make_reference.py made them.
//
// The deviation of a tensor is its largest difference divided by its largest value; it must be
// below 1e-5.

#include <doctest/doctest.h>
#include <gradus/gradus.h>

#include <algorithm>
#include <cmath>
#include <map>

using namespace gradus;

namespace {

struct Numbers {
  Shape shape;
  std::vector<Scalar> values;
};

// Plain numbers: a tensor kept here would be alive in the tests that count those that are.
const std::map<std::string, Numbers>& all_numbers() {
  static const std::map<std::string, Numbers> numbers = [] {
    std::map<std::string, Numbers> found;
    for (const NamedTensor& t : read_safetensors("tests/reference/reference.safetensors").tensors)
      found[t.name] = {t.tensor.shape(), {t.tensor.values().begin(), t.tensor.values().end()}};
    return found;
  }();
  return numbers;
}

Tensor reference(const std::string& name) {
  REQUIRE_MESSAGE(all_numbers().count(name) == 1, name);
  return Tensor::from(all_numbers().at(name).shape, all_numbers().at(name).values);
}

Tensor input(const std::string& name) {
  return reference(name).requires_grad(true);
}

void compare(const std::string& name, const Tensor& computed) {
  CAPTURE(name);
  const Tensor wanted = reference(name);
  REQUIRE(computed.shape() == wanted.shape());
  double largest = 0;
  double difference = 0;
  for (Index i = 0; i < wanted.size(); ++i) {
    const auto x = static_cast<double>(computed.data()[i]);
    const auto y = static_cast<double>(wanted.data()[i]);
    largest = std::max(largest, std::abs(y));
    difference = std::max(difference, std::abs(x - y));
  }
  // The gradient of a key's bias is zero in theory, and a few rounding errors in practice.
  const double deviation = largest > 1e-12 ? difference / largest : difference;
  CHECK(deviation < 1e-5);
}

// The output of a case, and after backward() with its upstream gradient that of each input.
void check_case(const std::string& name, const Tensor& out,
                const std::vector<NamedTensor>& inputs) {
  compare(name + ".out", out);
  out.backward(reference(name + ".upstream"));
  for (const NamedTensor& x : inputs) {
    const bool zero_in_theory = x.name.find("key.bias") != std::string::npos;
    if (zero_in_theory) {
      for (const Scalar g : x.tensor.grad().values()) CHECK(std::abs(g) < Scalar(1e-6));
      continue;
    }
    compare(name + ".grad." + x.name, x.tensor.grad());
  }
}

void set_weights(const std::string& name, Module& module) {
  for (const NamedTensor& parameter : module.parameters()) {
    const Tensor values = input(name + "." + parameter.name);
    REQUIRE(values.shape() == parameter.tensor.shape());
    Tensor target = parameter.tensor;
    std::copy_n(values.data(), values.size(), target.mutable_data());
  }
}

std::vector<NamedTensor> with(std::vector<NamedTensor> parameters, const Tensor& x) {
  parameters.push_back({"x", x});
  return parameters;
}

}  // namespace

TEST_CASE("softmax, layer normalisation and cross-entropy agree with PyTorch") {
  const Tensor s = input("softmax.x");
  check_case("softmax", softmax(s), {{"x", s}});
  const Tensor l = input("log_softmax.x");
  check_case("log_softmax", log_softmax(l), {{"x", l}});
  const Tensor x = input("layer_norm.x");
  const Tensor gamma = input("layer_norm.gamma");
  const Tensor beta = input("layer_norm.beta");
  check_case("layer_norm", layer_norm(x, gamma, beta),
             {{"x", x}, {"gamma", gamma}, {"beta", beta}});
  const Tensor logits = input("cross_entropy.x");
  check_case("cross_entropy", cross_entropy(logits, {0, 4, -1, 2, 2, -1}), {{"x", logits}});
}

TEST_CASE("multi-head attention with masks agrees with PyTorch") {
  for (const std::string name : {"mha_padding", "mha_causal"}) {
    Random random(1);
    MultiHeadAttention attention(8, 2, 5, random);
    set_weights(name, attention);
    const Tensor x = input(name + ".x");
    const Mask mask = name == "mha_causal" ? Mask::causal() : Mask::padding({6, 3});
    check_case(name, attention(x, mask), with(attention.parameters(), x));
  }
}

TEST_CASE("attention of three inputs with cached keys agrees with PyTorch") {
  Random random(1);
  MultiHeadAttention attention(8, 2, 5, random, {.value_dim = 3});
  set_weights("cross", attention);
  const Tensor q = input("cross.q"), k = input("cross.k"), v = input("cross.v");
  const Mask mask = Mask::padding({7, 4}) & Mask::causal();
  std::vector<NamedTensor> inputs = attention.parameters();
  for (const NamedTensor& x : {NamedTensor{"q", q}, {"k", k}, {"v", v}}) inputs.push_back(x);
  check_case("cross", attention(q, k, v, mask), inputs);
}

TEST_CASE("an encoder block that normalises first, with gelu, agrees with PyTorch") {
  Random random(1);
  TransformerEncoder encoder(
      8, 10, 2, random,
      {.key_dim = 3, .pre_norm = true, .epsilon = Scalar(0.05), .activation = Activation::gelu});
  set_weights("pre_norm", encoder);
  const Tensor x = input("pre_norm.x");
  check_case("pre_norm", encoder(x, Mask::padding({3, 5})), with(encoder.parameters(), x));
}

TEST_CASE("Dense with its activations and mean pooling agree with PyTorch") {
  struct Case {
    const char* name;
    Activation activation;
  };
  for (const Case& c : {Case{"dense_gelu", Activation::gelu},
                        {"dense_tanh", Activation::tanh},
                        {"dense_sigmoid", Activation::sigmoid}}) {
    Random random(1);
    Sequential only;
    only.add<Dense>("only", 6, 9, random, c.activation);
    set_weights(c.name, only);
    const Tensor x = input(c.name + std::string(".x"));
    check_case(c.name, only(x), with(only.parameters(), x));
  }
  GlobalAveragePooling pooling;
  const Tensor x = input("mean_pooling.x");
  check_case("mean_pooling", pooling(x, Mask::padding({5, 1, 3})), {{"x", x}});
}

TEST_CASE("an encoder block agrees with PyTorch") {
  Random random(1);
  TransformerEncoder encoder(8, 10, 2, random);
  set_weights("encoder", encoder);
  const Tensor x = input("encoder.x");
  check_case("encoder", encoder(x, Mask::padding({5, 2})), with(encoder.parameters(), x));
}

namespace {

struct Classifier : Module {
  explicit Classifier(Random& random)
      : Module("Classifier"),
        embedding(9, 20, 8, random),
        encoder(8, 10, 2, random),
        logit(8, 1, random) {
    add("embedding", embedding);
    add("encoder", encoder);
    add("logit", logit);
  }
  PositionalEmbedding embedding;
  TransformerEncoder encoder;
  Dense logit;
};

}  // namespace

TEST_CASE("the whole classifier agrees with PyTorch") {
  Random random(1);
  Classifier model(random);
  set_weights("classifier", model);
  const Ids ids({3, 7}, {3, 7, 19, 4, 4, 2, 1, 5, 6, 3, 0, 0, 0, 0, 9, 9, 9, 9, 1, 0, 0});
  const Mask mask = Mask::padding_of(ids);
  const Tensor encoded = model.encoder(model.embedding(ids), mask);
  const Tensor logits = model.logit(max_pooling(encoded, mask));
  compare("classifier.logits", logits);
  const Tensor loss = binary_cross_entropy(logits, Tensor::matrix({{1}, {0}, {1}}));
  compare("classifier.out", loss);
  loss.backward();
  for (const NamedTensor& p : model.parameters())
    if (p.name.find("key.bias") == std::string::npos)
      compare("classifier.grad." + p.name, p.tensor.grad());
}

TEST_CASE("a decoder block agrees with PyTorch, and one that normalises first, with gelu") {
  for (const std::string name : {"decoder", "decoder_pre_norm"}) {
    Random random(1);
    DecoderOptions options;
    if (name != "decoder")
      options = {
          .key_dim = 3, .pre_norm = true, .epsilon = Scalar(0.05), .activation = Activation::gelu};
    TransformerDecoder decoder(8, 10, 2, random, options);
    set_weights(name, decoder);
    const Tensor x = input(name + ".x"), encoded = input(name + ".encoded");
    std::vector<NamedTensor> inputs = with(decoder.parameters(), x);
    inputs.push_back({"encoded", encoded});
    check_case(name, decoder(x, encoded, Mask::padding({5, 3}), Mask::padding({4, 7})), inputs);
  }
}

namespace {

struct Translator : SequenceModel {
  explicit Translator(Random& random)
      : SequenceModel("Translator"),
        source(9, 20, 8, random),
        target(9, 20, 8, random),
        encoder(8, 10, 2, random),
        decoder(8, 10, 2, random) {
    add("source", source);
    add("target", target);
    add("encoder", encoder);
    add("decoder", decoder);
  }
  Tensor encode(const Batch& batch, Where where) override {
    return encoder(source(batch.source, where), batch.source_mask, where);
  }
  Tensor decode(const Batch& batch, const Tensor& encoded, Where where) override {
    const Tensor words = target(batch.ids, where);
    return target.tokens.logits(decoder(words, encoded, batch.mask, batch.source_mask, where));
  }
  PositionalEmbedding source, target;
  TransformerEncoder encoder;
  TransformerDecoder decoder;
};

}  // namespace

TEST_CASE("a whole encoder-decoder, its output tied to its embedding, agrees with PyTorch") {
  Random random(1);
  Translator model(random);
  set_weights("translator", model);
  const Batches batches(
      {next_ids({1, 9, 2, 7, 2}, {3, 7, 19, 4, 4}), next_ids({1, 8, 2}, {5, 6, 3})});
  const Batch batch = batches.make({0, 1});
  const Tensor logits = model(batch);
  compare("translator.logits", logits);
  const Tensor loss = model.loss(logits, batch, here());
  compare("translator.out", loss);
  loss.backward();
  for (const NamedTensor& p : model.parameters())
    if (p.name.find("key.bias") == std::string::npos)
      compare("translator.grad." + p.name, p.tensor.grad());
}

TEST_CASE("five steps of each optimiser agree with PyTorch") {
  const auto run = [](const std::string& name, auto make) {
    Tensor w = input(name + ".start");
    auto optimizer = make(std::vector<NamedTensor>{{"w", w}});
    for (int step = 0; step < 5; ++step) {
      w.clear_grad();
      w.add_grad(reference(name + ".gradient." + std::to_string(step)));
      optimizer.step();
      compare(name + ".step." + std::to_string(step), w);
    }
  };
  using Parameters = std::vector<NamedTensor>;
  const Scalar rate = Scalar(0.01);
  run("sgd",
      [](Parameters p) { return Sgd(p, {.learning_rate = Scalar(0.1), .momentum = Scalar(0.9)}); });
  run("rmsprop", [=](Parameters p) { return RMSprop(p, {.learning_rate = rate}); });
  run("adam", [=](Parameters p) { return Adam(p, {.learning_rate = rate}); });
  run("adamw", [=](Parameters p) {
    return AdamW(p, {.learning_rate = rate, .weight_decay = Scalar(0.05)});
  });
}
