#include <gradus/batches.h>
#include <gradus/random.h>

#include <algorithm>
#include <numeric>

namespace gradus {

Batches::Batches(const std::vector<Example>& examples, const TextVectorizer& vectorizer,
                 BatchOptions options, std::uint64_t seed, Where where)
    : options_(options), seed_(seed) {
  if (examples.empty()) fail("Batches", where, "there are no examples");
  if (options.size == 0) fail("Batches", where, "the batch size must be at least 1");
  options_.size = std::min(options.size, examples.size());
  std::size_t longest = options.pad_to;
  for (const Example& example : examples) {
    ids_.push_back(vectorizer.encode(example.text, where));
    labels_.push_back(example.label);
    longest = std::max(longest, ids_.back().size());
  }
  if (longest > (std::size_t{1} << 28) / options_.size)
    fail("Batches", where,
         "a batch of " + std::to_string(options_.size) + " texts of " + std::to_string(longest) +
             " positions is too large: at most 2^28 positions are possible");
}

std::size_t Batches::count() const {
  return (ids_.size() + options_.size - 1) / options_.size;
}

std::vector<std::vector<std::size_t>> Batches::plan(std::uint64_t epoch) const {
  std::vector<std::size_t> order(ids_.size());
  std::iota(order.begin(), order.end(), 0);
  Random random(random_bits(seed_, epoch));
  if (options_.shuffle) random.shuffle(order);
  const auto at = [&](std::size_t i) { return order.data() + std::min(i, order.size()); };
  // Sorting all texts would put the same ones together every time; sorting some batches' worth of
  // shuffled texts does nearly as well against padding and keeps chance in.
  const std::size_t window = options_.shuffle ? 50 * options_.size : order.size();
  if (options_.group_by_length)
    for (std::size_t begin = 0; begin < order.size(); begin += window)
      std::stable_sort(at(begin), at(begin + window), [this](std::size_t a, std::size_t b) {
        return ids_[a].size() < ids_[b].size();
      });
  std::vector<std::vector<std::size_t>> batches;
  for (std::size_t begin = 0; begin < order.size(); begin += options_.size)
    batches.emplace_back(at(begin), at(begin + options_.size));
  if (options_.shuffle) random.shuffle(batches);
  return batches;
}

std::size_t Batches::length_of(const std::vector<std::size_t>& which) const {
  std::size_t longest = options_.pad_to;
  for (const std::size_t i : which) longest = std::max(longest, ids_[i].size());
  return longest;
}

Batch Batches::make(const std::vector<std::size_t>& which, Where where) const {
  if (which.empty()) fail("Batches::make", where, "a batch needs at least one text");
  for (const std::size_t i : which)
    if (i >= ids_.size())
      fail("Batches::make", where,
           "there is no text " + std::to_string(i) + " among " + std::to_string(ids_.size()) +
               ", which count from 0");
  const std::size_t length = length_of(which);
  std::vector<int> ids;
  std::vector<int> lengths;
  Batch batch;
  for (const std::size_t i : which) {
    ids.insert(ids.end(), ids_[i].begin(), ids_[i].end());
    lengths.push_back(static_cast<int>(ids_[i].size()));
    batch.labels.push_back(labels_[i]);
    ids.resize(batch.labels.size() * length, 0);
  }
  batch.ids = Ids(Shape({static_cast<Index>(which.size()), static_cast<Index>(length)}, where),
                  std::move(ids), where);
  batch.mask = Mask::padding(std::move(lengths), where);
  return batch;
}

std::string Batches::settings() const {
  std::uint64_t hash = 0;
  for (std::size_t i = 0; i < ids_.size(); ++i) {
    for (const int id : ids_[i]) hash = random_bits(hash, static_cast<std::uint64_t>(id));
    hash = random_bits(hash, ~static_cast<std::uint64_t>(labels_[i]));
  }
  return std::to_string(ids_.size()) + " (" + std::to_string(hash) + "), batches of " +
         std::to_string(options_.size) + " padded to " + std::to_string(options_.pad_to) +
         (options_.group_by_length ? ", grouped by length" : "") +
         (options_.shuffle ? ", shuffled with seed " + std::to_string(seed_) : "");
}

double Batches::padding_share(std::uint64_t epoch) const {
  std::size_t words = 0;
  std::size_t positions = 0;
  for (const auto& which : plan(epoch)) {
    positions += length_of(which) * which.size();
    for (const std::size_t i : which) words += ids_[i].size();
  }
  return 1 - static_cast<double>(words) / static_cast<double>(positions);
}

}  // namespace gradus
