#include "graph_nodes.h"

#include <gradus/watcher.h>

#include <map>
#include <utility>

namespace gradus {

// A depth-first walk with a stack of its own: graphs may be too deep for recursion. A tensor is on
// the stack until its inputs have their numbers.
Nodes nodes_of(const Tensor& result, Index most, const Where& where) {
  struct Step {
    Tensor tensor;
    std::vector<std::size_t> inputs;
  };
  Nodes graph;
  std::map<const Node*, std::size_t> numbers;
  std::vector<Step> stack{{result, {}}};
  while (!stack.empty()) {
    auto& [tensor, inputs] = stack.back();
    const Operation* made_by = tensor.node()->made_by.get();
    if (!made_by || inputs.size() == made_by->inputs.size()) {
      numbers[tensor.node()] = graph.nodes.size();
      graph.nodes.push_back(tensor);
      graph.inputs.push_back(inputs);
      stack.pop_back();
      continue;
    }
    const Tensor& input = made_by->inputs[inputs.size()].tensor;
    const auto number = numbers.find(input.node());
    if (number != numbers.end())
      inputs.push_back(number->second);
    else if (static_cast<Index>(numbers.size() + stack.size()) < most)
      stack.push_back({input, {}});
    else
      fail("graph_svg", where, "the graph of ", describe(result), " has more than ", most,
           " tensors: draw a part of it, such as one of its inputs, a smaller model or a "
           "shorter text, or allow more");
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
    for (std::size_t k = kept.size(); k-- > 0;) {  // the first of equal ones has the gradient
      Node& node = *inputs[k].tensor.node();
      std::tie(node.gradient, node.gradient_use) = std::move(kept[k]);
    }
  }
  std::span<const Edge> inputs;
  std::vector<std::pair<Tensor, GradientUse>> kept;
  const AtWork at_work;
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
