#include <gradus/operation.h>
#include <gradus/operations.h>

#include "../kernels/math.h"
#include "../kernels/rows.h"

#include <algorithm>

namespace gradus {

namespace {

struct CrossEntropy {
  Tensor logits;
  std::vector<int> labels;
  int ignored;
  Index counted;
  Buffer most, log_total;  // of each row x: log p = x - most - log_total

  // loss = -Σ log p[label] / counted, so dlogits = (p - onehot(label)) / counted. The p are
  // computed again, for of many classes they are the largest tensor of all.
  void backward(const Tensor& dloss) const {
    const Index classes = logits.shape()[-1];
    const Scalar share = counted ? dloss.item() / static_cast<Scalar>(counted) : 0;
    Tensor dx = gradient_for(logits);
    Scalar* d = dx.mutable_data();
    const Scalar* x = logits.data();
    for (std::size_t r = 0; r < labels.size(); ++r, d += classes, x += classes) {
      std::fill_n(d, classes, Scalar(0));
      if (labels[r] == ignored) continue;
      const Scalar m = most.data()[r], l = log_total.data()[r];
      for (Index j = 0; j < classes; ++j) d[j] = share * kernels::exp_one((x[j] - m) - l);
      d[labels[r]] -= share;
    }
    logits.add_grad(dx);
  }
};

void check_labels(const Tensor& logits, const Ids& labels, int ignored, const Where& where) {
  const Shape& shape = logits.shape(where);
  if (shape.rank() < 1) fail("cross_entropy", where, "logits [..., C] are needed");
  const Shape wanted = shape.without(-1);
  const auto count = std::ssize(labels.values);
  if (count != wanted.size())
    fail("cross_entropy", where, describe(logits), " needs ", wanted.size(), " labels, ", count,
         " given");
  if (labels.shape != wanted)
    fail("cross_entropy", where, describe(logits), " needs labels of shape ", wanted, ", not ",
         labels.shape);
  for (std::size_t r = 0; r < labels.values.size(); ++r) {
    const int label = labels.values[r];
    if (label != ignored && (label < 0 || label >= shape[-1]))
      fail("cross_entropy", where, "label ", label, " of row ", r, " lies outside the classes 0 … ",
           shape[-1] - 1, " of ", describe(logits));
  }
}

}  // namespace

Tensor cross_entropy(const Tensor& logits, const Ids& answers, int ignored, Where where) {
  check_labels(logits, answers, ignored, where);
  const std::vector<int>& labels = answers.values;
  const Index classes = logits.shape()[-1], rows = logits.size() / classes;
  Tensor loss = result_of("cross_entropy", {}, where);
  const Buffer most(rows), log_total(rows), losses(rows);
  kernels::log_sums(logits.data(), rows, classes, most.data(), log_total.data());
  Index counted = 0;
  for (Index r = 0; r < rows; ++r) {
    const int label = labels[static_cast<std::size_t>(r)];
    if (label == ignored) continue;
    const Scalar x = logits.data()[r * classes + label];
    losses.data()[counted++] = -((x - most.data()[r]) - log_total.data()[r]);
  }
  Scalar* total = loss.mutable_data();
  kernels::column_sum(losses.data(), counted, 1, total);
  if (counted) *total /= static_cast<Scalar>(counted);
  return record(loss, {logits}, CrossEntropy{logits, labels, ignored, counted, most, log_total});
}

namespace {

struct BinaryCrossEntropy {
  Tensor logits, targets;

  // d/dx of log(1 + e^x) - x t is σ(x) - t; d/dt is -x.
  void backward(const Tensor& dloss) const {
    const Scalar share = dloss.item() / static_cast<Scalar>(logits.size());
    if (targets.requires_grad()) targets.add_grad(logits.detach() * -share);
    if (!logits.requires_grad()) return;
    Tensor dx = gradient_for(logits);
    Scalar* d = dx.mutable_data();
    for (Index i = 0; i < logits.size(); ++i)
      d[i] = share * (kernels::sigmoid_one(logits.data()[i]) - targets.data()[i]);
    logits.add_grad(dx);
  }
};

// -(t log σ(x) + (1-t) log(1-σ(x))), computed as |x| wrong + log(1 + e^-|x|), which overflows
// nowhere; `wrong` is the share of t on the other side than x.
Scalar binary_loss(Scalar x, Scalar t) {
  if (x != x) return x;
  const Scalar size = x < 0 ? -x : x;
  const Scalar wrong = x > 0 ? 1 - t : t;
  return (wrong == 0 ? 0 : size * wrong) + kernels::log1p_one(kernels::exp_one(-size));
}

void check_same(const char* name, const char* first, const Tensor& a, const char* second,
                const Tensor& b, const Where& where) {
  if (a.shape(where) != b.shape(where))
    fail(name, where, first, " ", describe(a), " and ", second, " ", describe(b),
         " must have one shape");
}

}  // namespace

Tensor binary_cross_entropy(const Tensor& logits, const Tensor& targets, Where where) {
  check_same("binary_cross_entropy", "logits", logits, "targets", targets, where);
  Tensor loss = result_of("binary_cross_entropy", {}, where);
  const Buffer losses(logits.size());
  for (Index i = 0; i < logits.size(); ++i) {
    const Scalar t = targets.data()[i];
    if (!(t >= 0 && t <= 1))
      fail("binary_cross_entropy", where, "target ", t, " at position ", i,
           " is not between 0 and 1");
    losses.data()[i] = binary_loss(logits.data()[i], t);
  }
  *loss.mutable_data() =
      kernels::sum(losses.data(), logits.size()) / static_cast<Scalar>(logits.size());
  return record(loss, {logits, targets}, BinaryCrossEntropy{logits, targets});
}

Tensor mean_squared_error(const Tensor& prediction, const Tensor& target, Where where) {
  check_same("mean_squared_error", "prediction", prediction, "target", target, where);
  const Tensor difference = Operand(prediction, where) - Operand(target, where);
  return mean(Operand(difference, where) * Operand(difference, where), {}, false, where);
}

}  // namespace gradus
