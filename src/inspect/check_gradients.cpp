#include <gradus/check_gradients.h>
#include <gradus/elementwise.h>
#include <gradus/operation.h>
#include <gradus/reduce.h>

#include "statistics.h"

#include <algorithm>
#include <cmath>
#include <cstdio>

namespace gradus {

namespace {

using Function = std::function<Tensor(const std::vector<Tensor>&)>;

// f of the inputs with one value replaced, weighted and summed in double.
double value_at(const Function& f, std::vector<Tensor> inputs, std::size_t input, Index i,
                Scalar value, const Tensor& weights) {
  const NoGrad no_grad;
  Tensor moved = Tensor::from(inputs[input].shape(), inputs[input].values());
  moved.mutable_data()[i] = value;
  inputs[input] = moved;
  const Tensor out = f(inputs);
  double total = 0;
  for (Index j = 0; j < out.size(); ++j)
    total += static_cast<double>(out.data()[j]) * static_cast<double>(weights.data()[j]);
  return total;
}

std::string input_name(const Tensor& input, std::size_t number) {
  return *input.label() ? input.label() : "input " + std::to_string(number);
}

// Compares the gradients of one input; adds what it found to the report.
void compare(const std::vector<double>& measured, const Tensor& input, std::size_t number,
             const Tensor& out, const GradientCheckOptions& options, GradientReport& report) {
  const std::string name = input_name(input, number);
  std::vector<double> computed(measured.size(), 0);
  if (input.has_grad()) std::copy_n(input.grad().data(), input.size(), computed.begin());
  double largest = 0;
  for (std::size_t i = 0; i < measured.size(); ++i)
    largest = std::max({largest, std::abs(measured[i]), std::abs(computed[i])});
  double worst = 0;
  std::size_t at = 0;
  for (std::size_t i = 0; i < measured.size() && largest > 0; ++i) {
    const double size = std::max({std::abs(measured[i]), std::abs(computed[i]), largest / 1000});
    const double error = std::abs(measured[i] - computed[i]) / size;
    if (!(error <= worst)) {
      worst = error;
      at = i;
    }
  }
  const bool good = largest > 0 && worst <= static_cast<double>(options.tolerance);
  report.passed &= good;
  report.worst = std::max(report.worst, largest > 0 ? worst : 1.0);
  char text[400];
  if (largest == 0)
    std::snprintf(text, sizeof text, "%s: FAILED, both gradients are zero everywhere\n",
                  name.c_str());
  else
    std::snprintf(text, sizeof text,
                  "%s %s: %s, largest relative error %.1e at %s: backward %.9g, differences %.9g "
                  "(%s at %s)\n",
                  name.c_str(), to_string(input.shape()).c_str(), good ? "right" : "WRONG", worst,
                  position_text(static_cast<Index>(at), input.shape()).c_str(), computed[at],
                  measured[at], out.operation(), to_string(out.where()).c_str());
  report.text += text;
}

}  // namespace

GradientReport check_gradients(const Function& f, const std::vector<Tensor>& inputs,
                               const GradientCheckOptions& options, Where where) {
  if (inputs.empty()) fail("check_gradients", where, "at least one input is needed");
  std::vector<Tensor> leaves;
  for (const Tensor& input : inputs) {
    leaves.push_back(Tensor::from(input.shape(), input.values(), where));
    leaves.back().requires_grad(true);
    if (*input.label()) leaves.back().named(input.label());
  }
  const Tensor out = f(leaves);
  Random random(options.seed);
  const Tensor weights = Tensor::uniform(out.shape(), Scalar(-1), Scalar(1), random, where);
  if (out.requires_grad()) out.backward(weights, Graph::keep, where);

  GradientReport report;
  report.passed = true;
  for (std::size_t n = 0; n < leaves.size(); ++n) {
    std::vector<double> measured;
    for (Index i = 0; i < leaves[n].size(); ++i) {
      const Scalar x = leaves[n].data()[i];
      const Scalar above = x + options.step;  // what float makes of it
      const Scalar below = x - options.step;
      measured.push_back(
          (value_at(f, leaves, n, i, above, weights) - value_at(f, leaves, n, i, below, weights)) /
          (static_cast<double>(above) - static_cast<double>(below)));
    }
    compare(measured, leaves[n], n, out, options, report);
  }
  return report;
}

}  // namespace gradus
