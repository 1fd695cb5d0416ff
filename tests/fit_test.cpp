// Training: it learns, it keeps the best epoch, and it can be interrupted anywhere.

#include <doctest/doctest.h>
#include <gradus/gradus.h>

#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <filesystem>

using namespace gradus;

namespace {

struct Tiny : TextClassifier {
  explicit Tiny(Random& random, Index outputs = 1)
      : TextClassifier("Tiny"),
        embedding(12, 20, 8, random),
        encoder(8, 8, 2, random, {.dropout = Scalar(0.1)}),
        logit(8, outputs, random) {
    add("embedding", embedding);
    add("encoder", encoder);
    add("logit", logit);
  }
  Tensor forward(const Ids& ids, const Mask& mask, Where where) override {
    return logit(max_pooling(encoder(embedding(ids, where), mask, where), mask, where), where);
  }
  PositionalEmbedding embedding;
  TransformerEncoder encoder;
  Dense logit;
};

std::vector<Example> examples(int count) {
  std::vector<Example> result;
  Random random(4);
  for (int i = 0; i < count; ++i) {
    std::string text = "film" + std::to_string(random.below(6));
    for (std::int64_t n = random.below(5); n > 0; --n) text += " and";
    result.push_back({text + (i % 2 ? " was good" : " was bad"), i % 2, ""});
  }
  return result;
}

struct Setting {
  Setting()
      : vectorizer({.max_tokens = 20, .max_length = 12}),
        texts(examples(64)),
        train((vectorizer.adapt(texts_of(texts)), texts), vectorizer, {.size = 8}, 1),
        validation(texts, vectorizer, {.shuffle = false}) {}
  TextVectorizer vectorizer;
  std::vector<Example> texts;
  Batches train, validation;
};

struct Folder {
  ~Folder() { std::filesystem::remove_all(path); }
  std::string path = "build/test-fit-" + std::to_string(getpid());
};

FitOptions options(const std::string& folder) {
  return {.epochs = 4,
          .schedule = Schedule::warmup_cosine(Scalar(0.01), 4, 32),
          .clip_norm = 1,
          .folder = folder,
          .save_every = 0,
          .quiet = true};
}

// Trains with fresh objects; stops with an exception at the forward pass `stop_at`, if there is
// one.
bool train(const Setting& setting, const std::string& folder, int stop_at) {
  Random random(9);
  Tiny model(random);
  Adam optimizer(model.parameters());
  int calls = 0;
  const Hook stop("logit", [&](const Tensor& x) {
    if (++calls == stop_at) throw Error("stopped");
    return x;
  });
  try {
    fit(model, optimizer, setting.train, setting.validation, options(folder));
  } catch (const Error& error) {
    return std::string(error.what()) != "stopped";
  }
  return true;
}

}  // namespace

TEST_CASE("a training that is interrupted anywhere ends with the same bits") {
  if (sizeof(Scalar) != 4) return;  // weights travel as float32
  const Setting setting;
  const Folder whole, pieces{whole.path + "-pieces"};
  REQUIRE(train(setting, whole.path, 0));
  int interruptions = 0;
  for (int stop_at = 3; !train(setting, pieces.path, stop_at); stop_at = stop_at % 7 + 1)
    REQUIRE(++interruptions < 200);
  CHECK(interruptions > 5);
  CHECK(read_file(whole.path + "/best.safetensors", 1 << 20) ==
        read_file(pieces.path + "/best.safetensors", 1 << 20));
  CHECK_FALSE(file_exists(pieces.path + "/training.safetensors"));
}

TEST_CASE("a state of other settings is refused") {
  const Setting setting;
  const Folder folder;
  REQUIRE_FALSE(train(setting, folder.path, 10));
  Random random(9);
  Tiny model(random);
  Adam optimizer(model.parameters());
  FitOptions other = options(folder.path);
  other.epochs = 5;
  CHECK_THROWS_WITH_AS(fit(model, optimizer, setting.train, setting.validation, other),
                       doctest::Contains("with other settings"), Error);
}

TEST_CASE("training learns, with one logit or with two, and the best weights stay in the model") {
  const Setting setting;
  for (const Index outputs : {1, 2}) {
    Random random(2);
    Tiny model(random, outputs);
    Adam optimizer(model.parameters());
    FitOptions o = options("");
    o.epochs = 12;
    o.schedule = Schedule::constant(Scalar(0.01));
    o.patience = 3;
    const History history = fit(model, optimizer, setting.train, setting.validation, o);
    const Metric metric = evaluate(model, setting.validation);
    CHECK(metric.count == 64);
    CHECK(metric.accuracy() == 1);
    const Metric& best = history.epochs[static_cast<std::size_t>(history.best)].validation;
    CHECK(metric.loss() == best.loss());
    CHECK(std::abs(history.epochs[0].train.loss() - std::log(2.0)) < 0.5);
  }
}

TEST_CASE("a loss that is not a number ends the training with a message") {
  const Setting setting;
  Random random(2);
  Tiny model(random);
  model.logit.bias.mutable_values()[0] = static_cast<Scalar>(std::nan(""));
  Adam optimizer(model.parameters());
  CHECK_THROWS_WITH_AS(fit(model, optimizer, setting.train, setting.validation, options("")),
                       doctest::Contains("is not a number"), Error);
}

TEST_CASE("the shipped reviews are what their grammar writes") {
  // `make reviews` writes the files; this looks at what they promise.
  std::vector<std::string> seen;
  for (const std::string part : {"train", "validation", "test", "held_out"}) {
    const std::vector<Example> read = read_tsv("lessons/data/" + part + ".tsv");
    CHECK(read.size() == (part == "train" ? 10000 : 1000));
    int good = 0;
    for (const Example& example : read) {
      good += example.label;
      seen.push_back(example.text);
    }
    CHECK(good * 2 == static_cast<int>(read.size()));
  }
  std::sort(seen.begin(), seen.end());
  CHECK(std::adjacent_find(seen.begin(), seen.end()) == seen.end());
}

TEST_CASE("schedules rise, fall and stay positive") {
  const Schedule cosine = Schedule::warmup_cosine(1, 10, 110);
  CHECK(cosine.at(0) == doctest::Approx(0.1));
  CHECK(cosine.at(10) == doctest::Approx(1));
  CHECK(cosine.at(60) == doctest::Approx(0.5));
  CHECK(cosine.at(110) == doctest::Approx(0).epsilon(1e-6));
  const Schedule root = Schedule::warmup_inverse_sqrt(1, 4);
  CHECK(root.at(15) == doctest::Approx(0.5));
  CHECK_THROWS_AS(Schedule::constant(-1), Error);
  CHECK_THROWS_AS(Schedule::warmup_cosine(1, 10, 5), Error);
}

TEST_CASE("clipping scales all gradients by one factor") {
  Tensor a = Tensor::vector({0, 0}).requires_grad(true);
  Tensor b = Tensor::vector({0}).requires_grad(true);
  a.add_grad(Tensor::vector({3, 0}));
  b.add_grad(Tensor::vector({4}));
  CHECK(clip_by_global_norm({{"a", a}, {"b", b}}, 1) == doctest::Approx(5));
  CHECK(a.grad().at({0}) == doctest::Approx(0.6));
  CHECK(b.grad().at({0}) == doctest::Approx(0.8));
}
