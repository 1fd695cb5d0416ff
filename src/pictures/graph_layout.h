// Where the boxes of a graph stand: layers from top to bottom, every arrow leading down.
#pragma once

#include <vector>

namespace gradus::graph_layout {

// One end of a connection between neighbouring layers.
struct Link {
  int spot;     // which spot it leads to
  double port;  // where it meets the lower spot, from -1/2 (left edge) to 1/2 (right edge)
};

// A place in a layer: a box, or a bend, where a long arrow passes through a layer between boxes.
struct Spot {
  double width = 0;  // 0 for a bend
  int layer = 0;     // 0 is the top
  double x = 0;      // of its middle
  std::vector<Link> above, below;
};

// From the box `from` through `bends`, one in each layer between, to an input of the box `to`.
struct Arrow {
  int from, to;
  double port;  // as in Link
  std::vector<int> bends;
};

struct Layout {
  std::vector<Spot> spots;  // the boxes in the order given, then the bends
  std::vector<Arrow> arrows;
  std::vector<std::vector<int>> layers;  // spots from left to right
  double width = 0;                      // all boxes lie between 0 and this
};

// inputs[i] are the boxes that box i is computed from, each smaller than i, one as often as it is
// used; widths[i] is how wide box i is. Method: Sugiyama, Tagawa and Toda 1981, "Methods for visual
// understanding of hierarchical system structures".
Layout arrange(const std::vector<std::vector<int>>& inputs, const std::vector<double>& widths);

}  // namespace gradus::graph_layout
