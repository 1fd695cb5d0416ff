// The numbers that everything else is made of: elementary functions, sums along rows, random
// numbers.

#include "../src/kernels/math.h"
#include "../src/kernels/rows.h"

#include <doctest/doctest.h>
#include <gradus/random.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>
#include <map>
#include <vector>

using namespace gradus;

namespace {

using Float = float (*)(float);
using Double = double (*)(double);

// How far `ours` lies from `exact`, in units in the last place of the float nearest to that.
double error_in_ulp(float ours, double exact) {
  const auto nearest = static_cast<float>(exact);
  if (std::isnan(exact) || std::isinf(nearest))
    return std::isnan(ours) == std::isnan(exact) && (std::isnan(ours) || ours == nearest) ? 0 : 1e9;
  const float size = std::fabs(nearest);
  const double ulp =
      static_cast<double>(std::nextafter(size, std::numeric_limits<float>::infinity())) -
      static_cast<double>(size);
  return std::fabs(static_cast<double>(ours) - exact) / ulp;
}

// The largest error over floats of all kinds, of both signs, from 0 and subnormal ones to infinity
// and what is not a number: every 4001st pattern of bits. `most` limits their size.
double largest_error(Float ours, Double exact, float most) {
  double worst = 0;
  for (std::uint64_t bits = 0; bits <= 0xFFFFFFFF; bits += 4001) {
    const float x = std::bit_cast<float>(static_cast<std::uint32_t>(bits));
    if (!(std::fabs(x) > most))
      worst = std::max(worst, error_in_ulp(ours(x), exact(static_cast<double>(x))));
  }
  for (const float x :
       {0.0F, 1.0F, 0x1p-149F, 0x1p-126F, 88.72283F, 88.72284F, 0x1.fffffep127F, most})
    for (const float signed_x : {x, -x})
      if (!(x > most))
        worst = std::max(worst, error_in_ulp(ours(signed_x), exact(static_cast<double>(signed_x))));
  return worst;
}

struct Function {
  const char* name;
  Float ours;
  Double exact;
  double most_ulp;
  float most = std::numeric_limits<float>::infinity();
};

double normal_share_of(double x) {
  return std::erfc(-x / std::sqrt(2.0)) / 2;
}

double exact_gelu(double x) {
  return x == -std::numeric_limits<double>::infinity() ? 0 : x * normal_share_of(x);
}

double exact_gelu_slope(double x) {
  if (std::isinf(x)) return x > 0;
  return normal_share_of(x) + x * std::exp(-x * x / 2) / std::sqrt(2 * std::acos(-1.0));
}

const Function functions[] = {
    {"exp", [](float x) { return kernels::exp_one(x); }, [](double x) { return std::exp(x); }, 1},
    {"log", [](float x) { return kernels::log_one(x); }, [](double x) { return std::log(x); },
     0.51},
    {"log1p", [](float x) { return kernels::log1p_one(x); }, [](double x) { return std::log1p(x); },
     0.51},
    {"tanh", [](float x) { return kernels::tanh_one(x); }, [](double x) { return std::tanh(x); },
     0.51},
    {"sigmoid", [](float x) { return kernels::sigmoid_one(x); },
     [](double x) { return 1 / (1 + std::exp(-x)); }, 0.51},
    {"gelu", [](float x) { return kernels::gelu_one(x); }, exact_gelu, 0.51},
    {"sin", [](float x) { return kernels::sin_one(x); }, [](double x) { return std::sin(x); }, 0.51,
     1e6F},
    {"cos", [](float x) { return kernels::cos_one(x); }, [](double x) { return std::cos(x); }, 0.51,
     1e6F},
};

}  // namespace

TEST_CASE("elementary functions are within their stated errors, over all floats") {
  for (const Function& f : functions) {
    const double error = largest_error(f.ours, f.exact, f.most);
    INFO(f.name, ": largest error ", error, " ulp");
    CHECK(error <= f.most_ulp);
  }
}

TEST_CASE("the derivative of gelu has the digits of a float, also where it is nearly 0") {
  for (float x = -45; x < 45; x += 0.001F) {
    CAPTURE(x);
    const double exact = exact_gelu_slope(static_cast<double>(x));
    CHECK(std::fabs(static_cast<double>(kernels::gelu_slope(x)) - exact) <=
          1e-7 * std::fabs(exact) + 1e-16 * std::exp(-static_cast<double>(x * x / 2)) + 1e-45);
  }
  CHECK(kernels::gelu_slope(std::numeric_limits<float>::infinity()) == 1);
  CHECK(kernels::gelu_slope(-std::numeric_limits<float>::infinity()) == 0);
  CHECK(std::isnan(kernels::gelu_slope(std::nanf(""))));
}

TEST_CASE("a power is right to 0.51 ulp for small, large, broken and negative exponents") {
  const float infinity = std::numeric_limits<float>::infinity();
  for (const float n : {0.0F, 1.0F, 2.0F, 3.0F, 63.0F, 64.0F, 65.0F, 66.0F, 1001.0F, 0.5F, 1.5F,
                        64.5F, 0.1F, 16777216.0F, 1e30F})
    for (const float x : {0.0F, 1e-40F, 0.1F, 0.5F, 0.9F, 0.999F, 1.0F, 1.001F, 1.5F, 2.0F, 7.0F,
                          1e20F, infinity, std::nanf("")})
      for (const float signed_n : {n, -n})
        for (const float signed_x : {x, -x}) {
          CAPTURE(signed_x);
          CAPTURE(signed_n);
          const bool none = signed_x < 0 && n != std::floor(n);  // not of -∞ either
          const double exact =
              none ? std::nan("")
                   : std::pow(static_cast<double>(signed_x), static_cast<double>(signed_n));
          CHECK(error_in_ulp(kernels::power_one(signed_x, signed_n), exact) <= 0.51);
        }
}

TEST_CASE("sin and cos of large numbers are off by 2^-52 of the number at most") {
  for (float x = 1e6F; x < 1e12F; x *= 1.0007F) {
    CAPTURE(x);
    const double y = x;
    CHECK(std::fabs(static_cast<double>(kernels::sin_one(x)) - std::sin(y)) <= 1e-7 + y * 0x1p-52);
    CHECK(std::fabs(static_cast<double>(kernels::cos_one(-x)) - std::cos(y)) <= 1e-7 + y * 0x1p-52);
  }
}

namespace {

std::vector<Scalar> random_numbers(Index count, std::uint64_t seed) {
  Random random(seed);
  std::vector<Scalar> x;
  for (Index i = 0; i < count; ++i) x.push_back(random.normal());
  return x;
}

double relative(Scalar ours, double exact) {
  return std::fabs(static_cast<double>(ours) / exact - 1);
}

}  // namespace

TEST_CASE("a short sum is sixteen partial sums, added in pairs") {
  for (const Index count : {1, 7, 15, 16, 17, 63, 64, 65, 1000, 1023, 1024}) {
    const std::vector<Scalar> x = random_numbers(count, 3);
    const std::vector<Scalar> y = random_numbers(count, 4);
    Scalar part[16] = {};
    Scalar products[16] = {};
    for (Index i = 0; i < count; ++i) {
      part[i % 16] += x[static_cast<std::size_t>(i)];
      products[i % 16] += x[static_cast<std::size_t>(i)] * y[static_cast<std::size_t>(i)];
    }
    for (Index width = 8; width >= 1; width /= 2)
      for (Index i = 0; i < width; ++i) {
        part[i] += part[i + width];
        products[i] += products[i + width];
      }
    CHECK(kernels::sum(x.data(), count) == part[0]);
    CHECK(kernels::dot(x.data(), y.data(), count) == products[0]);
  }
}

TEST_CASE("a long sum has the digits of a float") {
  for (const Index count : {1025, 2047, 2048, 2049, 5000, 100003, 10000000}) {
    CAPTURE(count);
    std::vector<Scalar> x(static_cast<std::size_t>(count), Scalar(0.1));
    const double exact = static_cast<double>(Scalar(0.1)) * static_cast<double>(count);
    CHECK(relative(kernels::sum(x.data(), count), exact) < 1e-6);
    const std::vector<Scalar> ten(static_cast<std::size_t>(count), Scalar(3));
    CHECK(relative(kernels::dot(x.data(), ten.data(), count), 3 * exact) < 1e-6);
    for (Index i = 0; i < count; ++i)
      x[static_cast<std::size_t>(i)] = static_cast<Scalar>(i % 1000);
    const double last = static_cast<double>(count % 1000);
    CHECK(relative(kernels::sum(x.data(), count),
                   static_cast<double>(count / 1000) * 499500 + last * (last - 1) / 2) < 1e-6);
  }
}

TEST_CASE("sums of columns have the digits of a float, however many rows there are") {
  for (const Index rows : {1, 2, 63, 64, 65, 127, 128, 129, 257, 4095, 4096, 4097, 4161, 1000003})
    for (const Index columns : {1, 3, 7}) {
      CAPTURE(rows);
      CAPTURE(columns);
      std::vector<Scalar> x;
      for (Index i = 0; i < rows * columns; ++i)
        x.push_back(Scalar(0.1) * static_cast<Scalar>(1 + i % columns) +
                    static_cast<Scalar>(i / columns % 3));
      std::vector<double> exact(static_cast<std::size_t>(columns));
      for (Index i = 0; i < rows * columns; ++i)
        exact[static_cast<std::size_t>(i % columns)] +=
            static_cast<double>(x[static_cast<std::size_t>(i)]);
      std::vector<Scalar> sums(static_cast<std::size_t>(columns), -1);
      kernels::column_sum(x.data(), rows, columns, sums.data());
      for (std::size_t j = 0; j < sums.size(); ++j)
        CHECK(relative(sums[j], exact[j]) < (rows > 64 && rows <= 4096 ? 5e-6 : 1e-6));
    }
}

TEST_CASE("the largest is the largest, wherever it stands, and what is not a number stays") {
  for (const Index count : {1, 2, 15, 16, 17, 31, 32, 33, 100})
    for (Index at = 0; at < count; ++at) {
      std::vector<Scalar> x = random_numbers(count, 5);
      CHECK(kernels::largest(x.data(), count) == *std::max_element(x.begin(), x.end()));
      x[static_cast<std::size_t>(at)] = 100;
      CHECK(kernels::largest(x.data(), count) == 100);
      x[static_cast<std::size_t>(at)] = std::numeric_limits<Scalar>::quiet_NaN();
      CHECK(std::isnan(kernels::largest(x.data(), count)));
    }
}

TEST_CASE("random numbers: the published stream, and distributions that are what they say") {
  // The first numbers of SplitMix64 with seed 1234567, as its authors' code gives them.
  Random stream(1234567);
  CHECK(stream.next() == 6457827717110365317ULL);
  CHECK(stream.next() == 3203168211198807973ULL);

  // The high 24 bits of each, which every build draws alike; from 0 comes a number too.
  Random bits(5), numbers(5);
  for (int i = 0; i < 9; ++i)
    CHECK(numbers.uniform() == Scalar(bits.next() >> 40) / Scalar(1 << 24));
  CHECK(Random(0 - 0x9E3779B97F4A7C15u).uniform() == 0);
  CHECK(Random(0 - 0x9E3779B97F4A7C15u).normal() == 0);

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

  CHECK_THROWS_WITH_AS(random.below(0), doctest::Contains("numbers_test.cpp"), Error);
  CHECK_THROWS_WITH_AS(random.below(-3), doctest::Contains("no number lies below -3"), Error);
  CHECK(random.below(1) == 0);
  for (const std::int64_t large :
       {std::int64_t{1} << 62, std::numeric_limits<std::int64_t>::max()}) {
    std::int64_t most = 0;
    for (int i = 0; i < 100; ++i) {
      const std::int64_t x = random.below(large);
      CHECK((x >= 0 && x < large));
      most = std::max(most, x);
    }
    CHECK(most > large / 2);
  }
  // 2^64 is 8 parts of 2^61: if all of them counted, the third of three parts would come up twice
  // where the others do three times.
  const std::int64_t part = std::int64_t{1} << 61;
  int third = 0;
  for (int i = 0; i < 30000; ++i) third += random.below(3 * part) >= 2 * part;
  CHECK(std::abs(third - 10000) < 500);
  double uniform = 0;
  for (int i = 0; i < n; ++i) {
    const Scalar x = random.uniform(-2, 3);
    CHECK_MESSAGE((x >= -2 && x <= 3), x);
    uniform += static_cast<double>(x) / n;
  }
  CHECK(std::fabs(uniform - 0.5) < 0.02);

  const std::uint64_t taken = random.count();
  CHECK(random.next() == random_bits(5, taken));
  CHECK(random.count() == taken + 1);
}

TEST_CASE("shuffling keeps every item and makes every order equally often") {
  Random random(8);
  std::map<std::vector<int>, int> orders;
  for (int i = 0; i < 24000; ++i) {
    std::vector<int> items{1, 2, 3, 4};
    random.shuffle(items);
    ++orders[items];
  }
  CHECK(orders.size() == 24);
  for (const auto& [order, count] : orders) CHECK(std::abs(count - 1000) < 150);
  std::vector<int> none;
  random.shuffle(none);
  CHECK(none.empty());
}
