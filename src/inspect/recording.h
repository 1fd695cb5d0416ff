// What a run computes, step by step, for a page to show: GRADUS_RECORD (see picture.h).
#pragma once

#include <gradus/watcher.h>

#include <map>
#include <set>
#include <string>
#include <vector>

namespace gradus {

// Keeps every operation that it sees, forward and backward: inputs, result and gradients, as JSON.
// Long runs and large tensors are bounded, and what is left out is said.
class Recording : public Watcher {
 public:
  static constexpr std::size_t most_steps = 300;
  static constexpr std::size_t most_values = 512;  // of one tensor: the first ones, row by row
  // {"tensors":[…],"steps":[…],"dropped":7,"files":{"lessons/01_attention.cpp":["line", …]}}. A
  // tensor has a name, an operation, a shape, a file, a line and values; a step is forward ("f":
  // result and inputs), a call of backward() ("s") or backward ("b": the gradient of the result,
  // and those of the inputs before and after).
  std::string json();

  void after_forward(const Tensor& out, std::span<const Edge> inputs) override;
  void begin_backward(const Where& where) override;
  void before_backward(const Tensor& out) override;
  void after_backward(const Tensor& out) override;

 private:
  bool full();
  std::string number(const Tensor& x);

  // Of a node and a version of its values.
  std::map<std::pair<const Node*, int>, std::size_t> numbers_;
  std::vector<Tensor> tensors_;  // alive, so that no other node gets the address of one
  std::vector<std::string> values_, before_, steps_;
  std::set<std::string> files_;  // that lines of tensors and steps belong to
  int dropped_ = 0;
};

}  // namespace gradus
