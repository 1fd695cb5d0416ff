// Gradients, from the result back to everything it was computed from.
//
// The chain rule for a graph: the gradient of a tensor is complete once every operation that used
// it has added its share. So the operations are visited in reverse topological order: each one
// after all those that used its result.

#include <gradus/operation.h>
#include <gradus/watcher.h>

#include "kernels/elementwise.h"

#include <atomic>
#include <functional>

namespace gradus {

// A depth-first walk that keeps its own stack, because a graph may be a million operations deep.
Walk walk_below(const Tensor& root) {
  static std::atomic<std::uint64_t> walks{0};
  const std::uint64_t visit = ++walks;
  struct Step {
    const Tensor* tensor;
    std::size_t next_input;
  };
  Walk found;
  std::vector<Step> stack;
  stack.reserve(64), found.results.reserve(64), found.leaves.reserve(64);
  stack.push_back({&root, 0});
  root.node()->visit = visit;
  while (!stack.empty()) {
    Step& step = stack.back();
    const std::span<const Edge> inputs = step.tensor->node()->made_by->inputs;
    if (step.next_input == inputs.size()) {
      found.results.push_back(*step.tensor);
      stack.pop_back();
      continue;
    }
    const Tensor& input = inputs[step.next_input++].tensor;
    Node& node = *input.node();
    if (!node.requires_grad || node.visit == visit) continue;
    node.visit = visit;
    if (node.made_by)
      stack.push_back({&input, 0});
    else
      found.leaves.push_back(input);
  }
  return found;
}

namespace {

void check_unchanged(const Tensor& x, int version, const Tensor& result, const Where& where) {
  if (x.node()->version != version)
    fail("backward", where, "the values of ", describe(x), " were changed after ",
         result.operation(), " at ", result.where(),
         x.node() == result.node() ? " computed them" : " used them");
}

void check_there(const Tensor& x, const Where& where) {
  if (x.node()->freed)
    fail("backward", where, "the graph of ", describe(x),
         " was freed by an earlier backward(Graph::free)");
}

// That everything below is as it was used; and forgets the gradients of the last call.
void prepare(const std::vector<Tensor>& results, const Where& where) {
  for (const Tensor& result : results) {
    const Operation& made_by = *result.node()->made_by.get();
    for (const auto& [input, version] : made_by.inputs) {
      check_there(input, where);
      if (version >= 0) check_unchanged(input, version, result, where);
    }
    check_unchanged(result, made_by.version, result, where);
    result.node()->gradient = Tensor();
  }
}

void take_step(const Tensor& result) {
  tell_watchers([&](Watcher& watcher) { watcher.complete_gradient(result); });
  tell_watchers([&](Watcher& watcher) { watcher.before_backward(result); });
  {
    const AtWork now;
    backward_step(*result.node()->made_by.get(), result);
  }
  tell_watchers([&](Watcher& watcher) { watcher.after_backward(result); });
}

// Takes the steps from the last result to the first. Inputs that nothing else holds are kept by
// `results` until their turn.
void take_steps(std::vector<Tensor> results, Graph graph) {
  for (; !results.empty(); results.pop_back()) {
    const Tensor result = std::move(results.back());
    Node& node = *result.node();
    if (node.gradient.exists()) take_step(result);
    if (graph == Graph::keep) continue;
    node.made_by = {};
    node.freed = true;
  }
}

}  // namespace

void Tensor::backward(Graph graph, Where where) const {
  if (size(where) != 1 && node_->requires_grad)
    fail("backward", where, "only a single number can be differentiated without a seed, ",
         describe(*this), " holds ", size(), " values: take its sum or mean, or give a seed");
  backward(Tensor::full(shape(), 1, where), graph, where);
}

void Tensor::backward(const Tensor& seed, Graph graph, Where where) const {
  check_exists(*this, where);
  check_exists(seed, where);
  check_there(*this, where);
  if (!node_->requires_grad)
    fail("backward", where, describe(*this),
         " was not computed from any tensor that requires a gradient");
  if (seed.shape() != shape())
    fail("backward", where, "the seed must have the shape of ", describe(*this), ", it has ",
         seed.shape());
  tell_watchers([&](Watcher& watcher) { watcher.begin_backward(where); });
  const NoGrad no_grad;
  Walk below = node_->made_by ? walk_below(*this) : Walk{{}, {*this}};
  prepare(below.results, where);
  add_grad(seed, where);
  take_steps(std::move(below.results), graph);
  for (const Tensor& leaf : below.leaves)
    if (leaf.has_grad()) tell_watchers([&](Watcher& watcher) { watcher.complete_gradient(leaf); });
}

void Tensor::add_grad(Tensor gradient, Where where) const {
  check_exists(*this, where);
  check_exists(gradient, where);
  Node& node = *node_.get();
  if (!node.requires_grad) return;
  if (gradient.shape() != node.shape)
    fail("add_grad", where, "the gradient of ", describe(*this), " must have its shape, ",
         gradient.shape(), " given");
  if (node.gradient_use == GradientUse::used) node.gradient_use = GradientUse::stale;
  if (!node.gradient.exists()) {
    // What somebody else holds stays theirs, and a graph is left alone: a node of its own then,
    // with the same values. (A gradient that an operation passes on as it is serves both, until
    // grad().)
    const bool ours = gradient.node_.unique() && !gradient.node_->made_by;
    if (!ours && !gradient.node_->internal)
      gradient = result_of("gradient", node.shape, gradient.where(), gradient.node_->values);
    gradient.node_->internal = true;
    node.gradient = std::move(gradient);
    return;
  }
  Node& old = *node.gradient.node();
  const bool ours = node.gradient.node_.unique() && old.values.unique();
  Tensor sum = ours ? node.gradient : gradient_for(*this);
  kernels::map(size(), sum.node()->values.data(), std::plus(), old.values.data(), gradient.data());
  node.gradient = std::move(sum);
}

const Tensor& Tensor::grad(Where where) const& {
  check_exists(*this, where);
  if (!has_grad())
    fail("grad", where, "there is no gradient in ", describe(*this),
         requires_grad() ? ": backward() has not come by" : ": it does not require one");
  Tensor& gradient = node_->gradient;
  if (gradient.node_->internal && !gradient.node_.unique())
    gradient = result_of("gradient", shape(), gradient.where(), gradient.node_->values);
  gradient.node_->internal = false;
  return gradient;
}

bool Tensor::has_grad() const {
  return node_ && node_->gradient.exists();
}

void Tensor::clear_grad() {
  if (!node_) return;
  node_->gradient = Tensor();
  node_->gradient_use = GradientUse::fresh;
}

Tensor& Tensor::requires_grad(bool wanted, Where where) & {
  check_exists(*this, where);
  if (node_->made_by && !wanted)
    fail("requires_grad", where, describe(*this),
         " was computed from tensors that require one: use detach()");
  node_->requires_grad = wanted;
  return *this;
}

}  // namespace gradus
