#include <gradus/profile.h>

#include "../clock.h"
#include "../format.h"

#include <algorithm>

namespace gradus {

namespace {

// Multiplications and additions of a forward pass. The backward pass has as many again for each of
// the two factors that wants a gradient.
double flops_of(const Tensor& out, const Tensor& first, const Tensor& second) {
  const std::string name = out.operation();
  const auto size = static_cast<double>(out.size());
  const Shape& s = first.shape();
  if (name == "linear") return 2 * size * static_cast<double>(s[-1]);
  if (name == "matmul") {
    const Index inner = s[-1] * s[-2] / out.shape()[-2];  // whichever of the two axes it is
    return 2 * size * static_cast<double>(inner);
  }
  if (name == "scaled_dot_product_attention")
    return 2 * (size + static_cast<double>(first.size())) * static_cast<double>(second.shape()[-2]);
  return 0;
}

}  // namespace

// What was computed inside another operation is counted, and the clock goes on from there, so that
// no time is counted twice.
double Profile::lap() {
  const double now = seconds_now();
  return now - std::exchange(start_, now);
}

void Profile::before_forward() {
  lap();
}

void Profile::after_forward(const Tensor& out, std::span<const Edge> inputs) {
  count(out, inputs, &Row::forward, 1);
  ++rows_[out.operation()].calls;
}

void Profile::before_backward(const Tensor&) {
  lap();
}

void Profile::after_backward(const Tensor& out) {
  const std::span<const Edge> inputs = out.node()->made_by->inputs;
  int factors = 0;
  for (const Edge& input : inputs.first(std::min<std::size_t>(inputs.size(), 2)))
    factors += input.tensor.requires_grad();
  count(out, inputs, &Row::backward, factors);
}

void Profile::count(const Tensor& out, std::span<const Edge> inputs, double Row::*seconds,
                    int passes) {
  Row& row = rows_[out.operation()];
  row.*seconds += lap();
  if (inputs.size() > 1) row.flops += passes * flops_of(out, inputs[0].tensor, inputs[1].tensor);
}

std::string Profile::table() const {
  double total = 0;
  std::vector<std::pair<std::string, Row>> sorted(rows_.begin(), rows_.end());
  for (const auto& [name, row] : sorted) total += row.forward + row.backward;
  std::stable_sort(sorted.begin(), sorted.end(), [](const auto& a, const auto& b) {
    return a.second.forward + a.second.backward > b.second.forward + b.second.backward;
  });
  std::string text =
      "operation                        calls  forward s  backward s         FLOP  GFLOP/s   "
      "share\n";
  for (const auto& [name, row] : sorted) {
    const double seconds = row.forward + row.backward;
    const bool product = row.flops > 0;
    const std::string flops = product ? format("%.8g", row.flops) : "";
    const std::string rate = product ? format("%.0f", row.flops / seconds / 1e9) : "";
    text +=
        format("%-30s %7ld %10.4f %11.4f %12s %8s %6.1f%%\n", name.c_str(), row.calls, row.forward,
               row.backward, flops.c_str(), rate.c_str(), total > 0 ? 100 * seconds / total : 0);
  }
  return text;
}

}  // namespace gradus
