// Training: each number of an epoch is what a loop in double computes, the best epoch is kept, and
// what would train wrongly is refused.

#include "training.h"

#include <cmath>
#include <limits>

using namespace training;

namespace {

constexpr double not_a_number = std::numeric_limits<double>::quiet_NaN();
constexpr double infinite = std::numeric_limits<double>::infinity();

// The training of Scores with Sgd as a loop in double.
struct Plain {
  std::size_t classes;
  double momentum, clip, rate;
  std::vector<double> table, velocity = std::vector<double>(table.size(), 0);
  int clipped = 0, steps = 0;

  // Loss and gradient of one text, added to the sums; whether the answer is right.
  double text(const Batch& batch, std::size_t row, std::vector<double>& gradient,
              int& right) const {
    const auto longest = static_cast<std::size_t>(batch.ids.shape[1]);
    std::vector<std::size_t> words;
    for (std::size_t t = 0; t < longest; ++t)
      if (const int id = batch.ids.values[row * longest + t]; id != 0)
        words.push_back(static_cast<std::size_t>(id));
    std::vector<double> x(classes, 0);
    for (const std::size_t word : words)
      for (std::size_t c = 0; c < classes; ++c)
        x[c] += table[word * classes + c] / static_cast<double>(words.size());
    const auto label = static_cast<std::size_t>(batch.labels[row]);
    std::vector<double> slope(classes);
    double loss = 0;
    if (classes == 1) {
      const double p = 1 / (1 + std::exp(-x[0]));
      loss = label == 1 ? -std::log(p) : -std::log(1 - p);
      slope[0] = p - static_cast<double>(label);
      right += (x[0] > 0) == (label == 1);
    } else {
      double total = 0;
      for (const double v : x) total += std::exp(v);
      for (std::size_t c = 0; c < classes; ++c) slope[c] = std::exp(x[c]) / total - (c == label);
      loss = std::log(total) - x[label];
      right += static_cast<std::size_t>(std::max_element(x.begin(), x.end()) - x.begin()) == label;
    }
    for (const std::size_t word : words)
      for (std::size_t c = 0; c < classes; ++c)
        gradient[word * classes + c] += slope[c] / static_cast<double>(words.size());
    return loss;
  }

  Metric epoch(const Batches& batches, std::uint64_t number, bool learn) {
    Metric metric;
    for (const auto& which : batches.plan(number)) {
      const Batch batch = batches.make(which);
      std::vector<double> gradient(table.size(), 0);
      int right = 0;
      for (std::size_t row = 0; row < which.size(); ++row)
        metric.loss_sum += text(batch, row, gradient, right);
      metric.correct += right;
      metric.count += static_cast<std::int64_t>(which.size());
      if (learn) step(gradient, static_cast<double>(which.size()));
    }
    return metric;
  }

  void step(std::vector<double>& gradient, double size) {
    double squares = 0;
    for (double& g : gradient) {
      g /= size;
      squares += g * g;
    }
    const double norm = std::sqrt(squares);
    if (clip > 0 && norm > clip) {
      ++clipped;
      for (double& g : gradient) g *= clip / norm;
    }
    ++steps;
    for (std::size_t i = 0; i < table.size(); ++i) {
      velocity[i] = momentum * velocity[i] + gradient[i];
      table[i] -= rate * velocity[i];
    }
  }
};

void check_near(const Metric& given, const Metric& wanted) {
  CHECK(given.count == wanted.count);
  CHECK(given.correct == wanted.correct);
  CHECK(given.loss_sum == doctest::Approx(wanted.loss_sum).epsilon(1e-5));
}

// A model that learns one number, and whose validation loss in epoch e is log(1 + exp(-script[e])).
struct Scripted : TextClassifier {
  explicit Scripted(std::vector<double> the_script)
      : TextClassifier("Scripted"), script(std::move(the_script)) {
    add("weight", weight);
  }
  Tensor forward(const Ids& ids, const Mask&, Where where) override {
    if (training()) return Tensor::full({ids.shape[0], 1}, 1) * weight;
    seen.push_back(weight.data()[0]);
    return Tensor::full({ids.shape[0], 1}, static_cast<Scalar>(script[seen.size() - 1]), where);
  }
  std::vector<double> script;
  Tensor weight = Tensor::vector({1});
  std::vector<Scalar> seen;  // the weight after each epoch
};

struct ScriptedRun {
  explicit ScriptedRun(const std::vector<double>& script, int patience = 0) : model(script) {
    std::vector<Example> good = texts(4, 1, 5);
    for (Example& example : good) example.label = 1;
    const Batches batches(good, vectorizer());
    Sgd optimizer(model.parameters());
    history = fit(model, optimizer, batches, batches,
                  {.epochs = static_cast<int>(script.size()),
                   .patience = patience,
                   .quiet = true,
                   .after_epoch = [&] { looked.push_back(model.weight.data()[0]); }});
  }
  std::vector<Scalar> looked;
  Scripted model;
  History history;
};

}  // namespace

TEST_CASE("every epoch of a training is what a loop in double computes") {
  for (const int classes : {1, 3})
    for (const bool clip : {false, true}) {
      CAPTURE(classes);
      CAPTURE(clip);
      const int labels = classes == 1 ? 2 : classes;
      const Batches train(texts(13, labels, 1), vectorizer(), {.size = 5}, 7);
      const Batches validation(texts(7, labels, 2), vectorizer(), {.size = 3, .shuffle = false});
      Scores model(classes);
      Plain plain{.classes = static_cast<std::size_t>(classes),
                  .momentum = 0.5,
                  .clip = clip ? 0.2 : 0,
                  .rate = 0.5,
                  .table = {model.table.values().begin(), model.table.values().end()}};
      Sgd optimizer(model.parameters(), {.learning_rate = Scalar(0.5), .momentum = Scalar(0.5)});
      const History history =
          fit(model, optimizer, train, validation,
              {.epochs = 4, .clip_norm = static_cast<Scalar>(plain.clip), .quiet = true});
      REQUIRE(history.epochs.size() == 4);
      std::vector<double> best;
      for (std::size_t e = 0; e < 4; ++e) {
        CAPTURE(e);
        check_near(history.epochs[e].train, plain.epoch(train, e, true));
        check_near(history.epochs[e].validation, plain.epoch(validation, 0, false));
        if (static_cast<int>(e) == history.best) best = plain.table;
      }
      for (std::size_t i = 0; i < best.size(); ++i)
        CHECK(static_cast<double>(model.table.values()[i]) ==
              doctest::Approx(best[i]).epsilon(1e-4));
      CHECK(optimizer.steps() == 12);
      if (clip) CHECK((plain.clipped > 0 && plain.clipped < plain.steps));
    }
}

TEST_CASE("fit takes the rate of each step from the schedule, and without one the optimiser's") {
  const Batches batches(texts(6, 2, 1), vectorizer(), {.size = 2});
  const auto rates = [&](std::optional<Schedule> schedule) {
    Scores model(1);
    struct Watched : Sgd {
      using Sgd::Sgd;
      std::vector<Scalar> rates;
      void update(std::size_t, Scalar*, const Scalar*, Index) override {
        rates.push_back(learning_rate);
      }
    } optimizer(model.parameters(), {.learning_rate = Scalar(0.125)});
    fit(model, optimizer, batches, batches, {.epochs = 2, .schedule = schedule, .quiet = true});
    return optimizer.rates;
  };
  CHECK(rates({}) == std::vector<Scalar>(6, Scalar(0.125)));
  const Schedule schedule = Schedule::warmup_cosine(Scalar(0.25), 2, 6);
  std::vector<Scalar> wanted;
  for (int step = 0; step < 6; ++step) wanted.push_back(schedule.at(step));
  CHECK(rates(schedule) == wanted);
}

TEST_CASE("the model ends with the weights of the best epoch, to the bit") {
  const ScriptedRun run({0, 1, 3, 2, 2.5});
  CHECK(run.history.best == 2);
  REQUIRE(run.model.seen.size() == 5);
  CHECK(run.model.weight.data()[0] == run.model.seen[2]);
  CHECK(run.model.seen[1] != run.model.seen[2]);
  CHECK(run.model.seen[3] != run.model.seen[2]);
  CHECK(run.looked == run.model.seen);  // once after each epoch, while its weights are there
}

TEST_CASE("the best epoch is the first with the lowest loss, and never one without a number") {
  const auto best = [](const std::vector<double>& script) {
    const ScriptedRun run(script);
    CHECK(run.model.weight.data()[0] == run.model.seen[static_cast<std::size_t>(run.history.best)]);
    return run.history.best;
  };
  CHECK(best({1, 2, 2, 1}) == 1);
  CHECK(best({not_a_number, 1, 2, 1}) == 2);
  CHECK(best({not_a_number, 1, not_a_number, 0}) == 1);
  CHECK(best({not_a_number, not_a_number, 1}) == 2);
  CHECK(best({not_a_number, not_a_number}) == 0);
  CHECK(best({-infinite, -5}) == 1);
  CHECK(best({1, -infinite}) == 0);
}

TEST_CASE("training stops after exactly as many epochs without a better one as patience says") {
  const std::vector<double> script{1, 2, 1.5, 1.7, 3, 0, 0, 0, 0, 4, 0};
  const auto epochs = [&](int patience) {
    return ScriptedRun(script, patience).history.epochs.size();
  };
  CHECK(epochs(1) == 3);
  CHECK(epochs(2) == 4);
  CHECK(epochs(3) == 8);
  CHECK(epochs(4) == 9);
  CHECK(epochs(5) == 11);
  CHECK(epochs(0) == 11);
  const ScriptedRun stopped(script, 3);
  CHECK(stopped.history.best == 4);
  CHECK(stopped.model.weight.data()[0] == stopped.model.seen[4]);
}

TEST_CASE(
    "every epoch trains in training mode, validates in evaluation mode, and ends in training") {
  const Batches batches(texts(4, 2, 1), vectorizer(), {.size = 2});
  Scores model(1);
  std::string modes;
  model.look = [&] { modes += model.dropout.training() && model.training() ? 't' : 'e'; };
  Sgd optimizer(model.parameters());
  model.eval();
  fit(model, optimizer, batches, batches, {.epochs = 2, .quiet = true});
  CHECK(modes ==
        "tttee"
        "ttee");  // one batch is looked at before the first epoch
  CHECK(model.training());
}

TEST_CASE(
    "a look at the first batch leaves no trace in dropout, and an old gradient is forgotten") {
  const Batches batches(texts(6, 2, 1), vectorizer(), {.size = 2});
  const auto trained = [&](bool old_gradient) {
    Scores model(1, 3, Scalar(0.5));
    Sgd optimizer(model.parameters());
    if (old_gradient) model.table.add_grad(Tensor::full(model.table.shape(), 100));
    std::vector<std::uint64_t> counts;
    model.look = [&] { counts.push_back(*model.counters()[0].value); };
    fit(model, optimizer, batches, batches, {.epochs = 1, .quiet = true});
    REQUIRE(counts.size() == 7);
    CHECK(counts[0] == counts[1]);
    CHECK(counts[1] != counts[2]);
    CHECK_FALSE(model.table.has_grad());
    return values_of(model.table);
  };
  CHECK(trained(false) == trained(true));
}

TEST_CASE("evaluation counts every text once, in the mode and with the graph switched off") {
  const Batches batches(texts(7, 3, 2), vectorizer(), {.size = 3}, 4);
  Scores model(3, 3, Scalar(0.9));  // a dropout that would show
  Plain plain{.classes = 3,
              .momentum = 0,
              .clip = 0,
              .rate = 0,
              .table = {model.table.values().begin(), model.table.values().end()}};
  const Metric metric = evaluate(model, batches);
  const Metric wanted = plain.epoch(batches, 0, false);
  check_near(metric, wanted);
  CHECK(metric.count == 7);
  CHECK(metric.loss() == doctest::Approx(wanted.loss_sum / 7).epsilon(1e-5));
  CHECK(metric.accuracy() == static_cast<double>(wanted.correct) / 7);
  CHECK_FALSE(model.table.has_grad());
  model.look = [] { CHECK_FALSE(grad_enabled()); };
  evaluate(model, batches);
  CHECK(grad_enabled());
}

TEST_CASE("evaluation leaves each part in its own mode, also when it fails") {
  const Batches batches(texts(3, 2, 2), vectorizer());
  Scores model(1);
  for (const bool whole : {true, false})
    for (const bool part : {true, false})
      for (const bool fails : {false, true}) {
        model.train(whole);
        model.dropout.train(part);
        model.look = [&] {
          CHECK_FALSE(model.training());
          CHECK_FALSE(model.dropout.training());
          if (fails) throw Error("stopped");
        };
        if (fails) CHECK_THROWS_AS(evaluate(model, batches), Error);
        if (!fails) evaluate(model, batches);
        CHECK(model.training() == whole);
        CHECK(model.dropout.training() == part);
      }
}

TEST_CASE("a classifier with one logit has binary cross-entropy, with more the cross-entropy") {
  const Tensor one = Tensor::matrix({{2}, {-1}, {Scalar(0.5)}});
  CHECK(
      classification_loss(one, {1, 1, 0}).item() ==
      doctest::Approx(
          (std::log1p(std::exp(-2)) + std::log1p(std::exp(1.0)) + std::log1p(std::exp(0.5))) / 3));
  const Tensor three = Tensor::matrix({{2, -1, 0}, {1, 1, 3}});
  CHECK(classification_loss(three, {2, 0}).item() ==
        doctest::Approx((std::log(std::exp(2) + std::exp(-1) + 1) +
                         std::log(2 * std::exp(1) + std::exp(3)) - 1) /
                        2));
  const auto refused = [](const Tensor& logits, const std::vector<int>& labels, const char* text) {
    CHECK_THROWS_WITH_AS(classification_loss(logits, labels), doctest::Contains(text), Error);
    CHECK_THROWS_WITH_AS(classification_loss(logits, labels),
                         doctest::Contains("classification_loss at tests/fit_test.cpp:"), Error);
  };
  refused(one, {1, 0}, "2 labels need logits [2, C], not");
  refused(three, {1, 0, 0}, "3 labels need logits [3, C], not");
  refused(Tensor::vector({1, 2}), {1, 0}, "not");
  refused(Tensor::zeros({2, 3, 2}), {1, 0}, "[2, 3, 2]");
  refused(one, {1, 2, 0}, "label 2 is none of the classes");
  refused(one, {1, -1, 0}, "label -1");
  refused(three, {3, 0}, "label 3");
  refused(three, {0, -1}, "label -1");  // cross_entropy() would leave it out
}

TEST_CASE("a prediction is the class with the largest logit, or whether the only one is above 0") {
  CHECK(predictions(Tensor::matrix({{1, 3, 2}, {5, 5, 1}, {-3, -2, -1}})) ==
        std::vector<int>{1, 0, 2});
  CHECK(predictions(Tensor::matrix({{Scalar(0.1)}, {0}, {-2}})) == std::vector<int>{1, 0, 0});
  CHECK(predictions(Tensor::vector({1, 2})) == std::vector<int>{1});
  CHECK(predictions(reshape(Tensor::vector({1, 2, 4, 3}), {2, 1, 2})) == std::vector<int>{1, 0});
  CHECK(predictions(Tensor::matrix({{static_cast<Scalar>(not_a_number), 1},
                                    {1, static_cast<Scalar>(not_a_number)},
                                    {0, 1}})) == std::vector<int>{-1, -1, 1});
  CHECK(predictions(Tensor::matrix({{static_cast<Scalar>(not_a_number)}})) == std::vector<int>{-1});
  CHECK_THROWS_WITH_AS(predictions(Tensor::scalar(1)),
                       doctest::Contains("predictions at tests/fit_test.cpp:"), Error);
}

TEST_CASE("a metric is a mean over all texts of all batches") {
  Metric metric;
  metric.add(Tensor::scalar(Scalar(0.25)), Tensor::matrix({{1}, {-1}, {1}}), {1, 0, 0});
  metric.add(Tensor::scalar(2), Tensor::matrix({{0, 1}}), {1});
  CHECK(metric.count == 4);
  CHECK(metric.correct == 3);
  CHECK(metric.loss() == (3 * 0.25 + 2) / 4);
  CHECK(metric.text() == "loss 0.6875, 3/4 right");
}

TEST_CASE("a metric takes a row for each label, or for each that is wanted") {
  const Tensor all = Tensor::matrix({{9, 0}, {0, 9}, {0, 9}, {9, 0}});
  const Tensor wanted = Tensor::matrix({{0, 9}, {9, 0}});
  for (const Tensor& logits : {all, wanted}) {
    Metric metric;
    metric.add(Tensor::scalar(Scalar(0.5)), logits, {-1, 1, -1, 1});
    CHECK(metric.count == 2);
    CHECK(metric.correct == 1);
    CHECK(metric.loss_sum == 1);
  }
  CHECK_THROWS_WITH_AS(
      Metric().add(Tensor::scalar(1), Tensor::zeros({3, 2}), {-1, 1, -1, 1}),
      doctest::Contains("a row neither for each of 4 labels nor for each of the 2"), Error);
}

TEST_CASE(
    "fit prints a line for each epoch, with the best marked, or nothing if it is to be quiet") {
  std::vector<Example> good = texts(4, 1, 5);
  for (Example& example : good) example.label = 1;
  const Batches batches(good, vectorizer());
  const auto output = [&](bool quiet) {
    return printed(STDOUT_FILENO, [&] {
      Scripted model({0, 2, 1});
      Sgd optimizer(model.parameters(), {.learning_rate = 0});
      fit(model, optimizer, batches, batches, {.epochs = 3, .quiet = quiet});
    });
  };
  const std::string train = "loss 0.3133, 4/4 right           ";
  CHECK(output(false) == "          training                         validation\nepoch  1  " +
                             train + "loss 0.6931, 0/4 right, best\nepoch  2  " + train +
                             "loss 0.1269, 4/4 right, best\nepoch  3  " + train +
                             "loss 0.3133, 4/4 right\n");
  CHECK(output(true).empty());
}

TEST_CASE("what the model or the optimiser does not know as a parameter is named before training") {
  const Batches batches(texts(4, 2, 1), vectorizer());
  struct Forgetful : Scores {
    explicit Forgetful(bool part, bool tensor) : Scores(1) {
      if (part) add("hidden", hidden);
      if (tensor) add("scale", scale);
    }
    Tensor forward(const Ids& ids, const Mask& mask, Where where) override {
      return hidden(Scores::forward(ids, mask, where), where) * scale;
    }
    Dense hidden{1, 1, random};
    Tensor scale = Tensor::vector({2}).requires_grad(true).named("scale");
  };
  const auto refusal = [&](Forgetful& model, const std::vector<NamedTensor>& parameters) {
    Sgd optimizer(parameters);
    try {
      fit(model, optimizer, batches, batches, {.epochs = 1, .quiet = true});
    } catch (const Error& error) {
      return std::string(error.what());
    }
    return std::string("not refused");
  };
  const auto says = [](const std::string& text, const std::string& part) {
    CAPTURE(text);
    CHECK(text.find(part) != std::string::npos);
  };
  Forgetful whole(true, true);
  CHECK(refusal(whole, whole.parameters()) == "not refused");
  Forgetful part(false, true), tensor(true, false);
  says(refusal(part, part.parameters()), "fit at tests/fit_test.cpp:");
  says(refusal(part, part.parameters()), "among the model's parameters: add() it");
  says(refusal(part, part.parameters()), "kernel [1, 1], made at ");
  says(refusal(tensor, tensor.parameters()), "scale [1], made at tests/fit_test.cpp:");
  // One that only the optimiser knows would not be saved.
  std::vector<NamedTensor> and_scale = tensor.parameters();
  and_scale.push_back({"scale", tensor.scale});
  says(refusal(tensor, and_scale), "scale [1]");
  // One that only the model knows would not move, unless that is what was asked for.
  says(refusal(whole, whole.hidden.parameters()), "table [11, 1]");
  says(refusal(whole, whole.hidden.parameters()),
       "among those of the optimiser made at tests/fit_test.cpp:");
  whole.table.requires_grad(false);
  whole.scale.requires_grad(false);
  CHECK(refusal(whole, whole.hidden.parameters()) == "not refused");
}

TEST_CASE(
    "options that make no sense, and a loss that is no number, end the training with the line") {
  const Batches batches(texts(4, 2, 1), vectorizer());
  Scores model(1);
  Sgd optimizer(model.parameters());
  const auto refused = [&](FitOptions options, const char* text) {
    options.quiet = true;
    const auto act = [&] { fit(model, optimizer, batches, batches, options); };
    CHECK_THROWS_WITH_AS(act(), doctest::Contains(text), Error);
    CHECK_THROWS_WITH_AS(act(), doctest::Contains("fit at tests/fit_test.cpp:"), Error);
  };
  refused({.epochs = 0}, "at least one epoch");
  refused({.patience = -1}, "patience and clip_norm");
  refused({.clip_norm = -1}, "patience and clip_norm");
  refused({.clip_norm = static_cast<Scalar>(not_a_number)}, "patience and clip_norm");
  for (const double bad : {not_a_number, infinite}) {
    std::vector<Example> zeros = texts(9, 1, 1);  // every word occurs, no text is of class 1
    const Batches all(zeros, vectorizer());
    Scores broken(1);
    broken.table.mutable_data()[3] = static_cast<Scalar>(bad);
    Sgd another(broken.parameters());
    CHECK_THROWS_WITH_AS(fit(broken, another, all, all, {.epochs = 2, .quiet = true}),
                         doctest::Contains("the loss of step 0 is not a number"), Error);
  }
}
