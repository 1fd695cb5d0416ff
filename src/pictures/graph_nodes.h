// What a picture of a graph needs to know of it.
#pragma once

#include <gradus/tensor.h>

#include <vector>

namespace gradus {

struct Nodes {
  std::vector<Tensor> nodes;  // inputs before results
  std::vector<std::vector<std::size_t>> inputs;
};

// All that `result` was computed from, and itself. Errors: more than `most` tensors.
Nodes nodes_of(const Tensor& result, Index most, const Where& where);

// What the operation that made `y` handed back to each of its inputs, in their order. A tensor
// keeps only the sum of what it was given, so the operation computes its gradient once more. No
// tensor if backward() has not come by, values were changed since, or the input takes none. To an
// input that is there twice: both shares together, in the place of the last.
std::vector<Tensor> handed_back(const Tensor& y);

}  // namespace gradus
