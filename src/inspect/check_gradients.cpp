#include <gradus/check_gradients.h>
#include <gradus/operation.h>

#include "../format.h"
#include "statistics.h"

#include <algorithm>
#include <cmath>
#include <list>

namespace gradus {

namespace {

using Function = std::function<Tensor(const std::vector<Tensor>&)>;

// Makes a tensor want a gradient and have none yet; at the end it is what it was.
struct Leaf {
  explicit Leaf(const Tensor& x)
      : tensor(x),
        gradient(std::exchange(x.node()->gradient, Tensor())),
        use(x.node()->gradient_use),
        wanted(std::exchange(x.node()->requires_grad, true)) {}
  Leaf(const Leaf&) = delete;
  ~Leaf() {
    tensor.node()->gradient = gradient;
    tensor.node()->gradient_use = use;
    tensor.node()->requires_grad = wanted;
  }
  const Tensor tensor, gradient;
  const GradientUse use;
  const bool wanted;
};

// One value of a tensor is another while this lives.
struct Moved {
  Moved(Tensor x, Index i, Scalar value)
      : node(*x.node()), values(node.values), version(node.version) {
    x.mutable_data()[i] = value;  // in a copy, as the buffer is shared now
  }
  Moved(const Moved&) = delete;
  ~Moved() {
    node.values = values;
    node.version = version;
  }
  Node& node;
  const Buffer values;
  const int version;
};

// By how much f, weighted and summed in double, grows with each value of `input`.
std::vector<double> differences(const Function& f, const std::vector<Tensor>& inputs,
                                const Tensor& input, const Tensor& weights, Scalar step) {
  const NoGrad no_grad;
  const auto f_at = [&](Index i, Scalar value) {
    const Moved moved(input, i, value);
    const Tensor out = f(inputs);
    double total = 0;
    for (Index j = 0; j < out.size(); ++j)
      total += static_cast<double>(out.data()[j]) * static_cast<double>(weights.data()[j]);
    return total;
  };
  std::vector<double> measured;
  for (Index i = 0; i < input.size(); ++i) {
    const Scalar x = input.data()[i];
    const Scalar above = x + step, below = x - step;  // what float makes of it
    measured.push_back((f_at(i, above) - f_at(i, below)) /
                       (static_cast<double>(above) - static_cast<double>(below)));
  }
  return measured;
}

std::string number(double value) {
  return format("%.9g", printable(value));
}

// Compares the gradients of one input; adds what it found to the report.
void compare(const std::vector<double>& measured, const Tensor& input, const std::string& name,
             const Tensor& out, Scalar tolerance, GradientReport& report) {
  std::vector<double> computed(measured.size(), 0);
  if (input.has_grad()) std::copy_n(input.grad().data(), input.size(), computed.begin());
  double largest = 0, worst = 0;
  std::size_t at = 0;
  for (std::size_t i = 0; i < measured.size(); ++i)
    if (std::isfinite(measured[i] - computed[i]))  // so both are
      largest = std::max({largest, std::abs(measured[i]), std::abs(computed[i])});
  for (std::size_t i = 0; i < measured.size(); ++i) {
    const double size = std::max({std::abs(measured[i]), std::abs(computed[i]), largest / 1000});
    const double gap = std::abs(measured[i] - computed[i]);
    const double error = !std::isfinite(gap) ? INFINITY : size == 0 ? 0 : gap / size;
    if (error > worst) worst = error, at = i;
  }
  const bool zero = largest == 0 && worst == 0;
  const bool good = !zero && worst <= static_cast<double>(tolerance);
  report.passed &= good;
  report.worst = std::max(report.worst, zero ? 1 : worst);
  if (zero)
    report.text += name + ": FAILED, both gradients are zero everywhere\n";
  else
    report.text += name + " " + to_string(input.shape()) + (good ? ": right" : ": WRONG") +
                   format(", largest relative error %.1e at ", worst) +
                   position_text(static_cast<Index>(at), input.shape()) + ": backward " +
                   (input.has_grad() ? number(computed[at]) : "none (is record() missing?)") +
                   ", differences " + number(measured[at]) + " (" + out.operation() + " at " +
                   to_string(out.where()) + ")\n";
}

// The inputs themselves, so that f may find them in a layer as well; a copy of one that was
// computed, whose gradient would be in other tensors, or that is there already.
std::vector<Tensor> separate(const std::vector<Tensor>& inputs, const Where& where) {
  std::vector<Tensor> result;
  for (const Tensor& input : inputs) {
    check_exists(input, where);
    const bool there = std::any_of(result.begin(), result.end(), [&](const Tensor& other) {
      return other.node() == input.node();
    });
    result.push_back(there || input.node()->made_by ? input.detach(where) : input);
  }
  return result;
}

}  // namespace

GradientReport check_gradients(const Function& f, const std::vector<Tensor>& inputs,
                               const GradientCheckOptions& options, Where where) {
  if (inputs.empty()) fail("check_gradients", where, "at least one input is needed");
  const std::vector<Tensor> given = separate(inputs, where);
  const std::list<Leaf> leaves(given.begin(), given.end());
  const Tensor out = f(given);
  if (!out.requires_grad())
    return {.worst = 1,
            .text = "FAILED: the result, " + describe(out) +
                    ", has no graph: it was not computed from the inputs, or record() is missing "
                    "in an operation\n"};
  Random random(options.seed);
  const Tensor weights = Tensor::uniform(out.shape(), Scalar(-1), Scalar(1), random, where);
  out.backward(weights, Graph::keep, where);
  GradientReport report;
  report.passed = true;
  for (std::size_t n = 0; n < given.size(); ++n) {
    const std::string name = *given[n].label() ? given[n].label() : "input " + std::to_string(n);
    compare(differences(f, given, given[n], weights, options.step), given[n], name, out,
            options.tolerance, report);
  }
  return report;
}

}  // namespace gradus
