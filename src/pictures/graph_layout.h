// Where the boxes of a graph stand: layers from top to bottom, every arrow leading down.
#pragma once

#include <cstddef>
#include <vector>

namespace gradus::graph_layout {

using Numbers = std::vector<std::size_t>;  // of boxes, spots or layers

// What a spot is connected with in the next layer, above or below.
struct Link {
  std::size_t spot;
  double shift;  // how far right of that this would best be, in widths of the lower of the two
};

// A place in a layer: a box, or a bend, where a long arrow passes through a layer between boxes.
struct Spot {
  double width;       // 0 for a bend
  std::size_t layer;  // 0 is the top
  double x = 0;       // of its middle
  std::vector<Link> links = {};
};

// From a box through a bend in each layer between to an input of another.
struct Arrow {
  Numbers way;  // the box, then the bends
  std::size_t to;
  double port;  // where it meets that box, from -1/2 (left edge) to 1/2 (right edge)
};

struct Layout {
  std::vector<Spot> spots;  // the boxes in the order given, then the bends
  std::vector<Arrow> arrows;
  std::vector<Numbers> layers;  // spots from left to right
  double width = 0;             // all boxes lie between 0 and this
};

// inputs[i] are the boxes that box i is computed from, each smaller than i, one as often as it is
// used; each box is there because the last one needs it. widths[i] is how wide box i is. Method:
// Sugiyama, Tagawa and Toda 1981, "Methods for visual understanding of hierarchical system
// structures".
Layout arrange(const std::vector<Numbers>& inputs, const std::vector<double>& widths);

}  // namespace gradus::graph_layout
