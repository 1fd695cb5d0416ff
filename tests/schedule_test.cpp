// Schedules: every step against the published formula.

#include <doctest/doctest.h>
#include <gradus/optimizer.h>

#include <cmath>
#include <limits>

using namespace gradus;

namespace {

// Loshchilov and Hutter 2017, equation 5, after a straight line; `step` counts from 0.
double cosine(double rate, int warmup, int total, int step) {
  if (step < warmup) return rate * (step + 1) / warmup;
  if (step >= total) return 0;
  return rate / 2 * (1 + std::cos(3.14159265358979 * (step - warmup) / (total - warmup)));
}

// Vaswani et al. 2017, equation 3, where steps count from 1, with `rate` at its peak.
double inverse_sqrt(double rate, int warmup, int step) {
  const double n = step + 1;
  return rate * std::sqrt(warmup) * std::min(1 / std::sqrt(n), n * std::pow(warmup, -1.5));
}

void check_near(Scalar given, double wanted, double rate) {
  CHECK(std::abs(static_cast<double>(given) - wanted) <= 1e-6 * rate);
}

}  // namespace

TEST_CASE("a constant schedule is the same at every step") {
  const Schedule constant = Schedule::constant(Scalar(0.3));
  for (const std::int64_t step : {0, 1, 17, 1000000}) CHECK(constant.at(step) == Scalar(0.3));
  CHECK(constant.settings() == "rate 0.3");
}

TEST_CASE("warm-up and cosine follow their formula at every step") {
  for (const int warmup : {0, 1, 7})
    for (const int total : {8, 20, 133}) {
      CAPTURE(warmup);
      CAPTURE(total);
      const Schedule schedule = Schedule::warmup_cosine(Scalar(0.25), warmup, total);
      for (int step = 0; step < total + 5; ++step) {
        CAPTURE(step);
        check_near(schedule.at(step), cosine(0.25, warmup, total, step), 0.25);
        CHECK(schedule.at(step) >= 0);
      }
    }
  CHECK(Schedule::warmup_cosine(Scalar(0.002), 200, 9390).settings() ==
        "warmup_cosine, rate 0.002, warmup 200, total 9390");
}

TEST_CASE("warm-up and inverse square root follow their formula at every step") {
  for (const int warmup : {1, 2, 9})
    for (int step = 0; step < 50; ++step) {
      CAPTURE(warmup);
      CAPTURE(step);
      const Schedule schedule = Schedule::warmup_inverse_sqrt(Scalar(0.5), warmup);
      check_near(schedule.at(step), inverse_sqrt(0.5, warmup, step), 0.5);
    }
  const Schedule none = Schedule::warmup_inverse_sqrt(2, 0);  // counts as a warm-up of 1
  for (int step = 0; step < 9; ++step) check_near(none.at(step), 2 / std::sqrt(step + 1), 2);
  CHECK(none.settings() == "warmup_inverse_sqrt, rate 2, warmup 0");
}

TEST_CASE("schedules that make no sense are refused with the line") {
  const auto refused = [](auto make, const char* text) {
    CHECK_THROWS_WITH_AS(make(), doctest::Contains(text), Error);
    CHECK_THROWS_WITH_AS(make(), doctest::Contains("Schedule at tests/schedule_test.cpp:"), Error);
  };
  refused([] { Schedule::warmup_cosine(1, 10, 10); }, "warmup < total is needed, not 10 and 10");
  refused([] { Schedule::warmup_cosine(1, -1, 10); }, "0 <= warmup");
  refused([] { Schedule::warmup_inverse_sqrt(1, -1); }, "0 <= warmup is needed, not -1");
  refused([] { Schedule::constant(-1); }, "the rate must be a number from 0");
  refused([] { Schedule::warmup_cosine(std::numeric_limits<Scalar>::quiet_NaN(), 0, 1); }, "rate");
  CHECK(Schedule::warmup_cosine(1, 9, 10).at(9) == 1);
}
