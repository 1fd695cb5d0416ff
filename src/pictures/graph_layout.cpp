// Four steps: every box gets a layer, long arrows get bends, each layer gets an order with few
// crossings, and at last every spot gets its place from left to right.
#include "graph_layout.h"

#include <algorithm>
#include <cstddef>

namespace gradus::graph_layout {

namespace {

constexpr double gap = 26;  // between neighbours
constexpr int order_sweeps = 12, place_sweeps = 30;

std::size_t at(int i) {
  return static_cast<std::size_t>(i);
}

// A box stands one layer below the lowest of its inputs. Boxes without inputs come down to just
// above the first that uses them: a weight stands beside its matrix product, not at the top.
std::vector<int> layers_of(const std::vector<std::vector<int>>& inputs) {
  const std::size_t count = inputs.size();
  std::vector<int> layer(count, 0), first_use(count, -1);
  for (std::size_t i = 0; i < count; ++i) {
    for (const int input : inputs[i]) layer[i] = std::max(layer[i], layer[at(input)] + 1);
    for (const int input : inputs[i]) {
      int& use = first_use[at(input)];
      use = use < 0 ? layer[i] : std::min(use, layer[i]);
    }
  }
  for (std::size_t i = 0; i < count; ++i)
    if (inputs[i].empty() && first_use[i] > 0) layer[i] = first_use[i] - 1;
  return layer;
}

void connect(Layout& layout, int upper, int lower, double port) {
  layout.spots[at(upper)].below.push_back({lower, port});
  layout.spots[at(lower)].above.push_back({upper, port});
}

// The arrow from `from` to an input of `to`. All arrows from one box share their bends: `chain`
// holds those that are there, from the layer below the box on.
void add_arrow(Layout& layout, std::vector<int>& chain, int from, int to, double port) {
  const int top = layout.spots[at(from)].layer;
  const int between = layout.spots[at(to)].layer - top - 1;
  while (static_cast<int>(chain.size()) < between) {
    const int bend = static_cast<int>(layout.spots.size());
    Spot spot;
    spot.layer = top + 1 + static_cast<int>(chain.size());
    layout.spots.push_back(spot);
    connect(layout, chain.empty() ? from : chain.back(), bend, 0);
    chain.push_back(bend);
  }
  layout.arrows.push_back({from, to, port, {chain.begin(), chain.begin() + between}});
  connect(layout, between > 0 ? chain[at(between - 1)] : from, to, port);
}

// The mean place of what a spot is connected with, so that it can be put beneath (or above) that.
double barycentre(const Layout& layout, const std::vector<double>& place, int spot, bool above) {
  const Spot& s = layout.spots[at(spot)];
  const std::vector<Link>& links = above ? s.above : s.below;
  double sum = 0;
  for (const Link& link : links) sum += place[at(link.spot)] + (above ? -link.port : link.port);
  return links.empty() ? place[at(spot)] : sum / static_cast<double>(links.size());
}

// Sorts each layer by the barycentre of its neighbours in the layer above, going down, then of
// those below, going up, and so on: crossings become few, though not always the fewest.
void order_layers(Layout& layout) {
  std::vector<double> place(layout.spots.size());
  const auto count_places = [&](const std::vector<int>& layer) {
    for (std::size_t i = 0; i < layer.size(); ++i) place[at(layer[i])] = static_cast<double>(i);
  };
  for (const std::vector<int>& layer : layout.layers) count_places(layer);
  const std::size_t count = layout.layers.size();
  for (int sweep = 0; sweep < order_sweeps; ++sweep)
    for (std::size_t step = 1; step < count; ++step) {
      const bool down = sweep % 2 == 0;
      std::vector<int>& layer = layout.layers[down ? step : count - 1 - step];
      std::vector<double> wanted(layout.spots.size());
      for (const int spot : layer) wanted[at(spot)] = barycentre(layout, place, spot, down);
      std::stable_sort(layer.begin(), layer.end(),
                       [&](int a, int b) { return wanted[at(a)] < wanted[at(b)]; });
      count_places(layer);
    }
}

// A box with one connection only, such as a weight, follows its neighbour: what it wants counts
// little, so that the way from the data to the result is as straight as it can be.
double importance(const Spot& spot) {
  return spot.above.size() + spot.below.size() == 1 ? 0.1 : 1;
}

// Where a spot would like to be: at the mean of all that it is connected with.
double wanted_x(const Layout& layout, const Spot& spot) {
  double sum = 0, weights = 0;
  for (const Link& link : spot.above) {
    const Spot& upper = layout.spots[at(link.spot)];
    sum += importance(upper) * (upper.x - link.port * spot.width);
    weights += importance(upper);
  }
  for (const Link& link : spot.below) {
    const Spot& lower = layout.spots[at(link.spot)];
    sum += importance(lower) * (lower.x + link.port * lower.width);
    weights += importance(lower);
  }
  return weights > 0 ? sum / weights : spot.x;
}

// Puts the spots of a layer as near as possible (by squares) to where they want to be, in their
// order and without overlap. Measured from its place in a tightly packed layer, no spot may be
// further left than its left neighbour; where two wishes break this rule, both get the mean, and so
// on to the left (pool adjacent violators: Ayer et al. 1955).
void place_layer(Layout& layout, const std::vector<int>& layer) {
  struct Pool {
    double sum, weight;
    std::size_t count;
    double mean() const { return sum / weight; }
  };
  std::vector<double> packed;
  std::vector<Pool> pools;
  double right = 0;
  for (const int i : layer) {
    const Spot& spot = layout.spots[at(i)];
    packed.push_back(right + spot.width / 2);
    right += spot.width + gap;
    const double weight = importance(spot);
    pools.push_back({weight * (wanted_x(layout, spot) - packed.back()), weight, 1});
    while (pools.size() > 1 && pools[pools.size() - 2].mean() > pools.back().mean()) {
      const Pool last = pools.back();
      pools.pop_back();
      pools.back().sum += last.sum;
      pools.back().weight += last.weight;
      pools.back().count += last.count;
    }
  }
  std::size_t next = 0;
  for (const Pool& pool : pools)
    for (std::size_t k = 0; k < pool.count; ++k, ++next)
      layout.spots[at(layer[next])].x = packed[next] + pool.mean();
}

void place_all(Layout& layout) {
  const std::size_t count = layout.layers.size();
  for (int sweep = 0; sweep < place_sweeps; ++sweep)
    for (std::size_t step = 0; step < count; ++step)
      place_layer(layout, layout.layers[sweep % 2 == 0 ? step : count - 1 - step]);
  double left = 1e300, right = -1e300;
  for (const Spot& spot : layout.spots) {
    left = std::min(left, spot.x - spot.width / 2);
    right = std::max(right, spot.x + spot.width / 2);
  }
  for (Spot& spot : layout.spots) spot.x -= left;
  layout.width = right - left;
}

}  // namespace

Layout arrange(const std::vector<std::vector<int>>& inputs, const std::vector<double>& widths) {
  Layout layout;
  const std::vector<int> layer = layers_of(inputs);
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    layout.spots.emplace_back();
    layout.spots.back().width = widths[i];
    layout.spots.back().layer = layer[i];
  }
  std::vector<std::vector<int>> chains(inputs.size());
  for (std::size_t i = 0; i < inputs.size(); ++i)
    for (std::size_t k = 0; k < inputs[i].size(); ++k) {
      const double port = static_cast<double>(k + 1) / static_cast<double>(inputs[i].size() + 1);
      add_arrow(layout, chains[at(inputs[i][k])], inputs[i][k], static_cast<int>(i), port - 0.5);
    }
  for (std::size_t i = 0; i < layout.spots.size(); ++i) {
    const std::size_t l = at(layout.spots[i].layer);
    if (layout.layers.size() <= l) layout.layers.resize(l + 1);
    layout.layers[l].push_back(static_cast<int>(i));
  }
  order_layers(layout);
  place_all(layout);
  return layout;
}

}  // namespace gradus::graph_layout
