// Exercise 15: the training loop, which lesson 12 leaves to fit(). It belongs to lesson 12; the
// gradients' norm is lesson 15's, the optimiser lesson 3's.
//
// Write the three parts of a loop that trains a model:
//
//   rate_at   the learning rate of a step; step 0 is the first. In the first `warmup` steps it
//   rises
//             in a straight line, so that it is rate / warmup in step 0 and `rate` in step
//             warmup - 1; then it stays `rate`. A warmup of 0 is none.
//   clip      all gradients together are one long vector. If its length √(Σ g²) is more than
//   `most`,
//             all are multiplied by the one factor that makes it `most`. To give a parameter
//             another gradient, take a copy, then clear_grad() and add_grad(the new one).
//   train     plan.steps times: the loss of the training data, backward(), clip, the step with its
//             rate. No gradient may stay for the next step. Then what the loss of the validation
//             data is, without dropout: model.eval() and model.train() are the switch. Both losses
//             go into the log.

#include <gradus/gradus.h>

#include "exercise.h"

#include <cmath>

using namespace gradus;

// The model: x [N, D] gives x w + b [N, 1], where dropout hides some of x in training.
struct Model : Module {
  Model(const Case& given)
      : Module("Model"),
        w(given.variable("w")),
        b(given.variable("b")),
        dropout(static_cast<Scalar>(given.number("dropout")), random) {
    add("w", w);
    add("b", b);
    add("dropout", dropout);
  }
  Tensor operator()(const Tensor& x) { return matmul(dropout(x), w) + b; }

  Random random{1};
  Tensor w, b;  // [D, 1] and [1]
  Dropout dropout;
};

struct Data {
  Tensor x, y;  // [N, D] and [N, 1]
};
struct Plan {
  int steps, warmup;
  Scalar rate, most;
};
struct Log {
  std::vector<double> training, validation;  // a loss for each step
};

Scalar rate_at(int step, int warmup, Scalar rate) {
  //> yours  todo(step, warmup, rate);
  if (step >= warmup) return rate;
  return rate * Scalar(step + 1) / Scalar(warmup);
  //<
}

void clip(const std::vector<NamedTensor>& parameters, Scalar most) {
  //> yours  todo(parameters, most);
  Scalar squares = 0;
  for (const NamedTensor& p : parameters) squares += sum(pow(p.tensor.grad(), 2)).item();
  const Scalar norm = std::sqrt(squares);
  if (norm <= most) return;
  for (NamedTensor p : parameters) {
    const Tensor g = p.tensor.grad();
    p.tensor.clear_grad();
    p.tensor.add_grad(g * (most / norm));
  }
  //<
}

// The loss is mean_squared_error(model(data.x), data.y); the optimiser knows the parameters.
void train(Model& model, Optimizer& optimizer, const Data& training, const Data& validation,
           const Plan& plan, Log& log) {
  //> yours  todo(model, optimizer, training, validation, plan, log);
  for (int step = 0; step < plan.steps; ++step) {
    const Tensor loss = mean_squared_error(model(training.x), training.y);
    loss.backward();
    clip(model.parameters(), plan.most);
    optimizer.learning_rate = rate_at(step, plan.warmup, plan.rate);
    optimizer.step();
    optimizer.clear_grad();
    log.training.push_back(static_cast<double>(loss.item()));
    model.eval();
    const Tensor judged = mean_squared_error(model(validation.x), validation.y);
    log.validation.push_back(static_cast<double>(judged.item()));
    model.train();
  }
  //<
}

// ## How it is asked

void answer(const Case& given, Answers& answers) {
  Model model(given);
  Sgd optimizer(model.parameters());
  const Plan plan = {
      static_cast<int>(given.count("steps")), static_cast<int>(given.count("warmup")),
      static_cast<Scalar>(given.number("rate")), static_cast<Scalar>(given.number("most"))};
  Log log;
  train(model, optimizer, {given.tensor("x"), given.tensor("y")},
        {given.tensor("x to validate"), given.tensor("y to validate")}, plan, log);
  answers.add("training losses", log.training);
  answers.add("validation losses", log.validation);
  answers.add("w", model.w);
  answers.add("b", model.b);
}

Case& ask(Cases& cases, const std::string& name, int steps, int warmup, double most, Index N,
          Index D, double dropout = 0) {
  return cases.add(name)
      .give("steps", steps)
      .give("rate", 0.125)
      .give("warmup", warmup)
      .give("most", most)
      .give("dropout", dropout)
      .give("w", cases.whole({D, 1}))
      .give("b", cases.whole({1}))
      .give("x", cases.whole({N, D}, 1, 2))
      .give("y", cases.whole({N, 1}, 7, 9))  // so that no gradient is 0
      .give("x to validate", cases.whole({N + 1, D}))
      .give("y to validate", cases.whole({N + 1, 1}));
}

void cases(Cases& cases) {
  cases.group("small", 2);
  ask(cases, "1 step, nothing to clip", 1, 1, 1000, 1, 1);
  ask(cases, "2 steps, nothing to clip", 2, 1, 1000, 1, 1);
  ask(cases, "4 steps, 2 of them to warm up", 4, 2, 1000, 1, 1);
  cases.group("clipping", 1);
  ask(cases, "gradients longer than 1", 1, 1, 1, 2, 2);
  cases.group("edges", 1);
  ask(cases, "no warm-up", 2, 0, 1000, 1, 2);
  ask(cases, "half is dropped in training", 3, 1, 1000, 2, 4, 0.5);
  const Index N = cases.size(3, 6), D = cases.size(3, 6);
  ask(cases, "more data, all together", 5, 3, 4, N, D, 0.25);
}
