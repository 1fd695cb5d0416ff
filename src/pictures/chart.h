// What curves and histograms share: a frame with numbers at both axes.
#pragma once

#include <string>

namespace gradus::chart {

constexpr double left = 70, top = 50, width = 460, height = 240, right = 170;
constexpr double bottom = top + height;

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

// Paper, title, the lines of the y axis, the numbers of the x axis and what they are.
std::string begin(const std::string& title, const Axis& x, const Axis& y, const std::string& below);
double place_x(const Axis& x, double value);
double place_y(const Axis& y, double value);

}  // namespace gradus::chart
