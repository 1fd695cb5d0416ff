#include <gradus/check_training.h>
#include <gradus/operation.h>

#include "../format.h"
#include "../kernels/math.h"
#include "statistics.h"

#include <algorithm>
#include <cmath>
#include <cstring>

namespace gradus {

namespace {

bool same_bits(const Tensor& a, const Tensor& b) {
  return std::memcmp(a.data(), b.data(), a.values().size_bytes()) == 0;
}

std::string reason(const Tensor& parameter, const Optimizer& optimizer) {
  if (!holds(optimizer.parameters(), parameter))
    return std::string(parameter.has_grad() ? "has a gradient, but " : "") +
           "is not among the parameters of the optimiser made at\n    " +
           to_string(optimizer.where());
  if (!parameter.has_grad())
    return "has no gradient: the loss was not computed from it (or clear_grad() came too early)";
  if (statistics_of(parameter.grad().values()).zeros == parameter.size())
    return "has a gradient that is zero everywhere";
  if (count_bad(parameter) > 0) return "holds values that are no numbers";
  return format("has a gradient, but the step was too small to change a bit (learning rate %g)",
                static_cast<double>(optimizer.learning_rate));
}

// All values and gradients of one line of the table.
struct Row {
  std::string name;
  std::vector<Scalar> values, gradient;
};

void append(std::vector<Scalar>& all, const Tensor& x) {
  all.insert(all.end(), x.values().begin(), x.values().end());
}

}  // namespace

// A detached tensor shares the values until somebody changes them.
MovementCheck::MovementCheck(const Module& model) {
  for (const NamedTensor& parameter : model.parameters())
    remembered_.emplace_back(parameter, parameter.tensor.detach());
}

std::string MovementCheck::unmoved(const Optimizer& optimizer, Where where) const {
  std::string lines;
  int count = 0;
  for (const auto& [parameter, before] : remembered_) {
    if (!same_bits(parameter.tensor, before)) continue;
    ++count;
    lines += worded("  ", parameter.name, " ", before.shape(), "\n    ",
                    reason(parameter.tensor, optimizer), "\n");
  }
  if (count == 0) return "";
  return worded("unmoved at ", where, ": ", count, " of ", remembered_.size(),
                " parameters are the same as before\n", lines);
}

std::string judge_first_loss(const Tensor& loss, int classes, Where where) {
  if (classes < 2)
    fail("judge_first_loss", where, "at least 2 classes are needed, ", classes, " given");
  const double value = printable(loss.item(where));
  const auto guess = static_cast<double>(kernels::log_one(static_cast<Scalar>(classes)));
  const std::string text = format("the loss %.4f of %s, and ln(%d) = %.4f for guessing:\n  ", value,
                                  to_string(loss.where()).c_str(), classes, guess);
  if (!std::isfinite(value))
    return text + "not a number to train with; look for the first bad value with GRADUS_TRACE=1";
  if (value < 0.8 * guess)
    return text +
           "too low for a model that has not learned yet; does the answer stand in the\n"
           "  input, is the number of classes right, are labels missing?";
  if (value > guess + 0.5)
    return text +
           "too high; the model is sure of wrong answers before it has learned: are the\n"
           "  first weights or the inputs too large?";
  return text + "as it should be";
}

std::string layer_table(const Tensor& loss, Where where) {
  check_exists(loss, where);
  if (!loss.requires_grad() || !loss.node()->made_by)
    fail("layer_table", where, "the graph of ", describe(loss),
         loss.node()->freed ? " was freed" : " is missing: nothing in it wants a gradient");
  std::vector<Row> rows;
  for (const Tensor& x : walk_below(loss).results) {
    const std::string name = x.label();
    if (name.empty()) continue;
    auto row = std::find_if(rows.begin(), rows.end(), [&](const Row& r) { return r.name == name; });
    if (row == rows.end()) row = rows.insert(row, Row{name, {}, {}});
    append(row->values, x);
    if (x.has_grad()) append(row->gradient, x.grad());
  }
  std::string table =
      "output of                            mean   deviation    zeros    gradient\n";
  for (const Row& row : rows) {
    const Statistics s = statistics_of(row.values), gradient = statistics_of(row.gradient);
    table +=
        format("%-30s %10.4f  %10.4f  %6.1f%%  %10.2e", row.name.c_str(), s.mean, s.deviation,
               100 * static_cast<double>(s.zeros) / static_cast<double>(s.count), gradient.norm);
    if (s.bad + gradient.bad > 0)
      table += worded("  without ", s.bad, " bad values and ", gradient.bad, " bad gradients");
    table += "\n";
  }
  return table;
}

}  // namespace gradus
