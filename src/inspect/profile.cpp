#include <gradus/profile.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstring>

namespace gradus {

namespace {

using Clock = std::chrono::steady_clock;

double since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

// Multiplications and additions of a forward pass; a backward pass has twice as many.
double flops_of(const Tensor& out, const Tensor& first, const Tensor& second) {
  const char* name = out.operation();
  const auto size = static_cast<double>(out.size());
  if (!std::strcmp(name, "matmul") || !std::strcmp(name, "linear"))
    return 2 * size * static_cast<double>(first.shape()[-1]);
  if (!std::strcmp(name, "scaled_dot_product_attention"))
    return 2 * (size + static_cast<double>(first.size())) * static_cast<double>(second.shape()[-2]);
  return 0;
}

}  // namespace

void Profile::before_forward() {
  if (!in_backward_) start_ = Clock::now();
}

void Profile::after_forward(const Tensor& out, std::span<const Edge> inputs) {
  if (in_backward_) return;
  Row& row = rows_[out.operation()];
  ++row.calls;
  row.forward += since(start_);
  if (inputs.size() > 1) row.flops += flops_of(out, inputs[0].tensor, inputs[1].tensor);
}

void Profile::before_backward(const Tensor&) {
  in_backward_ = true;
  backward_start_ = Clock::now();
}

void Profile::after_backward(const Tensor& out) {
  const std::span<const Edge> inputs = out.node()->made_by->inputs;
  in_backward_ = false;
  Row& row = rows_[out.operation()];
  row.backward += since(backward_start_);
  if (inputs.size() > 1) row.flops += 2 * flops_of(out, inputs[0].tensor, inputs[1].tensor);
}

std::string Profile::table() const {
  double total = 0;
  std::vector<std::pair<std::string, Row>> sorted(rows_.begin(), rows_.end());
  for (const auto& [name, row] : sorted) total += row.forward + row.backward;
  std::sort(sorted.begin(), sorted.end(), [](const auto& a, const auto& b) {
    return a.second.forward + a.second.backward > b.second.forward + b.second.backward;
  });
  std::string text =
      "operation                        calls  forward s  backward s  GFLOP/s   share\n";
  for (const auto& [name, row] : sorted) {
    const double seconds = row.forward + row.backward;
    char line[200];
    std::snprintf(
        line, sizeof line, "%-30s %7ld %10.4f %11.4f %8s %6.1f%%\n", name.c_str(), row.calls,
        row.forward, row.backward,
        row.flops > 0 ? std::to_string(std::lround(row.flops / seconds / 1e9)).c_str() : "",
        100 * seconds / total);
    text += line;
  }
  return text;
}

}  // namespace gradus
