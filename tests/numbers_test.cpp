// The numbers that everything else is made of: elementary functions, sums along rows, random
// numbers.

#include "../src/kernels/math.h"
#include "../src/kernels/rows.h"

#include <doctest/doctest.h>
#include <gradus/random.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <vector>

using namespace gradus;

namespace {

// The largest distance from `exact`, in units in the last place of the float result, over x from
// `low` to `high`.
template <class Ours, class Exact>
double largest_error(Ours ours, Exact exact, float low, float high, int samples) {
  double worst = 0;
  Random random(7);
  for (int i = 0; i < samples; ++i) {
    const double share = static_cast<double>(random.next() >> 11) * 0x1p-53;
    const auto x = static_cast<float>(low + (static_cast<double>(high) - low) * share);
    const double wanted = exact(static_cast<double>(x));
    const auto rounded = static_cast<float>(wanted);
    const double ulp = static_cast<double>(
        std::nextafter(std::fabs(rounded), std::numeric_limits<float>::infinity()) -
        std::fabs(rounded));
    worst = std::max(worst, std::fabs(static_cast<double>(ours(x)) - wanted) / ulp);
  }
  return worst;
}

double exact_sigmoid(double x) {
  return 1 / (1 + std::exp(-x));
}

}  // namespace

TEST_CASE("elementary functions are within their stated errors") {
  using namespace kernels;
  const int n = 200000;
  const auto ours = [](auto f) { return f; };
  const double exp_error = largest_error(
      ours([](float x) { return exp_one(x); }), [](double x) { return std::exp(x); }, -87, 88, n);
  const double log_error = largest_error(
      ours([](float x) { return log_one(x); }), [](double x) { return std::log(x); }, 1e-30F, 50,
      n);
  const double tanh_error = largest_error(
      ours([](float x) { return tanh_one(x); }), [](double x) { return std::tanh(x); }, -9, 9, n);
  const double sigmoid_error =
      largest_error(ours([](float x) { return sigmoid_one(x); }), exact_sigmoid, -80, 80, n);
  const double erf_error = largest_error(
      ours([](float x) { return erf_one(x); }), [](double x) { return std::erf(x); }, -4, 4, n);
  const double sin_error = largest_error(
      ours([](float x) { return sin_one(x); }), [](double x) { return std::sin(x); }, -700, 700, n);
  const double cos_error = largest_error(
      ours([](float x) { return cos_one(x); }), [](double x) { return std::cos(x); }, -700, 700, n);
  MESSAGE("largest errors in ulp: exp ", exp_error, ", log ", log_error, ", tanh ", tanh_error,
          ", sigmoid ", sigmoid_error, ", erf ", erf_error, ", sin ", sin_error, ", cos ",
          cos_error);
  CHECK(exp_error <= 1);
  for (const double error : {log_error, tanh_error, sigmoid_error, erf_error, sin_error, cos_error})
    CHECK(error <= 0.51);
}

TEST_CASE("elementary functions at their ends") {
  using namespace kernels;
  const float infinity = std::numeric_limits<float>::infinity();
  CHECK(exp_one(0.0F) == 1);
  CHECK(exp_one(-infinity) == 0);
  CHECK(exp_one(infinity) == infinity);
  CHECK(std::isnan(exp_one(std::nanf(""))));
  CHECK(log_one(1.0F) == 0);
  CHECK(log_one(0.0F) == -infinity);
  CHECK(std::isnan(log_one(-1.0F)));
  CHECK(tanh_one(50.0F) == 1);
  CHECK(tanh_one(-50.0F) == -1);
  CHECK(sigmoid_one(200.0F) == 1);
  CHECK(sin_one(0.0F) == 0);
  CHECK(cos_one(0.0F) == 1);
}

TEST_CASE("a sum is sixteen partial sums, added in pairs") {
  for (const Index count : {1, 7, 16, 17, 63, 64, 65, 1000}) {
    std::vector<Scalar> x;
    Random random(3);
    for (Index i = 0; i < count; ++i) x.push_back(random.normal());
    Scalar part[16] = {};
    for (Index i = 0; i < count; ++i) part[i % 16] += x[static_cast<std::size_t>(i)];
    for (Index width = 8; width >= 1; width /= 2)
      for (Index i = 0; i < width; ++i) part[i] += part[i + width];
    CHECK(kernels::sum(x.data(), count) == part[0]);
    CHECK(kernels::largest(x.data(), count) == *std::max_element(x.begin(), x.end()));
  }
}

TEST_CASE("random numbers: the published stream, and distributions that are what they say") {
  // The first numbers of SplitMix64 with seed 1234567, as its authors' code gives them.
  Random stream(1234567);
  CHECK(stream.next() == 6457827717110365317ULL);
  CHECK(stream.next() == 3203168211198807973ULL);

  Random random(5);
  const int n = 200000;
  double mean = 0;
  double square = 0;
  std::vector<int> count(10, 0);
  for (int i = 0; i < n; ++i) {
    const auto x = static_cast<double>(random.normal());
    mean += x / n;
    square += x * x / n;
    const Scalar u = random.uniform();
    CHECK_MESSAGE((u >= 0 && u < 1), u);
    ++count[static_cast<std::size_t>(random.below(10))];
  }
  CHECK(std::fabs(mean) < 0.01);
  CHECK(std::fabs(square - 1) < 0.02);
  for (const int c : count) CHECK(std::abs(c - n / 10) < 600);

  random.set_count(3);
  const std::uint64_t fourth = random.next();
  CHECK(fourth == random_bits(5, 3));
}
