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
  std::vector<int> layer(count, 0), first_use(count, static_cast<int>(count));
  for (std::size_t i = 0; i < count; ++i) {
    for (const int input : inputs[i]) layer[i] = std::max(layer[i], layer[at(input)] + 1);
    for (const int input : inputs[i])
      first_use[at(input)] = std::min(first_use[at(input)], layer[i]);
  }
  for (std::size_t i = 0; i < count; ++i)
    if (inputs[i].empty()) layer[i] = first_use[i] - 1;
  return layer;
}

int add_spot(Layout& layout, double width, int layer) {
  const int spot = static_cast<int>(layout.spots.size());
  layout.spots.push_back({width, layer});
  if (layout.layers.size() <= at(layer)) layout.layers.resize(at(layer) + 1);
  layout.layers[at(layer)].push_back(spot);
  return spot;
}

void connect(Layout& layout, int upper, int lower, double port) {
  layout.spots[at(upper)].links.push_back({lower, port});
  layout.spots[at(lower)].links.push_back({upper, -port});
}

// An arrow to an input of `to`. All arrows from one box share their bends: `chain` holds the box
// and those that are there, layer by layer.
void add_arrow(Layout& layout, std::vector<int>& chain, int to, double port) {
  const int length = layout.spots[at(to)].layer - layout.spots[at(chain[0])].layer;
  while (static_cast<int>(chain.size()) < length) {
    const int bend = add_spot(layout, 0, layout.spots[at(chain.back())].layer + 1);
    connect(layout, chain.back(), bend, 0);
    chain.push_back(bend);
  }
  layout.arrows.push_back({{chain.begin(), chain.begin() + length}, to, port});
  connect(layout, layout.arrows.back().way.back(), to, port);
}

// The mean place of what a spot is connected with in the layer `other`, so that it can be put
// beneath (or above) that.
double barycentre(const Layout& layout, const std::vector<double>& place, int spot, int other) {
  double sum = 0, count = 0;
  for (const Link& link : layout.spots[at(spot)].links) {
    if (layout.spots[at(link.spot)].layer != other) continue;
    sum += place[at(link.spot)] + link.shift;
    ++count;
  }
  return count == 0 ? place[at(spot)] : sum / count;
}

// Sorts each layer by the barycentre of its neighbours in the layer above, going down, then of
// those below, going up, and so on: crossings become few, though not always the fewest.
void order_layers(Layout& layout) {
  std::vector<double> place(layout.spots.size());
  const auto count_places = [&](const std::vector<int>& layer) {
    for (std::size_t i = 0; i < layer.size(); ++i) place[at(layer[i])] = static_cast<double>(i);
  };
  for (const std::vector<int>& layer : layout.layers) count_places(layer);
  const int count = static_cast<int>(layout.layers.size());
  for (int sweep = 0; sweep < order_sweeps; ++sweep)
    for (int step = 1; step < count; ++step) {
      const int here = sweep % 2 == 0 ? step : count - 1 - step;
      const int other = sweep % 2 == 0 ? here - 1 : here + 1;
      std::vector<int>& layer = layout.layers[at(here)];
      std::stable_sort(layer.begin(), layer.end(), [&](int a, int b) {
        return barycentre(layout, place, a, other) < barycentre(layout, place, b, other);
      });
      count_places(layer);
    }
}

// A box with one connection only, such as a weight, follows its neighbour: what it wants counts
// little, so that the way from the data to the result is as straight as it can be.
double importance(const Spot& spot) {
  return spot.links.size() == 1 ? 0.1 : 1;
}

// Where a spot would like to be: at the mean of all that it is connected with.
double wanted_x(const Layout& layout, const Spot& spot) {
  double sum = 0, weights = 0;
  for (const Link& link : spot.links) {
    const Spot& other = layout.spots[at(link.spot)];
    const Spot& lower = other.layer > spot.layer ? other : spot;
    sum += importance(other) * (other.x + link.shift * lower.width);
    weights += importance(other);
  }
  return sum / weights;
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
  std::vector<std::vector<int>> chains;
  for (std::size_t i = 0; i < inputs.size(); ++i)
    chains.push_back({add_spot(layout, widths[i], layer[i])});
  for (std::size_t i = 0; i < inputs.size(); ++i)
    for (std::size_t k = 0; k < inputs[i].size(); ++k) {
      const double port = static_cast<double>(k + 1) / static_cast<double>(inputs[i].size() + 1);
      add_arrow(layout, chains[at(inputs[i][k])], static_cast<int>(i), port - 0.5);
    }
  order_layers(layout);
  place_all(layout);
  return layout;
}

}  // namespace gradus::graph_layout
