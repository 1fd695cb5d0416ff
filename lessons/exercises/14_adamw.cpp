// Exercise 14: AdamW. It belongs to lesson 3, section 6, which has Adam, and to lesson 12.
//
// Write one step of the optimiser for all parameters of a model. `steps` counts the steps that were
// made, 0 before the first; at step t, which counts from 1, each number w with gradient g moves by
//
//   m ← β₁ m + (1 - β₁) g       m̂ = m / (1 - β₁ᵗ)
//   s ← β₂ s + (1 - β₂) g²      ŝ = s / (1 - β₂ᵗ)
//   w ← w - rate · m̂ / (√ŝ + ε) - rate · decay · w          with the w from before the step
//
// The last term is weight decay: each step makes every weight smaller by a small share of itself,
// whatever its gradient is. Adam with this term is AdamW (Loshchilov and Hutter 2019, algorithm 2).
//
// Several models may be trained in turn: what the optimiser remembers of one is in its parameters
// and its `steps`, and nowhere else.

#include <gradus/gradus.h>

#include "exercise.h"

using namespace gradus;

// One tensor of the model: its values, their gradients, and what the optimiser remembers.
struct Parameter {
  std::vector<double> w, g, m, s;
};

struct Settings {
  double rate = 0, beta_1 = 0, beta_2 = 0, epsilon = 0, decay = 0;
};

void step(std::vector<Parameter>& parameters, int& steps, const Settings& of) {
  //> yours  todo(parameters, steps, of);
  steps += 1;
  const double faded_m = std::pow(of.beta_1, steps), faded_s = std::pow(of.beta_2, steps);
  for (Parameter& p : parameters)
    for (std::size_t i = 0; i < p.w.size(); ++i) {
      p.m[i] = of.beta_1 * p.m[i] + (1 - of.beta_1) * p.g[i];
      p.s[i] = of.beta_2 * p.s[i] + (1 - of.beta_2) * p.g[i] * p.g[i];
      const double m_hat = p.m[i] / (1 - faded_m), s_hat = p.s[i] / (1 - faded_s);
      const double move = m_hat / (std::sqrt(s_hat) + of.epsilon);
      p.w[i] -= of.rate * (move + of.decay * p.w[i]);
    }
  //<
}

// ## How it is asked
//
// "w_1" [n] is where the first parameter starts, "g_1" [steps, n] its gradient at each step. With
// "models" 2 all is done twice, as for a second model that is the same.

void train(const Case& given, Answers& answers, const std::string& model) {
  const Settings of = {given.number("rate"), given.number("beta_1"), given.number("beta_2"),
                       given.number("epsilon"), given.number("decay")};
  std::vector<Parameter> parameters;
  std::vector<Tensor> gradients;
  for (int number = 1; given.has("w_" + std::to_string(number)); ++number) {
    const Tensor w = given.tensor("w_" + std::to_string(number));
    const std::vector<double> start(w.values().begin(), w.values().end()), zeros(start.size());
    parameters.push_back({start, zeros, zeros, zeros});
    gradients.push_back(given.tensor("g_" + std::to_string(number)));
  }
  int steps = 0;
  for (Index t = 0; t < gradients.front().shape()[0]; ++t) {
    for (std::size_t k = 0; k < parameters.size(); ++k)
      for (std::size_t i = 0; i < parameters[k].g.size(); ++i)
        parameters[k].g[i] = static_cast<double>(gradients[k].at({t, static_cast<Index>(i)}));
    step(parameters, steps, of);
    for (std::size_t k = 0; k < parameters.size(); ++k)
      answers.add(model + "w_" + std::to_string(k + 1) + " after step " + std::to_string(t + 1),
                  parameters[k].w);
  }
  answers.add(model + "steps", double(steps));
}

void answer(const Case& given, Answers& answers) {
  train(given, answers, "");
  if (given.has("models")) train(given, answers, "second model, ");
}

void cases(Cases& cases) {
  const auto ask = [&](const char* name, Index steps, const Settings& of,
                       const std::vector<Index>& sizes) -> Case& {
    Case& added = cases.add(name)
                      .give("rate", of.rate)
                      .give("beta_1", of.beta_1)
                      .give("beta_2", of.beta_2)
                      .give("epsilon", of.epsilon)
                      .give("decay", of.decay);
    for (std::size_t k = 0; k < sizes.size(); ++k)
      added.give("w_" + std::to_string(k + 1), cases.whole({sizes[k]}, 2, 9))
          .give("g_" + std::to_string(k + 1), cases.whole({steps, sizes[k]}, 1, 4));
    return added;
  };
  const Index n = cases.size(2, 4), other = cases.size(5, 7);
  cases.group("small", 2);
  ask("1 number, 1 step: it moves by the rate", 1, {1, 0.5, 0.96, 0, 0}, {1});
  ask("1 number, 1 step, with epsilon", 1, {1, 0.5, 0.96, 1, 0}, {1});
  ask("1 number, 2 steps", 2, {1, 0.5, 0.96, 0, 0}, {1});
  ask("1 number, 1 step, with decay", 1, {0.5, 0.5, 0.96, 1, 0.5}, {1});
  cases.group("edges", 2);
  ask("2 parameters", 2, {1, 0.5, 0.96, 0, 0}, {1, 1});
  ask("2 models, one after the other", 2, {1, 0.5, 0.96, 0, 0}, {1}).give("models", 2);
  ask("many numbers, as in training", 5, {0.1, 0.9, 0.999, 0.1, 0.1}, {n, 1, other});
}
