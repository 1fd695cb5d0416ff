// Three questions to ask of a training that does not learn: does every parameter move, is the first
// loss that of a guess, and what do the layers and their gradients look like?
#pragma once

#include <gradus/optimizer.h>

namespace gradus {

// Remembers a model's parameters, and tells after a step which did not move, and why:
//
//   const MovementCheck check(model);
//   loss.backward();
//   optimizer.step();
//   std::printf("%s", check.unmoved(optimizer).c_str());
//   optimizer.clear_grad();
//
// Costs one copy of the parameters, made by the step.
class MovementCheck {
 public:
  explicit MovementCheck(const Module& model);

  // A line for each parameter whose values are the same to the last bit, with the likely reason: it
  // is not among the optimiser's parameters; it has no gradient (the loss was not computed from it,
  // or clear_grad() came before this call); its gradient is zero everywhere; the step was too
  // small. "" if all moved.
  std::string unmoved(const Optimizer& optimizer, Where where = here()) const;

 private:
  std::vector<std::pair<NamedTensor, Tensor>> remembered_;  // and what its values were
};

// Says in a sentence whether `loss` is what a classifier that knows nothing should have before the
// first step: it gives every class the probability 1/classes, so its cross-entropy is ln(classes).
// First weights are no perfect guess, so anything from 0.8 ln(classes) to ln(classes) + 0.5 passes.
// Errors: fewer than 2 classes (with one logit there are 2), a loss of more than one number.
std::string judge_first_loss(const Tensor& loss, int classes, Where where = here());

// A line for each name of a tensor that `loss` was computed from (layers name what they return), in
// the order of computation: mean and deviation of its values, the share of zeros, and the norm of
// its gradient. A name that occurs several times is one line; a tensor that several parts return
// has the name of the outermost. Requires: loss.backward() has run and kept the graph. Errors: the
// graph was freed, or there is none.
std::string layer_table(const Tensor& loss, Where where = here());

}  // namespace gradus
