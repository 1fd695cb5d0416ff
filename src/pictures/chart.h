// What curves and histograms share: a frame with numbers at both axes.
#pragma once

#include <string>

namespace gradus::chart {

// Narrow enough for a telephone; room for a title of two lines.
constexpr double left = 60, top = 70, width = 290, height = 200, right = 22;
constexpr double bottom = top + height, below = bottom + 62;

// Whether a value can be drawn: a number, and the difference of two of them is one.
bool drawable(double value);

// The numbers along one axis: multiples of a round step that lie between two values.
struct Axis {
  // From `smallest` to `largest`, or, if they are equal, some way to both sides.
  Axis(double smallest, double largest);
  // The same, with both ends moved outwards to a multiple of the step.
  Axis rounded() const;
  double first() const;                    // the smallest multiple
  int count() const;                       // how many multiples there are
  std::string number(double value) const;  // with as many digits as the step needs
  double low, high, step;
};

// Paper, title, the lines of the y axis, the numbers of the x axis (every second one, if there are
// many) and what they are; room for so many lines of 20 pixels from `below` on.
std::string begin(const std::string& title, const std::string& description, const Axis& x,
                  const Axis& y, const std::string& unit, std::size_t lines);
double place_x(const Axis& x, double value);
double place_y(const Axis& y, double value);

}  // namespace gradus::chart
