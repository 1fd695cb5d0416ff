#include <gradus/operations.h>
#include <gradus/writing.h>

#include "../kernels/math.h"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace gradus {

void Sampling::check(const Where& where) const {
  if (!(temperature >= 0) || std::isinf(temperature))
    fail("Sampling", where, "the temperature must be a number of at least 0, not ", temperature);
  if (top_k < 1) fail("Sampling", where, "top_k must be at least 1, not ", top_k);
  if (!(top_p >= 0 && top_p <= 1)) fail("Sampling", where, "top_p must lie in 0 … 1, not ", top_p);
}

int choose(std::span<const Scalar> logits, const Sampling& sampling, Random& random, Where where) {
  sampling.check(where);
  if (logits.empty()) fail("choose", where, "at least one logit is wanted, there is none");
  std::vector<std::pair<Scalar, int>> best;  // minus the logit, and the id: in order of likelihood
  for (const Scalar logit : logits) {
    if (std::isnan(logit)) fail("choose", where, "the logits are not numbers");
    best.push_back({-logit, static_cast<int>(best.size())});
  }
  const bool greedy = sampling.temperature == 0;
  const Index count = std::min(static_cast<Index>(best.size()), greedy ? 1 : sampling.top_k);
  std::partial_sort(best.begin(), best.begin() + count, best.end());
  best.resize(static_cast<std::size_t>(count));
  const auto [least, likeliest] = best[0];
  if (std::isinf(least)) fail("choose", where, "the largest logit is infinite");
  if (greedy) return likeliest;
  std::vector<double> up_to;  // the sum of the weights up to each
  for (const auto& [minus, id] : best) {
    const Scalar below = least - minus;
    const auto weight = static_cast<double>(kernels::exp_one(below / sampling.temperature));
    up_to.push_back(weight + (up_to.empty() ? 0 : up_to.back()));
  }
  const double wanted = static_cast<double>(sampling.top_p) * up_to.back();
  const auto last = std::lower_bound(up_to.begin(), up_to.end() - 1, wanted);
  up_to.erase(last + 1, up_to.end());
  const double drawn = static_cast<double>(random.uniform()) * up_to.back();
  const auto chosen = std::upper_bound(up_to.begin(), up_to.end() - 1, drawn);
  return best[static_cast<std::size_t>(chosen - up_to.begin())].second;
}

Writer::Writer(SequenceModel& model, std::vector<std::vector<int>> prompts, WriterOptions options,
               const std::vector<std::vector<int>>& sources, Where where)
    : model_(model), options_(options), texts_(std::move(prompts)), columns_(0) {
  options_.sampling.check(where);
  if (texts_.empty()) fail("Writer", where, "there is no prompt");
  if (!sources.empty() && sources.size() != texts_.size())
    fail("Writer", where, texts_.size(), " prompts need as many sources, there are ",
         sources.size());
  std::vector<Sample> samples;
  for (std::size_t b = 0; b < texts_.size(); ++b) {
    if (texts_[b].empty())
      fail("Writer", where, "prompt ", b, " is empty: it needs a token to begin with");
    if (std::ssize(texts_[b]) > options_.max_length)
      fail("Writer", where, "prompt ", b, " has ", texts_[b].size(),
           " tokens, there are positions for ", options_.max_length);
    if (!sources.empty() && sources[b].empty())
      fail("Writer", where, "the source of prompt ", b, " is empty: it needs at least one token");
    samples.push_back({{0}, {-1}, sources.empty() ? std::vector<int>{} : sources[b]});
    prompts_.push_back(texts_[b].size());
    random_.push_back(Random(random_bits(options_.seed, b)));
  }
  columns_ = *std::min_element(prompts_.begin(), prompts_.end());
  std::vector<std::size_t> all(texts_.size());
  std::iota(all.begin(), all.end(), 0);
  batch_ = Batches(std::move(samples), {}, 0, where).make(all, where);
  batch_.mask = {};
  batch_.labels = {};
}

bool Writer::finished(std::size_t b) const {
  const std::vector<int>& text = texts_[b];
  return std::ssize(text) >= options_.max_length ||
         (text.size() > prompts_[b] && text.back() == options_.stop);
}

// Gives the model the columns that it has not seen, or all if there is no cache.
void Writer::read(const Where& where) {
  const NoGrad no_grad;
  const InEvaluation mode(model_);
  if (options_.cache) batch_.cache = &cache_;
  const auto first = static_cast<std::size_t>(batch_.first());
  std::vector<int> ids;
  for (const std::vector<int>& text : texts_)
    for (std::size_t t = first; t < columns_; ++t) ids.push_back(t < text.size() ? text[t] : 0);
  const Shape shape({std::ssize(texts_), static_cast<Index>(columns_ - first)}, where);
  batch_.ids = Ids(shape, std::move(ids), where);
  const Tensor logits = model_(batch_, where);  // [B, T, V]
  const Index end = logits.shape()[1];
  logits_ = reshape(slice(logits, 1, end - 1, end, where), {shape[0], -1}, where);
}

bool Writer::next(Where where) {
  bool done = true;
  for (std::size_t b = 0; b < texts_.size(); ++b) done &= finished(b);
  if (done) return false;
  read(where);
  const auto width = static_cast<std::size_t>(logits_.shape()[1]);
  for (std::size_t b = 0; b < texts_.size(); ++b)
    if (texts_[b].size() == columns_ && !finished(b))
      texts_[b].push_back(
          choose(logits_.values().subspan(b * width, width), options_.sampling, random_[b], where));
  ++columns_;
  return true;
}

}  // namespace gradus
