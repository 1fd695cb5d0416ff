#include <gradus/files.h>
#include <gradus/fit.h>
#include <gradus/operation.h>
#include <gradus/progress.h>
#include <gradus/safetensors.h>

#include "../clock.h"
#include "training_state.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <cmath>
#include <cstdio>
#include <filesystem>

namespace gradus {

namespace {

// A folder, made if need be, that one at a time may hold. However a program ends, the system lets
// go of what it held. Errors: somebody else holds the folder.
class HeldFolder {
 public:
  HeldFolder(const std::string& path, const Where& where) {
    if (path.empty()) return;
    make_folder(path, where);
    handle_ = ::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    // Some file systems have no locks: there, nobody is kept out.
    if (::flock(handle_, LOCK_EX | LOCK_NB) == 0 || errno != EWOULDBLOCK) return;
    ::close(handle_);
    fail("fit", where, "another training is at work in ", path, ": choose another folder");
  }
  ~HeldFolder() {
    if (handle_ >= 0) ::close(handle_);
  }
  HeldFolder(const HeldFolder&) = delete;
  HeldFolder& operator=(const HeldFolder&) = delete;

 private:
  int handle_ = -1;
};

struct Trainer {
  SequenceModel& model;
  Optimizer& optimizer;
  const Batches& train;
  const Batches& validation;
  const FitOptions& options;
  Where where;
  HeldFolder held{options.folder, where};
  TrainingState state = {};

  History run() {
    if (options.epochs < 1) fail("fit", where, "at least one epoch is needed");
    if (options.patience < 0 || !(options.clip_norm >= 0))
      fail("fit", where, "patience and clip_norm must not be negative");
    model.train();
    state.settings = settings();
    optimizer.clear_grad();
    if (!options.folder.empty() && file_exists(state_path())) {
      load_state(state_path(), state, model, optimizer, where);
      if (!options.quiet)
        std::printf("going on in epoch %d, after %zu of %zu batches\n", epoch() + 1, state.batch,
                    train.count());
    }
    if (!options.quiet) std::printf("%-9s %-32s %s\n", "", "training", "validation");
    while (epoch() < options.epochs && !out_of_patience()) run_epoch();
    const std::vector<NamedTensor> parameters = model.parameters();
    for (std::size_t i = 0; i < parameters.size(); ++i)
      copy_values(state.best[i], parameters[i].tensor);
    if (!options.folder.empty()) keep_weights();
    return state.history;
  }

  std::string state_path() const { return options.folder + "/training.safetensors"; }
  int epoch() const { return static_cast<int>(state.history.epochs.size()); }
  bool out_of_patience() const {
    return options.patience > 0 && epoch() - 1 - state.history.best >= options.patience;
  }

  // All that the result depends on, line by line.
  std::string settings() {
    const std::uint64_t first = first_batch();
    const std::string rate =
        options.schedule ? options.schedule->settings() : worded(optimizer.learning_rate);
    return worded("epochs ", options.epochs, "\npatience ", options.patience, "\nclip_norm ",
                  options.clip_norm, "\nlearning rate ", rate, "\n", optimizer.settings(),
                  "\ntraining texts ", train.settings(), "\nvalidation texts ",
                  validation.settings(), "\n", model.summary(),
                  "first batch (weights, dropout, forward) ", first);
  }

  // Runs the model without leaving a trace in it. What comes out differs with the seed, the
  // settings of layers, and what forward() does, which no name shows.
  std::uint64_t first_batch() {
    std::vector<std::uint64_t> counts;
    for (const Module::Counter& counter : model.counters()) counts.push_back(*counter.value);
    const Batch batch = train.make(train.plan(0)[0], where);
    const Tensor logits = model(batch, where);
    if (logits.requires_grad())
      for (const Tensor& leaf : walk_below(logits).leaves) check_known(leaf);
    for (std::size_t i = 0; i < counts.size(); ++i) *model.counters()[i].value = counts[i];
    return mix(0, logits.values());
  }

  // What wants a gradient but is no parameter of both would stay as it is, or not be saved.
  void check_known(const Tensor& leaf) const {
    const std::string text =
        describe(leaf) + ", made at " + to_string(leaf.where()) + ", wants a gradient but is not ";
    if (!holds(model.parameters(), leaf))
      fail("fit", where, text, "among the model's parameters: add() it, or the part it is in");
    if (!holds(optimizer.parameters(), leaf))
      fail("fit", where, text, "among those of the optimiser made at ", optimizer.where(),
           ": give it to that, or say requires_grad(false)");
  }

  // What somebody who presses Ctrl-C is told.
  std::string kept() const {
    if (options.folder.empty()) return "nothing is kept, the next run starts over";
    return "kept: " + state_path() +
           "\nThe same command goes on from there; to start over, delete that file.";
  }

  void run_epoch() {
    const auto plan = train.plan(static_cast<std::uint64_t>(epoch()));
    {
      const auto later = static_cast<std::size_t>(options.epochs - epoch() - 1) * plan.size();
      Progress progress(worded("epoch ", epoch() + 1, "/", options.epochs), plan.size(),
                        {state.batch, later, kept(), options.quiet});
      double saved = seconds_now();
      while (state.batch < plan.size()) {
        train_on(train.make(plan[state.batch++], where));
        progress.step(state.running.text());
        if (seconds_now() - saved < options.save_every) continue;
        save();
        saved = seconds_now();
      }
    }
    finish_epoch({state.running, evaluate(model, validation, where)});
  }

  void train_on(const Batch& batch) {
    Tensor logits = model(batch, where);
    const Tensor loss = model.loss(logits, batch, where);
    if (!std::isfinite(loss.item()))
      fail("fit", where, "the loss of step ", optimizer.steps(),
           " is not a number: try a smaller learning rate or clip_norm; GRADUS_TRACE=1 shows "
           "where it came from");
    state.running.add(loss, logits, batch.labels);
    logits = {};  // so that backward() frees them in their turn
    loss.backward(Graph::free, where);
    if (options.clip_norm > 0)
      clip_by_global_norm(optimizer.parameters(), options.clip_norm, where);
    if (options.schedule) optimizer.learning_rate = options.schedule->at(optimizer.steps());
    optimizer.step(where);
    optimizer.clear_grad();
  }

  void finish_epoch(const Epoch& done) {
    const bool better = state.history.add(done);
    if (better) state.best = copies(model.parameters());
    if (!options.quiet) {
      std::printf("epoch %2d  %-32s %s%s\n", epoch(), done.train.text().c_str(),
                  done.validation.text().c_str(), better ? ", best" : "");
      std::fflush(stdout);
    }
    state.batch = 0;
    state.running = {};
    save();
    if (options.after_epoch) options.after_epoch();
  }

  void save() {
    if (!options.folder.empty()) save_state(state_path(), state, model, optimizer, where);
  }

  // A run that is stopped in here does this again: what it has written is no earlier run's.
  void keep_weights() {
    const std::string path = options.folder + "/best.safetensors";
    const std::string before = options.folder + "/best.before.safetensors";
    const std::string next = options.folder + "/best.next.safetensors";
    const auto bytes = [&](const std::string& of) {
      return read_file(of, std::size_t{1} << 34, where);
    };
    save_weights(next, model, where);
    if (file_exists(path) && bytes(path) != bytes(next)) {
      write_file(before, bytes(path), where);
      if (!options.quiet)
        std::fprintf(stderr, "%s has the weights of an earlier run\n", before.c_str());
    }
    std::filesystem::rename(next, path);
    std::filesystem::remove(state_path());
  }
};

}  // namespace

History fit(SequenceModel& model, Optimizer& optimizer, const Batches& train,
            const Batches& validation, const FitOptions& options, Where where) {
  return Trainer{model, optimizer, train, validation, options, where}.run();
}

}  // namespace gradus
