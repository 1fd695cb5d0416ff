// Our own exp, log, tanh, erf, sin and cos.
//
// The standard library's differ in their last bits from one system to the next; these use only
// IEEE + - * / and operations on bits, in a fixed order, so every machine gives the same result.
// exp is the one that attention spends its time in: it works in float and has no branches, so that
// compilers turn a loop over it into vector code. The others work in double and round once.
// In the build for gradient checks they are left in double.
//
// Largest errors, over all float numbers (tests/numbers_test.cpp): exp 1 ulp, all others 0.51 ulp,
// subnormal results included; of sin and cos, for |x| up to 10⁶ (see there).
#pragma once

#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>

namespace gradus::kernels {

// e^x = 2^n e^r with n the nearest whole number to x / ln 2, so |r| <= ln 2 / 2, where a polynomial
// of degree 6 (least squares of the relative error on Chebyshev nodes) is right to 4e-9.
inline float exp_one(float x) {
  const float limited = x < -104.0f ? -104.0f : (x > 89.0f ? 89.0f : x);  // passes NaN on
  // Adding 1.5 * 2^23 leaves no bits for a fraction: the sum is rounded to a whole number, which
  // then stands in its lowest bits.
  const float magic = 12582912.0f;
  const float shifted = limited * 1.44269504f + magic;
  const float n = shifted - magic;
  const std::int32_t whole =
      std::bit_cast<std::int32_t>(shifted) - std::bit_cast<std::int32_t>(magic);
  // ln 2 in two parts, the first so short that n * 0.693359375 is exact.
  const float r = (limited - n * 0.693359375f) - n * -2.12194440e-4f;
  float p = 0.00137506344f;
  p = p * r + 0.00836912915f;
  p = p * r + 0.0416695662f;
  p = p * r + 0.166665167f;
  p = p * r + 0.499999881f;
  const float e = (p * (r * r) + r) + 1.0f;
  // 2^n as two factors, because 2^-149 and 2^128 are no normal numbers.
  const std::int32_t half = whole >> 1;
  const auto power = [](std::int32_t exponent) {
    return std::bit_cast<float>(static_cast<std::uint32_t>(exponent + 127) << 23);
  };
  return e * power(half) * power(whole - half);
}

// The same in double, for the functions below: |r| <= 0.35 and 13 terms of the series of e^r.
inline double exp_in_double(double x) {
  const double limited = x < -700 ? -700 : (x > 700 ? 700 : x);
  const double magic = 6755399441055744.0;  // 1.5 * 2^52
  const double shifted = limited * 1.4426950408889634 + magic;
  const double n = shifted - magic;
  const std::int64_t whole =
      std::bit_cast<std::int64_t>(shifted) - std::bit_cast<std::int64_t>(magic);
  const double r = (limited - n * 0.693147180369123816490) - n * 1.90821492927058770002e-10;
  double e = 1;
  for (int term = 12; term > 0; --term) e = e * r / term + 1;
  e *= std::bit_cast<double>(static_cast<std::uint64_t>(whole + 1023) << 52);
  return x < -700 ? 0 : (x > 700 ? std::numeric_limits<double>::infinity() : e);
}

inline double exp_one(double x) {
  return exp_in_double(x);
}

// log x = e ln 2 + log m with m between sqrt(1/2) and sqrt(2); log m = 2 artanh((m-1)/(m+1)).
inline double log_in_double(double x) {
  if (x == 0) return -std::numeric_limits<double>::infinity();
  if (!(x > 0)) return std::numeric_limits<double>::quiet_NaN();
  if (x > std::numeric_limits<double>::max()) return x;
  const auto bits = std::bit_cast<std::int64_t>(x);
  const std::int64_t root_half = 0x3FE6A09E667F3BCD;
  const std::int64_t exponent = (bits - root_half) >> 52;
  const double m = std::bit_cast<double>(bits - exponent * (std::int64_t{1} << 52));
  const double s = (m - 1) / (m + 1);
  const double square = s * s;
  double sum = 0;
  for (int term = 15; term > 0; term -= 2) sum = sum * square + 1.0 / term;
  return static_cast<double>(exponent) * 0.6931471805599453 + 2 * s * sum;
}

template <class T>
T log_one(T x) {
  return static_cast<T>(log_in_double(static_cast<double>(x)));
}

// log(1 + x): below 1e-4, where 1 + x would lose digits, the first terms of its series.
template <class T>
T log1p_one(T x) {
  const auto y = static_cast<double>(x);
  if (y > -1e-4 && y < 1e-4) return static_cast<T>(y - y * y / 2 + y * y * y / 3);
  return static_cast<T>(log_in_double(1 + y));
}

// x^n: small whole powers by multiplication, others as e^(n log |x|).
template <class T>
T power_one(T x, T n) {
  const bool whole = n - std::floor(n) == 0;  // false for what is not a number
  const auto y = static_cast<double>(x);
  double power = 1;
  if (whole && std::abs(n) <= 64) {
    for (int i = 0; i < static_cast<int>(std::abs(n)); ++i) power *= y;
    return static_cast<T>(n < 0 ? 1 / power : power);
  }
  if (x < 0 && !whole) return std::numeric_limits<T>::quiet_NaN();
  power = exp_in_double(static_cast<double>(n) * log_in_double(std::abs(y)));
  const bool odd = whole && n / 2 - std::floor(n / 2) != 0;
  return static_cast<T>(std::signbit(x) && odd ? -power : power);
}

template <class T>
T tanh_one(T x) {
  const auto y = static_cast<double>(x);
  if (y > -1e-3 && y < 1e-3) return static_cast<T>(y - y * y * y / 3);
  return static_cast<T>(1 - 2 / (exp_in_double(2 * y) + 1));
}

template <class T>
T sigmoid_one(T x) {
  return static_cast<T>(1 / (1 + exp_in_double(-static_cast<double>(x))));
}

// 1 - erf x for x >= 0: below 2 by the power series of erf, above by a continued fraction.
inline double erfc_in_double(double x) {
  if (x < 2) {
    double term = x;
    double erf = x;
    for (int k = 1; k < 28; ++k) {
      term *= -x * x / k;
      erf += term / (2 * k + 1);
    }
    return 1 - 1.1283791670955126 * erf;  // 2 / sqrt(pi)
  }
  double fraction = x;
  for (int k = 40; k > 0; --k) fraction = x + k / (2 * fraction);
  return exp_in_double(-x * x) * 0.5641895835477563 / fraction;  // 1 / sqrt(pi)
}

// Φ(x), the share of a normal distribution that lies below x.
inline double normal_share(double x) {
  const double y = x * 0.7071067811865476;
  return y < 0 ? erfc_in_double(-y) / 2 : 1 - erfc_in_double(y) / 2;
}

// gelu x = x Φ(x), and its derivative Φ(x) + x φ(x). Beyond 40, where φ and Φ are 0 or 1, infinity
// would make 0 · ∞ of them.
template <class T>
T gelu_one(T x) {
  const auto y = static_cast<double>(x);
  return static_cast<T>(y < -40 ? 0 : y * normal_share(y));
}

template <class T>
T gelu_slope(T x) {
  const auto y = static_cast<double>(x);
  const double near = y < -40 ? -40 : (y > 40 ? 40 : y);
  const double density = 0.3989422804014327 * exp_in_double(-near * near / 2);
  return static_cast<T>(normal_share(y) + near * density);
}

// sin(x + quarters * pi/2): x is moved by a multiple of pi/2 to within pi/4 of 0, where the power
// series of sine and cosine need few terms. Up to 10⁶ that multiple is exact; further out the
// result may be off by |x| 2⁻⁵².
template <class T>
T sin_shifted(T x, int quarters) {
  if (!(x - x == 0)) return std::numeric_limits<T>::quiet_NaN();
  const auto y = static_cast<double>(x);
  const double magic = 6755399441055744.0;
  const double shifted = y * 0.63661977236758134 + magic;
  const double n = shifted - magic;
  // pi/2 in two parts, the first so short that n times it is exact.
  const double r = (y - n * 1.57079632673412561417) - n * 6.07710050650619224932e-11;
  const std::int64_t quadrant = std::bit_cast<std::int64_t>(shifted) + quarters;
  const double square = r * r;
  double term = quadrant & 1 ? 1 : r;
  double sum = term;
  for (int k = quadrant & 1 ? 1 : 2; k < 16; k += 2) {
    term *= -square / (k * (k + 1));
    sum += term;
  }
  return static_cast<T>(quadrant & 2 ? -sum : sum);
}

template <class T>
T sin_one(T x) {
  return sin_shifted(x, 0);
}

template <class T>
T cos_one(T x) {
  return sin_shifted(x, 1);
}

}  // namespace gradus::kernels
