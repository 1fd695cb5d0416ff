#include <gradus/fit.h>
#include <gradus/operations.h>

#include "../format.h"
#include "../kernels/elementwise.h"
#include "../kernels/rows.h"

#include <algorithm>
#include <cmath>

namespace gradus {

Tensor classification_loss(const Tensor& logits, const std::vector<int>& labels, Where where) {
  const auto count = std::ssize(labels);
  if (logits.rank(where) != 2 || logits.shape()[0] != count)
    fail("classification_loss", where, count, " labels need logits [", count, ", C], not ",
         describe(logits));
  const Index classes = logits.shape()[1];
  for (const int label : labels)
    if (label < 0 || label >= std::max<Index>(classes, 2))
      fail("classification_loss", where, "label ", label, " is none of the classes of ",
           describe(logits));
  if (classes > 1) return cross_entropy(logits, Ids({count}, labels), -1, where);
  const std::vector<Scalar> targets(labels.begin(), labels.end());
  return binary_cross_entropy(logits, Tensor::from({count, 1}, targets, where), where);
}

Tensor SequenceModel::operator()(const Batch& batch, Where where) {
  if (!batch.cache) return done(decode(batch, encode(batch, where), where));
  batch.cache->check(*this, batch.ids, batch.source, where);
  Tensor& encoded = batch.cache->encoded;
  if (!encoded.exists()) encoded = encode(batch, where);
  return done(decode(batch, encoded, where));
}

Tensor SequenceModel::loss(const Tensor& logits, const Batch& batch, Where where) const {
  if (logits.rank(where) != 3) return classification_loss(logits, batch.labels, where);
  const Shape positions{logits.shape()[0], logits.shape()[1]};
  return cross_entropy(logits, Ids(positions, batch.labels, where), -1, where);
}

std::vector<int> predictions(const Tensor& logits, Where where) {
  if (logits.rank(where) == 0)
    fail("predictions", where, "rows of logits are needed, not one number");
  const Index classes = logits.shape()[-1], rows = logits.size() / classes;
  std::vector<int> result(static_cast<std::size_t>(rows));
  const auto predict = [=, x = logits.data(), to = result.data()](Index i) {
    const Scalar* row = x + i * classes;
    const Scalar most = kernels::largest(row, classes);
    const auto place = std::find(row, row + classes, most) - row;
    to[i] = std::isnan(most) ? -1 : classes == 1 ? most > 0 : static_cast<int>(place);
  };
  kernels::parallel_each(rows, 1 + kernels::elementwise_grain / classes, predict);
  return result;
}

void Metric::add(const Tensor& loss, const Tensor& logits, const std::vector<int>& labels) {
  const std::vector<int> answers = predictions(logits, logits.where());
  const auto wanted = std::ssize(labels) - std::count(labels.begin(), labels.end(), -1);
  std::vector<int> right = labels;  // for each answer
  if (answers.size() != labels.size()) std::erase(right, -1);
  if (answers.size() != right.size())
    fail("Metric::add", logits.where(), describe(logits), " has a row neither for each of ",
         labels.size(), " labels nor for each of the ", wanted, " that are wanted");
  for (std::size_t i = 0; i < right.size(); ++i)
    correct += right[i] != -1 && answers[i] == right[i];
  loss_sum += static_cast<double>(loss.item()) * static_cast<double>(wanted);
  count += wanted;
}

std::string Metric::text() const {
  return format("loss %.4f, %lld/%lld right", printable(loss()), static_cast<long long>(correct),
                static_cast<long long>(count));
}

bool History::add(const Epoch& epoch) {
  const double loss = epoch.validation.loss();
  const double lowest = best < 0 ? NAN : epochs[static_cast<std::size_t>(best)].validation.loss();
  const bool better = best < 0 || loss < lowest || (std::isnan(lowest) && !std::isnan(loss));
  if (better) best = static_cast<int>(epochs.size());
  epochs.push_back(epoch);
  return better;
}

Metric evaluate(SequenceModel& model, const Batches& batches, Where where) {
  const NoGrad no_grad;
  const InEvaluation mode(model);
  Metric metric;
  for (const auto& which : batches.plan(0)) {
    const Batch batch = batches.make(which, where);
    const Tensor logits = model(batch, where);
    metric.add(model.loss(logits, batch, where), logits, batch.labels);
  }
  return metric;
}

}  // namespace gradus
