// Curves made of characters.
#include <gradus/picture.h>

#include "chart.h"
#include "svg.h"

#include <algorithm>
#include <cmath>

namespace gradus {

namespace {

constexpr int rows = 16, columns = 61;

// Where all curves lie.
struct Range {
  explicit Range(const std::vector<Curve>& curves) {
    for (const Curve& curve : curves) {
      epochs = std::max(epochs, curve.values.size());
      for (const double value : curve.values)
        if (chart::drawable(value)) low = std::min(low, value), high = std::max(high, value);
    }
    if (low == high) low -= 0.5, high += 0.5;  // one value only: in the middle
  }
  // The row of a value, 0 being the top.
  int row(double value) const {
    return static_cast<int>(std::lround((high - value) / (high - low) * (rows - 1)));
  }
  double value(int row) const { return high - (high - low) * row / (rows - 1); }

  std::size_t epochs = 0;
  double low = INFINITY, high = -INFINITY;
};

// The value of a curve at one column; between two epochs, on the line between their values.
double value_at(const Curve& curve, std::size_t epochs, int column) {
  const double place = static_cast<double>(epochs - 1) * column / (columns - 1);
  const double before = std::floor(place), part = place - before;
  const auto i = static_cast<std::size_t>(before);
  if (i >= curve.values.size()) return NAN;
  if (part <= 0) return curve.values[i];
  if (i + 1 >= curve.values.size()) return NAN;
  return curve.values[i] + part * (curve.values[i + 1] - curve.values[i]);
}

// Each curve has a character of its own and, where there is colour, a colour.
std::string mark(std::size_t curve, bool colour) {
  const std::string text(1, "*o+x"[curve % 4]);
  static const int colours[] = {36, 33, 32, 35};  // cyan, yellow, green, magenta
  return colour ? format("\x1b[%dm", colours[curve % 4]) + text + "\x1b[0m" : text;
}

// One row of the plot; of curves that meet, the last one is seen.
std::string row_text(const std::vector<Curve>& curves, const Range& range, int row, bool colour) {
  std::string text, blanks;
  for (int x = 0; x < columns; ++x) {
    std::string here = " ";
    for (std::size_t c = 0; c < curves.size(); ++c) {
      const double value = value_at(curves[c], range.epochs, x);
      if (chart::drawable(value) && range.row(value) == row) here = mark(c, colour);
      if (range.epochs == 1 && x > 0) here = " ";
    }
    if (here == " ") {
      blanks += " ";
      continue;
    }
    text += blanks + here;
    blanks.clear();
  }
  return text;
}

}  // namespace

std::string curves_text(const std::string& title, const std::vector<Curve>& curves, bool colour,
                        Where where) {
  const Range range(curves);
  if (range.low > range.high) fail("curves_text", where, "there is nothing to draw");
  std::string text = title + "\n";
  for (int row = 0; row < rows; ++row)
    text += (row % 5 == 0 ? format("%10.4g +", range.value(row)) : "           |") +
            row_text(curves, range, row, colour) + "\n";
  text += "           +" + std::string(columns, '-') + "\n" +
          format("            1%*zu  epoch\n", columns - 1, range.epochs);
  for (std::size_t c = 0; c < curves.size(); ++c)
    text += "            " + mark(c, colour) + " " + curves[c].name + "\n";
  return text;
}

}  // namespace gradus
