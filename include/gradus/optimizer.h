// Optimisers: how parameters move, given their gradients; and schedules, how fast.
//
//   RMSprop optimizer(model.parameters(), {.learning_rate = Scalar(1e-3)});
//   loss.backward();
//   optimizer.step();
//   optimizer.clear_grad();
#pragma once

#include <gradus/module.h>

namespace gradus {

class Optimizer {
 public:
  virtual ~Optimizer() = default;

  // Moves every parameter that has a gradient; one without stays as it is, and so does its part of
  // the state. A step counts for all parameters (PyTorch counts, for each, those with a gradient).
  // Errors: a learning rate that is negative or not a number.
  void step(Where where = here());
  void clear_grad();

  Scalar learning_rate;
  std::int64_t steps() const { return steps_; }
  void set_steps(std::int64_t steps) { steps_ = steps; }

  // Each tensor once: weights that are tied go by the first of their names.
  const std::vector<NamedTensor>& parameters() const { return parameters_; }
  const Where& where() const { return where_; }  // the line that made it
  // Its kind and all settings but the learning rate: "RMSprop, rho 0.9, epsilon 1e-07".
  const std::string& settings() const { return settings_; }
  // What the optimiser remembers, to be saved: "square.encoder.dense_1.kernel" …
  const std::vector<NamedTensor>& state() const { return state_; }

 protected:
  Optimizer(const char* name, const std::vector<NamedTensor>& parameters, Scalar rate, Where where);
  // Adds one to settings(). Errors: it is not a number from `low` to below `high`.
  void setting(const char* name, Scalar value, Scalar low, Scalar high);
  // A tensor of zeros for each parameter.
  std::vector<Tensor> remember(const std::string& name);
  virtual void update(std::size_t number, Scalar* w, const Scalar* g, Index count) = 0;

 private:
  std::vector<NamedTensor> parameters_;
  std::vector<NamedTensor> state_;
  std::int64_t steps_ = 0;
  const char* name_;
  std::string settings_;
  Where where_;
};

// w -= rate v with v = momentum v + g.
struct SgdOptions {
  Scalar learning_rate = Scalar(0.01);
  Scalar momentum = 0;
};
class Sgd : public Optimizer {
 public:
  // Errors, here and below: no parameters; a number that is negative, too large or not a number;
  // momentum, rho or a beta of 1, which forgets nothing; an epsilon of 0, which may divide 0 by 0.
  Sgd(const std::vector<NamedTensor>& parameters, SgdOptions options = {}, Where where = here());

 private:
  void update(std::size_t number, Scalar* w, const Scalar* g, Index count) override;
  SgdOptions options_;
  std::vector<Tensor> velocity_;
};

// w -= rate g / (sqrt(s) + epsilon) with s = rho s + (1 - rho) g² (Hinton 2012, lecture 6e).
//
// A row of an embedding whose word is not in the batch has gradient 0 and does not move, but its s
// fades; when the word comes back it moves by up to rate / sqrt(1 - rho).
struct RmspropOptions {
  Scalar learning_rate = Scalar(1e-3);
  Scalar rho = Scalar(0.9);
  Scalar epsilon = Scalar(1e-7);
};
class RMSprop : public Optimizer {
 public:
  RMSprop(const std::vector<NamedTensor>& parameters, RmspropOptions options = {},
          Where where = here());

 private:
  void update(std::size_t number, Scalar* w, const Scalar* g, Index count) override;
  RmspropOptions options_;
  std::vector<Tensor> square_;
};

// Kingma and Ba 2015, algorithm 1; with weight_decay it is AdamW, which also shrinks each weight by
// rate · weight_decay · w (Loshchilov and Hutter 2019, algorithm 2).
struct AdamOptions {
  Scalar learning_rate = Scalar(1e-3);
  Scalar beta_1 = Scalar(0.9);
  Scalar beta_2 = Scalar(0.999);
  Scalar epsilon = Scalar(1e-7);
  Scalar weight_decay = 0;
};
class Adam : public Optimizer {
 public:
  Adam(const std::vector<NamedTensor>& parameters, AdamOptions options = {}, Where where = here(),
       const char* name = "Adam");

 private:
  void update(std::size_t number, Scalar* w, const Scalar* g, Index count) override;
  AdamOptions options_;
  std::vector<Tensor> mean_, square_;
};
struct AdamWOptions {
  Scalar learning_rate = Scalar(1e-3);
  Scalar beta_1 = Scalar(0.9);
  Scalar beta_2 = Scalar(0.999);
  Scalar epsilon = Scalar(1e-7);
  Scalar weight_decay = Scalar(0.01);
};
class AdamW : public Adam {
 public:
  AdamW(const std::vector<NamedTensor>& parameters, AdamWOptions o = {}, Where where = here())
      : Adam(parameters, {o.learning_rate, o.beta_1, o.beta_2, o.epsilon, o.weight_decay}, where,
             "AdamW") {}
};

// Scales all gradients by one factor so that their common norm, sqrt(Σ g²), is at most `most`.
// Returns the norm before. Errors: `most` is not a positive number; a gradient that is infinite or
// not a number (no factor mends it: all gradients stay as they are).
double clip_by_global_norm(const std::vector<NamedTensor>& parameters, Scalar most,
                           Where where = here());

// The learning rate of each step.
class Schedule {
 public:
  // Errors, for all three: a rate that is negative or not a number, counts that are negative.
  static Schedule constant(Scalar rate, Where where = here()) {
    return {Kind::constant, rate, 0, 0, where};
  }
  // Up to `rate` in a straight line over `warmup` steps, then down to 0 at step `total` along half
  // a wave of the cosine (Loshchilov and Hutter 2017, equation 5).
  static Schedule warmup_cosine(Scalar rate, std::int64_t warmup, std::int64_t total,
                                Where where = here()) {
    return {Kind::cosine, rate, warmup, total, where};
  }
  // Up to `rate` as above, then rate · sqrt(warmup / step) (Vaswani et al. 2017, equation 3).
  static Schedule warmup_inverse_sqrt(Scalar rate, std::int64_t warmup, Where where = here()) {
    return {Kind::inverse_sqrt, rate, warmup, 0, where};
  }

  Scalar at(std::int64_t step) const;  // step 0 is the first
  std::string settings() const;        // "warmup_cosine, rate 0.002, warmup 200, total 9390"

 private:
  enum class Kind { constant, cosine, inverse_sqrt };
  Schedule(Kind kind, Scalar rate, std::int64_t warmup, std::int64_t total, Where where);
  Kind kind_;
  Scalar rate_;
  std::int64_t warmup_, total_;
};

}  // namespace gradus
