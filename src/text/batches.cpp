#include <gradus/batches.h>
#include <gradus/random.h>

#include <algorithm>

namespace gradus {

Batches::Batches(const std::vector<Example>& examples, const TextVectorizer& vectorizer,
                 BatchOptions options, std::uint64_t seed, Where where)
    : options_(options), seed_(seed) {
  if (examples.empty()) fail("Batches", where, "there are no examples");
  if (options.size == 0) fail("Batches", where, "the batch size must be at least 1");
  for (const Example& example : examples) {
    ids_.push_back(vectorizer.encode(example.text, where));
    labels_.push_back(example.label);
  }
}

std::size_t Batches::count() const {
  return (ids_.size() + options_.size - 1) / options_.size;
}

std::vector<std::vector<std::size_t>> Batches::plan(std::uint64_t epoch) const {
  std::vector<std::size_t> order(ids_.size());
  for (std::size_t i = 0; i < order.size(); ++i) order[i] = i;
  Random random(random_bits(seed_, epoch));
  if (options_.shuffle) random.shuffle(order);
  // Sorting all texts would put the same ones together every time; sorting some batches' worth of
  // shuffled texts does nearly as well against padding and keeps chance in.
  const std::size_t window = (options_.shuffle ? 50 : ids_.size()) * options_.size;
  if (options_.group_by_length)
    for (std::size_t begin = 0; begin < order.size(); begin += window) {
      const auto first = order.begin() + static_cast<std::ptrdiff_t>(begin);
      const auto last =
          order.begin() + static_cast<std::ptrdiff_t>(std::min(begin + window, order.size()));
      std::stable_sort(first, last, [this](std::size_t a, std::size_t b) {
        return ids_[a].size() < ids_[b].size();
      });
    }
  std::vector<std::vector<std::size_t>> batches;
  for (std::size_t begin = 0; begin < order.size(); begin += options_.size) {
    const auto first = order.begin() + static_cast<std::ptrdiff_t>(begin);
    const std::size_t size = std::min(options_.size, order.size() - begin);
    batches.emplace_back(first, first + static_cast<std::ptrdiff_t>(size));
  }
  if (options_.shuffle) random.shuffle(batches);
  return batches;
}

Batch Batches::make(const std::vector<std::size_t>& which, Where where) const {
  std::size_t longest = options_.pad_to;
  for (const std::size_t i : which) longest = std::max(longest, ids_[i].size());
  std::vector<int> ids;
  std::vector<int> lengths;
  Batch batch;
  for (const std::size_t i : which) {
    ids.insert(ids.end(), ids_[i].begin(), ids_[i].end());
    ids.resize(ids.size() + longest - ids_[i].size(), 0);
    lengths.push_back(static_cast<int>(ids_[i].size()));
    batch.labels.push_back(labels_[i]);
  }
  batch.ids = Ids(Shape({static_cast<Index>(which.size()), static_cast<Index>(longest)}, where),
                  std::move(ids), where);
  batch.mask = Mask::padding(std::move(lengths), where);
  batch.which = which;
  return batch;
}

double Batches::padding_share(std::uint64_t epoch) const {
  std::size_t words = 0;
  std::size_t positions = 0;
  for (const auto& which : plan(epoch)) {
    std::size_t longest = options_.pad_to;
    for (const std::size_t i : which) {
      longest = std::max(longest, ids_[i].size());
      words += ids_[i].size();
    }
    positions += longest * which.size();
  }
  return 1 - static_cast<double>(words) / static_cast<double>(positions);
}

}  // namespace gradus
