// Four steps: every box gets a layer, long arrows get bends, each layer gets an order with few
// crossings, and at last every spot gets its place from left to right.
#include "graph_layout.h"

#include <algorithm>
#include <span>

namespace gradus::graph_layout {

namespace {

constexpr double gap = 26;                           // between neighbours
constexpr int order_sweeps = 12, place_sweeps = 30;  // even: as many down as up

// A box stands one layer below the lowest of its inputs. Boxes without inputs come down to just
// above the first that uses them: a weight stands beside its matrix product, not at the top.
Numbers layers_of(const std::vector<Numbers>& inputs) {
  const std::size_t count = inputs.size();
  Numbers layer(count, 0), first_use(count, count);
  for (std::size_t i = 0; i < count; ++i) {
    for (const std::size_t input : inputs[i]) layer[i] = std::max(layer[i], layer[input] + 1);
    for (const std::size_t input : inputs[i])
      first_use[input] = std::min(first_use[input], layer[i]);
  }
  for (std::size_t i = 0; i < count; ++i)
    if (inputs[i].empty()) layer[i] = first_use[i] - 1;
  return layer;
}

std::size_t add_spot(Layout& layout, double width, std::size_t layer) {
  if (layout.layers.size() <= layer) layout.layers.resize(layer + 1);
  layout.layers[layer].push_back(layout.spots.size());
  layout.spots.push_back({width, layer});
  return layout.spots.size() - 1;
}

void connect(Layout& layout, std::size_t upper, std::size_t lower, double port) {
  layout.spots[upper].links.push_back({lower, port});
  layout.spots[lower].links.push_back({upper, -port});
}

// An arrow to an input of `to`. All arrows from one box share their bends: `chain` holds the box
// and those that are there, layer by layer.
void add_arrow(Layout& layout, Numbers& chain, std::size_t to, double port) {
  const std::size_t length = layout.spots[to].layer - layout.spots[chain[0]].layer;
  while (chain.size() < length) {
    const std::size_t bend = add_spot(layout, 0, layout.spots[chain.back()].layer + 1);
    connect(layout, chain.back(), bend, 0);
    chain.push_back(bend);
  }
  const std::span<const std::size_t> way = std::span(chain).first(length);
  layout.arrows.push_back({{way.begin(), way.end()}, to, port});
  connect(layout, way.back(), to, port);
}

// The mean place of what a spot is connected with above (or below), so that it can be put beneath
// (or above) that.
double barycentre(const Layout& layout, const std::vector<double>& place, std::size_t spot,
                  bool above) {
  double sum = 0, count = 0;
  for (const Link& link : layout.spots[spot].links) {
    if ((layout.spots[link.spot].layer < layout.spots[spot].layer) != above) continue;
    sum += place[link.spot] + link.shift;
    ++count;
  }
  return count == 0 ? place[spot] : sum / count;
}

// Sorts each layer by the barycentre of its neighbours in the layer above, going down, then of
// those below, going up, and so on: crossings become few, though not always the fewest.
void order_layers(Layout& layout) {
  std::vector<double> place(layout.spots.size());
  const auto count_places = [&](const Numbers& layer) {
    for (std::size_t i = 0; i < layer.size(); ++i) place[layer[i]] = static_cast<double>(i);
  };
  for (const Numbers& layer : layout.layers) count_places(layer);
  for (int sweep = 0; sweep < order_sweeps; ++sweep) {
    const bool down = sweep % 2 == 0;
    for (Numbers& layer : layout.layers) {
      std::stable_sort(layer.begin(), layer.end(), [&](std::size_t a, std::size_t b) {
        return barycentre(layout, place, a, down) < barycentre(layout, place, b, down);
      });
      count_places(layer);
    }
    std::reverse(layout.layers.begin(), layout.layers.end());
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
    const Spot& other = layout.spots[link.spot];
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
void place_layer(Layout& layout, const Numbers& layer) {
  struct Pool {
    double sum, weight;
    std::size_t count;
    double mean() const { return sum / weight; }
  };
  std::vector<double> packed;
  std::vector<Pool> pools;
  double right = 0;
  for (const std::size_t i : layer) {
    const Spot& spot = layout.spots[i];
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
      layout.spots[layer[next]].x = packed[next] + pool.mean();
}

void place_all(Layout& layout) {
  for (int sweep = 0; sweep < place_sweeps; ++sweep) {
    for (const Numbers& layer : layout.layers) place_layer(layout, layer);
    std::reverse(layout.layers.begin(), layout.layers.end());
  }
  double left = 1e300, right = -1e300;
  for (const Spot& spot : layout.spots) {
    left = std::min(left, spot.x - spot.width / 2);
    right = std::max(right, spot.x + spot.width / 2);
  }
  for (Spot& spot : layout.spots) spot.x -= left;
  layout.width = right - left;
}

}  // namespace

Layout arrange(const std::vector<Numbers>& inputs, const std::vector<double>& widths) {
  Layout layout;
  const Numbers layer = layers_of(inputs);
  std::vector<Numbers> chains;
  for (std::size_t i = 0; i < inputs.size(); ++i)
    chains.push_back({add_spot(layout, widths[i], layer[i])});
  for (std::size_t i = 0; i < inputs.size(); ++i)
    for (std::size_t k = 0; k < inputs[i].size(); ++k) {
      const double port = static_cast<double>(k + 1) / static_cast<double>(inputs[i].size() + 1);
      add_arrow(layout, chains[inputs[i][k]], i, port - 0.5);
    }
  order_layers(layout);
  place_all(layout);
  return layout;
}

}  // namespace gradus::graph_layout
