#include <gradus/picture.h>

#include "attention_weights.h"
#include "svg.h"

#include <algorithm>
#include <cmath>

namespace gradus {

namespace {

constexpr double label_width = 96;  // room for words, on the left and above
constexpr double gap = 20;

// Sizes of one field: as large as fits into 420 pixels, with squares of at most 40.
struct Field {
  Field(Index rows, Index columns)
      : cell(std::clamp(420.0 / static_cast<double>(std::max(rows, columns)), 1.0, 40.0)),
        width(cell * static_cast<double>(columns)),
        height(cell * static_cast<double>(rows)),
        // Of many words only every n-th is written.
        step(cell >= 11 ? 1 : static_cast<std::size_t>(std::ceil(11 / cell))) {}
  double cell, width, height;
  std::size_t step;
};

struct Head {
  Index layer, number;
  std::string name;                 // "layer 1, head 2", without what there is only one of
  std::span<const Scalar> weights;  // [Tq, Tk]
  double most;                      // the largest of them
};

std::vector<Head> heads_of(const Tensor& weights, const Shape& shape) {
  std::vector<Head> heads;
  const auto size = static_cast<std::size_t>(shape[2] * shape[3]);
  for (Index l = 0; l < shape[0]; ++l)
    for (Index h = 0; h < shape[1]; ++h) {
      std::string name = shape[0] > 1 ? worded("layer ", l + 1, ", ") : "";
      if (shape[0] * shape[1] > 1) name += worded("head ", h + 1);
      const std::span<const Scalar> head = weights.values().subspan(heads.size() * size, size);
      heads.push_back(
          {l, h, name, head, static_cast<double>(*std::max_element(head.begin(), head.end()))});
    }
  return heads;
}

std::string labels(const Field& field, const std::vector<std::string>& queries,
                   const std::vector<std::string>& keys, double x, double y) {
  std::string svg;
  const auto middle = [&](std::size_t i) {
    return (static_cast<double>(i) + 0.5) * field.cell + 4;
  };
  for (std::size_t i = 0; i < queries.size(); i += field.step)
    svg += svg::text(x - 6, y + middle(i), "ink", svg::cut(queries[i], 13), 11, svg::at_the_end);
  for (std::size_t i = 0; i < keys.size(); i += field.step)
    svg += svg::text(x + middle(i), y - 6, "ink", svg::cut(keys[i], 13), 11,
                     format("transform=\"rotate(-60 %.1f %.1f)\"", x + middle(i), y - 6));
  return svg;
}

std::string opacity(double shade) {
  return format("fill-opacity=\"%.3f\"", shade);
}

// The squares of one head, with their numbers where there is room. Weights below 1/500 of the
// largest would not be seen.
std::string squares(const Field& field, const Head& head, const std::vector<std::string>& queries,
                    const std::vector<std::string>& keys, double x, double y) {
  std::string svg;
  for (std::size_t i = 0; i < queries.size(); ++i)
    for (std::size_t j = 0; j < keys.size(); ++j) {
      const auto weight = static_cast<double>(head.weights[i * keys.size() + j]);
      const double shade = head.most > 0 ? std::max(0.0, weight / head.most) : 0;
      if (shade < 0.002) continue;
      const double left = x + static_cast<double>(j) * field.cell;
      const double top = y + static_cast<double>(i) * field.cell;
      svg += svg::rect("cell", left, top, field.cell, field.cell, opacity(shade),
                       queries[i] + " → " + keys[j] + format(": %.3f", weight));
      if (field.cell >= 36)
        svg += svg::text(left + field.cell / 2, top + field.cell / 2 + 4,
                         shade > 0.55 ? "paper" : "ink", format("%.2f", weight), 12,
                         svg::in_the_middle + " pointer-events=\"none\"");
    }
  return svg + svg::rect("frame", x, y, field.width, field.height);
}

// What the shades mean, from 0 to the largest weight, as each head has a scale of its own, and
// whose they are: "0 [shades] 0.87, layer 1, head 2".
std::string scale(const Head& head, double x, double y) {
  std::string svg = svg::text(x, y, "faint", "0");
  for (int i = 0; i < 5; ++i)
    svg += svg::rect("cell", x + 11 + 12 * i, y - 9, 12, 9, opacity(0.25 * i));
  svg += svg::rect("frame", x + 11, y - 9, 60, 9);
  return svg + svg::text(x + 76, y, "faint",
                         format("%.2f", head.most) + (head.name.empty() ? "" : ", ") + head.name);
}

// For each head, where its first rows look most: "layer 1, head 2: not → bore 0.61, …".
std::string said(const std::vector<Head>& heads, const std::vector<std::string>& queries,
                 const std::vector<std::string>& keys) {
  std::string text = "Squares, the darker the larger; rows are queries, columns are keys.";
  for (const Head& head : heads) {
    text += " " + head.name + (head.name.empty() ? "Largest" : ", largest") + " of a row:";
    for (std::size_t i = 0; i < std::min<std::size_t>(queries.size(), 12); ++i) {
      const Scalar* row = &head.weights[i * keys.size()];
      const auto most = static_cast<std::size_t>(std::max_element(row, row + keys.size()) - row);
      text += (i ? ", " : " ") + queries[i] + " → " + keys[most] +
              format(" %.2f", static_cast<double>(row[most]));
    }
    text += ".";
  }
  return text;
}

}  // namespace

std::string attention_svg(const std::string& title, const std::vector<std::string>& queries,
                          const std::vector<std::string>& keys, const Tensor& weights,
                          Where where) {
  const Shape shape = attention_shape("attention_svg", weights, queries.size(), keys.size(), where);
  const std::vector<Head> heads = heads_of(weights, shape);
  const Field field(shape[2], shape[3]);
  const double step_x = field.width + label_width + gap;
  const double step_y = field.height + label_width + gap;
  const double width = std::max(static_cast<double>(shape[1]) * step_x + gap + 30, 360.0);
  // Bold characters of this size are 10 pixels wide or less.
  const auto most = static_cast<std::size_t>((width - 32) / 10);
  const auto lines = static_cast<double>(svg::wrapped(title, most).size());
  const double below = 38 + 20 * lines;  // where the fields begin
  std::string svg = svg::begin(width, below + static_cast<double>(shape[0]) * step_y + gap, title,
                               said(heads, queries, keys));
  svg += svg::heading(16, 26, title, most) +
         svg::text(16, below - 14, "faint", "A row looks, a column is looked at.");
  for (const Head& head : heads) {
    const double x = static_cast<double>(head.number) * step_x + label_width + gap / 2;
    const double y = below + static_cast<double>(head.layer) * step_y + label_width;
    svg += labels(field, queries, keys, x, y) + squares(field, head, queries, keys, x, y) +
           scale(head, x, y + field.height + 16);
  }
  return svg::finished(svg, "attention_svg", where);
}

}  // namespace gradus
