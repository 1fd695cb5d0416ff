// Gradients, from the result back to everything it was computed from.
//
// The chain rule for a graph: the gradient of a tensor is complete once every operation that used
// it has added its share. So the operations are visited in reverse topological order: each one
// after all those that used its result.

#include <gradus/hooks.h>
#include <gradus/operation.h>
#include <gradus/watcher.h>

#include "kernels/elementwise.h"

namespace gradus {

// A depth-first walk that keeps its own stack, because a graph may be a million operations deep.
std::vector<Tensor> topological_order(const Tensor& root) {
  static std::atomic<std::uint64_t> visits{0};
  const std::uint64_t visit = ++visits;
  struct Step {
    const Tensor* tensor;
    int next_input;
  };
  std::vector<Tensor> order;
  std::vector<Step> stack{{&root, 0}};
  root.node()->visit = visit;
  while (!stack.empty()) {
    Step& step = stack.back();
    const Inputs& inputs = step.tensor->node()->made_by->inputs;
    if (step.next_input == inputs.count()) {
      order.push_back(*step.tensor);
      stack.pop_back();
      continue;
    }
    const Tensor& input = inputs[step.next_input++];
    Node& node = *input.node();
    if (!node.made_by || node.visit == visit) continue;
    node.visit = visit;
    stack.push_back({&input, 0});
  }
  return order;
}

namespace {

void check_usable(const Tensor& out, const Where& where) {
  const Inputs& inputs = out.node()->made_by->inputs;
  for (int i = 0; i < inputs.count(); ++i) {
    const Node& input = *inputs[i].node();
    if (input.freed)
      fail(
          "backward", where,
          "the graph of " + describe(inputs[i]) + " was freed by an earlier backward(Graph::free)");
    if (input.version != inputs.version(i))
      fail("backward", where,
           "the values of " + describe(inputs[i]) + " were changed after " + out.operation() +
               " at " + to_string(out.where()) + " used them");
  }
}

void check_root(const Tensor& root, const Where& where) {
  if (root.node()->freed)
    fail("backward", where,
         "the graph of " + describe(root) + " was freed by an earlier backward(Graph::free)");
  if (!root.requires_grad())
    fail("backward", where,
         describe(root) + " was not computed from any tensor that requires a gradient");
}

}  // namespace

// Nothing else happens here, so that the next `step` of a debugger is in the gradient. It is called
// from another file, tensor.cpp: within one file an optimising compiler would make it disappear.
void backward_step(Operation& made_by, const Tensor& out) {
  made_by.backward(out);
}

void Tensor::backward(Graph graph, Where where) const {
  check_exists(*this, where);
  if (size() != 1)
    fail("backward", where,
         "only a single number can be differentiated without a seed, " + describe(*this) +
             " holds " + std::to_string(size()) + " values: take its sum or mean, or give a seed");
  const NoGrad no_grad;
  backward(Tensor::full(shape(), 1, where), graph, where);
}

void Tensor::backward(const Tensor& seed, Graph graph, Where where) const {
  check_exists(*this, where);
  check_exists(seed, where);
  check_root(*this, where);
  if (seed.shape() != shape())
    fail("backward", where,
         "the seed must have the shape of " + describe(*this) + ", it has " +
             gradus::to_string(seed.shape()));
  for (Watcher* watcher : watchers()) watcher->begin_backward(where);
  const NoGrad no_grad;
  if (!node_->made_by) return add_grad(seed, where);
  std::vector<Tensor> order = topological_order(*this);
  for (const Tensor& tensor : order) {
    check_usable(tensor, where);
    tensor.node()->gradient = Tensor();
  }
  add_grad(seed, where);
  while (!order.empty()) {
    const Tensor out = std::move(order.back());
    order.pop_back();
    Node& node = *out.node();
    if (node.hooked) run_gradient_hook(out);
    if (node.gradient.exists()) watched_backward_step(*node.made_by, out);
    if (graph == Graph::free) {
      // Inputs that nothing else holds are kept by `order` until their turn.
      delete node.made_by;
      node.made_by = nullptr;
      node.freed = true;
    }
  }
}

void Tensor::add_grad(Tensor gradient, Where where) const {
  Node& node = checked(where);
  if (!node.requires_grad) return;
  if (gradient.shape() != node.shape)
    fail("add_grad", where,
         "the gradient of " + describe(*this) + " must have its shape, " +
             gradus::to_string(gradient.shape()) + " given");
  if (!node.gradient.exists()) {
    node.gradient = std::move(gradient);
    return;
  }
  if (node.gradient_use == GradientUse::used) node.gradient_use = GradientUse::stale;
  // A gradient that somebody else holds too is replaced by the sum, otherwise added to.
  Node& old = *node.gradient.node();
  const bool mine = old.owners.load() == 1 && old.values.unique();
  Tensor sum = mine ? node.gradient : result_of("gradient", node.shape, node.where);
  kernels::add(old.values.data(), gradient.data(), sum.node()->values.data(), size());
  node.gradient = std::move(sum);
}

const Tensor& Tensor::grad(Where where) const {
  if (!checked(where).gradient.exists())
    fail("grad", where,
         "there is no gradient in " + describe(*this) +
             (requires_grad() ? ": backward() has not come by" : ": it does not require one"));
  return node_->gradient;
}

bool Tensor::has_grad() const {
  return checked().gradient.exists();
}
void Tensor::clear_grad() {
  checked().gradient = Tensor();
  node_->gradient_use = GradientUse::fresh;
}
bool Tensor::requires_grad() const {
  return checked().requires_grad;
}

Tensor& Tensor::requires_grad(bool wanted, Where where) {
  Node& node = checked(where);
  if (node.made_by && !wanted)
    fail("requires_grad", where,
         describe(*this) + " was computed from tensors that require one: use detach()");
  node.requires_grad = wanted;
  return *this;
}

}  // namespace gradus
