#include <gradus/picture.h>

#include "../inspect/statistics.h"
#include "chart.h"
#include "svg.h"

#include <algorithm>
#include <cmath>

namespace gradus {

namespace {

// The values themselves, in the margin at the right.
std::string facts(const Statistics& s) {
  const double count = static_cast<double>(s.count);
  const std::string lines[] = {
      std::to_string(s.count) + " values",
      format("min %.4g", s.smallest),
      format("max %.4g", s.largest),
      format("mean %.4g", s.mean),
      format("deviation %.4g", s.deviation),
      format("exactly 0: %.1f%%", 100 * static_cast<double>(s.zeros) / count),
      s.bad ? std::to_string(s.bad) + " not shown: no number" : ""};
  std::string svg;
  double y = chart::top + 14;
  for (const std::string& line : lines) {
    svg += svg::text(chart::left + chart::width + 14, y, "faint", line, "font-size=\"12\"");
    y += 18;
  }
  return svg;
}

std::string zero_line(const chart::Axis& x) {
  if (x.low > 0 || x.high < 0) return "";
  const double at = chart::place_x(x, 0);
  return format(
      "<line class=\"zero\" stroke-dasharray=\"4 3\" x1=\"%.1f\" x2=\"%.1f\" y1=\"%.1f\" "
      "y2=\"%.1f\"/>\n",
      at, at, chart::top - 4, chart::top + chart::height);
}

}  // namespace

std::string histogram_svg(const std::string& title, const Tensor& values, int bins, Where where) {
  if (bins < 1) fail("histogram_svg", where, "at least one interval is needed");
  const Statistics statistics = statistics_of(values.values());
  if (statistics.bad == statistics.count)
    fail("histogram_svg", where, "no value of " + describe(values) + " is a number");
  const chart::Axis x(statistics.smallest, statistics.largest);
  std::vector<double> counts(static_cast<std::size_t>(bins), 0);
  const double interval = (x.high - x.low) / bins;
  for (const Scalar value : values.values()) {
    if (!std::isfinite(value)) continue;
    const double place = (static_cast<double>(value) - x.low) / interval;
    ++counts[static_cast<std::size_t>(std::clamp(place, 0.0, bins - 1.0))];
  }
  const chart::Axis y = chart::Axis(0, *std::max_element(counts.begin(), counts.end())).rounded();
  std::string svg = chart::begin(title, y);
  const double width = chart::width / bins;
  for (std::size_t i = 0; i < counts.size(); ++i) {
    const double low = x.low + interval * static_cast<double>(i),
                 bar = chart::place_y(y, counts[i]);
    svg += format(
        "<rect class=\"f0\" x=\"%.2f\" y=\"%.2f\" width=\"%.2f\" height=\"%.2f\">"
        "<title>%.4g to %.4g: %.0f</title></rect>\n",
        chart::left + width * static_cast<double>(i), bar, width * 0.92, chart::place_y(y, 0) - bar,
        low, low + interval, counts[i]);
  }
  svg += chart::x_numbers(x) + zero_line(x) + facts(statistics);
  svg += svg::text(chart::left + chart::width / 2, chart::top + chart::height + 38, "faint",
                   "value", "font-size=\"12\" text-anchor=\"middle\"");
  return svg::finished(svg, "histogram_svg", where);
}

}  // namespace gradus
