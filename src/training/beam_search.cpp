#include <gradus/operations.h>
#include <gradus/writing.h>

#include "../kernels/math.h"

#include <algorithm>
#include <cmath>
#include <compare>

namespace gradus {

// The texts that go on are those of a Writer; the finished ones are put aside.
struct BeamSearch {
  Writer& writer;
  const BeamOptions& options;
  std::size_t beams = static_cast<std::size_t>(options.beams);
  std::vector<double> live = {0};  // the log-probability of each text
  std::vector<Beam> done = {};

  std::vector<Beam> run(const Where& where) {
    writer.batch_.source_mask = {};  // the only source is not padded
    while (!live.empty() && !writer.finished(0) && done.size() < beams) step(where);
    for (std::size_t row = 0; row < live.size() && done.size() < beams; ++row)
      put_aside(writer.texts_[row], live[row]);
    std::stable_sort(done.begin(), done.end(),
                     [](const Beam& a, const Beam& b) { return a.score > b.score; });
    return std::move(done);
  }

  struct Candidate {
    double surprise;  // minus the log-probability: what is likeliest comes first
    int row, token;
    auto operator<=>(const Candidate&) const = default;
  };

  void put_aside(const std::vector<int>& text, double log_probability) {
    // At least 1: a prompt that has max_length tokens already comes back as it is.
    const auto written =
        static_cast<Scalar>(std::max<std::size_t>(text.size() - writer.prompts_[0], 1));
    const Scalar norm = kernels::exp_one(options.length_power * kernels::log_one(written));
    done.push_back({text, log_probability, log_probability / static_cast<double>(norm)});
  }

  // The likeliest of all texts with all next tokens, likeliest first. Twice as many as there are
  // beams, for one of each text may be its end.
  std::vector<Candidate> candidates(const Where& where) const {
    const Tensor logs = log_softmax(writer.logits_, -1, where);
    const auto width = static_cast<std::size_t>(logs.shape()[1]);
    std::vector<Candidate> all;
    for (std::size_t i = 0; i < live.size() * width; ++i) {
      const double log_probability = static_cast<double>(logs.values()[i]);
      if (std::isnan(log_probability))
        fail("beam_search", where, "the logits are not numbers, or the largest is infinite");
      all.push_back({-(live[i / width] + log_probability), static_cast<int>(i / width),
                     static_cast<int>(i % width)});
    }
    const auto most = static_cast<std::ptrdiff_t>(std::min(2 * beams, all.size()));
    std::partial_sort(all.begin(), all.begin() + most, all.end());
    all.erase(all.begin() + most, all.end());
    return all;
  }

  void step(const Where& where) {
    writer.read(where);
    std::vector<std::vector<int>> texts;
    std::vector<int> rows;  // where each of them stood, with a token less
    std::size_t rank = 0;
    const std::vector<Candidate> best = candidates(where);
    live.clear();
    for (const Candidate& c : best) {
      std::vector<int> text = writer.texts_[static_cast<std::size_t>(c.row)];
      text.push_back(c.token);
      const bool among_best = rank++ < beams;
      if (c.token == options.stop) {
        if (among_best) put_aside(text, -c.surprise);
      } else if (texts.size() < beams) {
        texts.push_back(std::move(text));
        rows.push_back(c.row);
        live.push_back(-c.surprise);
      }
    }
    if (live.empty()) return;
    const std::size_t prompt = writer.prompts_[0];  // a copy: assign() lets the old ones go
    writer.prompts_.assign(texts.size(), prompt);
    writer.texts_ = std::move(texts);
    if (!writer.batch_.source.values.empty())
      writer.batch_.source = writer.batch_.source.rows(rows, where);
    if (options.cache) writer.cache_.pick(rows, where);
    ++writer.columns_;
  }
};

std::vector<Beam> beam_search(SequenceModel& model, const std::vector<int>& prompt,
                              BeamOptions options, const std::optional<std::vector<int>>& source,
                              Where where) {
  if (options.beams < 1)
    fail("beam_search", where, "at least one beam is needed, not ", options.beams);
  if (!std::isfinite(options.length_power))
    fail("beam_search", where, "length_power must be a number, not ", options.length_power);
  const WriterOptions writing{
      .max_length = options.max_length, .stop = options.stop, .cache = options.cache};
  std::vector<std::vector<int>> sources;
  if (source) sources.push_back(*source);
  Writer writer(model, {prompt}, writing, sources, where);
  return BeamSearch{writer, options}.run(where);
}

}  // namespace gradus
