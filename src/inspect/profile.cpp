#include <gradus/profile.h>

#include "../clock.h"
#include "../format.h"

#include <algorithm>

namespace gradus {

namespace {

// Multiplications and additions of a forward pass. The backward pass has as many again for each of
// the two factors that wants a gradient.
double flops_of(const Tensor& out, std::span<const Edge> inputs) {
  const std::string name = out.operation();
  const auto size = static_cast<double>(out.size());
  if (name == "linear") return 2 * size * static_cast<double>(inputs[0].tensor.shape()[-1]);
  if (name == "matmul") {
    const Shape& s = inputs[0].tensor.shape();
    const Index inner = s[-1] * s[-2] / out.shape()[-2];  // whichever of the two axes it is
    return 2 * size * static_cast<double>(inner);
  }
  if (name == "scaled_dot_product_attention")
    return 2 * (size + static_cast<double>(inputs[0].tensor.size())) *
           static_cast<double>(inputs[1].tensor.shape()[-2]);
  return 0;
}

}  // namespace

// What was computed inside another operation is counted, and the clock goes on from there, so that
// no time is counted twice.
double Profile::lap() {
  const double now = seconds_now();
  return now - std::exchange(start_, now);
}

void Profile::after_forward(const Tensor& out, std::span<const Edge> inputs) {
  Row& row = rows_[out.operation()];
  row.forward += lap();
  row.flops += flops_of(out, inputs);
  ++row.calls;
}

void Profile::after_backward(const Tensor& out) {
  Row& row = rows_[out.operation()];
  row.backward += lap();
  const std::span<const Edge> inputs = out.node()->made_by->inputs;
  for (const Edge& factor : inputs.first(std::min<std::size_t>(inputs.size(), 2)))
    if (factor.tensor.requires_grad()) row.flops += flops_of(out, inputs);
}

std::string Profile::table() const {
  double total = 0;
  std::vector<std::pair<std::string, Row>> sorted(rows_.begin(), rows_.end());
  for (const auto& [name, row] : sorted) total += row.seconds();
  std::stable_sort(sorted.begin(), sorted.end(), [](const auto& a, const auto& b) {
    return a.second.seconds() > b.second.seconds();
  });
  std::string text =
      "operation                        calls  forward s  backward s         FLOP  GFLOP/s   "
      "share\n";
  for (const auto& [name, row] : sorted) {
    const bool product = row.flops > 0;
    const std::string flops = product ? format("%.8g", row.flops) : "";
    const std::string rate = product ? format("%.0f", row.flops / row.seconds() / 1e9) : "";
    text += format("%-30s %7ld %10.4f %11.4f %12s %8s %6.1f%%\n", name.c_str(), row.calls,
                   row.forward, row.backward, flops.c_str(), rate.c_str(),
                   total > 0 ? 100 * row.seconds() / total : 0);
  }
  return text;
}

}  // namespace gradus
