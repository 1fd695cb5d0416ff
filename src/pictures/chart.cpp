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

std::string begin(const std::string& title, const Axis& y) {
  std::string svg = svg::begin(left + width + right, top + height + 50);
  svg += svg::text(16, 28, "ink", svg::cut(title, 70), "font-size=\"15\" font-weight=\"bold\"");
  for (int i = 0; i < y.count(); ++i) {
    const double value = y.first() + i * y.step, at = place_y(y, value);
    svg += format("<line class=\"grid\" x1=\"%.1f\" x2=\"%.1f\" y1=\"%.1f\" y2=\"%.1f\"/>\n", left,
                  left + width, at, at);
    svg += svg::text(left - 8, at + 4, "faint", y.number(value),
                     "font-size=\"11\" text-anchor=\"end\"");
  }
  return svg;
}

std::string x_numbers(const Axis& x) {
  std::string svg;
  for (int i = 0; i < x.count(); ++i) {
    const double value = x.first() + i * x.step, at = place_x(x, value);
    svg += format("<line class=\"grid\" x1=\"%.1f\" x2=\"%.1f\" y1=\"%.1f\" y2=\"%.1f\"/>\n", at,
                  at, top + height, top + height + 5) +
           svg::text(at, top + height + 18, "faint", x.number(value),
                     "font-size=\"11\" text-anchor=\"middle\"");
  }
  return svg;
}

}  // namespace gradus::chart
