#include <gradus/elementwise.h>
#include <gradus/loss.h>
#include <gradus/operation.h>
#include <gradus/reduce.h>

#include "../kernels/math.h"
#include "../kernels/rows.h"

#include <algorithm>

namespace gradus {

namespace {

struct CrossEntropy : Operation {
  std::vector<int> labels;
  int ignored = -1;
  Index counted = 0;
  Buffer log_probabilities;  // log_softmax of the logits

  void backward(const Tensor& out) override {
    const Tensor& logits = inputs[0];
    const Index classes = logits.shape()[-1];
    const Scalar share = counted ? out.grad().data()[0] / static_cast<Scalar>(counted) : 0;
    // loss = -Σ log p[label] / counted, so dlogits = (p - onehot(label)) / counted.
    Tensor dx = result_of("cross_entropy gradient", logits.shape(), logits.where());
    Scalar* d = dx.mutable_data();
    const Scalar* log_p = log_probabilities.data();
    for (std::size_t r = 0; r < labels.size(); ++r, d += classes, log_p += classes) {
      const Scalar factor = labels[r] == ignored ? 0 : share;
      for (Index j = 0; j < classes; ++j) d[j] = factor * kernels::exp_one(log_p[j]);
      if (labels[r] != ignored) d[labels[r]] -= factor;
    }
    logits.add_grad(dx);
  }
};

}  // namespace

Tensor cross_entropy(const Tensor& logits, const Ids& labels, int ignored, Where where) {
  check_exists(logits, where);
  if (logits.rank() < 1) fail("cross_entropy", where, "logits [..., C] are needed");
  const Index classes = logits.shape()[-1];
  const Index rows = logits.size() / classes;
  if (static_cast<Index>(labels.values.size()) != rows)
    fail("cross_entropy", where,
         describe(logits) + " needs " + std::to_string(rows) + " labels, " +
             std::to_string(labels.values.size()) + " given");
  const Buffer log_p(logits.size());
  kernels::log_softmax(logits.data(), rows, classes, log_p.data());
  Scalar total = 0;
  Index counted = 0;
  for (Index r = 0; r < rows; ++r) {
    const int label = labels.values[static_cast<std::size_t>(r)];
    if (label == ignored) continue;
    if (label < 0 || label >= classes)
      fail("cross_entropy", where,
           "label " + std::to_string(label) + " of row " + std::to_string(r) +
               " lies outside the classes 0 … " + std::to_string(classes - 1) + " of " +
               describe(logits));
    total -= log_p.data()[r * classes + label];
    ++counted;
  }
  Tensor out = result_of("cross_entropy", {}, where);
  *out.mutable_data() = counted ? total / static_cast<Scalar>(counted) : 0;
  if (CrossEntropy* op = record<CrossEntropy>(out, logits)) {
    op->labels = labels.values;
    op->ignored = ignored;
    op->counted = counted;
    op->log_probabilities = log_p;
  }
  return out;
}

namespace {

struct BinaryCrossEntropy : Operation {
  void backward(const Tensor& out) override {
    const Tensor& logits = inputs[0];
    const Tensor& targets = inputs[1];
    const Scalar share = out.grad().data()[0] / static_cast<Scalar>(logits.size());
    // d/dx of log(1 + e^x) - x t is σ(x) - t; d/dt is -x.
    if (logits.requires_grad()) {
      Tensor dx = result_of("binary_cross_entropy gradient", logits.shape(), logits.where());
      for (Index i = 0; i < logits.size(); ++i)
        dx.mutable_data()[i] = share * (kernels::sigmoid_one(logits.data()[i]) - targets.data()[i]);
      logits.add_grad(dx);
    }
    if (targets.requires_grad()) targets.add_grad(logits.detach() * -share);
  }
};

}  // namespace

Tensor binary_cross_entropy(const Tensor& logits, const Tensor& targets, Where where) {
  for (const Tensor* x : {&logits, &targets}) check_exists(*x, where);
  if (logits.shape() != targets.shape())
    fail("binary_cross_entropy", where,
         "logits " + describe(logits) + " and targets " + describe(targets) +
             " must have one shape");
  const Buffer losses(logits.size());
  for (Index i = 0; i < logits.size(); ++i) {
    const Scalar x = logits.data()[i];
    const Scalar t = targets.data()[i];
    if (!(t >= 0 && t <= 1))
      fail("binary_cross_entropy", where,
           "target " + std::to_string(t) + " at position " + std::to_string(i) +
               " is not between 0 and 1");
    const Scalar size = x < 0 ? -x : x;
    losses.data()[i] = (x > 0 ? x : 0) - x * t + kernels::log_one(1 + kernels::exp_one(-size));
    if (x != x) losses.data()[i] = x;
  }
  Tensor out = result_of("binary_cross_entropy", {}, where);
  *out.mutable_data() =
      kernels::sum(losses.data(), logits.size()) / static_cast<Scalar>(logits.size());
  record<BinaryCrossEntropy>(out, logits, targets);
  return out;
}

Tensor mean_squared_error(const Tensor& prediction, const Tensor& target, Where where) {
  for (const Tensor* x : {&prediction, &target}) check_exists(*x, where);
  if (prediction.shape() != target.shape())
    fail("mean_squared_error", where,
         "prediction " + describe(prediction) + " and target " + describe(target) +
             " must have one shape");
  const Tensor difference = Operand(prediction, where) - Operand(target, where);
  return mean(Operand(difference, where) * Operand(difference, where), {}, false, where);
}

}  // namespace gradus
