// Optimisers: each option over ten steps against the published rule, written here as a plain loop
// in double, and against PyTorch where it has the same rule; and clipping.

#include <doctest/doctest.h>
#include <gradus/gradus.h>

#include <cmath>
#include <functional>
#include <limits>
#include <map>
#include <memory>

using namespace gradus;

namespace {

using Parameters = std::vector<NamedTensor>;
using Row = std::vector<double>;

const Scalar infinite = std::numeric_limits<Scalar>::infinity();
const Scalar not_a_number = std::numeric_limits<Scalar>::quiet_NaN();

// A gradient that is 0 here and there, as rows of an embedding have it.
double gradient(int step, int i) {
  return (step + i) % 4 == 0 ? 0 : ((step * 7 + i * 5) % 11 - 5) / 8.0;
}

Tensor start() {
  return Tensor::vector({Scalar(-0.5), Scalar(-0.25), 0, Scalar(0.25), Scalar(0.5)})
      .requires_grad(true);
}

void give_gradient(Tensor& w, int step) {
  std::vector<Scalar> g;
  for (int i = 0; i < w.size(); ++i) g.push_back(static_cast<Scalar>(gradient(step, i)));
  w.add_grad(Tensor::from(w.shape(), g));
}

// One number: its value, what the optimiser remembers of it, and how many steps there were.
struct Plain {
  double w, v = 0, m = 0;
};
using Rule = std::function<void(Plain& x, double g, int steps)>;

Rule sgd(double rate, double momentum) {
  return [=](Plain& x, double g, int) {
    x.v = momentum * x.v + g;
    x.w = x.w - rate * x.v;
  };
}

Rule rmsprop(double rate, double rho, double epsilon) {
  return [=](Plain& x, double g, int) {
    x.v = rho * x.v + (1 - rho) * g * g;
    x.w = x.w - rate * g / (std::sqrt(x.v) + epsilon);
  };
}

Rule adam(double rate, double beta_1, double beta_2, double epsilon, double decay) {
  return [=](Plain& x, double g, int steps) {
    x.m = beta_1 * x.m + (1 - beta_1) * g;
    x.v = beta_2 * x.v + (1 - beta_2) * g * g;
    const double m = x.m / (1 - std::pow(beta_1, steps));
    const double v = x.v / (1 - std::pow(beta_2, steps));
    x.w = x.w - rate * (m / (std::sqrt(v) + epsilon) + decay * x.w);
  };
}

struct Case {
  const char* name;
  std::function<std::unique_ptr<Optimizer>(const Parameters&)> make;
  Rule rule;
  const char* settings;
};

template <class Kind, class Options>
Case of(const char* name, Options o, Rule rule, const char* settings) {
  return {name, [o](const Parameters& p) { return std::make_unique<Kind>(p, o); }, rule, settings};
}

const std::vector<Case>& cases() {
  static const std::vector<Case> all{
      of<Sgd>("Sgd", SgdOptions{.learning_rate = Scalar(0.05)}, sgd(0.05, 0), "Sgd, momentum 0"),
      of<Sgd>("Sgd, momentum", SgdOptions{.learning_rate = Scalar(0.05), .momentum = Scalar(0.7)},
              sgd(0.05, 0.7), "Sgd, momentum 0.7"),
      of<RMSprop>("RMSprop",
                  RmspropOptions{
                      .learning_rate = Scalar(0.02), .rho = Scalar(0.6), .epsilon = Scalar(0.03)},
                  rmsprop(0.02, 0.6, 0.03), "RMSprop, rho 0.6, epsilon 0.03"),
      of<Adam>("Adam",
               AdamOptions{.learning_rate = Scalar(0.03),
                           .beta_1 = Scalar(0.8),
                           .beta_2 = Scalar(0.95),
                           .epsilon = Scalar(0.02)},
               adam(0.03, 0.8, 0.95, 0.02, 0),
               "Adam, beta_1 0.8, beta_2 0.95, epsilon 0.02, weight_decay 0"),
      of<AdamW>("AdamW",
                AdamWOptions{.learning_rate = Scalar(0.03),
                             .beta_1 = Scalar(0.8),
                             .beta_2 = Scalar(0.95),
                             .epsilon = Scalar(0.02),
                             .weight_decay = Scalar(0.3)},
                adam(0.03, 0.8, 0.95, 0.02, 0.3),
                "AdamW, beta_1 0.8, beta_2 0.95, epsilon 0.02, weight_decay 0.3"),
      // What is not given is as the header says.
      of<Sgd>("Sgd as it comes", SgdOptions{}, sgd(0.01, 0), "Sgd, momentum 0"),
      of<RMSprop>("RMSprop as it comes", RmspropOptions{}, rmsprop(0.001, 0.9, 1e-7),
                  "RMSprop, rho 0.9, epsilon 1e-07"),
      of<Adam>("Adam as it comes", AdamOptions{}, adam(0.001, 0.9, 0.999, 1e-7, 0),
               "Adam, beta_1 0.9, beta_2 0.999, epsilon 1e-07, weight_decay 0"),
      of<AdamW>("AdamW, only the rate given", AdamWOptions{.learning_rate = Scalar(0.1)},
                adam(0.1, 0.9, 0.999, 1e-7, 0.01),
                "AdamW, beta_1 0.9, beta_2 0.999, epsilon 1e-07, weight_decay 0.01"),
      of<Adam>("Adam with decay", AdamOptions{.weight_decay = Scalar(0.5)},
               adam(0.001, 0.9, 0.999, 1e-7, 0.5),
               "Adam, beta_1 0.9, beta_2 0.999, epsilon 1e-07, weight_decay 0.5"),
  };
  return all;
}

// At most a few roundings of float apart.
void check_near(const Tensor& w, const Row& wanted) {
  REQUIRE(w.size() == static_cast<Index>(wanted.size()));
  for (std::size_t i = 0; i < wanted.size(); ++i) {
    CAPTURE(i);
    CHECK(std::abs(static_cast<double>(w.data()[i]) - wanted[i]) < 1e-6);
  }
}

std::string refusal(const std::function<void()>& act) {
  try {
    act();
  } catch (const Error& error) {
    CHECK(std::string(error.what()).find("at tests/optimizer_test.cpp:") != std::string::npos);
    return error.what();
  }
  return "not refused";
}

void says(const std::string& text, const std::string& part) {
  CAPTURE(text);
  CHECK(text.find(part) != std::string::npos);
}

}  // namespace

TEST_CASE(
    "ten steps of each optimiser are those of its rule, and a step without gradient is none") {
  for (const Case& one : cases()) {
    CAPTURE(one.name);
    Tensor w = start(), rare = start();
    const auto optimizer = one.make({{"rare", rare}, {"w", w}});
    std::vector<Plain> plain_w, plain_rare;
    const Tensor first = start();
    for (const Scalar x : first.values()) {
      plain_w.push_back({static_cast<double>(x)});
      plain_rare.push_back({static_cast<double>(x)});
    }
    for (int step = 0; step < 10; ++step) {
      give_gradient(w, step);
      if (step % 3 == 1) give_gradient(rare, step);
      optimizer->step();
      optimizer->clear_grad();
      CHECK_FALSE(w.has_grad());
      Row wanted_w, wanted_rare;
      for (int i = 0; i < 5; ++i) {
        // steps() counts for both, as the header says.
        one.rule(plain_w[static_cast<std::size_t>(i)], gradient(step, i), step + 1);
        if (step % 3 == 1)
          one.rule(plain_rare[static_cast<std::size_t>(i)], gradient(step, i), step + 1);
        wanted_w.push_back(plain_w[static_cast<std::size_t>(i)].w);
        wanted_rare.push_back(plain_rare[static_cast<std::size_t>(i)].w);
      }
      CAPTURE(step);
      check_near(w, wanted_w);
      check_near(rare, wanted_rare);
      CHECK(optimizer->steps() == step + 1);
    }
    CHECK(optimizer->settings() == one.settings);
  }
}

TEST_CASE("ten steps of each optimiser end where PyTorch's do") {
  // tests/reference/optimizers.py prints this table.
  const std::map<std::string, Row> table{
      {"Sgd", {-0.556250000, -0.200000000, -0.012500000, 0.218750000, 0.531250000}},
      {"Sgd, momentum", {-0.626388069, -0.131891154, -0.074047324, 0.170047602, 0.597298351}},
      {"RMSprop", {-0.557275998, -0.200240725, -0.014217821, 0.238661541, 0.526314733}},
      {"Adam", {-0.582247193, -0.177295434, -0.090724230, 0.239277227, 0.559756124}},
      {"AdamW", {-0.535929069, -0.158506854, -0.084040171, 0.216148112, 0.514428902}},
  };
  for (const auto& [name, wanted] : table)
    for (const Case& one : cases()) {
      if (name != one.name) continue;
      CAPTURE(one.name);
      Tensor w = start();
      const auto optimizer = one.make({{"w", w}});
      for (int step = 0; step < 10; ++step) {
        give_gradient(w, step);
        optimizer->step();
        optimizer->clear_grad();
      }
      check_near(w, wanted);
    }
}

TEST_CASE("an optimiser with the state, the steps and the rate of another goes on as that one") {
  for (const Case& one : cases()) {
    CAPTURE(one.name);
    Tensor w = start(), copy = start();
    const auto first = one.make({{"w", w}}), second = one.make({{"w", copy}});
    for (int step = 0; step < 4; ++step) {
      w.clear_grad();
      give_gradient(w, step);
      first->step();
    }
    const auto take = [](const Tensor& from, Tensor to) {
      std::copy(from.values().begin(), from.values().end(), to.mutable_data());
    };
    take(w, copy);
    REQUIRE(first->state().size() == second->state().size());
    for (std::size_t i = 0; i < first->state().size(); ++i) {
      CHECK(first->state()[i].name == second->state()[i].name);
      take(first->state()[i].tensor, second->state()[i].tensor);
    }
    second->set_steps(first->steps());
    first->learning_rate = second->learning_rate = Scalar(0.25);
    const Tensor before = w.detach();
    for (const auto& [x, optimizer] : {std::pair{&w, first.get()}, {&copy, second.get()}}) {
      x->clear_grad();
      give_gradient(*x, 5);
      optimizer->step();
    }
    for (int i = 0; i < 5; ++i) CHECK(w.data()[i] == copy.data()[i]);
    CHECK(w.data()[1] != before.data()[1]);
  }
}

TEST_CASE("what an optimiser remembers goes by its name and that of the parameter") {
  const Tensor a = start(), b = start();
  const Parameters p{{"encoder.kernel", a}, {"bias", b}};
  const auto names = [](const Optimizer& optimizer) {
    std::string all;
    for (const NamedTensor& tensor : optimizer.state()) all += tensor.name + " ";
    return all;
  };
  CHECK(names(Sgd(p)).empty());
  CHECK(names(Sgd(p, {.momentum = Scalar(0.5)})) == "velocity.encoder.kernel velocity.bias ");
  CHECK(names(RMSprop(p)) == "square.encoder.kernel square.bias ");
  CHECK(names(Adam(p)) == "mean.encoder.kernel mean.bias square.encoder.kernel square.bias ");
}

TEST_CASE("the rate of an optimiser may change from step to step") {
  Tensor w = Tensor::vector({1}).requires_grad(true);
  Sgd optimizer({{"w", w}}, {.learning_rate = 1});
  w.add_grad(Tensor::vector({2}));
  optimizer.learning_rate = Scalar(0.25);
  optimizer.step();
  CHECK(w.data()[0] == Scalar(0.5));
  for (const Scalar bad : {Scalar(-1), not_a_number, infinite}) {
    optimizer.learning_rate = bad;
    says(refusal([&] { optimizer.step(); }), "Sgd at ");
    says(refusal([&] { optimizer.step(); }),
         "learning_rate must be a number from 0 to below 1e+30");
  }
  CHECK(w.data()[0] == Scalar(0.5));
  CHECK(optimizer.steps() == 1);
}

TEST_CASE("a tensor under two names is one parameter, which moves once in a step") {
  for (const Case& one : cases()) {
    CAPTURE(one.name);
    Tensor tied = start(), single = start();
    const auto two_names = one.make({{"a", tied}, {"b", tied}});
    const auto one_name = one.make({{"a", single}});
    CHECK(two_names->parameters().size() == 1);
    CHECK(two_names->parameters()[0].name == "a");
    CHECK(two_names->state().size() == one_name->state().size());
    give_gradient(tied, 1);
    give_gradient(single, 1);
    two_names->step();
    one_name->step();
    for (int i = 0; i < 5; ++i) CHECK(tied.data()[i] == single.data()[i]);
  }
}

TEST_CASE("settings that make no sense are refused with their name and both bounds") {
  const Parameters p{{"w", start()}};
  const auto outside = [](Scalar lowest, Scalar highest) {
    return std::vector<Scalar>{lowest, highest, infinite, -infinite, not_a_number};
  };
  for (const Scalar bad : outside(Scalar(-1e-6), Scalar(1e30))) {
    const std::string text = " must be a number from 0 to below 1e+30, not ";
    says(refusal([&] { Sgd(p, {.learning_rate = bad}); }), "learning_rate" + text);
    says(refusal([&] { RMSprop(p, {.learning_rate = bad}); }), "learning_rate" + text);
    says(refusal([&] { Adam(p, {.learning_rate = bad}); }), "learning_rate" + text);
    says(refusal([&] { AdamW(p, {.learning_rate = bad}); }), "learning_rate" + text);
    says(refusal([&] { Adam(p, {.weight_decay = bad}); }), "weight_decay" + text);
    says(refusal([&] { AdamW(p, {.weight_decay = bad}); }), "AdamW at ");
    says(refusal([&] { Schedule::constant(bad); }), "the rate" + text);
    says(refusal([&] { Schedule::warmup_cosine(bad, 1, 5); }), "the rate" + text);
    says(refusal([&] { Schedule::warmup_inverse_sqrt(bad, 1); }), "the rate" + text);
  }
  for (const Scalar bad : outside(Scalar(-1e-6), 1)) {
    const std::string text = " must be a number from 0 to below 1, not ";
    says(refusal([&] { Sgd(p, {.momentum = bad}); }), "momentum" + text);
    says(refusal([&] { RMSprop(p, {.rho = bad}); }), "rho" + text);
    says(refusal([&] { Adam(p, {.beta_1 = bad}); }), "beta_1" + text);
    says(refusal([&] { Adam(p, {.beta_2 = bad}); }), "beta_2" + text);
    says(refusal([&] { AdamW(p, {.beta_1 = bad}); }), "beta_1" + text);
    says(refusal([&] { AdamW(p, {.beta_2 = bad}); }), "beta_2" + text);
  }
  for (const Scalar bad : outside(0, Scalar(1e30))) {
    const std::string text = "epsilon must be a number from 1e-30 to below 1e+30, not ";
    says(refusal([&] { RMSprop(p, {.epsilon = bad}); }), text);
    says(refusal([&] { Adam(p, {.epsilon = bad}); }), text);
    says(refusal([&] { AdamW(p, {.epsilon = bad}); }), text);
  }
  says(refusal([&] { Adam(p, {.beta_1 = 2}); }), "below 1, not 2");
  says(refusal([] { Sgd({}); }), "there are no parameters");
  // What is just inside works.
  Sgd(p, {.learning_rate = 0, .momentum = 0});
  RMSprop(p, {.rho = 0, .epsilon = Scalar(1e-30)});
  Adam(p, {.beta_1 = 0, .beta_2 = Scalar(0.9999)});
}

TEST_CASE("clipping scales all gradients by one factor, if their common norm is above the limit") {
  const auto clipped = [](Scalar most) {
    Tensor a = Tensor::vector({0, 0, 0}).requires_grad(true), none = start();
    Tensor b = Tensor::matrix({{0}, {0}}).requires_grad(true);
    a.add_grad(Tensor::vector({3, 0, -4}));
    b.add_grad(Tensor::matrix({{12}, {0}}));
    CHECK(clip_by_global_norm({{"a", a}, {"none", none}, {"b", b}}, most) == 13);
    CHECK_FALSE(none.has_grad());
    return Row{static_cast<double>(a.grad().data()[0]), static_cast<double>(a.grad().data()[1]),
               static_cast<double>(a.grad().data()[2]), static_cast<double>(b.grad().data()[0]),
               static_cast<double>(b.grad().data()[1])};
  };
  CHECK(clipped(13) == Row{3, 0, -4, 12, 0});
  CHECK(clipped(infinite) == Row{3, 0, -4, 12, 0});
  CHECK(clipped(Scalar(6.5)) == Row{1.5, 0, -2, 6, 0});
  const Row little = clipped(1);
  for (std::size_t i = 0; i < 5; ++i)
    CHECK(little[i] == doctest::Approx(Row{3, 0, -4, 12, 0}[i] / 13).epsilon(1e-6));
  for (const Scalar bad : {Scalar(0), Scalar(-1), not_a_number})
    says(refusal([&] { clip_by_global_norm({{"w", start()}}, bad); }), "positive number");
}

TEST_CASE("a gradient that is one tensor with another, or has two names, is clipped once") {
  Tensor a = start(), b = start();
  const Tensor seed = Tensor::vector({0, 3, 0, 4, 0});
  (a + b).backward(seed);
  CHECK(clip_by_global_norm({{"a", a}, {"a again", a}}, Scalar(2.5)) == 5);
  CHECK(a.grad().data()[1] == Scalar(1.5));
  CHECK(b.grad().data()[1] == 3);
  CHECK(seed.data()[3] == 4);
  CHECK(clip_by_global_norm({{"a", a}, {"b", b}}, 1) == doctest::Approx(std::sqrt(31.25)));
  CHECK(a.grad().data()[1] == doctest::Approx(1.5 / std::sqrt(31.25)));
  CHECK(b.grad().data()[1] == doctest::Approx(3 / std::sqrt(31.25)));
}

TEST_CASE("clipping holds for the largest gradients, and refuses those that no factor mends") {
  Tensor a = start(), b = start();
  a.add_grad(Tensor::vector({0, Scalar(-3e25), 0, 0, 0}));
  b.add_grad(Tensor::vector({Scalar(4e25), 0, 0, 0, 0}));
  CHECK(clip_by_global_norm({{"a", a}, {"b", b}}, 1) == doctest::Approx(5e25));
  CHECK(a.grad().data()[1] == doctest::Approx(-0.6));
  CHECK(b.grad().data()[0] == doctest::Approx(0.8));
  Tensor tiny = start();
  tiny.add_grad(Tensor::vector({0, 0, Scalar(1e-25), 0, 0}));
  CHECK(clip_by_global_norm({{"tiny", tiny}}, Scalar(1e-26)) == doctest::Approx(1e-25));
  CHECK(tiny.grad().data()[2] == doctest::Approx(1e-26));
  for (const Scalar bad : {infinite, -infinite, not_a_number}) {
    Tensor broken = start();
    broken.add_grad(Tensor::vector({1, 2, 3, bad, 5}));
    a.clear_grad();
    a.add_grad(Tensor::vector({100, 0, 0, 0, 0}));
    const std::string text = refusal([&] {
      clip_by_global_norm({{"a", a}, {"layer.kernel", broken}}, 1);
    });
    says(text, "the gradient of layer.kernel is infinite or not a number");
    CHECK(a.grad().data()[0] == 100);
    CHECK(broken.grad().data()[4] == 5);
  }
}
