// Where the boxes of a graph are put. (What is drawn of it: pictures_test.cpp.)
#include "../src/pictures/graph_layout.h"

#include <doctest/doctest.h>
#include <gradus/random.h>

#include <algorithm>
#include <cmath>

using namespace gradus::graph_layout;

namespace {

// Up to 25 boxes of 20 to 200, each computed from up to three before it, the last one from all that
// nobody else needs.
struct Graph {
  explicit Graph(gradus::Random& random) {
    const auto below = [&](std::size_t n) {
      return static_cast<std::size_t>(random.below(static_cast<std::int64_t>(n)));
    };
    const std::size_t count = 2 + below(24);
    std::vector<bool> needed(count, false);
    for (std::size_t i = 0; i < count; ++i) {
      widths.push_back(20 + static_cast<double>(below(181)));
      inputs.emplace_back();
      for (std::size_t k = i ? below(4) : 0; k > 0; --k) inputs[i].push_back(below(i));
      if (i + 1 == count)
        for (std::size_t j = 0; j < i; ++j)
          if (!needed[j]) inputs[i].push_back(j);
      for (const std::size_t j : inputs[i]) needed[j] = true;
    }
  }
  std::vector<Numbers> inputs;
  std::vector<double> widths;
};

}  // namespace

TEST_CASE("boxes of a layer stand side by side in any graph, and every arrow leads down") {
  gradus::Random random(3);
  for (int trial = 0; trial < 300; ++trial) {
    const Graph graph(random);
    const Layout layout = arrange(graph.inputs, graph.widths);
    for (const Numbers& layer : layout.layers)
      for (std::size_t i = 1; i < layer.size(); ++i) {
        const Spot &left = layout.spots[layer[i - 1]], &right = layout.spots[layer[i]];
        CHECK(left.x + left.width / 2 < right.x - right.width / 2);
      }
    for (std::size_t i = 0; i < graph.inputs.size(); ++i) {
      const Spot& box = layout.spots[i];
      CHECK(box.x - box.width / 2 > -1e-9);
      CHECK(box.x + box.width / 2 < layout.width + 1e-9);
      for (const std::size_t input : graph.inputs[i]) CHECK(layout.spots[input].layer < box.layer);
    }
  }
}

TEST_CASE(
    "the way from the data to the result is straight, also where it enters a box at its side") {
  // From the data in two steps to the first (or second) of two inputs of a wide box, whose other
  // input is a weight; and from there in two steps to the result.
  for (const bool data_first : {true, false}) {
    const Numbers operands = data_first ? Numbers{2, 3} : Numbers{3, 2};
    const Layout layout =
        arrange({{}, {0}, {1}, {}, operands, {4}, {5}}, {100, 100, 100, 100, 240, 100, 100});
    const double data = layout.spots[2].x, product = layout.spots[4].x;
    const double port = product + (data_first ? -1 : 1) * 240.0 / 6;  // a third of the way
    CHECK(std::abs(data - port) < std::abs(data - product));
    CHECK((layout.spots[3].x > data) == data_first);
  }
}
