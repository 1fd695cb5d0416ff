// Writing: how a token is chosen, batches of prompts, beams, and the cache, which changes no bit.

#include <doctest/doctest.h>
#include <gradus/gradus.h>

#include "plain.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>

using namespace gradus;
using plain::refusal;
using plain::says;

namespace {

using Text = std::vector<int>;
constexpr Scalar no_number = std::numeric_limits<Scalar>::quiet_NaN();
constexpr Scalar infinite = std::numeric_limits<Scalar>::infinity();

bool same_bits(const Tensor& a, const Tensor& b) {
  return a.shape() == b.shape() &&
         std::equal(a.values().begin(), a.values().end(), b.values().begin(), b.values().end());
}

// Two blocks of a decoder only, the output tied.
struct Language : SequenceModel {
  explicit Language(int heads, Index positions = 24, EncoderOptions options = {})
      : SequenceModel("Language"),
        embedding(positions, 9, 12, random),
        first(12, 16, heads, random, options),
        second(12, 16, heads, random, options) {
    add("embedding", embedding);
    add("first", first);
    add("second", second);
    for (Scalar& x : embedding.tokens.table.mutable_values()) x *= 20;  // so that it has opinions
  }
  Tensor decode(const Batch& batch, const Tensor&, Where where) override {
    const Mask mask = Mask::causal() & batch.mask;
    const Tensor words = embedding(batch.ids, batch.first(), where);
    const Tensor x = second(first(words, mask, batch.cache, where), mask, batch.cache, where);
    return embedding.tokens.logits(x, where);
  }
  Random random{7};
  PositionalEmbedding embedding;
  TransformerEncoder first, second;
};

struct Translator : SequenceModel {
  explicit Translator(int heads, Index positions = 24, EncoderOptions options = {})
      : SequenceModel("Translator"),
        source(positions, 9, 12, random),
        target(positions, 9, 12, random),
        encoder(12, 16, heads, random, options),
        first(12, 16, heads, random, options),
        second(12, 16, heads, random, options) {
    add("source", source);
    add("target", target);
    add("encoder", encoder);
    add("first", first);
    add("second", second);
    for (Scalar& x : target.tokens.table.mutable_values()) x *= 20;
  }
  Tensor encode(const Batch& batch, Where where) override {
    ++encoded_times;
    return encoder(source(batch.source, where), batch.source_mask, where);
  }
  Tensor decode(const Batch& batch, const Tensor& encoded, Where where) override {
    Tensor x = target(batch.ids, batch.first(), where);
    for (TransformerDecoder* block : {&first, &second})
      x = (*block)(x, encoded, batch.mask, batch.source_mask, batch.cache, where);
    return target.tokens.logits(x, where);
  }
  Random random{7};
  PositionalEmbedding source, target;
  TransformerEncoder encoder;
  TransformerDecoder first, second;
  int encoded_times = 0;
};

// The logits of the next token are those that `table` gives for the last: a Markov chain.
struct Chain : SequenceModel {
  explicit Chain(const Tensor& of) : SequenceModel("Chain"), table(of) { add("table", table); }
  Tensor decode(const Batch& batch, const Tensor&, Where where) override {
    if (training()) fail("Chain", where, "in training mode");
    if (grad_enabled()) fail("Chain", where, "with a graph");
    return embedding(table, batch.ids, where);
  }
  Tensor table;
};

std::vector<Text> written(SequenceModel& model, const std::vector<Text>& prompts,
                          const WriterOptions& options, const std::vector<Text>& sources = {}) {
  Writer writer(model, prompts, options, sources);
  while (writer.next()) {
  }
  return writer.texts();
}

// How often each token is chosen of 4000.
std::map<int, double> shares(const std::vector<Scalar>& logits, const Sampling& sampling) {
  Random random(3);
  std::map<int, double> found;
  for (int i = 0; i < 4000; ++i) found[choose(logits, sampling, random)] += 1.0 / 4000;
  return found;
}

}  // namespace

TEST_CASE("a token is chosen with the probability of softmax over the temperature") {
  const std::vector<Scalar> logits{1, 3, -infinite, 2, 0};
  for (const double temperature : {0.5, 1.0, 2.0}) {
    double total = 0;
    for (const Scalar x : logits) total += std::exp(static_cast<double>(x) / temperature);
    std::map<int, double> found = shares(logits, {.temperature = static_cast<Scalar>(temperature)});
    CHECK(found.count(2) == 0);
    for (const int id : {0, 1, 3, 4}) {
      const double p =
          std::exp(static_cast<double>(logits[static_cast<std::size_t>(id)]) / temperature) / total;
      CHECK(std::abs(found[id] - p) < 4 * std::sqrt(p / 4000));
    }
  }
}

TEST_CASE("a temperature of 0 takes the first of the likeliest, and draws nothing") {
  Random random(1);
  CHECK(choose(std::vector<Scalar>{1, 4, 2, 4}, {}, random) == 1);
  CHECK(choose(std::vector<Scalar>{-3, -5}, {.top_p = 0}, random) == 0);
  CHECK(choose(std::vector<Scalar>{7}, {}, random) == 0);
  CHECK(random.count() == 0);
  choose(std::vector<Scalar>{1, 4}, {.temperature = 1}, random);
  CHECK(random.count() == 1);
}

TEST_CASE("top_k leaves the k likeliest, and top_p the fewest that have p together") {
  // Probabilities 0.1, 0.4, 0.2, 0.3.
  std::vector<Scalar> logits;
  for (const double p : {0.1, 0.4, 0.2, 0.3}) logits.push_back(static_cast<Scalar>(std::log(p)));
  const auto left = [&](const Sampling& sampling) {
    std::string ids;
    for (const auto& [id, share] : shares(logits, sampling)) ids += std::to_string(id);
    return ids;
  };
  CHECK(left({.temperature = 1}) == "0123");
  CHECK(left({.temperature = 1, .top_k = 1}) == "1");
  CHECK(left({.temperature = 1, .top_k = 2}) == "13");
  CHECK(left({.temperature = 1, .top_k = 3}) == "123");
  CHECK(left({.temperature = 1, .top_k = 9}) == "0123");
  CHECK(left({.temperature = 1, .top_p = 0}) == "1");
  CHECK(left({.temperature = 1, .top_p = Scalar(0.39)}) == "1");
  CHECK(left({.temperature = 1, .top_p = Scalar(0.41)}) == "13");
  CHECK(left({.temperature = 1, .top_p = Scalar(0.69)}) == "13");
  CHECK(left({.temperature = 1, .top_p = Scalar(0.71)}) == "123");
  CHECK(left({.temperature = 1, .top_p = Scalar(0.95)}) == "0123");
  CHECK(left({.temperature = 1, .top_p = 1}) == "0123");
  CHECK(shares({2, 2, 2, 2}, {.temperature = 1, .top_p = Scalar(0.5)}).size() == 2);  // exactly
  // Of the two that top_k leaves, the first has 4/7 = 0.571.
  CHECK(left({.temperature = 1, .top_k = 2, .top_p = Scalar(0.56)}) == "1");
  CHECK(left({.temperature = 1, .top_k = 2, .top_p = Scalar(0.58)}) == "13");
  // Those that are left keep their proportions.
  CHECK(std::abs(shares(logits, {.temperature = 1, .top_k = 2})[1] - 4.0 / 7) < 0.04);
  CHECK(std::abs(shares(logits, {.temperature = 1, .top_p = Scalar(0.6)})[3] - 3.0 / 7) < 0.04);
  // Of equals the first are kept.
  CHECK(shares({1, 1, 1}, {.temperature = 1, .top_k = 2}).count(2) == 0);
}

TEST_CASE("what cannot be sampled is refused") {
  Random random(1);
  const std::vector<Scalar> logits{1, 2};
  const auto refused = [&](const std::vector<Scalar>& x, const Sampling& sampling,
                           const char* text) {
    says(refusal([&] { choose(x, sampling, random); }), text);
    says(refusal([&] { choose(x, sampling, random); }), " at tests/writing_test.cpp:");
  };
  const char* temperature = "the temperature must be a number of at least 0";
  for (const Scalar bad : {Scalar(-0.1), no_number, infinite})
    refused(logits, {.temperature = bad}, temperature);
  for (const Index bad : {0, -1}) refused(logits, {.top_k = bad}, "top_k must be at least 1, not ");
  for (const Scalar bad : {Scalar(-0.1), Scalar(1.1), no_number})
    refused(logits, {.top_p = bad}, "top_p must lie in 0 … 1, not ");
  refused({1, no_number}, {}, "the logits are not numbers");
  refused({no_number, 1}, {.temperature = 1}, "the logits are not numbers");
  for (const Scalar any : {Scalar(0), Scalar(1)})
    refused({1, infinite}, {.temperature = any}, "the largest logit is infinite");
  refused({-infinite, -infinite}, {.temperature = 1}, "the largest logit is infinite");
  refused({}, {}, "at least one logit is wanted");
}

TEST_CASE("the cache changes no bit: every length, several heads, both kinds of block") {
  for (const int heads : {1, 2, 3})
    for (const bool pre_norm : {false, true})
      for (const bool translate : {false, true}) {
        CAPTURE(heads);
        CAPTURE(pre_norm);
        CAPTURE(translate);
        const Index length = heads == 2 ? 150 : 20;  // more than a block of keys, or few
        const EncoderOptions options{.key_dim = 5, .pre_norm = pre_norm};
        Language language(heads, length, options);
        Translator translator(heads, length, options);
        SequenceModel& model = translate ? static_cast<SequenceModel&>(translator) : language;
        std::vector<Text> sources;
        if (translate) sources = {{3, 4, 5, 6, 7}, {8, 2}};
        WriterOptions how{.max_length = length, .sampling = {.temperature = 1}};
        Writer with(model, {{1, 2, 3}, {4, 5}}, how, sources);
        how.cache = false;
        Writer without(model, {{1, 2, 3}, {4, 5}}, how, sources);
        int steps = 0;
        while (with.next()) {
          REQUIRE(without.next());
          REQUIRE(same_bits(with.logits(), without.logits()));
          ++steps;
        }
        CHECK(steps == length - 2);
        CHECK(with.texts() == without.texts());
      }
}

TEST_CASE("a cache that is given several words at a time changes no bit either") {
  const NoGrad no_grad;
  Language model(2, 30);
  model.eval();
  Random random(2);
  std::vector<int> ids;
  for (int i = 0; i < 60; ++i) ids.push_back(static_cast<int>(random.below(9)));
  Batch batch;
  batch.ids = Ids({2, 30}, ids);
  const Tensor whole = model(batch);
  for (const Index step : {1, 3, 7, 29}) {
    Cache cache;
    for (Index at = 0; at < 30; at += step) {
      const Index end = std::min<Index>(at + step, 30);
      std::vector<int> part;
      for (Index b = 0; b < 2; ++b)
        part.insert(part.end(), ids.begin() + b * 30 + at, ids.begin() + b * 30 + end);
      Batch next;
      next.ids = Ids({2, end - at}, part);
      next.cache = &cache;
      CHECK(cache.length() == at);
      CHECK(same_bits(model(next), slice(whole, 1, at, end)));
    }
  }
}

TEST_CASE("a cache counts the words that are written, whichever attention comes first") {
  const NoGrad no_grad;
  Random random(2);
  MultiHeadAttention to_source(4, 2, 2, random), to_itself(4, 2, 2, random);
  const Tensor source = Tensor::full({1, 7, 4}, 1), word = Tensor::full({1, 1, 4}, 1);
  Cache cache;
  for (const Index written : {0, 1, 2}) {
    CHECK(cache.length() == written);
    to_source(word, source, source, {}, &cache);
    to_itself(word, word, word, {}, &cache);
  }
}

TEST_CASE("rows of a cache are picked with their source, and go on with the keys they have") {
  const NoGrad no_grad;
  Random random(2);
  MultiHeadAttention to_source(4, 2, 2, random);
  const Tensor words = Tensor::uniform({3, 1, 4}, -1, 1, random);
  Cache cache;
  cache.encoded = Tensor::uniform({3, 5, 4}, -1, 1, random);
  const Tensor all = to_source(words, cache.encoded, cache.encoded, {}, &cache);
  const Tensor source = cache.encoded;
  cache.pick({2, 0});
  const Tensor two = concatenate({slice(words, 0, 2, 3), slice(words, 0, 0, 1)}, 0);
  const Tensor picked = to_source(two, cache.encoded, cache.encoded, {}, &cache);
  for (const auto& [row, from] : {std::pair<Index, Index>{0, 2}, {1, 0}}) {
    CHECK(same_bits(slice(cache.encoded, 0, row, row + 1), slice(source, 0, from, from + 1)));
    CHECK(same_bits(slice(picked, 0, row, row + 1), slice(all, 0, from, from + 1)));
  }
}

TEST_CASE("the summary shows what a model that writes produced last") {
  for (const bool cache : {true, false}) {
    Language model(2);
    written(model, {{1, 2}, {3, 4}}, {.max_length = 3, .cache = cache});
    CHECK(model.summary().find(" Language                                     [2, 2, 9]") !=
          std::string::npos);
  }
}

TEST_CASE("the source is encoded once with a cache, and each time without") {
  Translator model(2);
  const std::vector<Text> sources{{3, 4, 5}};
  written(model, {{1}}, {.max_length = 9}, sources);
  CHECK(model.encoded_times == 1);
  written(model, {{1}}, {.max_length = 9, .cache = false}, sources);
  CHECK(model.encoded_times == 1 + 8);
}

TEST_CASE("a text of a batch is what it is alone, whatever the lengths of the others") {
  const std::vector<Text> prompts{{1}, {2, 3, 4, 5, 6}, {7, 8, 1}};
  const std::vector<Text> sources{{3, 4, 5, 6}, {1}, {2, 2}};
  for (const bool cache : {true, false}) {
    Language language(2);
    Translator translator(3);
    WriterOptions how{.max_length = 15, .cache = cache};
    const std::vector<Text> told = written(language, prompts, how);
    const std::vector<Text> translated = written(translator, prompts, how, sources);
    for (std::size_t b = 0; b < 3; ++b) {
      CHECK(std::equal(prompts[b].begin(), prompts[b].end(), told[b].begin()));
      CHECK(written(language, {prompts[b]}, how) == std::vector<Text>{told[b]});
      CHECK(written(translator, {prompts[b]}, how, {sources[b]}) ==
            std::vector<Text>{translated[b]});
    }
    CHECK(translated[0] != translated[2]);
  }
}

TEST_CASE("each call writes one token, a stop ends a text, and max_length ends all") {
  // 1 → 2 → 3 → 4 → 4 …
  Tensor table = Tensor::zeros({6, 6});
  const int next[] = {0, 2, 3, 4, 4, 1};
  for (int id = 0; id < 6; ++id) table.mutable_data()[id * 6 + next[id]] = 9;
  Chain model(table);
  for (const bool cache : {false, true}) {
    CAPTURE(cache);
    Writer writer(model, {{1}, {5, 1, 2}, {3, 3}}, {.max_length = 6, .stop = 3, .cache = cache});
    const auto texts = [&] { return writer.texts(); };
    CHECK(writer.next());
    CHECK(texts() == std::vector<Text>{{1, 2}, {5, 1, 2}, {3, 3}});
    CHECK(writer.next());
    CHECK(texts() == std::vector<Text>{{1, 2, 3}, {5, 1, 2}, {3, 3, 4}});
    CHECK(writer.logits().shape() == Shape{3, 6});
    CHECK(writer.next());
    CHECK(texts() == std::vector<Text>{{1, 2, 3}, {5, 1, 2, 3}, {3, 3, 4, 4}});
    while (writer.next()) {
    }
    CHECK(texts() == std::vector<Text>{{1, 2, 3}, {5, 1, 2, 3}, {3, 3, 4, 4, 4, 4}});
    CHECK_FALSE(writer.next());
    Writer full(model, {{1, 2}}, {.max_length = 2, .cache = cache});
    CHECK_FALSE(full.next());
    CHECK(full.texts() == std::vector<Text>{{1, 2}});
    if (!cache) continue;
    CHECK(model.training());
    CHECK(grad_enabled());
  }
}

TEST_CASE("texts of a batch draw from streams of their own, which the seed decides") {
  Chain model(Tensor::zeros({9, 9}));
  const auto write = [&](std::uint64_t seed, std::size_t count) {
    return written(
        model, std::vector<Text>(count, Text{1}),
        {.max_length = 30, .sampling = {.temperature = 1}, .seed = seed, .cache = false});
  };
  const std::vector<Text> three = write(1, 3);
  CHECK(three[0] != three[1]);
  CHECK(three[1] != three[2]);
  CHECK(write(1, 3) == three);
  CHECK(write(1, 1)[0] == three[0]);
  CHECK(write(2, 1)[0] != three[0]);
}

TEST_CASE("prompts, sources and options that do not fit are refused") {
  Language model(2, 8);
  const auto refused = [&](const std::vector<Text>& prompts, const WriterOptions& options,
                           const std::vector<Text>& sources, const char* text) {
    const std::string message = refusal([&] { Writer(model, prompts, options, sources); });
    says(message, text);
    says(message, " at tests/writing_test.cpp:");
  };
  refused({}, {}, {}, "there is no prompt");
  refused({{1}, {}}, {}, {}, "prompt 1 is empty: it needs a token to begin with");
  refused({{1}, {1, 2, 3}}, {.max_length = 2}, {},
          "prompt 1 has 3 tokens, there are positions for 2");
  refused({{1}, {2}}, {}, {{1}}, "2 prompts need as many sources, there are 1");
  refused({{1}, {2}}, {}, {{1}, {1}, {1}}, "2 prompts need as many sources, there are 3");
  refused({{1}, {2}}, {}, {{1}, {}},
          "the source of prompt 1 is empty: it needs at least one token");
  refused({{1}}, {}, {{}}, "the source of prompt 0 is empty");
  refused({{1}}, {.sampling = {.temperature = -1}}, {}, "the temperature must be");
  refused({{1}}, {.sampling = {.top_k = 0}}, {}, "top_k must be");
  refused({{1}}, {.sampling = {.top_p = 2}}, {}, "top_p must lie");
  Writer longer(model, {Text(9, 1)}, {.max_length = 20});
  says(refusal([&] { longer.next(); }), "there are positions for 8 words, the text has 9");
  Writer changed(model, {{1, 2}}, {.max_length = 8});
  changed.next();
  model.first.dense_1.bias.mutable_data()[0] += 1;
  says(refusal([&] { changed.next(); }), "filled before the weights were changed");
}

TEST_CASE("a cache of another model, batch, source or other weights is refused") {
  const NoGrad no_grad;
  Language model(2), other(2);
  Translator translator(2);
  const auto batch_of = [](Index texts, Cache& cache, const Ids& source = {}) {
    Batch batch;
    batch.ids = Ids({texts, 1}, std::vector<int>(static_cast<std::size_t>(texts), 1));
    batch.source = source;
    batch.cache = &cache;
    return batch;
  };
  const auto refused = [&](SequenceModel& of, const Batch& batch, const char* text) {
    const std::string message = refusal([&] { of(batch); });
    says(message, text);
    says(message, "Cache at tests/writing_test.cpp:");
  };
  Cache cache;
  model(batch_of(2, cache));
  model(batch_of(2, cache));
  refused(other, batch_of(2, cache), "filled by another model: begin with a new one");
  refused(model, batch_of(3, cache), "filled with 2 texts, not 3");
  model.second.dense_1.bias.mutable_data()[0] += 1;
  refused(model, batch_of(2, cache), "filled before the weights were changed");
  Cache replaced;
  model(batch_of(2, replaced));
  model.first.norm_1.gamma = Tensor::full({12}, 1).requires_grad(true);
  refused(model, batch_of(2, replaced), "filled before the weights were changed");
  Cache of_source;
  translator(batch_of(1, of_source, Ids({1, 2}, {3, 4})));
  translator(batch_of(1, of_source, Ids({1, 2}, {3, 4})));
  refused(translator, batch_of(1, of_source, Ids({1, 2}, {3, 5})), "filled with another source");
  // A block that is called by hand notices another input.
  Random random(1);
  TransformerDecoder block(4, 4, 1, random);
  const Tensor x = Tensor::full({1, 1, 4}, 1), a = Tensor::full({1, 2, 4}, 1);
  Cache by_hand;
  block(x, a, {}, {}, &by_hand);
  block(x, a, {}, {}, &by_hand);
  says(refusal([&] { block(x, a * 2, {}, {}, &by_hand); }),
       "it has the keys of another input than");
}

namespace {

// All texts that a chain can write, with their log-probabilities, by going through them.
void all_texts(const Tensor& table, int stop, std::size_t most, Text text, double sum,
               std::vector<Beam>& found, std::size_t prompt, double power) {
  const Tensor logs = log_softmax(table);
  for (int id = 0; id < static_cast<int>(table.shape()[0]); ++id) {
    Text next = text;
    next.push_back(id);
    const double total = sum + static_cast<double>(logs.at({text.back(), id}));
    if (id == stop || next.size() == most)
      found.push_back(
          {next, total, total / std::pow(static_cast<double>(next.size() - prompt), power)});
    else
      all_texts(table, stop, most, next, total, found, prompt, power);
  }
}

}  // namespace

TEST_CASE("with enough beams the search finds the best of all texts, for each length_power") {
  Random random(4);
  const Tensor table = Tensor::normal({4, 4}, 0, 1, random);
  Chain model(table);
  for (const double power : {0.0, 0.6, 1.0, 2.0}) {
    CAPTURE(power);
    std::vector<Beam> all;
    all_texts(table, 3, 5, {0, 1}, 0, all, 2, power);
    std::stable_sort(all.begin(), all.end(),
                     [](const Beam& a, const Beam& b) { return a.score > b.score; });
    const std::vector<Beam> found = beam_search(model, {0, 1},
                                                {.beams = static_cast<int>(all.size()),
                                                 .max_length = 5,
                                                 .stop = 3,
                                                 .length_power = static_cast<Scalar>(power),
                                                 .cache = false});
    REQUIRE(found.size() == all.size());
    for (std::size_t i = 0; i < all.size(); ++i) {
      CHECK(found[i].score == doctest::Approx(all[i].score).epsilon(1e-5));
      CHECK(found[i].log_probability ==
            doctest::Approx(found[i].score *
                            std::pow(static_cast<double>(found[i].text.size() - 2), power))
                .epsilon(1e-5));
    }
    CHECK(found[0].text == all[0].text);
  }
}

TEST_CASE("a few beams are kept as the rule says, step by step on paper") {
  // From 0 to 1 with 0.58, to 2 with 0.4; from 1 to the end, 3, with 0.31, a little more than to 1
  // or 2; from 2 nearly always to the end. Greedy goes to 1, two beams find 0 2 3.
  const auto logs = [](std::initializer_list<double> p) {
    std::vector<Scalar> row;
    for (const double x : p) row.push_back(static_cast<Scalar>(std::log(x)));
    return row;
  };
  std::vector<Scalar> rows;
  for (const auto& row : {logs({0.01, 0.58, 0.4, 0.01}), logs({0.1, 0.29, 0.3, 0.31}),
                          logs({0.01, 0.01, 0.01, 0.97}), logs({0.25, 0.25, 0.25, 0.25})})
    rows.insert(rows.end(), row.begin(), row.end());
  Chain model(Tensor::from({4, 4}, rows));
  const BeamOptions one{.beams = 1, .max_length = 6, .stop = 3, .length_power = 0, .cache = false};
  const std::vector<Beam> greedy = beam_search(model, {0}, one);
  REQUIRE(greedy.size() == 1);
  CHECK(greedy[0].text == Text{0, 1, 3});
  CHECK(greedy[0].log_probability == doctest::Approx(std::log(0.58 * 0.31)).epsilon(1e-5));
  CHECK(greedy[0].text == written(model, {{0}}, {.max_length = 6, .stop = 3, .cache = false})[0]);
  BeamOptions two = one;
  two.beams = 2;
  const std::vector<Beam> best = beam_search(model, {0}, two);
  REQUIRE(best.size() == 2);
  CHECK(best[0].text == Text{0, 2, 3});
  CHECK(best[0].log_probability == doctest::Approx(std::log(0.4 * 0.97)).epsilon(1e-5));
  CHECK(best[1].text == Text{0, 1, 3});
  two.max_length = 2;  // no text has ended
  const std::vector<Beam> cut = beam_search(model, {0}, two);
  REQUIRE(cut.size() == 2);
  CHECK(cut[0].text == Text{0, 1});
  CHECK(cut[1].text == Text{0, 2});
  for (const double power : {0.0, 1.0}) {  // nothing can be written: the prompt, and no NaN
    two.length_power = static_cast<Scalar>(power);
    const std::vector<Beam> full = beam_search(model, {0, 1}, two);
    REQUIRE(full.size() == 1);
    CHECK(full[0].text == Text{0, 1});
    CHECK(full[0].score == 0);
  }
}

TEST_CASE("a text may end only among the likeliest of all, those that ended counted in") {
  // From 3 to 1 with 0.52, to 2 with 0.48; from 1 to the end, 0, with 0.45; from 2 to the end with
  // 0.45, or elsewhere with half of what is left. Of two beams' next texts the likeliest are 3 1 1
  // (0.286), 3 1 0 (0.234), which ends, and 3 2 0 (0.216), which is the third and must not end.
  std::vector<Scalar> rows;
  for (const double p :
       {.25, .25, .25, .25, .45, .55, 1e-9, 1e-9, .45, .28, .27, 1e-9, 1e-9, .52, .48, 1e-9})
    rows.push_back(static_cast<Scalar>(std::log(p)));
  Chain model(Tensor::from({4, 4}, rows));
  const std::vector<Beam> found = beam_search(
      model, {3}, {.beams = 2, .max_length = 9, .stop = 0, .length_power = 0, .cache = false});
  REQUIRE(found.size() == 2);
  CHECK(found[0].text == Text{3, 1, 0});
  CHECK(found[1].text == Text{3, 1, 1, 0});
}

TEST_CASE("a text that ends takes no room from those that go on") {
  // From 0 half the texts end; 1, with 0.3, goes on in four ways, 2, with 0.2, in one.
  std::vector<Scalar> rows;
  for (const double p : {0.0, 0.3, 0.2, 0.5, 0.4, 0.2, 0.2, 0.2, 0.0, 0.0, 0.0, 1.0})
    rows.push_back(static_cast<Scalar>(p > 0 ? std::log(p) : -99));
  rows.insert(rows.end(), 4, 0);
  Chain model(Tensor::from({4, 4}, rows));
  for (const bool three : {false, true}) {
    const std::vector<Beam> found = beam_search(
        model, {0},
        {.beams = three ? 3 : 2, .max_length = 3, .stop = 3, .length_power = 0, .cache = false});
    REQUIRE(found.size() == (three ? 3 : 2));
    CHECK(found[0].text == Text{0, 3});
    CHECK(found[1].text == Text{0, 2, 3});
    CHECK(found[1].log_probability == doctest::Approx(std::log(0.2)).epsilon(1e-5));
    if (three) CHECK(found[2].text == Text{0, 1, 0});
  }
}

TEST_CASE("one beam writes what greedy writes, and the cache changes no bit of a search") {
  Language language(2);
  Translator translator(3);
  for (const int stop : {-1, 4}) {
    for (const Text& prompt : {Text{1}, Text{5, 3, 2}}) {
      const Text source{3, 4, 8};
      const BeamOptions one{.beams = 1, .max_length = 12, .stop = stop};
      CHECK(beam_search(language, prompt, one)[0].text ==
            written(language, {prompt}, {.max_length = 12, .stop = stop})[0]);
      CHECK(beam_search(translator, prompt, one, source)[0].text ==
            written(translator, {prompt}, {.max_length = 12, .stop = stop}, {source})[0]);
      BeamOptions how{.beams = 5, .max_length = 12, .stop = stop};
      const auto language_beams = beam_search(language, prompt, how);
      const auto translator_beams = beam_search(translator, prompt, how, source);
      how.cache = false;
      const auto language_plain = beam_search(language, prompt, how);
      const auto translator_plain = beam_search(translator, prompt, how, source);
      REQUIRE(language_beams.size() == 5);
      REQUIRE(translator_beams.size() == 5);
      for (std::size_t i = 0; i < 5; ++i) {
        CHECK(language_beams[i].text == language_plain[i].text);
        CHECK(language_beams[i].score == language_plain[i].score);
        CHECK(translator_beams[i].text == translator_plain[i].text);
        CHECK(translator_beams[i].score == translator_plain[i].score);
      }
    }
  }
}

TEST_CASE("a search that makes no sense is refused") {
  Chain model(Tensor::zeros({3, 3}));
  const auto refused = [&](const BeamOptions& options, const char* text) {
    const std::string message = refusal([&] { beam_search(model, {1, 2}, options); });
    says(message, text);
    says(message, " at tests/writing_test.cpp:");
  };
  refused({.beams = 0}, "at least one beam is needed, not 0");
  refused({.beams = -1}, "at least one beam");
  refused({.length_power = no_number}, "length_power must be a number");
  refused({.length_power = infinite}, "length_power must be a number");
  refused({.max_length = 1}, "prompt 0 has 2 tokens, there are positions for 1");
  Translator translator(2);
  const auto translate = [&](const std::optional<Text>& source) {
    return refusal([&] { beam_search(translator, {1}, {.max_length = 3}, source); });
  };
  CHECK(translate(Text{4, 5}) == "not refused");
  says(translate(Text{}), "Writer at tests/writing_test.cpp:");
  says(translate(Text{}), "the source of prompt 0 is empty: it needs at least one token");
  says(translate({}), "ids of shape [B, T] are needed, not []");  // the encoder has none to read
  for (const Scalar bad : {no_number, infinite, -infinite}) {
    Chain broken(Tensor::full({3, 3}, bad));
    says(refusal([&] { beam_search(broken, {1}, {.cache = false}); }),
         "the logits are not numbers, or the largest is infinite");
  }
}

TEST_CASE("rows of ids are picked in any order, and one that is not there is refused") {
  const Ids ids({3, 2}, {1, 2, 3, 4, 5, 6});
  const Ids picked = ids.rows({2, 0, 2, 1});
  CHECK(picked.shape == Shape{4, 2});
  CHECK(picked.values == std::vector<int>{5, 6, 1, 2, 5, 6, 3, 4});
  for (const int row : {3, -1})
    says(refusal([&] { static_cast<void>(ids.rows({0, row})); }), "there is no row");
  for (const Ids& other : {Ids({1, 2, 3}), Ids({1, 2, 1}, {1, 2})})
    REFUSED("Ids::rows", "ids of shape [B, T] are needed, not " + to_string(other.shape),
            other.rows({0}));
  const std::initializer_list<int> none;
  says(refusal([&] { static_cast<void>(Ids(none)); }), "Shape at tests/writing_test.cpp:");
  says(refusal([&] { static_cast<void>(ids.rows({})); }), "Shape at tests/writing_test.cpp:");
}
