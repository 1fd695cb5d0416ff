#include <gradus/picture.h>

#include "../inspect/statistics.h"
#include "chart.h"
#include "svg.h"

#include <algorithm>
#include <cmath>

namespace gradus {

namespace {

// The values themselves, below the axis.
std::vector<std::string> facts(const Statistics& s) {
  const double zeros = 100 * static_cast<double>(s.zeros) / static_cast<double>(s.count);
  std::vector<std::string> lines{
      std::to_string(s.count) + format(" values, min %.4g, max %.4g", s.smallest, s.largest),
      format("mean %.4g, deviation %.4g, exactly 0: %.1f%%", s.mean, s.deviation, zeros)};
  if (s.bad) lines.push_back(std::to_string(s.bad) + " not shown: no number");
  return lines;
}

}  // namespace

std::string histogram_svg(const std::string& title, const Tensor& values, int bins, Where where) {
  if (bins < 1) fail("histogram_svg", where, "at least one interval is needed");
  const Statistics statistics = statistics_of(values.values(where));
  if (statistics.bad == statistics.count)
    fail("histogram_svg", where, "no value of ", describe(values), " is a number");
  const chart::Axis x(statistics.smallest, statistics.largest);
  std::vector<double> counts(static_cast<std::size_t>(bins), 0);
  const double interval = (x.high - x.low) / bins;
  for (const Scalar value : values.values()) {
    if (!std::isfinite(value)) continue;
    const double place = (static_cast<double>(value) - x.low) / interval;
    ++counts[static_cast<std::size_t>(std::clamp(place, 0.0, bins - 1.0))];
  }
  const chart::Axis y = chart::Axis(0, *std::max_element(counts.begin(), counts.end())).rounded();
  const std::vector<std::string> lines = facts(statistics);
  std::string description = "How often values fall into each of equal intervals.";
  for (const std::string& line : lines) description += " " + line + ".";
  std::string svg = chart::begin(title, description, x, y, "value", lines.size());
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
  for (std::size_t i = 0; i < lines.size(); ++i)
    svg += svg::text(16, chart::below + 20 * static_cast<double>(i), "faint", lines[i], 12);
  return svg::finished(svg, "histogram_svg", where);
}

}  // namespace gradus
