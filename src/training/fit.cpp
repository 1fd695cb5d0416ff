#include <gradus/elementwise.h>
#include <gradus/files.h>
#include <gradus/fit.h>
#include <gradus/loss.h>
#include <gradus/progress.h>
#include <gradus/safetensors.h>

#include "training_state.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <filesystem>

namespace gradus {

Tensor classification_loss(const Tensor& logits, const std::vector<int>& labels, Where where) {
  if (logits.rank() != 2)
    fail("classification_loss", where, "logits [B, C] are needed, not " + describe(logits));
  if (logits.shape()[1] > 1)
    return cross_entropy(logits, Ids({static_cast<Index>(labels.size())}, labels), -1, where);
  std::vector<Scalar> targets(labels.begin(), labels.end());
  return binary_cross_entropy(
      logits, Tensor::from({static_cast<Index>(labels.size()), 1}, targets, where), where);
}

std::vector<int> predictions(const Tensor& logits) {
  const Index classes = logits.shape()[-1];
  std::vector<int> result;
  for (Index row = 0; row < logits.size() / classes; ++row) {
    const Scalar* x = logits.data() + row * classes;
    int best = classes == 1 ? x[0] > 0 : 0;
    for (Index c = 1; c < classes; ++c)
      if (x[c] > x[best]) best = static_cast<int>(c);
    result.push_back(best);
  }
  return result;
}

std::string Metric::text() const {
  char text[120];
  std::snprintf(text, sizeof text, "loss %.4f, accuracy %lld/%lld = %.4f", loss(),
                static_cast<long long>(correct), static_cast<long long>(count), accuracy());
  return text;
}

namespace {

void add(Metric& metric, const Tensor& loss, const Tensor& logits, const std::vector<int>& labels) {
  metric.loss_sum += static_cast<double>(loss.item()) * static_cast<double>(labels.size());
  const std::vector<int> answers = predictions(logits);
  for (std::size_t i = 0; i < labels.size(); ++i) metric.correct += answers[i] == labels[i];
  metric.count += static_cast<std::int64_t>(labels.size());
}

// One batch: forward, backward, step.
void train_on(const Batch& batch, TextClassifier& model, Optimizer& optimizer,
              const FitOptions& options, Metric& metric, Where where) {
  const Tensor logits = model(batch.ids, batch.mask, where);
  const Tensor loss = classification_loss(logits, batch.labels, where);
  if (!std::isfinite(loss.item()))
    fail("fit", where,
         "the loss of step " + std::to_string(optimizer.steps()) +
             " is not a number: try a smaller learning rate or clip_norm; GRADUS_TRACE=1 shows "
             "where it came from");
  add(metric, loss, logits, batch.labels);
  loss.backward(Graph::free, where);
  if (options.clip_norm > 0) clip_by_global_norm(optimizer.parameters(), options.clip_norm, where);
  optimizer.learning_rate = options.schedule.at(optimizer.steps());
  optimizer.step(where);
  optimizer.clear_grad();
}

class Trainer {
 public:
  Trainer(TextClassifier& model, Optimizer& optimizer, const Batches& train,
          const Batches& validation, const FitOptions& options, Where where)
      : model_(model),
        optimizer_(optimizer),
        train_(train),
        validation_(validation),
        options_(options),
        where_(where) {
    if (options.epochs < 1) fail("fit", where, "at least one epoch is needed");
    state_.settings = std::to_string(options.epochs) + " epochs, patience " +
                      std::to_string(options.patience) + ", " + std::to_string(train.examples()) +
                      " + " + std::to_string(validation.examples()) + " texts, " +
                      std::to_string(train.count()) + " batches, " +
                      std::to_string(model.parameter_count()) + " parameters";
    if (options.folder.empty()) return;
    make_folder(options.folder, where);
    if (!file_exists(state_path())) return;
    load_state(state_path(), state_, model, optimizer, where);
    if (!options.quiet)
      std::printf("going on in epoch %d, after %zu of %zu batches\n", state_.epoch + 1,
                  state_.batch, train.count());
  }

  History run() {
    while (state_.epoch < options_.epochs && !out_of_patience()) run_epoch();
    if (!options_.folder.empty()) {
      load_weights(best_path(), model_, where_);
      std::filesystem::remove(state_path());
    } else {
      restore_best();
    }
    return state_.history;
  }

 private:
  std::string state_path() const { return options_.folder + "/training.safetensors"; }
  std::string best_path() const { return options_.folder + "/best.safetensors"; }
  bool out_of_patience() const {
    return options_.patience > 0 && state_.since_best >= options_.patience;
  }

  void run_epoch() {
    const auto plan = train_.plan(static_cast<std::uint64_t>(state_.epoch));
    model_.train();
    {
      Progress progress("epoch " + std::to_string(state_.epoch + 1), plan.size(), state_.batch,
                        options_.quiet);
      auto saved = std::chrono::steady_clock::now();
      while (state_.batch < plan.size()) {
        train_on(train_.make(plan[state_.batch++], where_), model_, optimizer_, options_,
                 state_.running, where_);
        progress.step(state_.running.text());
        const std::chrono::duration<double> since = std::chrono::steady_clock::now() - saved;
        if (since.count() < options_.save_every) continue;
        save();
        saved = std::chrono::steady_clock::now();
      }
    }
    finish_epoch({state_.running, evaluate(model_, validation_, where_)});
  }

  void finish_epoch(const Epoch& epoch) {
    History& history = state_.history;
    const bool better =
        history.best < 0 ||
        epoch.validation.loss() <
            history.epochs[static_cast<std::size_t>(history.best)].validation.loss();
    history.epochs.push_back(epoch);
    if (better) {
      history.best = state_.epoch;
      keep_best();
    }
    if (!options_.quiet) {
      std::printf("epoch %2d: train %s; validation %s%s\n", state_.epoch + 1,
                  epoch.train.text().c_str(), epoch.validation.text().c_str(),
                  better ? " (best)" : "");
      std::fflush(stdout);
    }
    state_.since_best = better ? 0 : state_.since_best + 1;
    ++state_.epoch;
    state_.batch = 0;
    state_.running = {};
    save();
  }

  void save() {
    if (!options_.folder.empty()) save_state(state_path(), state_, model_, optimizer_, where_);
  }

  void keep_best() {
    if (!options_.folder.empty()) return save_weights(best_path(), model_, where_);
    best_.clear();
    for (const auto& [name, tensor] : model_.parameters()) best_.push_back(tensor.detach());
  }

  void restore_best() {
    const auto parameters = model_.parameters();
    for (std::size_t i = 0; i < best_.size(); ++i) {
      const auto values = best_[i].values();
      Tensor parameter = parameters[i].tensor;
      std::copy(values.begin(), values.end(), parameter.mutable_data());
    }
  }

  TextClassifier& model_;
  Optimizer& optimizer_;
  const Batches& train_;
  const Batches& validation_;
  const FitOptions& options_;
  Where where_;
  TrainingState state_;
  std::vector<Tensor> best_;
};

}  // namespace

Metric evaluate(TextClassifier& model, const Batches& batches, Where where) {
  const NoGrad no_grad;
  const bool training = model.training();
  model.eval();
  Metric metric;
  for (const auto& which : batches.plan(0)) {
    const Batch batch = batches.make(which, where);
    const Tensor logits = model(batch.ids, batch.mask, where);
    add(metric, classification_loss(logits, batch.labels, where), logits, batch.labels);
  }
  model.train(training);
  return metric;
}

History fit(TextClassifier& model, Optimizer& optimizer, const Batches& train,
            const Batches& validation, const FitOptions& options, Where where) {
  return Trainer(model, optimizer, train, validation, options, where).run();
}

}  // namespace gradus
