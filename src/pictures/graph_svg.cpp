// The graph that a computation left behind, as boxes and arrows.
#include <gradus/operation.h>
#include <gradus/picture.h>

#include "../inspect/statistics.h"
#include "graph_layout.h"
#include "graph_nodes.h"
#include "svg.h"

#include <algorithm>
#include <cmath>
#include <span>

namespace gradus {

namespace {

constexpr double box_height = 62, between = 50, margin = 24, header = 76;
constexpr std::size_t most_characters = 30;

enum class Kind { parameter, data, computed };

Kind kind_of(const Tensor& x) {
  if (!x.requires_grad()) return Kind::data;
  return x.node()->made_by || x.node()->freed ? Kind::computed : Kind::parameter;
}

std::string operation_of(const Tensor& x) {
  if (kind_of(x) == Kind::parameter) return "parameter";
  const std::string operation = x.operation();
  return operation == "tensor" ? "data" : operation;
}

// Where the parts of a long name are, the last ones say most: "…attention.query.kernel".
std::string cut_front(const std::string& text) {
  if (text.size() <= most_characters) return text;
  std::size_t from = text.size() - most_characters + 1;
  while (from < text.size() && (static_cast<unsigned char>(text[from]) & 0xC0) == 0x80) ++from;
  return "…" + text.substr(from);
}

// What is written in a box: a headline, what it is, and the line that made it.
struct Lines {
  explicit Lines(const Tensor& x)
      : headline(*x.label() ? cut_front(x.label()) : operation_of(x)),
        kind((*x.label() ? operation_of(x) + " " : "") + to_string(x.shape())) {
    if (x.size() == 1) {
      kind += format(" = %.4g", printable(x.item()));
      if (x.has_grad()) kind += format(", gradient %.4g", printable(x.node()->gradient.item()));
    }
    const std::string line = to_string(x.where());
    source = cut_front(line.substr(line.find_last_of('/') + 1));
  }
  // The width of an average character of each size; the headline is bold.
  double width() const {
    const double longest = std::max({static_cast<double>(headline.size()) * 8.6,
                                     static_cast<double>(kind.size()) * 6.6,
                                     static_cast<double>(source.size()) * 6.2});
    return std::max(longest + 24, 96.0);
  }
  std::string headline, kind, source;
};

// What appears when the mouse rests on a box.
std::string details(const Tensor& x) {
  const std::string label = *x.label() ? worded("\"", x.label(), "\" ") : "";
  return worded(operation_of(x), " ", label, x.shape(), " at ", x.where(),
                "\nvalues: ", statistics_of(x.values()), "\n",
                x.has_grad() ? worded("gradient: ", statistics_of(x.node()->gradient.values()))
                : x.requires_grad() ? "no gradient yet"
                                    : "takes no gradient",
                x.node()->freed ? "\nits graph was freed" : "");
}

// Parameters are round, data is dashed, what was computed is square.
std::string box(double x, double y, double width, double height, Kind kind) {
  const char* const css_class = kind == Kind::parameter ? "box parameter"
                                : kind == Kind::data    ? "box data"
                                                        : "box";
  const double corner = kind == Kind::computed ? 2 : std::min(height / 2, 18.0);
  return svg::rect(css_class, x, y, width, height, format("rx=\"%.0f\"", corner));
}

std::string legend() {
  std::string svg;
  double x = margin;
  const auto entry = [&](Kind kind, const std::string& name) {
    svg += box(x, 40, 26, 16, kind) + svg::text(x + 33, 52, "faint", name, 12);
    x += 33 + static_cast<double>(name.size()) * 6.6 + 18;
  };
  entry(Kind::parameter, "parameter");
  entry(Kind::data, "data (takes no gradient)");
  entry(Kind::computed, "computed");
  return svg;
}

double top_of(std::size_t layer) {
  return header + static_cast<double>(layer) * (box_height + between);
}

// From the lower edge of a box, straight down through each bend, to the upper edge of another.
std::string arrow(const graph_layout::Layout& layout, const graph_layout::Arrow& arrow,
                  bool carries_gradient) {
  const graph_layout::Spot& from = layout.spots[arrow.way[0]];
  double x = from.x, y = top_of(from.layer) + box_height;
  std::string path = format("M%.1f %.1f", x, y);
  const auto curve_to = [&](double new_x, double new_y) {
    const double middle = (y + new_y) / 2;
    path += format("C%.1f %.1f %.1f %.1f %.1f %.1f", x, middle, new_x, middle, new_x, new_y);
    x = new_x;
    y = new_y;
  };
  for (const std::size_t bend : std::span(arrow.way).subspan(1)) {
    curve_to(layout.spots[bend].x, top_of(layout.spots[bend].layer));
    y += box_height;
    path += format("V%.1f", y);
  }
  const graph_layout::Spot& to = layout.spots[arrow.to];
  curve_to(to.x + arrow.port * to.width, top_of(to.layer) - 7);
  return std::string("<path class=\"") + (carries_gradient ? "arrow" : "arrow data") +
         "\" marker-end=\"url(#head)\" d=\"" + path + "\"/>\n";
}

// What flows back, beside the head of the arrow to input k: a number, or the length of many.
std::string flow(const graph_layout::Layout& layout, const graph_layout::Arrow& arrow,
                 const Tensor& gradient, std::size_t k) {
  double squares = 0;
  for (const Scalar g : gradient.values())
    squares += static_cast<double>(g) * static_cast<double>(g);
  const std::string text = gradient.size() == 1
                               ? format("%.4g", printable(gradient.item()))
                               : format("length %.3g", printable(std::sqrt(squares)));
  const graph_layout::Spot& to = layout.spots[arrow.to];
  const bool left = arrow.port < 0;
  return svg::text(to.x + arrow.port * to.width + (left ? -6 : 6),
                   top_of(to.layer) - (k % 2 ? 24 : 11), "flow", "↑ " + text, 12,
                   left ? svg::at_the_end : "");
}

// All arrows, on them what flows back, and at the height y what that means.
std::string arrows(const Nodes& graph, const graph_layout::Layout& layout, double y) {
  std::string svg, flows;
  auto next = layout.arrows.begin();
  for (const Tensor& node : graph.nodes) {
    if (!node.node()->made_by) continue;
    const std::vector<Tensor> given = handed_back(node);
    for (std::size_t k = 0; k < given.size(); ++k, ++next) {
      svg += arrow(layout, *next, node.node()->made_by->inputs[k].tensor.requires_grad());
      if (given[k].exists()) flows += flow(layout, *next, given[k], k);
    }
  }
  if (flows.empty()) return svg;
  return svg + flows +
         svg::text(margin, y, "flow", "↑ what flows back: a number, or the length of several", 12);
}

const char* const style =
    "<style>\n"
    ".box{fill:#f4f4f6;stroke:#555555;stroke-width:1.2}\n"
    ".box.parameter{fill:#d6e6f4;stroke:#08519c;stroke-width:2.4}\n"
    ".box.data{fill:#ffffff}.data{stroke-dasharray:5 4}\n"
    ".arrow{fill:none;stroke:#666666;stroke-width:1.2}.head{fill:#666666}\n"
    ".flow{fill:#b84a00;stroke:#ffffff;stroke-width:4;paint-order:stroke}\n"
    "@media (prefers-color-scheme:dark){\n"
    ".box{fill:#2a2a30;stroke:#aaaaaa}.box.parameter{fill:#1d3a55;stroke:#9ecae1}\n"
    ".box.data{fill:#1b1b1f}.arrow{stroke:#aaaaaa}.head{fill:#aaaaaa}\n"
    ".flow{fill:#e69f00;stroke:#1b1b1f}}\n"
    "</style>\n"
    "<defs><marker id=\"head\" viewBox=\"0 0 8 8\" refX=\"1\" refY=\"4\" markerWidth=\"8\" "
    "markerHeight=\"8\" markerUnits=\"userSpaceOnUse\" orient=\"auto\">"
    "<path class=\"head\" d=\"M0 0L8 4L0 8z\"/></marker></defs>\n";

}  // namespace

std::string graph_svg(const std::string& title, const Tensor& result, Index most, Where where) {
  if (result.node() && result.node()->freed)
    fail("graph_svg", where, "the graph of ", describe(result),
         " was freed by backward(Graph::free): draw it before, or keep it");
  if (!result.requires_grad() || !result.node()->made_by)
    fail("graph_svg", where, describe(result),
         " has no graph: it was not computed from any tensor that requires a gradient, or while "
         "NoGrad was there");
  const Nodes graph = nodes_of(result, most, where);
  std::vector<double> widths;
  for (const Tensor& x : graph.nodes) widths.push_back(Lines(x).width());
  graph_layout::Layout layout = graph_layout::arrange(graph.inputs, widths);
  const double width = std::max(layout.width + 2 * margin, 480.0);
  for (graph_layout::Spot& spot : layout.spots) spot.x += (width - layout.width) / 2;
  const double height = top_of(layout.layers.size()) - between + margin;
  std::string svg =
      svg::begin(width, height, title,
                 "A graph of " + std::to_string(graph.nodes.size()) +
                     " tensors, inputs on top; at the bottom " + describe(result) + ".") +
      style + svg::text(margin, 28, "ink", title, 15, svg::bold) + legend();
  svg += arrows(graph, layout, height - 8);
  for (std::size_t i = 0; i < graph.nodes.size(); ++i) {
    const Tensor& x = graph.nodes[i];
    const Lines lines(x);
    const graph_layout::Spot& spot = layout.spots[i];
    const double y = top_of(spot.layer);
    svg += "<g text-anchor=\"middle\"><title>" + xml_text(details(x)) + "</title>" +
           box(spot.x - spot.width / 2, y, spot.width, box_height, kind_of(x)) +
           svg::text(spot.x, y + 20, "ink", lines.headline, 13, svg::bold) +
           svg::text(spot.x, y + 36, "ink", lines.kind, 12) +
           svg::text(spot.x, y + 52, "faint", lines.source) + "</g>\n";
  }
  return svg::finished(svg, "graph_svg", where);
}

}  // namespace gradus
