#include <gradus/picture.h>

#include "chart.h"
#include "svg.h"

#include <algorithm>

namespace gradus {

namespace {

constexpr double left = 16, width = 340, row_height = 46;  // narrow enough for a telephone

// The middle one of an odd number of values, the mean of the middle two of an even number.
double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  const std::size_t half = values.size() / 2;
  return values.size() % 2 ? values[half] : (values[half - 1] + values[half]) / 2;
}

// "1.048 (1.041 to 1.06)"
std::string spread(const Curve& curve) {
  const auto [least, most] = std::minmax_element(curve.values.begin(), curve.values.end());
  return format("%.4g (%.4g to %.4g)", median(curve.values), *least, *most);
}

// One row: its name and numbers, and below them a dot for each value and a line at the median.
std::string row(const Curve& curve, std::size_t number, const chart::Axis& x, double top) {
  const auto place = [&](double value) {
    return left + width * (value - x.low) / (x.high - x.low);
  };
  const double y = top + 30, middle = median(curve.values);
  std::string svg = svg::text(left, top + 14, "ink", svg::cut(curve.name, 24), 13);
  svg += svg::text(left + width, top + 14, "faint", spread(curve), 12, svg::at_the_end);
  svg += svg::line("grid", left, y, left + width, y);
  svg += svg::line("zero", place(middle), y - 9, place(middle), y + 9, "stroke-width=\"2\"");
  for (const double value : curve.values)
    svg += format("<circle class=\"f%zu\" cx=\"%.1f\" cy=\"%.1f\" r=\"5\" fill-opacity=\"0.7\">",
                  number % 4, place(value), y) +
           "<title>" + xml_text(curve.name) + format(": %.5g</title></circle>\n", value);
  return svg;
}

}  // namespace

std::string dots_svg(const std::string& title, const std::vector<Curve>& rows,
                     const std::string& unit, Where where) {
  std::vector<double> all;
  for (const Curve& curve : rows) {
    if (curve.values.empty()) fail("dots_svg", where, "\"", curve.name, "\" has no values");
    for (const double value : curve.values) {
      if (!chart::drawable(value))
        fail("dots_svg", where, "a value of \"", curve.name, "\" is not a number");
      all.push_back(value);
    }
  }
  if (all.empty()) fail("dots_svg", where, "there is nothing to draw");
  const auto [least, most] = std::minmax_element(all.begin(), all.end());
  const chart::Axis x = chart::Axis(*least, *most).rounded();
  std::string description = "Dots over " + unit + ".";
  for (const Curve& curve : rows) description += " " + curve.name + ": " + spread(curve) + ".";
  const double top = 20 + 20 * static_cast<double>(svg::wrapped(title, 36).size());
  const double bottom = top + row_height * static_cast<double>(rows.size());
  std::string svg = svg::begin(left + width + left, bottom + 46, title, description);
  svg += svg::heading(left, 26, title, 36);
  for (int i = 0; i < x.count(); ++i) {
    const double at = left + width * (x.first() + i * x.step - x.low) / (x.high - x.low);
    svg += svg::line("grid", at, top, at, bottom);
    svg += svg::text(at, bottom + 16, "faint", x.number(x.first() + i * x.step), 12,
                     i == 0               ? ""
                     : i + 1 == x.count() ? svg::at_the_end
                                          : svg::in_the_middle);
  }
  for (std::size_t i = 0; i < rows.size(); ++i)
    svg += row(rows[i], i, x, top + row_height * static_cast<double>(i));
  svg += svg::text(left + width / 2, bottom + 36, "faint", unit, 12, svg::in_the_middle);
  return svg::finished(svg, "dots_svg", where);
}

}  // namespace gradus
