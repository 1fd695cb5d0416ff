// Whatever training, writing and searching compute or refuse names the line that called them, not
// one of the library.

#include <gradus/watcher.h>

#include "plain.h"
#include "training.h"

#include <limits>
#include <set>

using namespace training;
using plain::refusal;
using plain::says;

namespace {

const Where where = Where::at("mine.cpp", 7);
const std::string mine = "mine.cpp:7";

struct Translator : SequenceModel {
  Translator() : SequenceModel("Translator") {
    add("source", source);
    add("target", target);
    add("encoder", encoder);
    add("decoder", decoder);
  }
  Tensor encode(const Batch& batch, Where line) override {
    return encoder(source(batch.source, line), batch.source_mask, line);
  }
  Tensor decode(const Batch& batch, const Tensor& encoded, Where line) override {
    const Tensor x = target(batch.ids, batch.first(), line);
    return target.tokens.logits(
        decoder(x, encoded, batch.mask, batch.source_mask, batch.cache, line), line);
  }
  Random random{3};
  PositionalEmbedding source{9, 9, 4, random}, target{9, 9, 4, random};
  TransformerEncoder encoder{4, 6, 2, random};
  TransformerDecoder decoder{4, 6, 2, random, {.dropout = Scalar(0.5)}};
};

// The lines that operations, passes and steps are said to come from, and those of the gradients.
struct Lines : Watcher {
  explicit Lines(const Module& of) : model(of) { add_watcher(*this); }
  void saw(const Where& line) {
    if (to_string(line) != mine) other.push_back(to_string(line));
    ++count;
  }
  void after_forward(const Tensor& out, std::span<const Edge>) override { saw(out.where()); }
  void before_backward(const Tensor& out) override { saw(out.where()); }
  void begin_backward(const Where& line) override { saw(line); }
  void begin_step(const Where& line) override {
    saw(line);
    for (const NamedTensor& parameter : model.parameters())
      if (parameter.tensor.has_grad()) gradients.insert(to_string(parameter.tensor.grad().where()));
  }
  void before_mask(const Mask&, const Shape&, const char*, const Where& line) override {
    saw(line);
  }
  const Module& model;
  std::vector<std::string> other;
  std::set<std::string> gradients;  // those of the parameters, or of fit() if they are clipped
  int count = 0;
};

void check(const Module& model, const std::function<void()>& act) {
  Lines lines(model);
  act();
  CHECK(lines.count > 0);
  std::string other;  // one after the other, to be read in a failure
  for (const std::string& line : lines.other) other += line + " ";
  CHECK(other == "");
  for (const std::string& line : lines.gradients) CHECK(line.find("src/") == std::string::npos);
}

Batches pairs() {
  return Batches({next_ids({1, 2, 3, 4}, {5}), next_ids({6, 5}, {1, 2, 3})}, {.size = 1});
}

}  // namespace

TEST_CASE("all that a training computes names the line of fit() or evaluate()") {
  const auto train = [](SequenceModel& model, const Batches& batches) {
    Sgd optimizer(model.parameters(), {.momentum = Scalar(0.5)});
    check(model, [&] { evaluate(model, batches, where); });
    for (const Scalar clip : {Scalar(0), Scalar(1e-3)})
      check(model, [&] {
        fit(model, optimizer, batches, batches, {.epochs = 2, .clip_norm = clip, .quiet = true},
            where);
      });
  };
  Translator translator;
  train(translator, pairs());
  for (const int classes : {1, 3}) {
    Scores scores(classes, 3, Scalar(0.5));
    train(scores, Batches(texts(6, classes == 1 ? 2 : 3, 1), vectorizer(), {.size = 4}));
  }
}

TEST_CASE("all that is computed to write a text names the line of next() or beam_search()") {
  Translator model;
  for (const bool cache : {true, false}) {
    Writer writer(model, {{1, 2}, {3}}, {.max_length = 6, .cache = cache}, {{4}, {5, 6}}, where);
    for (int step = 0; step < 3; ++step) check(model, [&] { writer.next(where); });
    const BeamOptions options{.beams = 3, .max_length = 6, .cache = cache};
    check(model, [&] { beam_search(model, {1}, options, std::vector<int>{4, 5}, where); });
  }
}

TEST_CASE("what is refused in a part of training or writing is refused with the caller's line") {
  const auto refused = [](const std::function<void()>& act, const std::string& what) {
    says(refusal(act), what + " at " + mine + ": ");
  };
  Translator model;
  Batch five;
  five.labels = {1, 1, 1, 1, 1};
  refused([&] { model.loss(Tensor::zeros({1, 2, 3}), five, where); }, "Ids");
  Cache of_model, by_hand;
  Batch next = pairs().make({0}, where);
  next.cache = &of_model;
  model(next);
  refused([&] { of_model.pick({0, 3}, where); }, "Ids::rows");
  Random random(1);
  const Tensor x = Tensor::full({2, 1, 4}, 1);
  MultiHeadAttention attention(4, 2, 2, random);
  attention(x, x, x, {}, &by_hand);
  refused([&] { by_hand.pick({0, 3}, where); }, "embedding");
  const Tensor three = Tensor::zeros({3, 5, 2});
  says(refusal([&] { max_pooling(three, next.mask); }), "the mask of " + mine + " is for 1");
  says(refusal([&] { max_pooling(three, next.source_mask); }), "the mask of " + mine + " is for 1");
  const Mask both = Mask::causal(where) & Mask::padding({1, 2});
  says(refusal([&] {
         masked_softmax(Tensor::zeros({3, 5, 5}), both);
       }),
       "the mask of " + mine + " is for 2");
  const Tensor two = Tensor::full({2, 5, 4}, 1);
  TransformerDecoder decoder(4, 6, 2, random);
  says(refusal([&] { decoder(two, two, next.mask); }), "the mask of " + mine + " is for 1");
  Sgd backwards(model.parameters());
  backwards.learning_rate = -1;
  refused([&] { fit(model, backwards, pairs(), pairs(), {.quiet = true}, where); }, "Sgd");
  for (Scalar& w : model.target.tokens.table.mutable_values())
    w = std::numeric_limits<Scalar>::quiet_NaN();
  Writer writer(model, {{1}}, {}, {{4}});
  refused([&] { writer.next(where); }, "choose");
  refused([] { BagOfWords(2, false, where); }, "TextVectorizer");
  refused([] { BagOfWords(9, false).evaluate({{"a", 0, ""}}, where); }, "encode");
  const std::vector<Example> wordless{{"...", 0, ""}};
  refused([&] { BagOfWords(9, false).fit(wordless, wordless, 1, 1, where); }, "adapt");
  refused([] { sinusoidal_positions(0, 4, 0, where); }, "Shape");
  const Index large = Index(1) << 60, half = Index(1) << 30;
  refused([&] { Dense(half, half, random, Activation::none, where); }, "Shape");
  refused([&] { LayerNorm(large, Scalar(1e-3), where); }, "Shape");
  refused([&] { Embedding(half, half, random, where); }, "Shape");
  refused([&] { PositionalEmbedding(large, 2, 1, random, where); }, "Shape");
}

TEST_CASE("a file that cannot be read or written is refused with the caller's line") {
  const Folder folder;
  const auto refused = [](const std::function<void()>& act, const std::string& what) {
    says(refusal(act), what + " at " + mine + ": ");
  };
  TextVectorizer words = vectorizer();
  refused([&] { words.save(folder.path, where); }, "write_file");
  refused([&] { BytePairEncoding().save(folder.path, where); }, "write_file");
  const Batches batches(texts(6, 2, 1), vectorizer());
  std::uint64_t seed = 3;
  const auto train_in = [&](const std::string& path) {
    Scores model(2, seed);
    Sgd optimizer(model.parameters());
    fit(model, optimizer, batches, batches, {.epochs = 1, .folder = path, .quiet = true}, where);
  };
  const auto train = [&] { train_in(folder.path); };
  for (const std::string name : {"training", "best.next", "best.before"}) {
    if (name == "best.before") {
      train();  // so that there is an earlier run, with other weights
      seed = 4;
    }
    const std::string blocked = folder.path + "/" + name + ".safetensors.writing";
    make_folder(blocked);
    refused(train, "write_file");
    std::filesystem::remove(blocked);
  }
  folder.file("training.safetensors", "no state");
  refused(train, "read_safetensors");
  const std::string none = folder.path + "/none", below = folder.file("file", "") + "/below";
  Scores model(2);
  refused([&] { load_weights(none, model, where); }, "read_file");
  refused([&] { read_tsv(none, where); }, "read_file");
  refused([&] { write_file(below + "/x", "", where); }, "make_folder");
  refused([&] { train_in(below); }, "make_folder");
}
