// Functions of single values: exp, log, pow and their kin.

#include "plain.h"

#include <doctest/doctest.h>
#include <gradus/operations.h>

#include <cmath>
#include <map>

using namespace gradus;
using namespace plain;

namespace {

struct Function {
  const char* name;
  Tensor (*compute)(const Tensor& x);
  double (*plain)(double x);
  double low, high;  // of the inputs
};

double gelu_of(double x) {
  return x * std::erfc(-x / std::sqrt(2.0)) / 2;
}

const Function functions[] = {
    {"exp", [](const Tensor& x) { return exp(x); }, [](double x) { return std::exp(x); }, -3, 3},
    {"log", [](const Tensor& x) { return log(x); }, [](double x) { return std::log(x); }, 0.3, 4},
    {"sqrt", [](const Tensor& x) { return sqrt(x); }, [](double x) { return std::sqrt(x); }, 0.3,
     4},
    {"tanh", [](const Tensor& x) { return tanh(x); }, [](double x) { return std::tanh(x); }, -2, 2},
    {"sigmoid", [](const Tensor& x) { return sigmoid(x); },
     [](double x) { return 1 / (1 + std::exp(-x)); }, -4, 4},
    {"relu", [](const Tensor& x) { return relu(x); }, [](double x) { return x > 0 ? x : 0; }, -2,
     2},
    {"gelu", [](const Tensor& x) { return gelu(x); }, gelu_of, -3, 3},
};

Array mapped(const Array& x, const std::function<double(double)>& f) {
  Array y = x;
  for (double& value : y.values) value = f(value);
  return y;
}

Tensor one(double value) {
  return Tensor::vector({static_cast<Scalar>(value)});
}

// What f makes of single values, and for those that are exact, to the last bit.
void check_points(const std::string& name, Tensor (*f)(const Tensor&),
                  const std::map<double, double>& points) {
  for (const auto& point : points) {
    INFO(name, " of ", point.first);
    check_close(array_of(f(one(point.first))), Array({1}, point.second), 0);
  }
  INFO(name, " of not a number");
  check_close(array_of(f(one(not_a_number))), Array({1}, not_a_number), 0);
}

}  // namespace

TEST_CASE("functions of every value are the loop, and so is their gradient, at every rank") {
  for (const Function& f : functions)
    for (const Position& sizes : {Position{}, Position{7}, Position{3, 5}, Position{2, 1, 3, 2, 2}})
      check({.name = f.name,
             .compute = [&](const Tensors& x) { return f.compute(x[0]); },
             .loop = [&](const Arrays& x) { return mapped(x[0], f.plain); },
             .inputs = {random(sizes, 1, f.low, f.high)},
             .slack = 2});
}

namespace {

void check_power(double exponent, const Array& x) {
  const auto n = static_cast<Scalar>(exponent);
  check({.name = "pow " + std::to_string(n),
         .compute = [=](const Tensors& t) { return pow(t[0], n); },
         .loop =
             [=](const Arrays& t) {
               return mapped(t[0], [n](double v) { return std::pow(v, static_cast<double>(n)); });
             },
         .inputs = {x},
         .slack = 200});
}

}  // namespace

TEST_CASE("a power is right for whole, negative and broken exponents") {
  for (const double n : {0.0, 1.0, 2.0, 3.0, -1.0, -2.0, 0.5, 1.5, -0.7, 7.0, 64.0})
    check_power(n, random({3, 4}, 1, 0.6, 1.5));
  for (const double n : {2.0, 3.0, -1.0, -2.0, 5.0})  // whole ones of negative values too
    check_power(n, random_around({3, 4}, 1, 0.7, 1.4));
}

TEST_CASE("whole powers stay whole however large they are") {
  for (const double n : {65.0, -65.0, 66.0, 67.0})
    check_power(n, random_around({3, 4}, 1, 0.7, 1.4));
  CHECK(pow(one(-1), 1001).item() == -1);
  CHECK(pow(one(-1), 1000).item() == 1);
}

TEST_CASE("functions on many values, where threads share the work") {
  const Array x = random({70001}, 1, -2, 2);
  for (const Function& f : functions) {
    if (f.low > 0) continue;
    check_values({.name = f.name,
                  .compute = [&](const Tensors& t) { return f.compute(t[0]); },
                  .loop = [&](const Arrays& t) { return mapped(t[0], f.plain); },
                  .inputs = {x},
                  .slack = 2});
  }
}

TEST_CASE("functions at zero, at infinity and far out") {
  check_points("exp", [](const Tensor& x) { return exp(x); },
               {{0, 1}, {-infinity, 0}, {infinity, infinity}, {-1e5, 0}, {1e5, infinity}});
  check_points("log", [](const Tensor& x) { return log(x); },
               {{0, -infinity},
                {1, 0},
                {infinity, infinity},
                {-1, not_a_number},
                {-infinity, not_a_number}});
  check_points("sqrt", [](const Tensor& x) { return sqrt(x); },
               {{0, 0}, {4, 2}, {2.25, 1.5}, {infinity, infinity}, {-1, not_a_number}});
  check_points("tanh", [](const Tensor& x) { return tanh(x); },
               {{0, 0}, {infinity, 1}, {-infinity, -1}, {100, 1}, {-100, -1}});
  check_points("sigmoid", [](const Tensor& x) { return sigmoid(x); },
               {{0, 0.5}, {infinity, 1}, {-infinity, 0}, {1e4, 1}, {-1e4, 0}});
  check_points("relu", [](const Tensor& x) { return relu(x); },
               {{0, 0}, {infinity, infinity}, {-infinity, 0}, {3, 3}, {-3, 0}, {-1e-30, 0}});
  check_points("gelu", [](const Tensor& x) { return gelu(x); }, {{0, 0}, {50, 50}, {-50, 0}});
  check_points("pow 2", [](const Tensor& x) { return pow(x, 2); },
               {{0, 0}, {-3, 9}, {infinity, infinity}, {-infinity, infinity}});
  check_points("pow -1", [](const Tensor& x) { return pow(x, -1); },
               {{0, infinity}, {-4, -0.25}, {infinity, 0}});
  check_points("pow 0.5", [](const Tensor& x) { return pow(x, Scalar(0.5)); },
               {{0, 0}, {1, 1}, {infinity, infinity}, {-4, not_a_number}});
  check_points("pow -0.5", [](const Tensor& x) { return pow(x, Scalar(-0.5)); },
               {{0, infinity}, {1, 1}, {infinity, 0}});
  CHECK(pow(one(0), 0).item() == 1);
}

namespace {

double gradient_at(Tensor (*f)(const Tensor&), double x) {
  const Tensor leaf = one(x).requires_grad(true);
  f(leaf).backward(one(3));
  return static_cast<double>(leaf.grad().item());
}

}  // namespace

TEST_CASE("gradients at corners, at infinity and far out") {
  const auto relu_of = [](const Tensor& x) { return relu(x); };
  CHECK(gradient_at(relu_of, 0) == 0);
  CHECK(gradient_at(relu_of, 1e-30) == 3);
  CHECK(gradient_at(relu_of, -1e-30) == 0);
  CHECK(gradient_at(relu_of, not_a_number) == 3);
  const auto gelu_of_tensor = [](const Tensor& x) { return gelu(x); };
  CHECK(gradient_at(gelu_of_tensor, 30) == 3);
  CHECK(std::abs(gradient_at(gelu_of_tensor, -30)) < 1e-30);
  CHECK(gradient_at([](const Tensor& x) { return tanh(x); }, 40) == 0);
  CHECK(gradient_at([](const Tensor& x) { return sigmoid(x); }, -1e4) == 0);
  CHECK(gradient_at([](const Tensor& x) { return sqrt(x); }, 0) == infinity);
  CHECK(gradient_at([](const Tensor& x) { return log(x); }, 0) == infinity);
  CHECK(gradient_at([](const Tensor& x) { return pow(x, 1); }, 0) == 3);
  CHECK(gradient_at([](const Tensor& x) { return pow(x, 0); }, 0) == 0);
  CHECK(gradient_at([](const Tensor& x) { return pow(x, 2); }, -5) == -30);
}

TEST_CASE("gelu keeps its digits in the tail") {
  for (const double x : {-2.0, -3.0, -4.0, -5.0, -6.0, -8.0}) {
    CAPTURE(x);
    check_close(array_of(gelu(one(x))), Array({1}, gelu_of(x)), 1e-5);
  }
}

TEST_CASE("gelu at infinity: the value and the gradient") {
  const auto f = [](const Tensor& x) { return gelu(x); };
  check_points("gelu", f, {{infinity, infinity}, {-infinity, 0}});
  CHECK(gradient_at(f, infinity) == 3);
  CHECK(gradient_at(f, -infinity) == 0);
}
