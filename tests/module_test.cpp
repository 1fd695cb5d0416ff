// Modules: names and their order, tied and replaced parameters, modes, counters, the summary.

#include "plain.h"

#include <doctest/doctest.h>
#include <gradus/gradus.h>

#include <memory>

using namespace gradus;

namespace {

std::string this_file(int line) {
  return " at tests/module_test.cpp:" + std::to_string(line) + ": ";
}

std::vector<std::string> names_of(const std::vector<NamedTensor>& tensors) {
  std::vector<std::string> names;
  for (const NamedTensor& tensor : tensors) names.push_back(tensor.name);
  return names;
}
using Names = std::vector<std::string>;

// Adds what it is given, and does nothing with it.
struct Holder : Layer {
  explicit Holder(const char* kind = "Holder") : Layer(kind) {}
  using Module::add;
  Tensor forward(const Tensor& x, Where) override { return x * 2; }
};

// A part within a part, each with parameters; the parts are added before the own parameter.
struct Inner : Layer {
  explicit Inner(Random& random) : Layer("Inner"), dense(3, 2, random), scale(Tensor::zeros({2})) {
    add("dense", dense);
    add("scale", scale);
  }
  Tensor forward(const Tensor& x, Where where) override { return dense(x, where) * scale; }
  Dense dense;
  Tensor scale;
};

struct Outer : Layer {
  explicit Outer(Random& random)
      : Layer("Outer"), norm(2), drop(Scalar(0.5), random), inner(random) {
    add("norm", norm);
    add("inner", inner);
    add("drop", drop);
  }
  Tensor forward(const Tensor& x, Where where) override {
    return drop(norm(inner(x, where), where), where);
  }
  LayerNorm norm;
  Dropout drop;
  Inner inner;
};

}  // namespace

TEST_CASE("parameters come in order, own ones first, then those of the parts as they were added") {
  Random random(1);
  Outer model(random);
  CHECK(names_of(model.parameters()) ==
        Names{"norm.gamma", "norm.beta", "inner.scale", "inner.dense.kernel", "inner.dense.bias"});
  CHECK(names_of(model.inner.parameters()) == Names{"scale", "dense.kernel", "dense.bias"});
  CHECK(model.parameters()[3].tensor.node() == model.inner.dense.kernel.node());
  CHECK(model.parameter_count() == 2 + 2 + 2 + 3 * 2 + 2);
  CHECK(model.inner.parameter_count() == 10);
  for (const NamedTensor& parameter : model.parameters()) {
    CHECK(parameter.tensor.requires_grad());
    CHECK(parameter.tensor.label() == parameter.name);
  }
}

TEST_CASE("a module knows its kind, its name, its path and its parts") {
  Random random(1);
  Outer model(random);
  CHECK(model.kind() == "Outer");
  CHECK(model.name() == "");
  CHECK(model.path() == "");
  CHECK(model.inner.dense.kind() == "Dense");
  CHECK(model.inner.dense.name() == "dense");
  CHECK(model.inner.dense.path() == "inner.dense");
  CHECK(model.parts() == std::vector<Module*>{&model.norm, &model.inner, &model.drop});
}

TEST_CASE("clear_grad clears the gradients of all parts") {
  Random random(1);
  Outer model(random);
  sum(model(Tensor::full({2, 3}, 1))).backward();
  for (const NamedTensor& parameter : model.parameters()) REQUIRE(parameter.tensor.has_grad());
  model.clear_grad();
  for (const NamedTensor& parameter : model.parameters()) CHECK_FALSE(parameter.tensor.has_grad());
}

TEST_CASE("a tensor under two names is one parameter, under the first of them") {
  Random random(1);
  Holder model;
  Dense first(3, 2, random), second(3, 2, random);
  second.kernel = first.kernel;
  model.add("first", first);
  model.add("second", second);
  CHECK(names_of(model.parameters()) == Names{"first.kernel", "first.bias", "second.bias"});
  CHECK(model.parameter_count() == 6 + 2 + 2);
  CHECK(second.parameter_count() == 8);
  CHECK(std::string(second.kernel.label()) == "first.kernel");
  CHECK(model.summary().find("Total params: 10\n") != std::string::npos);
  const Tensor x = Tensor::matrix({{1, 2, 3}});
  sum(first(x) + second(x)).backward();
  CHECK(first.kernel.grad().at({1, 0}) == 4);
}

TEST_CASE("a tensor that is assigned to a layer's parameter is its parameter") {
  Random random(1);
  Holder model;
  Dense dense(3, 2, random);
  model.add("dense", dense);
  dense.kernel = Tensor::full({3, 2}, 5);
  const std::vector<NamedTensor> parameters = model.parameters();
  REQUIRE(names_of(parameters) == Names{"dense.kernel", "dense.bias"});
  CHECK(parameters[0].tensor.node() == dense.kernel.node());
  CHECK(dense.kernel.requires_grad());
  CHECK(std::string(dense.kernel.label()) == "dense.kernel");
  sum(dense(Tensor::full({1, 3}, 1))).backward();
  CHECK(dense.kernel.grad().at({2, 1}) == 1);
  dense.kernel.requires_grad(false);  // is not taken for one that was assigned just now
  CHECK_FALSE(dense.parameters()[0].tensor.requires_grad());
  // One that was frozen stays so, and a name of its own stays.
  dense.bias.requires_grad(false);
  model.parameters();
  CHECK_FALSE(dense.bias.requires_grad());
  dense.bias = Tensor::full({2}, 1).named("mine");
  model.parameters();
  CHECK_FALSE(dense.bias.requires_grad());
  CHECK(std::string(dense.bias.label()) == "mine");
}

TEST_CASE("what was computed from others cannot become a parameter") {
  Random random(1);
  Holder model;
  Dense dense(3, 2, random);
  const int line = __LINE__ + 1;
  dense.kernel = dense.kernel * 2;
  const std::string text = plain::refusal([&] { dense.parameters(); });
  CHECK(text.find("requires_grad" + this_file(line)) == 0);
  Tensor computed = dense.kernel * 3;
  const int add_line = __LINE__ + 1;
  const std::string added = plain::refusal([&] { model.add("computed", computed); });
  CHECK(added.find("requires_grad" + this_file(add_line)) == 0);
}

TEST_CASE("labels follow a part to where it is, however late it was put there") {
  Random random(1);
  auto inner = std::make_unique<Inner>(random);
  const Tensor x = Tensor::full({1, 3}, 1);
  CHECK(std::string(inner->dense(x).label()) == "dense");
  CHECK(std::string((*inner)(x).label()) == "");
  Holder middle("Middle"), whole("Whole");
  whole.add("middle", middle);  // before it has the part
  middle.add("inner", *inner);
  CHECK(inner->dense.path() == "middle.inner.dense");
  CHECK(std::string(inner->dense(x).label()) == "middle.inner.dense");
  CHECK(std::string((*inner)(x).label()) == "middle.inner");
  CHECK(std::string((*inner)(x).label()) == "middle.inner");
  CHECK(std::string(inner->dense.kernel.label()) == "middle.inner.dense.kernel");
  CHECK(std::string(inner->scale.label()) == "middle.inner.scale");
  int seen = 0;
  const Hook hook("middle.inner.dense", [&](const Tensor& y) {
    ++seen;
    return y;
  });
  (*inner)(x);
  CHECK(seen == 1);
}

TEST_CASE("a part may die before the whole, and the whole before a part") {
  Random random(1);
  Dense stays(3, 2, random);
  Inner below(random);
  const Tensor x = Tensor::full({1, 3}, 1);
  {
    Holder whole;
    whole.add("below", below);
    CHECK(std::string(below.dense(x).label()) == "below.dense");
    {
      Dense goes(2, 2, random);
      whole.add("goes", goes);
      whole.add("stays", stays);
    }
    CHECK(whole.parts() == std::vector<Module*>{&below, &stays});
    CHECK(whole.parameters().size() == 5);
    stays(x);
  }
  CHECK(std::string(below.dense(x).label()) == "dense");
  CHECK(stays.path() == "");
  CHECK(std::string(stays(x).label()) == "");
  Holder other;
  other.add("again", stays);
  CHECK(std::string(stays(x).label()) == "again");
}

TEST_CASE("a name must be there, without a dot, and not taken by a parameter, part or counter") {
  Random random(1);
  Holder model("Model");
  Dense dense(3, 2, random), other(3, 2, random);
  Tensor w = Tensor::zeros({2});
  std::uint64_t calls = 0;
  model.add("dense", dense);
  model.add("w", w);
  model.add("calls", calls);
  const auto refused = [&](const std::string& name) {
    const int line = __LINE__ + 1;
    const std::string part = plain::refusal([&] { model.add(name, other); });
    const std::string tensor = plain::refusal([&] { model.add(name, w); });
    const std::string counter = plain::refusal([&] { model.add(name, calls); });
    const std::string wanted = ": a part needs a name of its own without a dot, \"" + name + "\"";
    CHECK(part.find("Model" + this_file(line).substr(0, this_file(line).size() - 2) + wanted) == 0);
    CHECK(tensor.find(wanted) != std::string::npos);
    CHECK(counter.find(wanted) != std::string::npos);
  };
  for (const std::string name : {"", "a.b", ".", "dense", "w", "calls"}) refused(name);
  CHECK(model.parts().size() == 1);
  CHECK(model.parameters().size() == 3);
  CHECK(model.counters().size() == 1);
}

TEST_CASE("a part belongs to one module, once, and not to itself") {
  Random random(1);
  Holder model, other, above;
  Dense dense(3, 2, random);
  model.add("dense", dense);
  above.add("model", model);
  const int line = __LINE__ + 1;
  const std::string text = plain::refusal([&] { other.add("dense", dense); });
  CHECK(text.find("Holder" + this_file(line) + "the part for \"dense\" is one of another") == 0);
  CHECK(plain::refusal([&] { model.add("twice", dense); }).find("is one of another") != text.npos);
  CHECK(plain::refusal([&] { above.add("self", above); }).find("holds this one") != text.npos);
  CHECK(plain::refusal([&] { model.add("up", above); }).find("holds this one") != text.npos);
  CHECK(dense.path() == "model.dense");
}

TEST_CASE("train and eval reach every part, and leave the graph alone") {
  Random random(1);
  Outer model(random);
  const auto modes = [&] {
    return std::vector<bool>{model.training(), model.norm.training(), model.drop.training(),
                             model.inner.training(), model.inner.dense.training()};
  };
  CHECK(modes() == std::vector<bool>(5, true));
  model.eval();
  CHECK(modes() == std::vector<bool>(5, false));
  CHECK(model(Tensor::full({1, 3}, 1)).requires_grad());
  model.inner.train();
  CHECK(modes() == std::vector<bool>{false, false, false, true, true});
  model.train();
  CHECK(modes() == std::vector<bool>(5, true));
  model.train(false);
  CHECK(modes() == std::vector<bool>(5, false));
}

TEST_CASE("counters are listed with their path, own ones first, and can be set") {
  Random random(1);
  Holder model;
  Outer outer(random);
  std::uint64_t own = 7;
  model.add("outer", outer);
  model.add("own", own);
  const std::vector<Module::Counter> counters = model.counters();
  REQUIRE(counters.size() == 2);
  CHECK(counters[0].name == "own");
  CHECK(counters[0].value == &own);
  CHECK(counters[1].name == "outer.drop.calls");
  const Tensor x = Tensor::full({1, 3}, 1);
  outer(x);
  outer(x);
  CHECK(*counters[1].value == 2);
  outer.eval();
  outer(x);
  CHECK(*counters[1].value == 2);
}

TEST_CASE("the result of a layer has the layer's label though its author did nothing for it") {
  struct Masked : MaskedLayer {
    Masked() : MaskedLayer("Masked") {}
    Tensor forward(const Tensor& x, const Mask& mask, Where) override {
      return x * (mask.empty() ? 3 : 4);
    }
  } masked;
  Holder layer, whole;
  const Tensor x = Tensor::full({2}, 1);
  CHECK(std::string(masked(x).label()) == "");
  whole.add("layer", layer);
  whole.add("masked", masked);
  CHECK(std::string(layer(x).label()) == "layer");
  CHECK(std::string(masked(x).label()) == "masked");
  CHECK(masked(x).at({0}) == 3);
  CHECK(masked(x, Mask::causal()).at({0}) == 4);
  CHECK(whole.summary().find("masked (Masked)                            [2]") !=
        std::string::npos);
}

TEST_CASE("a layer that gives its input back does not rename it") {
  Random random(1);
  Holder model;
  Dropout drop(Scalar(0.5), random), never(0, random);
  model.add("drop", drop);
  model.add("never", never);
  const Tensor x = Tensor::full({2, 5}, 1).named("mine");
  CHECK(never(x).node() == x.node());
  model.eval();
  CHECK(drop(x).node() == x.node());
  CHECK(std::string(x.label()) == "mine");
  CHECK(model.summary().find("drop (Dropout)                             [2, 5]") !=
        std::string::npos);
  model.train();
  CHECK(std::string(drop(x).label()) == "drop");
  CHECK(std::string(x.label()) == "mine");
}

TEST_CASE("a size that is not positive is refused by every layer by its own name and line") {
  Random random(1);
  const auto says = [](const std::string& text, int line, const std::string& what,
                       const std::string& problem) {
    CHECK(text == what + this_file(line) + problem);
  };
  const auto wants = [&](const char* name, Index given) {
    return std::string(name) + " must be at least 1, not " + std::to_string(given);
  };
  using plain::refusal;
  says(refusal([&] { Dense(0, 2, random); }), __LINE__, "Dense", wants("inputs", 0));
  says(refusal([&] { Dense(1, -2, random); }), __LINE__, "Dense", wants("units", -2));
  says(refusal([&] { LayerNorm(0); }), __LINE__, "LayerNorm", wants("size", 0));
  says(refusal([&] { Embedding(0, 1, random); }), __LINE__, "Embedding", wants("vocabulary", 0));
  says(refusal([&] { Embedding(1, 0, random); }), __LINE__, "Embedding", wants("size", 0));
  const char* positional = "PositionalEmbedding";
  says(refusal([&] { PositionalEmbedding(0, 1, 1, random); }), __LINE__, positional,
       wants("max_length", 0));
  says(refusal([&] { PositionalEmbedding(1, 0, 1, random); }), __LINE__, positional,
       wants("vocabulary", 0));
  says(refusal([&] { PositionalEmbedding(1, 1, 0, random); }), __LINE__, positional,
       wants("size", 0));
  const char* attention = "MultiHeadAttention";
  says(refusal([&] { MultiHeadAttention(0, 1, 1, random); }), __LINE__, attention,
       wants("width", 0));
  says(refusal([&] { MultiHeadAttention(1, 0, 1, random); }), __LINE__, attention,
       wants("num_heads", 0));
  says(refusal([&] { MultiHeadAttention(1, 1, 0, random); }), __LINE__, attention,
       wants("key_dim", 0));
  says(refusal([&] { MultiHeadAttention(1, 1, 1, random, {.value_dim = -1}); }), __LINE__,
       attention, wants("value_dim", -1));
  const char* encoder = "TransformerEncoder";
  says(refusal([&] { TransformerEncoder(0, 1, 1, random); }), __LINE__, encoder,
       wants("embed_dim", 0));
  says(refusal([&] { TransformerEncoder(1, 0, 1, random); }), __LINE__, encoder,
       wants("dense_dim", 0));
  says(refusal([&] { TransformerEncoder(1, 1, 0, random); }), __LINE__, attention,
       wants("num_heads", 0));
  says(refusal([&] { TransformerEncoder(1, 1, 1, random, {.key_dim = -1}); }), __LINE__, attention,
       wants("key_dim", -1));
}

TEST_CASE("Sequential refuses a layer at the line that adds it, and stays as it was") {
  Random random(1);
  Sequential model;
  model.add<Dense>("first", 3, 2, random);
  const int line = __LINE__ + 1;
  const std::string text = plain::refusal([&] { model.add<Dense>("second", 0, 2, random); });
  CHECK(text.find("Sequential::add" + this_file(line) + "\"second\" was not made: Dense at ") == 0);
  CHECK(text.find("inputs must be at least 1, not 0") != std::string::npos);
  const int taken_line = __LINE__ + 1;
  const std::string taken = plain::refusal([&] { model.add<Dense>("first", 2, 2, random); });
  CHECK(taken.find("Sequential" + this_file(taken_line) + "a part needs a name of its own") == 0);
  CHECK(model.parts().size() == 1);
  CHECK(model(Tensor::full({1, 3}, 1)).shape() == Shape{1, 2});
  model.add<LayerNorm>("second", 2);
  CHECK(model(Tensor::full({1, 3}, 1)).shape() == Shape{1, 2});
}

TEST_CASE("Sequential applies its layers in the order in which they were added") {
  Random random(1);
  Sequential model;
  const Tensor x = Tensor::matrix({{1, -2}});
  CHECK(model(x).node() == x.node());
  Dense& first = model.add<Dense>("first", 2, 1, random, Activation::relu);
  Dense& second = model.add<Dense>(std::string("second"), 1, 1, random);
  first.kernel = Tensor::matrix({{3}, {1}});
  second.kernel = Tensor::matrix({{-5}});
  second.bias = Tensor::vector({2});
  CHECK(model(x).item() == -5 * (3 * 1 - 2) + 2);
  CHECK(std::string(model(x).label()) == "second");  // a whole has no name of its own
  CHECK(names_of(model.parameters()) ==
        Names{"first.kernel", "first.bias", "second.kernel", "second.bias"});
  Holder whole;
  whole.add("model", model);
  CHECK(std::string(model(x).label()) == "model");
  model.add<Dense>("third", 1, 4, random);
  CHECK(model(x).shape() == Shape{1, 4});
  CHECK(std::string(model.parts()[2]->parameters()[0].tensor.label()) == "model.third.kernel");
}

TEST_CASE("the summary lists every part with its last shape and its number of parameters") {
  Random random(1);
  Outer model(random);
  CHECK(model.summary() ==
        " Layer (type)                                 Output shape              Param #\n"
        " ------------------------------------------------------------------------------\n"
        " Outer                                        ?                              14\n"
        "   norm (LayerNorm)                           ?                               4\n"
        "   inner (Inner)                              ?                              10\n"
        "     dense (Dense)                            ?                               8\n"
        "   drop (Dropout)                             ?                               0\n"
        " ------------------------------------------------------------------------------\n"
        " Total params: 14\n");
  model(Tensor::zeros({5, 4, 3}));
  model.norm(Tensor::zeros({7, 2}));
  CHECK(model.summary() ==
        " Layer (type)                                 Output shape              Param #\n"
        " ------------------------------------------------------------------------------\n"
        " Outer                                        [5, 4, 2]                      14\n"
        "   norm (LayerNorm)                           [7, 2]                          4\n"
        "   inner (Inner)                              [5, 4, 2]                      10\n"
        "     dense (Dense)                            [5, 4, 2]                       8\n"
        "   drop (Dropout)                             [5, 4, 2]                       0\n"
        " ------------------------------------------------------------------------------\n"
        " Total params: 14\n");
}
