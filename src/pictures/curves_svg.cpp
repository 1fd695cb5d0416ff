#include <gradus/picture.h>

#include "chart.h"
#include "svg.h"

#include <algorithm>
#include <cmath>

namespace gradus {

namespace {

// Four kinds of lines are told apart by colour and by dashes.
std::string path(std::size_t curve, const std::string& places) {
  static const char* const dashes[] = {"", " stroke-dasharray=\"7 3\"", " stroke-dasharray=\"2 3\"",
                                       " stroke-dasharray=\"9 3 2 3\""};
  return format("<path class=\"line s%zu\"%s d=\"", curve % 4, dashes[curve % 4]) + places +
         "\"/>\n";
}

// The line is broken where a value is not a number. Points can be seen as such while they are few.
std::string line(const Curve& curve, std::size_t number, const std::string& unit,
                 const chart::Axis& x, const chart::Axis& y) {
  std::string places, points;
  bool drawing = false;
  for (std::size_t i = 0; i < curve.values.size(); ++i) {
    const double value = curve.values[i], epoch = static_cast<double>(i + 1);
    if (chart::drawable(value)) {
      const double at_x = chart::place_x(x, epoch), at_y = chart::place_y(y, value);
      places += format("%c%.1f %.1f", drawing ? 'L' : 'M', at_x, at_y);
      if (curve.values.size() <= 40)
        points += format("<circle class=\"f%zu\" cx=\"%.1f\" cy=\"%.1f\" r=\"3\"><title>",
                         number % 4, at_x, at_y) +
                  xml_text(curve.name + ", " + unit) +
                  format(" %zu: %.5g</title></circle>\n", i + 1, value);
    }
    drawing = chart::drawable(value);
  }
  return path(number, places) + points;
}

std::string legend_entry(const Curve& curve, std::size_t number) {
  const double x = chart::left, y = chart::below + 20 * static_cast<double>(number);
  return path(number, format("M%.1f %.1fh24", x, y - 4)) +
         svg::text(x + 30, y, "ink", svg::cut(curve.name, 40), 12);
}

// "training loss: from 0.69 to 0.012, lowest 0.01 at epoch 29"
std::string said(const Curve& curve, const std::string& unit) {
  std::size_t first = curve.values.size(), last = 0, least = 0;
  for (std::size_t i = 0; i < curve.values.size(); ++i) {
    if (!chart::drawable(curve.values[i])) continue;
    if (first > i) first = least = i;
    if (curve.values[i] < curve.values[least]) least = i;
    last = i;
  }
  if (first == curve.values.size()) return curve.name + ": no numbers. ";
  return curve.name +
         format(": from %.4g to %.4g, lowest %.4g at ", curve.values[first], curve.values[last],
                curve.values[least]) +
         unit + format(" %zu. ", least + 1);
}

}  // namespace

std::string curves_svg(const std::string& title, const std::vector<Curve>& curves, int marked_epoch,
                       const std::string& unit, Where where) {
  std::size_t epochs = 0;
  std::vector<double> all;
  for (const Curve& curve : curves) {
    epochs = std::max(epochs, curve.values.size());
    for (const double value : curve.values)
      if (chart::drawable(value)) all.push_back(value);
  }
  if (all.empty()) fail("curves_svg", where, "there is nothing to draw");
  const auto [least, most] = std::minmax_element(all.begin(), all.end());
  const chart::Axis y = chart::Axis(*least, *most).rounded();
  chart::Axis x(1, static_cast<double>(epochs));
  x.step = std::max(std::ceil(x.step), 1.0);  // there is no epoch 1.5
  std::string description = "Lines over " + unit + format(" 1 to %zu. ", epochs);
  for (const Curve& curve : curves) description += said(curve, unit);
  std::string svg = chart::begin(title, description, x, y, unit, curves.size());
  if (x.first() > 1)  // the first one is named though it is not round
    svg += svg::text(chart::left, chart::bottom + 18, "faint", "1", 12, svg::in_the_middle);
  if (marked_epoch > 0) {  // named above the plot, where no curve runs
    const double at = chart::place_x(x, marked_epoch);
    svg += svg::line("frame", at, chart::top, at, chart::bottom, "stroke-dasharray=\"4 4\"") +
           svg::text(at, chart::top - 5, "faint", "best", 11, svg::in_the_middle);
  }
  for (std::size_t c = 0; c < curves.size(); ++c)
    svg += line(curves[c], c, unit, x, y) + legend_entry(curves[c], c);
  return svg::finished(svg, "curves_svg", where);
}

}  // namespace gradus
