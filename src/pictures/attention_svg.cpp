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
        step(cell >= 11 ? 1 : static_cast<Index>(std::ceil(11 / cell))) {}
  double cell, width, height;
  Index step;
};

std::string labels(const Field& field, const std::vector<std::string>& queries,
                   const std::vector<std::string>& keys, double x, double y) {
  std::string svg;
  for (std::size_t i = 0; i < queries.size(); i += static_cast<std::size_t>(field.step))
    svg += svg::text(x - 6, y + (static_cast<double>(i) + 0.5) * field.cell + 4, "ink",
                     svg::cut(queries[i], 13), "font-size=\"11\" text-anchor=\"end\"");
  for (std::size_t i = 0; i < keys.size(); i += static_cast<std::size_t>(field.step)) {
    const double at = x + (static_cast<double>(i) + 0.5) * field.cell + 4;
    svg +=
        svg::text(at, y - 6, "ink", svg::cut(keys[i], 13),
                  "font-size=\"11\" " + format("transform=\"rotate(-60 %.1f %.1f)\"", at, y - 6));
  }
  return svg;
}

// The squares of one head. Weights below 1/500 of the largest would not be seen.
std::string squares(const Field& field, const Scalar* weights,
                    const std::vector<std::string>& queries, const std::vector<std::string>& keys,
                    double x, double y) {
  const auto columns = keys.size();
  const double most =
      static_cast<double>(*std::max_element(weights, weights + queries.size() * columns));
  std::string svg;
  for (std::size_t i = 0; i < queries.size(); ++i)
    for (std::size_t j = 0; j < columns; ++j) {
      const auto weight = static_cast<double>(weights[i * columns + j]);
      const double shade = most > 0 ? std::max(0.0, weight / most) : 0;
      if (shade < 0.002) continue;
      svg += format(
                 "<rect class=\"cell\" x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\" "
                 "fill-opacity=\"%.3f\"><title>",
                 x + static_cast<double>(j) * field.cell, y + static_cast<double>(i) * field.cell,
                 field.cell, field.cell, shade) +
             xml_text(queries[i]) + " → " + xml_text(keys[j]) +
             format(": %.3f</title></rect>\n", weight);
    }
  return svg +
         format("<rect class=\"frame\" x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\"/>\n", x,
                y, field.width, field.height);
}

// What the shades mean, from 0 to the largest weight, as each head has a scale of its own, and
// whose they are: "0 [shades] 0.87   layer 1, head 2".
std::string scale(const AttentionWeights& w, Index layer, Index head, double x, double y) {
  const Scalar* const begin = w.of(layer, head);
  const Scalar most = *std::max_element(begin, begin + w.queries * w.keys);
  std::string svg = svg::text(x, y, "faint", "0", "font-size=\"11\"");
  for (int i = 0; i < 5; ++i)
    svg += format(
        "<rect class=\"cell\" x=\"%.1f\" y=\"%.1f\" width=\"12\" height=\"9\" "
        "fill-opacity=\"%.2f\"/>\n",
        x + 11 + 12 * i, y - 9, 0.25 * i);
  svg += format("<rect class=\"frame\" x=\"%.1f\" y=\"%.1f\" width=\"60\" height=\"9\"/>\n", x + 11,
                y - 9);
  std::string name = format("%.2f", static_cast<double>(most));
  if (w.layers > 1) name += ", layer " + std::to_string(layer + 1);
  if (w.layers * w.heads > 1) name += ", head " + std::to_string(head + 1);
  return svg + svg::text(x + 76, y, "faint", name, "font-size=\"11\"");
}

}  // namespace

std::string attention_svg(const std::string& title, const std::vector<std::string>& queries,
                          const std::vector<std::string>& keys, const Tensor& weights,
                          Where where) {
  const AttentionWeights w("attention_svg", weights, queries.size(), keys.size(), where);
  const Field field(w.queries, w.keys);
  const double step_x = field.width + label_width + gap;
  const double step_y = field.height + label_width + gap;
  const double width = std::max(static_cast<double>(w.heads) * step_x + gap + 30, 360.0);
  // Bold characters of this size are 10 pixels wide or less.
  const auto lines = svg::wrapped(title, static_cast<std::size_t>((width - 32) / 10));
  const double below = 38 + 20 * static_cast<double>(lines.size());  // where the fields begin
  std::string svg = svg::begin(width, below + static_cast<double>(w.layers) * step_y + gap);
  for (std::size_t i = 0; i < lines.size(); ++i)
    svg += svg::text(16, 26 + 20 * static_cast<double>(i), "ink", lines[i],
                     "font-size=\"15\" font-weight=\"bold\"");
  svg +=
      svg::text(16, below - 14, "faint", "A row looks, a column is looked at.", "font-size=\"11\"");
  for (Index l = 0; l < w.layers; ++l)
    for (Index h = 0; h < w.heads; ++h) {
      const double x = static_cast<double>(h) * step_x + label_width + gap / 2;
      const double y = below + static_cast<double>(l) * step_y + label_width;
      svg += labels(field, queries, keys, x, y) + squares(field, w.of(l, h), queries, keys, x, y);
      svg += scale(w, l, h, x, y + field.height + 16);
    }
  return svg::finished(svg, "attention_svg", where);
}

}  // namespace gradus
