// Training a text classifier: epochs of batches, validation after each, the best epoch kept, and a
// run that was interrupted goes on where it was.
#pragma once

#include <gradus/batches.h>
#include <gradus/module.h>
#include <gradus/optimizer.h>

#include <string>
#include <vector>

namespace gradus {

// A model that gives logits for texts: [B, 1] for two classes (above 0 means class 1), or [B, C].
class TextClassifier : public Module {
 public:
  Tensor operator()(const Ids& ids, const Mask& mask, Where where = here()) {
    return done(forward(ids, mask, where));
  }

 protected:
  using Module::Module;
  virtual Tensor forward(const Ids& ids, const Mask& mask, Where where) = 0;
};

// Binary cross-entropy for logits [B, 1], cross-entropy for [B, C].
Tensor classification_loss(const Tensor& logits, const std::vector<int>& labels,
                           Where where = here());
// The class of each row of logits.
std::vector<int> predictions(const Tensor& logits);

// A mean that knows over how many.
struct Metric {
  double loss_sum = 0;
  std::int64_t correct = 0;
  std::int64_t count = 0;
  double loss() const { return loss_sum / static_cast<double>(count); }
  double accuracy() const { return static_cast<double>(correct) / static_cast<double>(count); }
  std::string text() const;  // "loss 0.3012, accuracy 4321/5000 = 0.8642"
};

// Loss and accuracy over all texts, without training.
Metric evaluate(TextClassifier& model, const Batches& batches, Where where = here());

struct FitOptions {
  int epochs = 10;
  Schedule schedule = Schedule::constant(Scalar(1e-3));
  int patience = 0;        // stop after that many epochs without a better one; 0: never
  Scalar clip_norm = 0;    // 0: gradients are not clipped
  std::string folder;      // where best.safetensors and the state go; empty: nothing is written
  double save_every = 30;  // seconds between saves of the state within an epoch
  bool quiet = false;
};

struct Epoch {
  Metric train, validation;
};
struct History {
  std::vector<Epoch> epochs;
  int best = -1;  // the number of the epoch with the lowest validation loss
};

// Trains, and leaves the weights of the best epoch in the model. Prints a line for each epoch to
// standard output, and its progress to standard error: a bar with rate and time left where that is
// a terminal, a line now and then where it is not.
//
// If `folder` holds the state of an interrupted run, training goes on there, and ends with the same
// bits as if it had never stopped. Errors: a state that was made with other settings; a loss that
// is not a number.
History fit(TextClassifier& model, Optimizer& optimizer, const Batches& train,
            const Batches& validation, const FitOptions& options, Where where = here());

}  // namespace gradus
