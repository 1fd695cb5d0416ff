#include "chart.h"

#include "svg.h"

#include <algorithm>
#include <cmath>

namespace gradus::chart {

namespace {

// A step of 1, 2 or 5 times a power of ten that cuts the range into four to eight pieces.
double round_step(double range) {
  const double power = std::pow(10.0, std::floor(std::log10(range)));
  for (const double part : {0.1, 0.2, 0.5})
    if (range / (part * power) <= 8) return part * power;
  return power;
}

}  // namespace

bool drawable(double value) {
  return std::abs(value) <= 1e300;
}

Axis::Axis(double smallest, double largest) : low(smallest), high(largest) {
  // Float32 tells no values apart that are nearer than this.
  const double size = std::max(std::abs(low), std::abs(high));
  if (high - low <= size * 1e-7) {
    const double around = size > 0 ? size / 2 : 1;
    low -= around;
    high += around;
  }
  step = round_step(high - low);
}

Axis Axis::rounded() const {
  Axis axis = *this;
  axis.low = std::floor(low / step) * step;
  axis.high = std::ceil(high / step) * step;
  return axis;
}

double Axis::first() const {
  return std::ceil(low / step - 1e-9) * step;
}

int Axis::count() const {
  return static_cast<int>(std::floor((high - first()) / step + 1e-9)) + 1;
}

std::string Axis::number(double value) const {
  if (std::abs(value) < step / 2) return "0";
  if (step < 1e-4 || std::abs(value) >= 1e6) return format("%.4g", value);
  return format("%.*f", std::max(0, static_cast<int>(std::ceil(-std::log10(step) - 1e-9))), value);
}

double place_x(const Axis& x, double value) {
  return left + width * (value - x.low) / (x.high - x.low);
}
double place_y(const Axis& y, double value) {
  return top + height * (y.high - value) / (y.high - y.low);
}

std::string begin(const std::string& title, const std::string& description, const Axis& x,
                  const Axis& y, const std::string& unit, std::size_t lines) {
  std::string svg =
      svg::begin(left + width + right, below + 20 * static_cast<double>(lines), title, description);
  svg += svg::heading(16, 26, svg::cut(title, 70), 38);
  for (int i = 0; i < y.count(); ++i) {
    const double value = y.first() + i * y.step, at = place_y(y, value);
    svg += svg::line("grid", left, at, left + width, at);
    svg += svg::text(left - 8, at + 4, "faint", y.number(value), 12, svg::at_the_end);
  }
  for (int i = 0; i < x.count(); ++i) {
    const double value = x.first() + i * x.step, at = place_x(x, value);
    svg += svg::line("grid", at, bottom, at, bottom + 5);
    if (x.count() <= 5 || i % 2 == 0)
      svg += svg::text(at, bottom + 18, "faint", x.number(value), 12, svg::in_the_middle);
  }
  return svg + svg::text(left + width / 2, bottom + 38, "faint", unit, 12, svg::in_the_middle);
}

}  // namespace gradus::chart
