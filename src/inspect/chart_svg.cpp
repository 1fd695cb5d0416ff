#include <gradus/picture.h>

#include "svg.h"

#include <algorithm>
#include <cmath>

namespace gradus {

namespace {

constexpr double left = 62, top = 44, plot_width = 460, plot_height = 240;

// A round step that cuts the range into four to ten pieces.
double round_step(double range) {
  const double power = std::pow(10.0, std::floor(std::log10(range)));
  for (const double part : {0.1, 0.2, 0.5})
    if (range / (part * power) <= 8) return part * power;
  return power;
}

// The plot's frame: numbers and lines for the y axis from `low` to `high`.
struct Frame {
  Frame(double smallest, double largest) {
    const double range = largest > smallest ? largest - smallest : std::max(std::abs(largest), 1.0);
    step = round_step(range);
    low = std::floor(smallest / step) * step;
    high = std::ceil(largest / step) * step;
    if (high <= low) high = low + step;
  }
  double y(double value) const { return top + plot_height * (high - value) / (high - low); }

  std::string begin(const std::string& title, const char* digits) const {
    std::string svg = svg::begin(left + plot_width + 150, top + plot_height + 50);
    svg += svg::text(16, 26, "ink", title, "font-size=\"15\" font-weight=\"bold\"");
    const int count = static_cast<int>(std::lround((high - low) / step));
    for (int i = 0; i <= count; ++i) {
      const double value = low + i * step;
      svg += svg::format("<line class=\"grid\" x1=\"%.1f\" x2=\"%.1f\" y1=\"%.1f\" y2=\"%.1f\"/>\n",
                         left, left + plot_width, y(value), y(value));
      svg += svg::text(left - 8, y(value) + 4, "faint", svg::format(digits, value),
                       "font-size=\"11\" text-anchor=\"end\"");
    }
    return svg;
  }
  double low, high, step;
};

}  // namespace

std::string curves_svg(const std::string& title, const std::vector<Curve>& curves, int marked_epoch,
                       Where where) {
  std::size_t epochs = 0;
  std::vector<double> all;
  for (const Curve& curve : curves) {
    epochs = std::max(epochs, curve.values.size());
    for (const double value : curve.values)
      if (std::isfinite(value)) all.push_back(value);
  }
  if (all.empty()) fail("curves_svg", where, "there is nothing to draw");
  const Frame frame(*std::min_element(all.begin(), all.end()),
                    *std::max_element(all.begin(), all.end()));
  std::string svg = frame.begin(title, frame.step < 0.01 ? "%.3f" : "%.2f");
  const double step = plot_width / static_cast<double>(std::max<std::size_t>(epochs - 1, 1));
  const auto x = [&](std::size_t i) { return left + step * static_cast<double>(i); };
  for (std::size_t i = 0; i < epochs; i += 1 + epochs / 16)
    svg += svg::text(x(i), top + plot_height + 18, "faint", std::to_string(i + 1),
                     "font-size=\"11\" text-anchor=\"middle\"");
  svg += svg::text(left + plot_width / 2, top + plot_height + 38, "faint", "epoch",
                   "font-size=\"12\" text-anchor=\"middle\"");
  if (marked_epoch > 0) {
    const double at = x(static_cast<std::size_t>(marked_epoch - 1));
    svg += svg::format(
        "<line class=\"frame\" stroke-dasharray=\"4 4\" x1=\"%.1f\" x2=\"%.1f\" y1=\"%.1f\" "
        "y2=\"%.1f\"/>\n",
        at, at, top, top + plot_height);
    svg += svg::text(at + 4, top + 12, "faint", "best", "font-size=\"11\"");
  }
  for (std::size_t c = 0; c < curves.size(); ++c) {
    const std::string color = std::to_string(c % 4);
    svg += "<polyline class=\"line s" + color + "\" points=\"";
    for (std::size_t i = 0; i < curves[c].values.size(); ++i)
      if (std::isfinite(curves[c].values[i]))
        svg += svg::format("%.1f,%.1f ", x(i), frame.y(curves[c].values[i]));
    svg += "\"/>\n";
    svg += svg::text(left + plot_width + 12, top + 14 + 18 * static_cast<double>(c), "f" + color,
                     curves[c].name, "font-size=\"12\" font-weight=\"bold\"");
  }
  return svg + "</svg>\n";
}

std::string histogram_svg(const std::string& title, const Tensor& values, int bins, Where where) {
  if (bins < 1) fail("histogram_svg", where, "at least one interval is needed");
  const auto [low, high] = std::minmax_element(values.values().begin(), values.values().end());
  const auto smallest = static_cast<double>(*low);
  const double range = std::max(static_cast<double>(*high) - smallest, 1e-12);
  if (!std::isfinite(range))
    fail("histogram_svg", where, "a value of " + describe(values) + " is not a number");
  std::vector<double> counts(static_cast<std::size_t>(bins), 0);
  for (const Scalar value : values.values()) {
    const double place = (static_cast<double>(value) - smallest) / range * bins;
    ++counts[static_cast<std::size_t>(std::min(place, bins - 1.0))];
  }
  const Frame frame(0, *std::max_element(counts.begin(), counts.end()));
  std::string svg = frame.begin(title, "%.0f");
  const double width = plot_width / bins;
  for (std::size_t i = 0; i < counts.size(); ++i)
    svg +=
        svg::format("<rect class=\"f0\" x=\"%.2f\" y=\"%.2f\" width=\"%.2f\" height=\"%.2f\"/>\n",
                    left + width * static_cast<double>(i), frame.y(counts[i]), width * 0.92,
                    frame.y(0) - frame.y(counts[i]));
  for (const double part : {0.0, 0.5, 1.0})
    svg += svg::text(left + plot_width * part, top + plot_height + 18, "faint",
                     svg::format("%.3g", smallest + range * part),
                     "font-size=\"11\" text-anchor=\"middle\"");
  return svg + "</svg>\n";
}

}  // namespace gradus
