// The gradient check finds what is wrong and lets pass what is right, at every element, and leaves
// everything as it was.

#include <doctest/doctest.h>
#include <gradus/check_gradients.h>
#include <gradus/layers.h>
#include <gradus/module.h>
#include <gradus/operation.h>
#include <gradus/operations.h>
#include <gradus/optimizer.h>

#include <algorithm>
#include <cmath>
#include <cstdio>

using namespace gradus;

namespace {

using Inputs = std::vector<Tensor>;

constexpr bool in_double = sizeof(Scalar) == 8;
const Scalar not_a_number = std::nanf("");
const Scalar infinity = INFINITY;

// y = slopes · x, value by value; its backward uses the slopes it was given.
struct Planted {
  Tensor x;
  std::vector<Scalar> slopes;
  void backward(const Tensor& dy) const {
    Tensor dx = gradient_for(x);
    for (std::size_t i = 0; i < slopes.size(); ++i) dx.mutable_data()[i] = slopes[i] * dy.data()[i];
    x.add_grad(dx);
  }
};

Tensor planted(const Tensor& x, const std::vector<Scalar>& slopes,
               const std::vector<Scalar>& backward_slopes, Where where = here()) {
  Tensor y = result_of("planted", x.shape(), where);
  for (std::size_t i = 0; i < slopes.size(); ++i) y.mutable_data()[i] = slopes[i] * x.data()[i];
  return record(y, {{x, false}}, Planted{x, backward_slopes});
}

// The same without a graph: record() was forgotten.
Tensor forgotten(const Tensor& x, Where where = here()) {
  Tensor y = result_of("forgotten", x.shape(), where);
  for (Index i = 0; i < x.size(); ++i) y.mutable_data()[i] = 2 * x.data()[i];
  return y;
}

GradientReport check_slopes(const Tensor& x, const std::vector<Scalar>& slopes,
                            const std::vector<Scalar>& backward_slopes,
                            const GradientCheckOptions& options = {}) {
  return check_gradients([&](const Inputs& v) { return planted(v[0], slopes, backward_slopes); },
                         {x}, options);
}

bool has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

// The weights of the result: uniform from -1 to 1, drawn with the seed.
Tensor weights_of(const Shape& shape, std::uint64_t seed) {
  Random random(seed);
  return Tensor::uniform(shape, -1, 1, random);
}

const std::vector<Scalar> six{Scalar(0.5), -1, 2, Scalar(-0.25), 3, 1};

}  // namespace

TEST_CASE("the check refuses a gradient that is wrong at one element, whichever it is") {
  const Tensor x = Tensor::from({2, 3}, {1, 2, -1, Scalar(0.5), 3, -2}).named("x");
  CHECK(check_slopes(x, six, six).passed);
  for (std::size_t i = 0; i < 6; ++i)
    for (const double off : {in_double ? 1e-4 : 0.1, in_double ? -1e-4 : -0.1}) {
      std::vector<Scalar> wrong = six;
      wrong[i] = static_cast<Scalar>(static_cast<double>(wrong[i]) * (1 + off));
      const GradientReport report = check_slopes(x, six, wrong);
      CAPTURE(report.text);
      CHECK_FALSE(report.passed);
      const std::string at = "[" + std::to_string(i / 3) + ", " + std::to_string(i % 3) + "]";
      CHECK(has(report.text, "x [2, 3]: WRONG, largest relative error "));
      CHECK(has(report.text, " at " + at + ": backward "));
      CHECK(has(report.text, "(planted at tests/check_gradients_test.cpp:"));
      CHECK(
          report.worst ==
          doctest::Approx(std::abs(off) / std::max(1.0, 1 + off)).epsilon(in_double ? 1e-4 : 0.1));
    }
}

TEST_CASE("the check refuses what is not a number, wherever it is and whatever comes after") {
  const Tensor x = Tensor::from({2, 3}, {1, 2, -1, Scalar(0.5), 3, -2});
  for (std::size_t i = 0; i < 6; ++i)
    for (const Scalar bad : {not_a_number, -not_a_number, infinity, -infinity}) {
      std::vector<Scalar> wrong = six;
      wrong[i] = bad;
      const std::string at = "[" + std::to_string(i / 3) + ", " + std::to_string(i % 3) + "]";
      for (const GradientReport& report :
           {check_slopes(x, six, wrong), check_slopes(x, wrong, six)}) {
        CAPTURE(report.text);
        CHECK_FALSE(report.passed);
        CHECK(report.worst == INFINITY);
        CHECK(has(report.text, "WRONG, largest relative error inf at "));
        CHECK_FALSE(has(report.text, "-nan"));
      }
      CHECK(has(check_slopes(x, six, wrong).text, "inf at " + at + ": backward "));
      CHECK_FALSE(check_slopes(x, wrong, wrong).passed);
    }
  const std::vector<Scalar> all_bad(6, not_a_number);
  const GradientReport all = check_slopes(x, all_bad, all_bad);
  CHECK_FALSE(all.passed);
  CHECK(has(all.text, ": backward nan, differences nan ("));
}

TEST_CASE("the tolerance divides right from wrong, and a small value counts as a thousandth") {
  const Tensor x = Tensor::from({2}, {1, 2}).named("x");
  const Tensor w = weights_of({2}, 1);
  const double share = std::abs(static_cast<double>(w.at({1}) / w.at({0})));
  // The second slope is 10⁻⁶ of the first: what counts is its error against 10⁻³ of the first.
  const std::vector<Scalar> slopes{1000, Scalar(0.001)};
  for (const double error : {0.9e-2, 1.1e-2}) {
    std::vector<Scalar> wrong = slopes;
    wrong[1] += static_cast<Scalar>(error / share);
    const GradientReport report = check_slopes(x, slopes, wrong, {.tolerance = Scalar(1e-2)});
    CAPTURE(report.text);
    if (in_double) CHECK(report.worst == doctest::Approx(error).epsilon(1e-3));
    if (in_double) CHECK(report.passed == (error < 1e-2));
  }
  for (const double error : {0.045, 0.055}) {
    const GradientReport report =
        check_slopes(x, {1, 1}, {Scalar(1 - error), 1}, {.tolerance = Scalar(0.05)});
    CHECK(report.passed == (error < 0.05));
    CHECK(report.worst == doctest::Approx(error).epsilon(0.02));
  }
  if (in_double) {
    CHECK(check_slopes(x, {1, 1}, {Scalar(1 + 0.9e-6), 1}).passed);
    CHECK_FALSE(check_slopes(x, {1, 1}, {Scalar(1 + 1.1e-6), 1}).passed);
  }
}

TEST_CASE("every input is checked, and each has a line") {
  const Tensor a = Tensor::from({2}, {1, 2}).named("a"), b = Tensor::from({3}, {1, 2, 3});
  for (const std::size_t wrong : {0u, 1u, 2u}) {
    const auto slopes = [&](std::size_t n, std::size_t count) {
      return std::vector<Scalar>(count, n == wrong ? 2 : 1);
    };
    const GradientReport report = check_gradients(
        [&](const Inputs& v) {
          return sum(planted(v[0], {1, 1}, slopes(0, 2))) +
                 sum(planted(v[1], {1, 1, 1}, slopes(1, 3)));
        },
        {a, b});
    CAPTURE(report.text);
    CHECK(report.passed == (wrong == 2));
    if (wrong < 2) CHECK(report.worst == doctest::Approx(0.5).epsilon(0.05));
    CHECK(has(report.text, wrong == 0 ? "a [2]: WRONG" : "a [2]: right"));
    CHECK(has(report.text, wrong == 1 ? "input 1 [3]: WRONG" : "input 1 [3]: right"));
    CHECK(std::count(report.text.begin(), report.text.end(), '\n') == 2);
  }
}

TEST_CASE("the report gives the numbers of both sides") {
  const Tensor x = Tensor::from({2}, {1, 2}).named("x");
  const auto w = static_cast<double>(weights_of({2}, 5).at({1}));
  const GradientReport report = check_slopes(x, {1, 4}, {1, 2}, {.seed = 5});
  const int line = __LINE__ - 1;
  static_cast<void>(line);
  char backward[80];
  std::snprintf(backward, sizeof backward, "5.0e-01 at [1]: backward %.9g, differences ", 2 * w);
  CAPTURE(report.text);
  CHECK(has(report.text, backward));
  const std::size_t at = report.text.find("differences ") + 12;
  CHECK(std::stod(report.text.substr(at)) == doctest::Approx(4 * w).epsilon(1e-3));
}

TEST_CASE("the step is the one asked for") {
  // ((x+h)³ - (x-h)³) / 2h = 3x² + h²
  const Tensor x = Tensor::from({1}, {1});
  const auto cube = [](const Inputs& v) { return v[0] * v[0] * v[0]; };
  const GradientReport report = check_gradients(cube, {x}, {.step = Scalar(0.5), .tolerance = 1});
  CHECK(report.worst == doctest::Approx(0.25 / 3.25).epsilon(1e-3));
}

TEST_CASE("a difference is divided by what the step has come to between large numbers") {
  const Scalar large = sizeof(Scalar) == 8 ? Scalar(1e11) : Scalar(1e5);
  const auto f = [=](const std::vector<Tensor>& x) { return x[0] - large; };
  CHECK(check_gradients(f, {Tensor::scalar(large)}).passed);
}

TEST_CASE("gradients that are exchanged between elements do not cancel") {
  const Tensor x = Tensor::from({2}, {1, 2});
  struct Swapped {
    Tensor x;
    void backward(const Tensor& dy) const {
      x.add_grad(Tensor::from({2}, {dy.data()[1], dy.data()[0]}));
    }
  };
  const auto swapped = [](const Inputs& v) {
    Tensor y = result_of("swapped", {2}, here());
    std::copy_n(v[0].data(), 2, y.mutable_data());
    return record(y, {{v[0], false}}, Swapped{v[0]});
  };
  for (const std::uint64_t seed : {1U, 2U, 3U})
    CHECK_FALSE(check_gradients(swapped, {x}, {.seed = seed}).passed);
}

TEST_CASE("a forgotten record() is called that") {
  const Tensor x = Tensor::from({2}, {1, 2}).named("x");
  GradientReport report = check_gradients([](const Inputs& v) { return forgotten(v[0]); }, {x});
  CHECK_FALSE(report.passed);
  CHECK(report.worst == 1);
  CHECK(report.text ==
        "FAILED: the result, forgotten of tests/check_gradients_test.cpp:" +
            std::to_string(__LINE__ - 5) +
            " [2], has no graph: it was not computed from the inputs, or record() is missing in an "
            "operation\n");
  report = check_gradients([](const Inputs& v) { return forgotten(v[0]) * v[1]; },
                           {x, Tensor::from({2}, {3, 4})});
  CHECK_FALSE(report.passed);
  CHECK(has(report.text, "x [2]: WRONG"));
  CHECK(has(report.text, ": backward none (is record() missing?), differences "));
  CHECK(has(report.text, "input 1 [2]: right"));
}

TEST_CASE("two gradients of zero are no success") {
  const Tensor x = Tensor::from({2}, {1, 2}).named("x");
  const GradientReport report = check_slopes(x, {0, 0}, {0, 0});
  CHECK_FALSE(report.passed);
  CHECK(report.worst == 1);
  CHECK(report.text == "x: FAILED, both gradients are zero everywhere\n");
  CHECK(check_slopes(x, {0, 1}, {0, 1}).passed);
}

TEST_CASE("the parameters of a layer are checked where they are") {
  Random random(1);
  Dense dense(3, 2, random);
  const Tensor x = Tensor::from({2, 3}, {1, 2, -1, Scalar(0.5), 3, -2});
  dense.bias.mutable_values()[1] = Scalar(0.5);
  const GradientReport report =
      check_gradients([&](const Inputs& v) { return dense(v[0]); }, {x, dense.kernel, dense.bias});
  CAPTURE(report.text);
  CHECK(report.passed);
  CHECK(std::count(report.text.begin(), report.text.end(), '\n') == 3);
}

TEST_CASE("after the check everything is as it was, though f throws") {
  Tensor w = Tensor::from({2}, {1, 2}).requires_grad(true);
  const Tensor x = Tensor::from({2}, {3, 4});
  const Tensor earlier = sum(w * w * x);
  earlier.backward();
  CHECK(w.grad().at({1}) == 16);
  const auto f = [](const Inputs& v) { return v[0] * v[1]; };
  CHECK(check_gradients(f, {w, x}).passed);
  int calls = 0;
  const auto stops = [&](const Inputs& v) {
    if (++calls == 4) throw Error("enough");
    return v[0] * v[1];
  };
  CHECK_THROWS_AS(check_gradients(stops, {w, x}), Error);
  CHECK(w.at({0}) == 1);
  CHECK(w.at({1}) == 2);
  CHECK(x.at({1}) == 4);
  CHECK(w.requires_grad());
  CHECK_FALSE(x.requires_grad());
  CHECK_FALSE(x.has_grad());
  CHECK(w.grad().at({1}) == 16);
  earlier.backward();  // its values are still the ones that it used
  CHECK(w.grad().at({1}) == 32);
}

TEST_CASE("after the check a gradient that a step has used counts as used, not as stale") {
  const Tensor w = Tensor::scalar(3).requires_grad(true);
  (w * w).backward();
  Sgd({{"w", w}}).step();
  check_gradients([](const Inputs& v) { return v[0] * v[0]; }, {w});
  CHECK(w.node()->gradient_use == GradientUse::used);
}

TEST_CASE("an input that was computed, or that is given twice, is one of its own") {
  const Tensor w = Tensor::from({2}, {1, 2}).requires_grad(true);
  const Tensor computed = w * 2;
  const auto f = [](const Inputs& v) { return v[0] * v[0] * v[1]; };
  const GradientReport report = check_gradients(f, {computed, w});
  CAPTURE(report.text);
  CHECK(report.passed);
  CHECK_FALSE(w.has_grad());
  const auto wrong = [](const Inputs& v) {  // only the sum of both gradients would be right
    return planted(v[0], {1, 1}, {2, 2}) + planted(v[1], {1, 1}, {0, 0});
  };
  CHECK_FALSE(check_gradients(wrong, {w, w}).passed);
}

TEST_CASE("a check of nothing is refused at the caller's line") {
  try {
    check_gradients([](const Inputs& v) { return v[0]; }, {});
    FAIL("not refused");
  } catch (const Error& error) {
    CHECK(error.what() == "check_gradients at tests/check_gradients_test.cpp:" +
                              std::to_string(__LINE__ - 4) + ": at least one input is needed");
  }
}
