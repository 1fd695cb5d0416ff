#include <gradus/operation.h>
#include <gradus/optimizer.h>
#include <gradus/watcher.h>

#include "../kernels/elementwise.h"
#include "../kernels/math.h"
#include "../kernels/rows.h"

#include <algorithm>
#include <cmath>
#include <cstdio>

namespace gradus {

namespace {

void check_range(const char* what, const char* name, Scalar value, Scalar low, Scalar high,
                 const Where& where) {
  if (value >= low && value <= high) return;
  char text[120];
  std::snprintf(text, sizeof text, "%s must be a number from %g to %g, not %g", name,
                static_cast<double>(low), static_cast<double>(high), static_cast<double>(value));
  fail(what, where, text);
}

constexpr Scalar any = Scalar(1e30);

// base^exponent in double; std::pow may differ from one system to the next.
double power(double base, std::int64_t exponent) {
  double result = 1;
  for (; exponent > 0; exponent /= 2, base *= base)
    if (exponent % 2) result *= base;
  return result;
}

// step(i) for every number of a parameter, on all threads.
template <class Step>
void each(Index count, Step step) {
  kernels::parallel_for(count, kernels::elementwise_grain, [=](Index begin, Index end) {
    for (Index i = begin; i < end; ++i) step(i);
  });
}

}  // namespace

Optimizer::Optimizer(const char* name, std::vector<NamedTensor> parameters, Scalar rate,
                     Where where)
    : learning_rate(rate), parameters_(std::move(parameters)), where_(where) {
  if (parameters_.empty()) fail(name, where, "there are no parameters to optimise");
  check_range(name, "learning_rate", rate, 0, any, where);
}

std::vector<Tensor> Optimizer::remember(const std::string& name) {
  std::vector<Tensor> tensors;
  for (const NamedTensor& parameter : parameters_) {
    tensors.push_back(Tensor::zeros(parameter.tensor.shape()));
    state_.push_back({name + "." + parameter.name, tensors.back()});
  }
  return tensors;
}

void Optimizer::step(Where where) {
  for (Watcher* watcher : watchers()) watcher->begin_step(where);
  ++steps_;
  for (std::size_t i = 0; i < parameters_.size(); ++i) {
    Tensor& w = parameters_[i].tensor;
    if (!w.has_grad()) continue;
    GradientUse& use = w.node()->gradient_use;
    if (use == GradientUse::stale)
      for (Watcher* watcher : watchers()) watcher->stale_gradient(w);
    use = GradientUse::used;
    update(i, w.mutable_data(), w.grad().data(), w.size());
  }
}

void Optimizer::clear_grad() {
  for (NamedTensor& parameter : parameters_) parameter.tensor.clear_grad();
}

Sgd::Sgd(std::vector<NamedTensor> parameters, SgdOptions options, Where where)
    : Optimizer("Sgd", std::move(parameters), options.learning_rate, where), options_(options) {
  check_range("Sgd", "momentum", options.momentum, 0, 1, where);
  if (options.momentum > 0) velocity_ = remember("velocity");
}

void Sgd::update(std::size_t number, Scalar* w, const Scalar* g, Index count) {
  const Scalar rate = learning_rate;
  const Scalar momentum = options_.momentum;
  if (momentum == 0) return each(count, [=](Index i) { w[i] -= rate * g[i]; });
  Scalar* v = velocity_[number].mutable_data();
  each(count, [=](Index i) {
    v[i] = momentum * v[i] + g[i];
    w[i] -= rate * v[i];
  });
}

RMSprop::RMSprop(std::vector<NamedTensor> parameters, RmspropOptions options, Where where)
    : Optimizer("RMSprop", std::move(parameters), options.learning_rate, where), options_(options) {
  check_range("RMSprop", "rho", options.rho, 0, 1, where);
  check_range("RMSprop", "epsilon", options.epsilon, 0, any, where);
  square_ = remember("square");
}

void RMSprop::update(std::size_t number, Scalar* w, const Scalar* g, Index count) {
  const Scalar rate = learning_rate;
  const Scalar rho = options_.rho;
  const Scalar epsilon = options_.epsilon;
  Scalar* s = square_[number].mutable_data();
  each(count, [=](Index i) {
    s[i] = rho * s[i] + (1 - rho) * (g[i] * g[i]);
    w[i] -= rate * g[i] / (std::sqrt(s[i]) + epsilon);
  });
}

Adam::Adam(std::vector<NamedTensor> parameters, AdamOptions options, Where where)
    : Optimizer("Adam", std::move(parameters), options.learning_rate, where), options_(options) {
  check_range("Adam", "beta_1", options.beta_1, 0, 1, where);
  check_range("Adam", "beta_2", options.beta_2, 0, 1, where);
  check_range("Adam", "epsilon", options.epsilon, 0, any, where);
  check_range("Adam", "weight_decay", options.weight_decay, 0, any, where);
  mean_ = remember("mean");
  square_ = remember("square");
}

void Adam::update(std::size_t number, Scalar* w, const Scalar* g, Index count) {
  const AdamOptions o = options_;
  const Scalar rate = learning_rate;
  // Both averages start at 0; dividing by 1 - beta^t makes up for it.
  const auto rise_1 = static_cast<Scalar>(1 - power(static_cast<double>(o.beta_1), steps()));
  const auto rise_2 = static_cast<Scalar>(1 - power(static_cast<double>(o.beta_2), steps()));
  Scalar* m = mean_[number].mutable_data();
  Scalar* s = square_[number].mutable_data();
  each(count, [=](Index i) {
    m[i] = o.beta_1 * m[i] + (1 - o.beta_1) * g[i];
    s[i] = o.beta_2 * s[i] + (1 - o.beta_2) * (g[i] * g[i]);
    w[i] -= rate * o.weight_decay * w[i];
    w[i] -= rate * (m[i] / rise_1) / (std::sqrt(s[i] / rise_2) + o.epsilon);
  });
}

Scalar clip_by_global_norm(const std::vector<NamedTensor>& parameters, Scalar most, Where where) {
  if (!(most > 0)) fail("clip_by_global_norm", where, "the largest norm must be a positive number");
  double squares = 0;
  for (const NamedTensor& parameter : parameters) {
    if (!parameter.tensor.has_grad()) continue;
    const Tensor g = parameter.tensor.grad();
    for (Index i = 0; i < g.size(); i += 4096) {
      const Index count = std::min<Index>(4096, g.size() - i);
      squares += static_cast<double>(kernels::dot(g.data() + i, g.data() + i, count));
    }
  }
  const auto norm = static_cast<Scalar>(std::sqrt(squares));
  if (norm <= most) return norm;
  for (const NamedTensor& parameter : parameters) {
    if (!parameter.tensor.has_grad()) continue;
    const Tensor g = parameter.tensor.grad();
    Tensor clipped = result_of("clip_by_global_norm", g.shape(), where);
    kernels::map(g.data(), g.size(), clipped.mutable_data(),
                 [factor = most / norm](Scalar v) { return v * factor; });
    parameter.tensor.node()->gradient = clipped;
  }
  return norm;
}

Schedule::Schedule(Kind kind, Scalar rate, std::int64_t warmup, std::int64_t total, Where where)
    : kind_(kind), rate_(rate), warmup_(warmup), total_(total) {
  check_range("Schedule", "the learning rate", rate, 0, any, where);
  if (warmup < 0 || (kind == Kind::cosine && total <= warmup))
    fail("Schedule", where,
         "0 <= warmup < total is needed, not " + std::to_string(warmup) + " and " +
             std::to_string(total));
}

Schedule Schedule::constant(Scalar rate, Where where) {
  return {Kind::constant, rate, 0, 0, where};
}

Schedule Schedule::warmup_cosine(Scalar rate, std::int64_t warmup, std::int64_t total,
                                 Where where) {
  return {Kind::cosine, rate, warmup, total, where};
}

Schedule Schedule::warmup_inverse_sqrt(Scalar rate, std::int64_t warmup, Where where) {
  return {Kind::inverse_sqrt, rate, warmup, 0, where};
}

Scalar Schedule::at(std::int64_t step) const {
  if (kind_ == Kind::constant) return rate_;
  if (step < warmup_) return rate_ * static_cast<Scalar>(step + 1) / static_cast<Scalar>(warmup_);
  if (kind_ == Kind::inverse_sqrt)
    return rate_ * std::sqrt(static_cast<Scalar>(std::max<std::int64_t>(warmup_, 1)) /
                             static_cast<Scalar>(step + 1));
  const Scalar done =
      static_cast<Scalar>(std::min(step, total_) - warmup_) / static_cast<Scalar>(total_ - warmup_);
  return rate_ * (1 + kernels::cos_one(done * Scalar(3.141592653589793))) / 2;
}

}  // namespace gradus
