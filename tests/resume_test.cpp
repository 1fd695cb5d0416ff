// Training that is interrupted: it goes on with the same bits, and only where it belongs.

#include "plain.h"
#include "training.h"

#include <algorithm>
#include <clocale>
#include <cmath>
#include <locale>
#include <memory>
#include <sstream>

using namespace training;
using ::plain::refusal;
using ::plain::says;

namespace {

struct Stop {};

// An encoder, so that there are dropouts deep inside, and one that is used twice: their counts
// differ.
struct Deep : TextClassifier {
  Deep() : TextClassifier("Deep") {
    add("embedding", embedding);
    add("encoder", encoder);
    add("drop", drop);
    add("logit", logit);
  }
  Tensor forward(const Ids& ids, const Mask& mask, Where where) override {
    if (++calls == stop_at) throw Stop();
    const Tensor x = max_pooling(encoder(embedding(ids, where), mask, where), mask, where);
    return logit(drop(drop(x, where), where), where);
  }
  Random random{9};
  PositionalEmbedding embedding{12, 11, 8, random};
  TransformerEncoder encoder{8, 8, 2, random, {.dropout = Scalar(0.1)}};
  Dropout drop{Scalar(0.1), random};
  Dense logit{8, 3, random};
  int calls = 0, stop_at = 0;
};

enum class Kind { sgd, rmsprop, adam };

std::unique_ptr<Optimizer> optimizer_of(Kind kind, const std::vector<NamedTensor>& parameters) {
  if (kind == Kind::sgd)
    return std::make_unique<Sgd>(parameters, SgdOptions{.momentum = Scalar(0.5)});
  if (kind == Kind::rmsprop) return std::make_unique<RMSprop>(parameters);
  return std::make_unique<Adam>(parameters);
}

// Everything that a training leaves behind.
struct Ending {
  std::vector<double> history;
  std::vector<std::vector<Scalar>> weights, memory;
  std::int64_t steps;
  bool operator==(const Ending&) const = default;
};

Ending ending(const History& history, const Module& model, const Optimizer& optimizer) {
  Ending end{{static_cast<double>(history.best)}, {}, {}, optimizer.steps()};
  for (const Epoch& epoch : history.epochs)
    for (const Metric& metric : {epoch.train, epoch.validation}) {
      end.history.push_back(metric.loss_sum);
      end.history.push_back(static_cast<double>(metric.correct));
      end.history.push_back(static_cast<double>(metric.count));
    }
  for (const NamedTensor& p : model.parameters()) end.weights.push_back(values_of(p.tensor));
  for (const NamedTensor& p : optimizer.state()) end.memory.push_back(values_of(p.tensor));
  return end;
}

// All that makes up a run; each may be changed.
struct Run {
  std::vector<Example> train_texts = texts(13, 2, 1), validation_texts = texts(5, 2, 2);
  BatchOptions batch{.size = 4}, validation_batch{.size = 3, .shuffle = false};
  std::uint64_t batch_seed = 7, model_seed = 3;
  Scalar dropout = Scalar(0.5);
  Index classes = 2;
  std::function<std::unique_ptr<Optimizer>(const std::vector<NamedTensor>&)> optimizer =
      [](const std::vector<NamedTensor>& p) { return std::make_unique<Adam>(p); };
  FitOptions options{.epochs = 3,
                     .schedule = Schedule::warmup_cosine(Scalar(0.1), 2, 12),
                     .patience = 2,
                     .clip_norm = Scalar(0.5),
                     .save_every = 0,
                     .quiet = true};
  std::function<void(Scores&)> change = [](Scores&) {};

  // Trains, but stops in the forward pass `stop_at` if that is not 0.
  History operator()(const std::string& folder, int stop_at = 0) {
    Scores model(classes, model_seed, dropout);
    change(model);
    int calls = 0;
    model.look = [&] {
      if (++calls == stop_at) throw Stop();
    };
    const auto made = optimizer(model.parameters());
    options.folder = folder;
    return fit(model, *made, Batches(train_texts, vectorizer(), batch, batch_seed),
               Batches(validation_texts, vectorizer(), validation_batch), options);
  }
  void stopped(const std::string& folder, int stop_at) {
    CHECK_THROWS_AS((*this)(folder, stop_at), Stop);
    REQUIRE(file_exists(folder + "/training.safetensors"));
  }
};

std::string contents(const std::string& path) {
  return read_file(path, 1 << 20);
}

const bool in_float = sizeof(Scalar) == 4;  // weights travel as float, so bits in double are lost

}  // namespace

TEST_CASE("a training that is interrupted anywhere ends with the same bits, in file and memory") {
  if (!in_float) return;
  const Batches batches(texts(22, 3, 1), vectorizer(), {.size = 8}, 1);
  const Batches validation(texts(7, 3, 2), vectorizer(), {.size = 4, .shuffle = false});
  for (const Kind kind : {Kind::sgd, Kind::rmsprop, Kind::adam}) {
    CAPTURE(static_cast<int>(kind));
    const Folder whole, pieces;
    const auto train = [&](const Folder& folder, int stop_at) {
      Deep model;
      model.stop_at = stop_at;
      const auto optimizer = optimizer_of(kind, model.parameters());
      const History history = fit(model, *optimizer, batches, validation,
                                  {.epochs = 4,
                                   .schedule = Schedule::warmup_cosine(Scalar(0.02), 3, 12),
                                   .patience = 3,
                                   .clip_norm = Scalar(0.5),
                                   .folder = folder.path,
                                   .save_every = 0,
                                   .quiet = true});
      return ending(history, model, *optimizer);
    };
    const Ending wanted = train(whole, 0);
    int interruptions = 0;
    for (int stop_at = 3;; stop_at = stop_at % 5 + 2) try {
        const Ending end = train(pieces, stop_at);
        CHECK(end == wanted);
        break;
      } catch (const Stop&) {
        REQUIRE(++interruptions < 100);
      }
    CHECK(interruptions > 5);
    // Once only, in the third epoch: what every interruption exchanges would come right again.
    const Folder once;
    CHECK_THROWS_AS(train(once, 14), Stop);
    CHECK(train(once, 0) == wanted);
    CHECK(contents(whole.path + "/best.safetensors") ==
          contents(pieces.path + "/best.safetensors"));
    CHECK_FALSE(file_exists(pieces.path + "/training.safetensors"));
    CHECK_FALSE(file_exists(pieces.path + "/best.before.safetensors"));
  }
}

TEST_CASE("the state is saved after every batch, or not before the end of the epoch, as asked") {
  for (const bool often : {true, false}) {
    const Folder folder;
    Run run;
    run.options.save_every = often ? 0 : 1000;
    run.options.epochs = 2;
    const int first = 3;  // a look at the first batch, a batch, and this one
    if (often) run.stopped(folder.path, first);
    if (!often) CHECK_THROWS_AS(run(folder.path, first), Stop);
    CHECK(file_exists(folder.path + "/training.safetensors") == often);
    const int next_epoch = 1 + 4 + 2 + 1 + (often ? -1 : 0);  // one batch was done before
    run.options.quiet = !often;
    const std::string again = printed(STDOUT_FILENO, [&] { run.stopped(folder.path, next_epoch); });
    CHECK(again.substr(0, again.find('\n')) ==
          (often ? "going on in epoch 1, after 1 of 4 batches" : ""));
    run.options.quiet = false;
    const std::string text = printed(STDOUT_FILENO, [&] { run(folder.path); });
    CHECK(text.substr(0, text.find('\n')) == "going on in epoch 2, after 0 of 4 batches");
  }
}

TEST_CASE("a run of another configuration is refused with what differs, and the state stays") {
  struct Change {
    const char* what;
    std::function<void(Run&)> make;
  };
  const auto optimizer = [](auto kind, auto options) {
    return [=](Run& run) {
      run.optimizer = [=](const std::vector<NamedTensor>& p) {
        return std::make_unique<typename decltype(kind)::type>(p, options);
      };
    };
  };
  const std::type_identity<Adam> adam;
  const std::type_identity<AdamW> adam_w;
  const std::type_identity<RMSprop> rmsprop;
  const std::type_identity<Sgd> sgd;
  const auto schedule = [](const Schedule& other) {
    return [=](Run& run) { run.options.schedule = other; };
  };
  const Scalar rate = Scalar(0.1);
  const std::vector<Change> changes{
      {R"("epochs 3" stands there, here it is "epochs 4")", [](Run& r) { r.options.epochs = 4; }},
      {R"("patience 2" stands there, here it is "patience 0")",
       [](Run& r) { r.options.patience = 0; }},
      {R"("clip_norm 0.5" stands there, here it is "clip_norm 0.25")",
       [](Run& r) { r.options.clip_norm = Scalar(0.25); }},
      {R"(rate 0.1, warmup 2, total 12" stands there, here it is "learning rate 0.001")",
       [](Run& r) { r.options.schedule = {}; }},
      {R"(here it is "learning rate rate 0.1")", schedule(Schedule::constant(rate))},
      {"warmup_cosine, rate 0.2", schedule(Schedule::warmup_cosine(Scalar(0.2), 2, 12))},
      {"warmup 3, total 12", schedule(Schedule::warmup_cosine(rate, 3, 12))},
      {"warmup 2, total 13", schedule(Schedule::warmup_cosine(rate, 2, 13))},
      {"warmup_inverse_sqrt", schedule(Schedule::warmup_inverse_sqrt(rate, 2))},
      {"beta_1 0.8", optimizer(adam, AdamOptions{.beta_1 = Scalar(0.8)})},
      {"beta_2 0.8", optimizer(adam, AdamOptions{.beta_2 = Scalar(0.8)})},
      {"epsilon 0.5", optimizer(adam, AdamOptions{.epsilon = Scalar(0.5)})},
      {"weight_decay 0.5", optimizer(adam, AdamOptions{.weight_decay = Scalar(0.5)})},
      {"AdamW", optimizer(adam_w, AdamWOptions{.weight_decay = 0})},
      {"RMSprop", optimizer(rmsprop, RmspropOptions{})},
      {"Sgd", optimizer(sgd, SgdOptions{})},
      {"training texts", [](Run& r) { r.batch_seed = 8; }},
      {"batches of 5", [](Run& r) { r.batch.size = 5; }},
      {"training texts", [](Run& r) { r.batch.shuffle = false; }},
      {"training texts", [](Run& r) { r.batch.group_by_length = false; }},
      {"padded to 9", [](Run& r) { r.batch.pad_to = 9; }},
      {"training texts", [](Run& r) { r.train_texts[12].text += " a"; }},
      {"training texts", [](Run& r) { r.train_texts[12].label ^= 1; }},
      {"training texts", [](Run& r) { std::swap(r.train_texts[11], r.train_texts[12]); }},
      {"training texts", [](Run& r) { r.train_texts.pop_back(); }},
      {"validation texts", [](Run& r) { r.validation_texts[4].text += " b"; }},
      {"validation texts", [](Run& r) { r.validation_texts[4].label ^= 1; }},
      {"validation texts", [](Run& r) { r.validation_batch.size = 2; }},
      {"Scores", [](Run& r) { r.classes = 3; }},
      {"first batch", [](Run& r) { r.model_seed = 4; }},
      {"first batch", [](Run& r) { r.dropout = Scalar(0.25); }},
      {"first batch",
       [](Run& r) { r.change = [](Scores& model) { model.table.mutable_data()[5] += 1; }; }},
  };
  const Folder folder;
  Run().stopped(folder.path, 9);
  const std::string state = contents(folder.path + "/training.safetensors");
  for (const Change& change : changes) {
    CAPTURE(change.what);
    Run run;
    change.make(run);
    const std::string text = refusal([&] { run(folder.path); });
    says(text, "fit at tests/resume_test.cpp:");
    says(text, "is the state of a training with other settings: ");
    says(text, change.what);
  }
  CHECK(contents(folder.path + "/training.safetensors") == state);
  // With a schedule the optimiser's own rate is of no importance.
  Run same;
  optimizer(adam, AdamOptions{.learning_rate = 5})(same);
  CHECK(printed(STDOUT_FILENO, [&] { CHECK(same(folder.path).epochs.size() == 3); }).empty());
}

TEST_CASE("each setting of each optimiser, and its own rate, belongs to the state") {
  const auto refused = [](auto first, auto second) {
    const Folder folder;
    Run run;
    run.options.schedule = {};
    run.optimizer = first;
    run.stopped(folder.path, 5);
    run.optimizer = second;
    return refusal([&] { run(folder.path); });
  };
  const auto sgd = [](SgdOptions o) {
    return [=](const std::vector<NamedTensor>& p) { return std::make_unique<Sgd>(p, o); };
  };
  const auto rmsprop = [](RmspropOptions o) {
    return [=](const std::vector<NamedTensor>& p) { return std::make_unique<RMSprop>(p, o); };
  };
  says(refused(sgd({}), sgd({.learning_rate = Scalar(0.02)})),
       R"("learning rate 0.01" stands there, here it is "learning rate 0.02")");
  says(refused(sgd({}), sgd({.momentum = Scalar(0.5)})), "momentum 0.5");
  says(refused(rmsprop({}), rmsprop({.rho = Scalar(0.5)})), "rho 0.5");
  says(refused(rmsprop({}), rmsprop({.epsilon = Scalar(0.5)})), "epsilon 0.5");
}

TEST_CASE("another kind of layer, and another forward() of the same layers, are refused") {
  struct Pooled : TextClassifier {
    explicit Pooled(Layer& the_activation, bool the_maximum)
        : TextClassifier("Pooled"), activation(the_activation), maximum(the_maximum) {
      add("embedding", embedding);
      add("activation", activation);
      add("logit", logit);
    }
    Tensor forward(const Ids& ids, const Mask& mask, Where where) override {
      if (++calls == stop_at) throw Stop();
      const Tensor x = activation(embedding(ids, where), where);
      return logit(maximum ? max_pooling(x, mask, where) : mean_pooling(x, mask, where), where);
    }
    Random random{1};
    Embedding embedding{11, 4, random};
    Layer& activation;
    Dense logit{4, 1, random};
    bool maximum;
    int calls = 0, stop_at = 0;
  };
  const Folder folder;
  const auto train = [&](Layer& layer, bool maximum, int stop_at) {
    Pooled model(layer, maximum);
    model.stop_at = stop_at;
    RMSprop optimizer(model.parameters());
    const Batches batches(texts(9, 2, 1), vectorizer(), {.size = 3});
    fit(model, optimizer, batches, batches,
        {.epochs = 2, .folder = folder.path, .save_every = 0, .quiet = true});
  };
  struct Nothing : Layer {
    explicit Nothing(const char* kind) : Layer(kind) {}
    Tensor forward(const Tensor& x, Where) override { return x * 1; }
  };
  Nothing relu("Relu"), same_kind("Relu"), tanh_layer("Tanh");
  CHECK_THROWS_AS(train(relu, true, 4), Stop);
  says(refusal([&] { train(tanh_layer, true, 0); }), "activation (Tanh)");
  says(refusal([&] { train(same_kind, false, 0); }), "first batch");
  Nothing again("Relu");
  train(again, true, 0);
  CHECK_FALSE(file_exists(folder.path + "/training.safetensors"));
}

TEST_CASE("a damaged state is refused, whichever of its numbers is changed") {
  const Folder folder;
  const std::string path = folder.path + "/training.safetensors";
  Run run;
  run.stopped(folder.path, 11);  // in the second epoch: there is a best one
  const TensorFile good = read_safetensors(path);
  const auto refused = [&](const TensorFile& bad, const std::string& why) {
    write_safetensors(path, bad);
    const std::string text = refusal([&] { run(folder.path); });
    says(text, "fit at tests/resume_test.cpp:");
    says(text, why);
  };
  std::vector<std::string> numbers;
  std::istringstream in(good.metadata.at("numbers"));
  for (std::string number; in >> number;) numbers.push_back(number);
  REQUIRE(numbers.size() == 5 + 1 + 6 + 1);  // a counter, one epoch, the checksum
  const auto with = [&](const std::vector<std::string>& other) {
    TensorFile bad = good;
    std::string& text = bad.metadata["numbers"];
    text.clear();
    for (const std::string& number : other) text += number + " ";
    return bad;
  };
  for (std::size_t i = 0; i < numbers.size(); ++i)
    for (const std::string other : {"1000000", "-1", "18446744073709551615", "3.5", "x", ""}) {
      CAPTURE(i);
      CAPTURE(other);
      std::vector<std::string> changed = numbers;
      changed[i] = other;
      refused(with(changed), "is damaged: delete it");
    }
  for (const std::size_t count : {0u, 1u, 6u, 7u, 12u})
    refused(with({numbers.begin(), numbers.begin() + static_cast<std::ptrdiff_t>(count)}),
            "damaged");
  std::vector<std::string> longer = numbers;
  for (int more = 0; more < 6; ++more) {
    longer.push_back("1");
    refused(with(longer), "is damaged");
  }
  TensorFile none = good;
  none.metadata.erase("numbers");
  refused(none, "is damaged");
  none.metadata.clear();
  refused(none, R"("nothing more" stands there, here it is "epochs 3")");

  for (std::size_t i = 0; i < good.tensors.size(); ++i) {
    CAPTURE(good.tensors[i].name);
    TensorFile bad = good;
    bad.tensors[i].tensor =
        Tensor::from(good.tensors[i].tensor.shape(), good.tensors[i].tensor.values());
    bad.tensors[i].tensor.mutable_data()[7] += Scalar(0.001);
    refused(bad, "is damaged");
    bad = good;
    bad.tensors[i].name += "s";
    refused(bad, "is damaged");
    bad = good;
    bad.tensors[i].tensor = reshape(good.tensors[i].tensor, {2, 11});
    refused(bad, "is damaged");
    bad = good;
    bad.tensors.erase(bad.tensors.begin() + static_cast<std::ptrdiff_t>(i));
    refused(bad, "is damaged");
  }
  TensorFile more = good;
  more.tensors.push_back({"more", Tensor::scalar(1)});
  refused(more, "is damaged");
  write_file(path, contents(path).substr(0, 100));
  says(refusal([&] { run(folder.path); }), "no valid safetensors file");
  write_safetensors(path, good);
  CHECK(run(folder.path).epochs.size() == 3);
}

TEST_CASE("the best weights are written at the end, and those of an earlier run are kept") {
  const Folder folder;
  Run run;
  run(folder.path);
  const std::string first = contents(folder.path + "/best.safetensors");
  run.model_seed = 4;
  run.stopped(folder.path, 11);
  CHECK(contents(folder.path + "/best.safetensors") == first);
  run.options.quiet = false;
  const std::string text =
      printed(STDERR_FILENO, [&] { printed(STDOUT_FILENO, [&] { run(folder.path); }); });
  says(text, folder.path + "/best.before.safetensors" + " has the weights of an earlier run");
  CHECK(contents(folder.path + "/best.safetensors") != first);
  CHECK(contents(folder.path + "/best.before.safetensors") == first);
  run.options.quiet = true;
  run.model_seed = 5;
  CHECK(printed(STDERR_FILENO, [&] { run(folder.path); }).empty());
}

TEST_CASE(
    "a run that is stopped while it writes the best weights takes them for no earlier run's") {
  const Folder folder;
  Run run;
  run(folder.path);
  const std::string first = contents(folder.path + "/best.safetensors");
  const std::string state = folder.path + "/training.safetensors";
  run.model_seed = 4;
  std::string last;
  run.options.after_epoch = [&] { last = contents(state); };
  run(folder.path);
  const std::string second = contents(folder.path + "/best.safetensors");
  write_file(state, last);  // as if it had been stopped before this was removed
  run.options.after_epoch = {};
  run(folder.path);
  CHECK(contents(folder.path + "/best.safetensors") == second);
  CHECK(contents(folder.path + "/best.before.safetensors") == first);
  CHECK_FALSE(file_exists(state));
}

TEST_CASE("the file of the best weights holds those that the model ends with") {
  if (!in_float) return;
  const Folder folder;
  Scores model(2);
  Sgd optimizer(model.parameters(), {.learning_rate = 20});
  const Batches train(texts(13, 2, 1), vectorizer(), {.size = 4});
  const Batches validation(texts(9, 2, 2), vectorizer());
  const History history =
      fit(model, optimizer, train, validation, {.epochs = 5, .folder = folder.path, .quiet = true});
  CHECK(history.best != 4);
  Scores loaded(2, 99);
  load_weights(folder.path + "/best.safetensors", loaded);
  CHECK(values_of(loaded.table) == values_of(model.table));
  CHECK(evaluate(model, validation).loss_sum ==
        history.epochs[static_cast<std::size_t>(history.best)].validation.loss_sum);
}

TEST_CASE("a folder holds one training at a time, and is free again after it, however that ends") {
  const Folder folder;
  Run inner;
  std::string text;
  Scores model(2);
  Adam optimizer(model.parameters());
  const Batches batches(texts(5, 2, 1), vectorizer());
  model.look = [&] {
    text = refusal([&] { inner(folder.path); });
    throw Stop();
  };
  CHECK_THROWS_AS(fit(model, optimizer, batches, batches, {.folder = folder.path, .quiet = true}),
                  Stop);
  says(text, "fit at tests/resume_test.cpp:");
  says(text, "another training is at work in " + folder.path);
  CHECK(inner(folder.path).epochs.size() == 3);
}

TEST_CASE("without a folder nothing is written") {
  const Folder folder;
  const auto here = std::filesystem::current_path();
  std::filesystem::current_path(folder.path);
  Run()("");
  std::filesystem::current_path(here);
  CHECK(std::filesystem::is_empty(folder.path));
}

TEST_CASE("a state is the same bytes where numbers are written with commas, and is read there") {
  struct Commas : std::numpunct<char> {
    char do_decimal_point() const override { return ','; }
    char do_thousands_sep() const override { return '.'; }
    std::string do_grouping() const override { return "\3"; }
  };
  const Folder plain, commas;
  Run().stopped(plain.path, 11);
  const std::locale before = std::locale::global(std::locale(std::locale(), new Commas));
  const char* german = std::setlocale(LC_ALL, "de_DE.UTF-8");  // where the system has it
  Run().stopped(commas.path, 11);
  CHECK(contents(plain.path + "/training.safetensors") ==
        contents(commas.path + "/training.safetensors"));
  Run()(plain.path);
  std::setlocale(LC_ALL, "C");
  std::locale::global(before);
  CAPTURE(german);
  Run()(commas.path);
  CHECK(contents(plain.path + "/best.safetensors") == contents(commas.path + "/best.safetensors"));
}

TEST_CASE("weights that are tied are trained, saved and read once") {
  struct Tied : Scores {
    Tied() : Scores(2) { add("again", table); }
  };
  const Folder folder;
  const auto train = [&](int stop_at) {
    Tied model;
    int calls = 0;
    model.look = [&] {
      if (++calls == stop_at) throw Stop();
    };
    Sgd optimizer(model.parameters());
    const Batches batches(texts(9, 2, 1), vectorizer(), {.size = 3});
    fit(model, optimizer, batches, batches,
        {.epochs = 2, .folder = folder.path, .save_every = 0, .quiet = true});
    return values_of(model.table);
  };
  CHECK_THROWS_AS(train(4), Stop);
  const auto tied = train(0);
  Scores single(2);
  Sgd optimizer(single.parameters());
  const Batches batches(texts(9, 2, 1), vectorizer(), {.size = 3});
  fit(single, optimizer, batches, batches, {.epochs = 2, .quiet = true});
  if (in_float) CHECK(tied == values_of(single.table));
}
