#include <gradus/operations.h>
#include <gradus/writing.h>

#include "../kernels/math.h"

#include <algorithm>
#include <cmath>

namespace gradus {

// The texts that go on are those of a Writer; the finished ones are put aside.
class BeamSearch {
 public:
  BeamSearch(Writer& writer, const BeamOptions& options)
      : writer_(writer), options_(options), beams_(static_cast<std::size_t>(options.beams)) {
    writer_.batch_.source_mask = {};  // the only source is not padded
  }

  std::vector<Beam> run(const Where& where) {
    while (!live_.empty() && !writer_.finished(0) && done_.size() < beams_) step(where);
    for (std::size_t row = 0; row < live_.size() && done_.size() < beams_; ++row)
      put_aside(writer_.texts_[row], live_[row]);
    std::stable_sort(done_.begin(), done_.end(),
                     [](const Beam& a, const Beam& b) { return a.score > b.score; });
    return std::move(done_);
  }

 private:
  struct Candidate {
    double log_probability;
    int row, token;
  };

  void put_aside(const std::vector<int>& text, double log_probability) {
    // At least 1: a prompt that has max_length tokens already comes back as it is.
    const auto written =
        static_cast<Scalar>(std::max<std::size_t>(text.size() - writer_.prompts_[0], 1));
    const Scalar norm = kernels::exp_one(options_.length_power * kernels::log_one(written));
    done_.push_back({text, log_probability, log_probability / static_cast<double>(norm)});
  }

  // The likeliest of all texts with all next tokens, likeliest first. Twice as many as there are
  // beams, for one of each text may be its end.
  std::vector<Candidate> candidates() const {
    const Tensor logs = log_softmax(writer_.logits_);
    const auto width = static_cast<std::size_t>(logs.shape()[1]);
    std::vector<Candidate> all;
    for (std::size_t i = 0; i < live_.size() * width; ++i)
      all.push_back({live_[i / width] + static_cast<double>(logs.values()[i]),
                     static_cast<int>(i / width), static_cast<int>(i % width)});
    const auto most = static_cast<std::ptrdiff_t>(std::min(2 * beams_, all.size()));
    std::partial_sort(all.begin(), all.begin() + most, all.end(),
                      [](const Candidate& a, const Candidate& b) {
                        if (a.log_probability != b.log_probability)
                          return a.log_probability > b.log_probability;
                        return a.row != b.row ? a.row < b.row : a.token < b.token;
                      });
    all.erase(all.begin() + most, all.end());
    return all;
  }

  void step(const Where& where) {
    writer_.read(where);
    for (const Scalar x : writer_.logits_.values())
      if (std::isnan(x)) fail("beam_search", where, "the logits are not numbers");
    std::vector<std::vector<int>> texts;
    std::vector<int> rows;
    std::vector<double> live;
    std::size_t rank = 0;
    for (const Candidate& c : candidates()) {
      std::vector<int> text = writer_.texts_[static_cast<std::size_t>(c.row)];
      text.push_back(c.token);
      const bool among_best = rank++ < beams_;
      if (c.token == options_.stop) {
        if (among_best) put_aside(text, c.log_probability);
      } else if (texts.size() < beams_) {
        texts.push_back(std::move(text));
        rows.push_back(c.row);
        live.push_back(c.log_probability);
      }
    }
    live_ = std::move(live);
    if (!live_.empty()) writer_.go_on_with(std::move(texts), rows, where);
  }

  Writer& writer_;
  BeamOptions options_;
  std::size_t beams_;
  std::vector<double> live_ = {0};  // the log-probability of each text
  std::vector<Beam> done_;
};

std::vector<Beam> beam_search(SequenceModel& model, const std::vector<int>& prompt,
                              BeamOptions options, const std::optional<std::vector<int>>& source,
                              Where where) {
  if (options.beams < 1)
    fail("beam_search", where, "at least one beam is needed, not " + std::to_string(options.beams));
  if (!std::isfinite(options.length_power))
    fail("beam_search", where,
         "length_power must be a number, not " + std::to_string(options.length_power));
  const WriterOptions writing{
      .max_length = options.max_length, .stop = options.stop, .cache = options.cache};
  std::vector<std::vector<int>> sources;
  if (source) sources.push_back(*source);
  Writer writer(model, {prompt}, writing, sources, where);
  return BeamSearch(writer, options).run(where);
}

}  // namespace gradus
