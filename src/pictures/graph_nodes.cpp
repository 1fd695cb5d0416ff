#include "graph_nodes.h"

#include <gradus/watcher.h>

#include <map>
#include <utility>

namespace gradus {

// A depth-first walk with a stack of its own: graphs may be too deep for recursion. A node is on
// the stack until its inputs have their numbers.
Nodes nodes_of(const Tensor& result, Index most, const Where& where) {
  Nodes graph;
  std::map<const Node*, int> numbers;
  std::vector<Tensor> stack{result};
  while (!stack.empty()) {
    const Node* node = stack.back().node();
    const std::size_t waiting = stack.size();
    std::vector<int> inputs;
    const std::span<const Edge> edges =
        node->made_by ? node->made_by->inputs : std::span<const Edge>();
    for (const Edge& edge : edges) {
      const auto number = numbers.find(edge.tensor.node());
      if (number == numbers.end()) {
        stack.push_back(edge.tensor);
        break;
      }
      inputs.push_back(number->second);
    }
    if (stack.size() > waiting) {
      if (static_cast<Index>(numbers.size() + stack.size()) <= most) continue;
      fail("graph_svg", where,
           "the graph of " + describe(result) + " has more than " + std::to_string(most) +
               " tensors: draw a part of it, such as one of its inputs, a smaller model or a "
               "shorter text, or allow more");
    }
    numbers[node] = static_cast<int>(graph.nodes.size());
    graph.nodes.push_back(stack.back());
    graph.inputs.push_back(inputs);
    stack.pop_back();
  }
  return graph;
}

namespace {

// While it lives, the inputs of an operation have no gradients, and nobody looks on.
struct Aside {
  explicit Aside(std::span<const Edge> of) : inputs(of) {
    for (const Edge& edge : inputs) {
      Node& node = *edge.tensor.node();
      kept.emplace_back(std::exchange(node.gradient, Tensor()), node.gradient_use);
    }
  }
  ~Aside() {
    looking_on.at_work = at_work;
    for (std::size_t k = kept.size(); k-- > 0;) {  // the first of equal ones has the gradient
      Node& node = *inputs[k].tensor.node();
      std::tie(node.gradient, node.gradient_use) = std::move(kept[k]);
    }
  }
  std::span<const Edge> inputs;
  std::vector<std::pair<Tensor, GradientUse>> kept;
  const bool at_work = std::exchange(looking_on.at_work, true);
  const NoGrad no_grad;
};

}  // namespace

std::vector<Tensor> handed_back(const Tensor& y) {
  const Operation& made_by = *y.node()->made_by.get();
  bool unchanged = y.node()->version == made_by.version;
  for (const auto& [x, version] : made_by.inputs)
    unchanged = unchanged && (version < 0 || version == x.node()->version);
  std::vector<Tensor> given(made_by.inputs.size());
  if (!y.has_grad() || !unchanged) return given;
  const Tensor dy = y.node()->gradient;
  const Aside aside(made_by.inputs);
  made_by.backward(y, dy);
  for (std::size_t k = given.size(); k-- > 0;)
    given[k] = std::exchange(made_by.inputs[k].tensor.node()->gradient, Tensor());
  return given;
}

}  // namespace gradus
