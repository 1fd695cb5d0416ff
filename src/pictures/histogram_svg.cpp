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
    svg += svg::text(chart::left + chart::width + 14, y, "faint", line, 12);
    y += 18;
  }
  return svg;
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
  std::string svg = chart::begin(title, x, y, "value");
  const double width = chart::width / bins;
  for (std::size_t i = 0; i < counts.size(); ++i) {
    const auto n = static_cast<double>(i);
    const double bar = chart::place_y(y, counts[i]);
    svg += svg::rect(
        "f0", chart::left + width * n, bar, width * 0.92, chart::bottom - bar, "",
        format("%.4g to %.4g: %.0f", x.low + interval * n, x.low + interval * (n + 1), counts[i]));
  }
  const double zero = chart::place_x(x, 0);
  if (x.low <= 0 && x.high >= 0)
    svg += svg::line("zero", zero, chart::top - 4, zero, chart::bottom, "stroke-dasharray=\"4 3\"");
  return svg::finished(svg + facts(statistics), "histogram_svg", where);
}

}  // namespace gradus
