#include <gradus/check_training.h>
#include <gradus/operation.h>

#include "../kernels/math.h"
#include "statistics.h"

#include <algorithm>
#include <cmath>
#include <cstdio>

namespace gradus {

namespace {

bool same_values(const Tensor& a, const Tensor& b) {
  return std::equal(a.values().begin(), a.values().end(), b.values().begin());
}

std::string reason(const Tensor& parameter, const Optimizer& optimizer) {
  const auto& moved = optimizer.parameters();
  const bool given = std::any_of(moved.begin(), moved.end(), [&](const NamedTensor& other) {
    return other.tensor.node() == parameter.node();
  });
  if (!given)
    return std::string(parameter.has_grad() ? "has a gradient, but " : "") +
           "is not among the parameters of the optimiser made at " + to_string(optimizer.where());
  if (!parameter.has_grad())
    return "has no gradient: the loss was not computed from it (or clear_grad() came too early)";
  if (statistics_of(parameter.grad().values()).norm == 0)
    return "has a gradient that is zero everywhere";
  char rate[40];
  std::snprintf(rate, sizeof rate, "%g", static_cast<double>(optimizer.learning_rate));
  return std::string("has a gradient, but the step was too small to change a bit (learning rate ") +
         rate + ")";
}

}  // namespace

// A detached tensor shares the values until somebody changes them.
MovementCheck::MovementCheck(const Module& model) {
  for (const NamedTensor& parameter : model.parameters())
    remembered_.push_back({parameter, parameter.tensor.detach()});
}

std::string MovementCheck::unmoved(const Optimizer& optimizer, Where where) const {
  std::string lines;
  int count = 0;
  for (const auto& [parameter, before] : remembered_) {
    if (!same_values(parameter.tensor, before)) continue;
    ++count;
    lines += "  " + parameter.name + " " + to_string(before.shape()) + " " +
             reason(parameter.tensor, optimizer) + "\n";
  }
  if (count == 0) return "";
  return "unmoved at " + to_string(where) + ": " + std::to_string(count) + " of " +
         std::to_string(remembered_.size()) + " parameters are the same as before the step\n" +
         lines;
}

std::string judge_first_loss(const Tensor& loss, int classes, Where where) {
  if (classes < 2)
    fail("judge_first_loss", where,
         "at least 2 classes are needed, " + std::to_string(classes) + " given");
  const auto value = static_cast<double>(loss.item(where));
  const auto guess = static_cast<double>(kernels::log_one(static_cast<Scalar>(classes)));
  char text[200];
  std::snprintf(text, sizeof text, "the loss %.4f of %s, and ln(%d) = %.4f for guessing: ", value,
                to_string(loss.where()).c_str(), classes, guess);
  if (!std::isfinite(value))
    return text + std::string(
                      "not a number to train with; look for the first bad value with "
                      "GRADUS_TRACE=1");
  if (value < 0.8 * guess)
    return text + std::string(
                      "too low for a model that has not learned yet; does the answer stand "
                      "in the input, is the number of classes right, are labels missing?");
  if (value > guess + 0.5)
    return text + std::string(
                      "too high; the model is sure of wrong answers before it has learned: "
                      "are the first weights or the inputs too large?");
  return text + std::string("as it should be");
}

namespace {

// The sums of one line of the table.
struct Row {
  std::string name;
  double count = 0, sum = 0, squares = 0, zeros = 0, gradient_squares = 0;
};

void add(Row& row, const Tensor& x) {
  for (const Scalar value : x.values()) {
    const auto v = static_cast<double>(value);
    row.sum += v;
    row.squares += v * v;
    row.zeros += v == 0;
  }
  row.count += static_cast<double>(x.size());
  if (!x.has_grad()) return;
  const double norm = statistics_of(x.grad().values()).norm;
  row.gradient_squares += norm * norm;
}

}  // namespace

std::string layer_table(const Tensor& loss, Where where) {
  if (!loss.requires_grad() || !loss.node()->made_by)
    fail("layer_table", where,
         "the graph of " + describe(loss) +
             (loss.node()->freed ? " was freed" : " is missing: nothing in it wants a gradient"));
  std::vector<Row> rows;
  for (const Tensor& x : walk_below(loss).results) {
    const std::string name = x.label();
    if (name.empty()) continue;
    auto row = std::find_if(rows.begin(), rows.end(), [&](const Row& r) { return r.name == name; });
    if (row == rows.end()) row = rows.insert(row, Row{name});
    add(*row, x);
  }
  std::string table =
      "output of                            mean   deviation    zeros    gradient\n";
  for (const Row& row : rows) {
    const double mean = row.sum / row.count;
    const double variance = std::max(0.0, row.squares / row.count - mean * mean);
    char text[200];
    std::snprintf(text, sizeof text, "%-30s %10.4f  %10.4f  %6.1f%%  %10.2e\n", row.name.c_str(),
                  mean, std::sqrt(variance), 100 * row.zeros / row.count,
                  std::sqrt(row.gradient_squares));
    table += text;
  }
  return table;
}

}  // namespace gradus
