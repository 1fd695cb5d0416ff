#include <gradus/optimizer.h>
#include <gradus/watcher.h>

#include "../kernels/elementwise.h"
#include "../kernels/math.h"
#include "training_state.h"

#include <algorithm>
#include <cmath>

namespace gradus {

namespace {

void check_range(const char* what, const std::string& name, Scalar value, Scalar low, Scalar high,
                 const Where& where) {
  if (value >= low && value < high) return;
  fail(what, where, name, " must be a number from ", low, " to below ", high, ", not ", value);
}

constexpr Scalar large = Scalar(1e30);
constexpr Scalar small = Scalar(1e-30);

std::vector<NamedTensor> each_once(const std::vector<NamedTensor>& parameters) {
  std::vector<NamedTensor> found;
  for (const NamedTensor& parameter : parameters)
    if (!holds(found, parameter.tensor)) found.push_back(parameter);
  return found;
}

// base^exponent in double; std::pow may differ from one system to the next.
double power(double base, std::int64_t exponent) {
  double result = 1;
  for (; exponent > 0; exponent /= 2, base *= base)
    if (exponent % 2) result *= base;
  return result;
}

}  // namespace

Optimizer::Optimizer(const char* name, const std::vector<NamedTensor>& parameters, Scalar rate,
                     Where where)
    : learning_rate(rate),
      parameters_(each_once(parameters)),
      name_(name),
      settings_(name),
      where_(where) {
  if (parameters_.empty()) fail(name, where, "there are no parameters to optimise");
  check_range(name, "learning_rate", rate, 0, large, where);
}

void Optimizer::setting(const char* name, Scalar value, Scalar low, Scalar high) {
  check_range(name_, name, value, low, high, where_);
  settings_ += worded(", ", name, " ", value);
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
  check_range(name_, "learning_rate", learning_rate, 0, large, where);
  tell_watchers([&](Watcher& watcher) { watcher.begin_step(where); });
  ++steps_;
  for (std::size_t i = 0; i < parameters_.size(); ++i) {
    Tensor& w = parameters_[i].tensor;
    if (!w.has_grad()) continue;
    GradientUse& use = w.node()->gradient_use;
    if (use == GradientUse::stale)
      tell_watchers([&](Watcher& watcher) { watcher.stale_gradient(w); });
    use = GradientUse::used;
    update(i, w.mutable_data(), w.grad().data(), w.size());
  }
}

void Optimizer::clear_grad() {
  for (NamedTensor& parameter : parameters_) parameter.tensor.clear_grad();
}

Sgd::Sgd(const std::vector<NamedTensor>& parameters, SgdOptions options, Where where)
    : Optimizer("Sgd", parameters, options.learning_rate, where), options_(options) {
  setting("momentum", options.momentum, 0, 1);
  if (options.momentum > 0) velocity_ = remember("velocity");
}

void Sgd::update(std::size_t number, Scalar* w, const Scalar* g, Index count) {
  const Scalar rate = learning_rate;
  const Scalar momentum = options_.momentum;
  if (momentum == 0) return kernels::each(count, [=](Index i) { w[i] -= rate * g[i]; });
  Scalar* v = velocity_[number].mutable_data();
  kernels::each(count, [=](Index i) {
    v[i] = momentum * v[i] + g[i];
    w[i] -= rate * v[i];
  });
}

RMSprop::RMSprop(const std::vector<NamedTensor>& parameters, RmspropOptions options, Where where)
    : Optimizer("RMSprop", parameters, options.learning_rate, where), options_(options) {
  setting("rho", options.rho, 0, 1);
  setting("epsilon", options.epsilon, small, large);
  square_ = remember("square");
}

void RMSprop::update(std::size_t number, Scalar* w, const Scalar* g, Index count) {
  const RmspropOptions o = options_;
  const Scalar rate = learning_rate;
  Scalar* s = square_[number].mutable_data();
  kernels::each(count, [=](Index i) {
    s[i] = o.rho * s[i] + (1 - o.rho) * (g[i] * g[i]);
    w[i] -= rate * g[i] / (std::sqrt(s[i]) + o.epsilon);
  });
}

Adam::Adam(const std::vector<NamedTensor>& parameters, AdamOptions options, Where where,
           const char* name)
    : Optimizer(name, parameters, options.learning_rate, where), options_(options) {
  setting("beta_1", options.beta_1, 0, 1);
  setting("beta_2", options.beta_2, 0, 1);
  setting("epsilon", options.epsilon, small, large);
  setting("weight_decay", options.weight_decay, 0, large);
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
  kernels::each(count, [=](Index i) {
    m[i] = o.beta_1 * m[i] + (1 - o.beta_1) * g[i];
    s[i] = o.beta_2 * s[i] + (1 - o.beta_2) * (g[i] * g[i]);
    w[i] -= rate * o.weight_decay * w[i];
    w[i] -= rate * (m[i] / rise_1) / (std::sqrt(s[i] / rise_2) + o.epsilon);
  });
}

double clip_by_global_norm(const std::vector<NamedTensor>& parameters, Scalar most, Where where) {
  if (!(most > 0)) fail("clip_by_global_norm", where, "the largest norm must be a positive number");
  std::vector<NamedTensor> all = each_once(parameters);
  std::erase_if(all, [](const NamedTensor& parameter) { return !parameter.tensor.has_grad(); });
  double squares = 0;  // in double, where the square of no float overflows
  for (const auto& [name, parameter] : all) {
    for (const Scalar g : parameter.grad().values()) squares += double{g} * double{g};
    if (!std::isfinite(squares))
      fail("clip_by_global_norm", where, "the gradient of ", name,
           " is infinite or not a number; GRADUS_TRACE=1 shows where "
           "it came from");
  }
  const double norm = std::sqrt(squares);
  if (norm <= static_cast<double>(most)) return norm;
  const auto factor = static_cast<Scalar>(static_cast<double>(most) / norm);
  for (const auto& [name, parameter] : all) {
    const Tensor g = parameter.grad();
    Tensor clipped = result_of("clip_by_global_norm", g.shape(), where);
    const auto shrink = [=](Scalar v) { return v * factor; };
    kernels::map(g.size(), clipped.mutable_data(), shrink, g.data());
    parameter.node()->gradient = clipped;
  }
  return norm;
}

Schedule::Schedule(Kind kind, Scalar rate, std::int64_t warmup, std::int64_t total, Where where)
    : kind_(kind), rate_(rate), warmup_(warmup), total_(total) {
  check_range("Schedule", "the rate", rate, 0, large, where);
  if (kind == Kind::cosine && (warmup < 0 || total <= warmup))
    fail("Schedule", where, "0 <= warmup < total is needed, not ", warmup, " and ", total);
  if (warmup < 0) fail("Schedule", where, "0 <= warmup is needed, not ", warmup);
}

std::string Schedule::settings() const {
  const std::string rate = worded("rate ", rate_);
  if (kind_ == Kind::constant) return rate;
  if (kind_ == Kind::inverse_sqrt)
    return worded("warmup_inverse_sqrt, ", rate, ", warmup ", warmup_);
  return worded("warmup_cosine, ", rate, ", warmup ", warmup_, ", total ", total_);
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
