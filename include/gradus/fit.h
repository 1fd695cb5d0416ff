// Training a model of texts, whatever its task: epochs of batches, validation after each, the best
// epoch kept, and a run that was interrupted goes on where it was. What differs is handed in: a
// Sample says what is read and what is to be said of it, the model says its logits and its loss.
#pragma once

#include <gradus/batches.h>
#include <gradus/optimizer.h>

#include <functional>

namespace gradus {

// A model that gives logits for a batch: [B, C] for a label a text, [B, T, C] for one an id. One
// with a source says in encode() what it makes of that, once for all the words that it then
// decodes.
class SequenceModel : public Module {
 public:
  // With a cache, batch.ids are the next words of the texts in it. Errors: those of Cache::check().
  Tensor operator()(const Batch& batch, Where where = here());
  // The mean over the labels that are wanted: cross-entropy, or the loss of a classifier.
  virtual Tensor loss(const Tensor& logits, const Batch& batch, Where where) const;

 protected:
  using Module::Module;
  virtual Tensor encode(const Batch&, Where) { return {}; }
  virtual Tensor decode(const Batch& batch, const Tensor& encoded, Where where) = 0;
};

// A model that gives logits for texts: [B, 1] for two classes (above 0 means class 1), or [B, C].
class TextClassifier : public SequenceModel {
 public:
  using SequenceModel::operator();
  Tensor operator()(const Ids& ids, const Mask& mask, Where where = here()) {
    return done(forward(ids, mask, where));
  }

 protected:
  using SequenceModel::SequenceModel;
  virtual Tensor forward(const Ids& ids, const Mask& mask, Where where) = 0;
  Tensor decode(const Batch& batch, const Tensor&, Where where) override {
    return forward(batch.ids, batch.mask, where);
  }
};

// Binary cross-entropy for logits [B, 1], cross-entropy for [B, C].
// Errors: logits of another shape, other than B labels, a label that is none of the classes.
Tensor classification_loss(const Tensor& logits, const std::vector<int>& labels,
                           Where where = here());
// The class of each row of logits, the first of equals; -1 for a row with a NaN.
std::vector<int> predictions(const Tensor& logits, Where where = here());

// A mean that knows over how many.
struct Metric {
  double loss_sum = 0;
  std::int64_t correct = 0;
  std::int64_t count = 0;  // of labels: of texts, or of ids that are not padding

  // A batch more; `loss` is the mean over its labels. Labels of -1 are not counted; logits may
  // have rows for the others alone. Errors: any other number of rows.
  void add(const Tensor& loss, const Tensor& logits, const std::vector<int>& labels);
  double loss() const { return loss_sum / static_cast<double>(count); }
  double accuracy() const { return static_cast<double>(correct) / static_cast<double>(count); }
  std::string text() const;  // "loss 0.3012, 4321/5000 right"
};

// Loss and accuracy over all labels, in evaluation mode; each part is left in the mode it was in.
Metric evaluate(SequenceModel& model, const Batches& batches, Where where = here());

struct FitOptions {
  int epochs = 10;
  std::optional<Schedule> schedule = {};  // none: the optimiser's own learning rate
  int patience = 0;         // stop after so many epochs without a better one; 0: never
  Scalar clip_norm = 0;     // 0: gradients are not clipped
  std::string folder = "";  // where best.safetensors and the state go; "": nowhere
  double save_every = 30;   // seconds between saves of the state within an epoch
  bool quiet = false;
  // Called after each epoch of this run, to look at the model: it is to leave it as it was.
  std::function<void()> after_epoch = {};
};

struct Epoch {
  Metric train, validation;
};
struct History {
  std::vector<Epoch> epochs;
  int best = -1;  // the first epoch with the lowest validation loss that is a number

  // One epoch more; true if it is the best.
  bool add(const Epoch& epoch);
};

// Trains, and leaves the model in training mode with the weights of the best epoch. Prints a line
// for each epoch to standard output, and its Progress to standard error.
//
// At the end those weights are in folder/best.safetensors; what an earlier run left there, if that
// is something else, is then best.before.safetensors. Until then all is in training.safetensors: if
// the program is stopped and started again, training goes on there, and ends with the same bits as
// if it had never stopped.
//
// Errors: a folder where another fit() is at work; a state that is damaged, or made with other
// settings, texts or another model; a tensor that wants a gradient and is no parameter of model and
// optimiser, so that it would not be trained; options that make no sense; a loss that is not a
// number.
History fit(SequenceModel& model, Optimizer& optimizer, const Batches& train,
            const Batches& validation, const FitOptions& options, Where where = here());

}  // namespace gradus
