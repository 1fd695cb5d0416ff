#include <gradus/batches.h>

#include <algorithm>
#include <numeric>

namespace gradus {

Sample next_ids(const std::vector<int>& text, std::vector<int> source, Where where) {
  if (text.size() < 2)
    fail("next_ids", where, "at least two ids are needed, one to read and one to come next, not ",
         text.size());
  return {{text.begin(), text.end() - 1}, {text.begin() + 1, text.end()}, std::move(source)};
}

namespace {

std::vector<Sample> samples_of(const std::vector<Example>& examples,
                               const TextVectorizer& vectorizer, const Where& where) {
  std::vector<Sample> samples;
  for (const Example& example : examples)
    samples.push_back({vectorizer.encode(example.text, where), {example.label}});
  return samples;
}

}  // namespace

Batches::Batches(const std::vector<Example>& examples, const TextVectorizer& vectorizer,
                 BatchOptions options, std::uint64_t seed, Where where)
    : Batches(samples_of(examples, vectorizer, where), options, seed, where) {}

Batches::Batches(std::vector<Sample> samples, BatchOptions options, std::uint64_t seed, Where where)
    : samples_(std::move(samples)), options_(options), seed_(seed) {
  if (samples_.empty()) fail("Batches", where, "there are no examples");
  if (options.size == 0) fail("Batches", where, "the batch size must be at least 1");
  options_.size = std::min(options.size, samples_.size());
  std::size_t longest = options.pad_to;
  for (const Sample& sample : samples_) {
    per_id_ |= sample.labels.size() != 1;
    longest = std::max({longest, sample.ids.size(), sample.source.size()});
  }
  if (longest > (std::size_t{1} << 28) / options_.size)
    fail("Batches", where, "a batch of ", options_.size, " texts of ", longest,
         " positions is too large: at most 2^28 positions are possible");
  for (std::size_t i = 0; i < samples_.size(); ++i) {
    const Sample& sample = samples_[i];
    const auto refuse = [&](const auto&... problem) {
      fail("Batches", where, "text ", i, problem...);
    };
    if (sample.ids.empty()) refuse(" has no ids");
    if (sample.source.empty() != samples_[0].source.empty())
      refuse(sample.source.empty() ? " has an empty source" : " has a source, text 0 has none");
    if (per_id_ && sample.labels.size() != sample.ids.size())
      refuse(" has ", sample.ids.size(), " ids and ", sample.labels.size(),
             " labels: one for each, or one a text in all");
  }
}

std::vector<std::vector<std::size_t>> Batches::plan(std::uint64_t epoch) const {
  std::vector<std::size_t> order(samples_.size());
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
        return samples_[a].ids.size() + samples_[a].source.size() <
               samples_[b].ids.size() + samples_[b].source.size();
      });
  std::vector<std::vector<std::size_t>> batches;
  for (std::size_t begin = 0; begin < order.size(); begin += options_.size)
    batches.emplace_back(at(begin), at(begin + options_.size));
  if (options_.shuffle) random.shuffle(batches);
  return batches;
}

Batch Batches::make(const std::vector<std::size_t>& which, Where where) const {
  if (which.empty()) fail("Batches::make", where, "a batch needs at least one text");
  std::vector<int> lengths, source_lengths;
  Batch batch;
  for (const std::size_t i : which) {
    if (i >= samples_.size())
      fail("Batches::make", where, "there is no text ", i, " among ", samples_.size(),
           ", which count from 0");
    lengths.push_back(static_cast<int>(samples_[i].ids.size()));
    source_lengths.push_back(static_cast<int>(samples_[i].source.size()));
    if (!per_id_) batch.labels.push_back(samples_[i].labels[0]);
  }
  // One part of each sample: [B, T] or [B, S].
  const auto padded = [&](std::vector<int> Sample::*part, int padding) {
    std::size_t length = options_.pad_to;
    for (const std::size_t i : which) length = std::max(length, (samples_[i].*part).size());
    std::vector<int> all;
    for (const std::size_t i : which) {
      const std::vector<int>& one = samples_[i].*part;
      all.insert(all.end(), one.begin(), one.end());
      all.resize(all.size() + length - one.size(), padding);
    }
    return Ids(Shape({std::ssize(which), static_cast<Index>(length)}, where), all, where);
  };
  batch.ids = padded(&Sample::ids, 0);
  batch.mask = Mask::padding(std::move(lengths), where);
  if (per_id_) batch.labels = padded(&Sample::labels, -1).values;
  if (samples_[0].source.empty()) return batch;
  batch.source = padded(&Sample::source, 0);
  batch.source_mask = Mask::padding(std::move(source_lengths), where);
  return batch;
}

std::string Batches::settings() const {
  std::uint64_t hash = 0;
  for (const Sample& sample : samples_) {
    for (const int id : sample.ids) hash = random_bits(hash, static_cast<std::uint64_t>(id));
    for (const int label : sample.labels)
      hash = random_bits(hash, ~static_cast<std::uint64_t>(label));
    for (const int id : sample.source)
      hash = random_bits(hash, static_cast<std::uint64_t>(id) + (std::uint64_t{1} << 40));
  }
  return worded(samples_.size(), " (", hash, "), batches of ", options_.size, " padded to ",
                options_.pad_to, options_.group_by_length ? ", grouped by length" : "",
                options_.shuffle ? worded(", shuffled with seed ", seed_) : "");
}

double Batches::padding_share(std::uint64_t epoch) const {
  std::size_t words = 0, positions = 0;
  for (const auto& which : plan(epoch)) {
    positions += make(which).ids.values.size();
    for (const std::size_t i : which) words += samples_[i].ids.size();
  }
  return 1 - static_cast<double>(words) / static_cast<double>(positions);
}

}  // namespace gradus
