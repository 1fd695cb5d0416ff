// fit() for tasks other than classification: next ids, with a source and without one.

#include "training.h"

#include <cmath>

using namespace training;

namespace {

struct Stop {};

// Each id has a row of logits for the next one; a source adds the mean of its ids' rows.
struct Pairs : SequenceModel {
  Pairs() : SequenceModel("Pairs") {
    add("table", table);
    add("source_table", source_table);
    add("dropout", dropout);
  }
  Tensor encode(const Batch& batch, Where where) override {
    if (batch.source.values.empty()) return {};
    const Tensor words = embedding(source_table, batch.source, where);
    return mean_pooling(words, batch.source_mask, where);  // [B, 7]
  }
  Tensor decode(const Batch& batch, const Tensor& encoded, Where where) override {
    if (++calls == stop_at) throw Stop();
    const Tensor x = dropout(embedding(table, batch.ids, where), where);
    if (!encoded.exists()) return x;
    return x + reshape(encoded, {encoded.shape()[0], 1, 7});
  }
  Random random{5};
  Tensor table = Tensor::normal({7, 7}, 0, 1, random);
  Tensor source_table = Tensor::normal({7, 7}, 0, 1, random);
  Dropout dropout{Scalar(0.25), random};
  int calls = 0, stop_at = 0;
};

// A decoder only, as lesson 22 has it.
struct Language : SequenceModel {
  Language() : SequenceModel("Language") {
    add("embedding", embedding);
    add("block", block);
    add("norm", norm);
  }
  Tensor decode(const Batch& batch, const Tensor&, Where where) override {
    if (++calls == stop_at) throw Stop();
    const Mask mask = Mask::causal() & batch.mask;
    const Tensor x = block(embedding(batch.ids, batch.first(), where), mask, batch.cache, where);
    return embedding.tokens.logits(norm(x, where), where);
  }
  Random random{5};
  PositionalEmbedding embedding{8, 7, 8, random};
  TransformerEncoder block{8,
                           12,
                           2,
                           random,
                           {.key_dim = 4,
                            .dropout = Scalar(0.25),
                            .pre_norm = true,
                            .attention = {.dropout = Scalar(0.25)}}};
  LayerNorm norm{8};
  int calls = 0, stop_at = 0;
};

// The weights after a run that stops in call `stop_at` of the model, or where an earlier one did.
template <class Model>
std::string trained(const Batches& train, const Batches& validation, const Folder& folder,
                    int stop_at) {
  Model model;
  model.stop_at = stop_at;
  Adam optimizer(model.parameters());
  fit(model, optimizer, train, validation,
      {.epochs = 3,
       .schedule = Schedule::warmup_cosine(Scalar(0.1), 2, 12),
       .clip_norm = 1,
       .folder = folder.path,
       .save_every = 0,
       .quiet = true});
  return read_file(folder.path + "/best.safetensors", 1 << 20);
}

template <class Model>
void check_interrupted(const Batches& train, const Batches& validation) {
  const Folder whole;
  const std::string wanted = trained<Model>(train, validation, whole, 0);
  const int calls = 1 + 3 * static_cast<int>(train.count() + validation.count());
  for (int stop_at = 2; stop_at <= calls; ++stop_at) {  // the first is a look at the first batch
    CAPTURE(stop_at);
    const Folder pieces;
    CHECK_THROWS_AS(trained<Model>(train, validation, pieces, stop_at), Stop);
    CHECK(trained<Model>(train, validation, pieces, 0) == wanted);
  }
}

std::vector<int> some_ids(Random& random, std::int64_t least) {
  std::vector<int> ids(static_cast<std::size_t>(least + random.below(4)));
  for (int& id : ids) id = static_cast<int>(1 + random.below(6));
  return ids;
}

std::vector<Sample> samples(int count, bool with_source, std::uint64_t seed) {
  Random random(seed);
  std::vector<Sample> all;
  for (int i = 0; i < count; ++i) {
    const std::vector<int> text = some_ids(random, 2);
    all.push_back(next_ids(text, with_source ? some_ids(random, 1) : std::vector<int>{}));
  }
  return all;
}

// Loss and right answers of all samples, one after the other, in double.
Metric plain(const Pairs& model, const std::vector<Sample>& all) {
  Metric metric;
  const auto at = [](const Tensor& table, int row, int column) {
    return static_cast<double>(table.at({row, column}));
  };
  for (const Sample& sample : all)
    for (std::size_t t = 0; t < sample.ids.size(); ++t) {
      double x[7], total = 0;
      int best = 0;
      for (int c = 0; c < 7; ++c) {
        x[c] = at(model.table, sample.ids[t], c);
        for (const int id : sample.source)
          x[c] += at(model.source_table, id, c) / static_cast<double>(sample.source.size());
        total += std::exp(x[c]);
        if (x[c] > x[best]) best = c;
      }
      metric.loss_sum += std::log(total) - x[sample.labels[t]];
      metric.correct += best == sample.labels[t];
      ++metric.count;
    }
  return metric;
}

}  // namespace

TEST_CASE("the labels of a text are its ids one place further, and a text of one id is refused") {
  const Sample sample = next_ids({4, 5, 6, 7}, {8, 9});
  CHECK(sample.ids == std::vector<int>{4, 5, 6});
  CHECK(sample.labels == std::vector<int>{5, 6, 7});
  CHECK(sample.source == std::vector<int>{8, 9});
  CHECK(next_ids({1, 2}).source.empty());
  CHECK_THROWS_WITH_AS(next_ids({4}), doctest::Contains("next_ids at tests/tasks_test.cpp:"),
                       Error);
  CHECK_THROWS_WITH_AS(next_ids({}), doctest::Contains("not 0"), Error);
}

TEST_CASE("a batch pads ids and sources with 0, each to its own longest, and labels with -1") {
  const Batches batches({next_ids({1, 2, 3, 4}, {5}), next_ids({6, 5}, {1, 2, 3, 4, 5})});
  const Batch batch = batches.make({1, 0});
  CHECK(batch.ids.shape == Shape{2, 3});
  CHECK(batch.ids.values == std::vector<int>{6, 0, 0, 1, 2, 3});
  CHECK(batch.labels == std::vector<int>{5, -1, -1, 2, 3, 4});
  CHECK(batch.mask.lengths() == std::vector<int>{1, 3});
  CHECK(batch.source.shape == Shape{2, 5});
  CHECK(batch.source.values == std::vector<int>{1, 2, 3, 4, 5, 5, 0, 0, 0, 0});
  CHECK(batch.source_mask.lengths() == std::vector<int>{5, 1});
  CHECK(batches.make({0}).source.shape == Shape{1, 1});
  const Batch alone = batches.make({1});
  CHECK(alone.ids.shape == Shape{1, 1});
  CHECK(alone.labels == std::vector<int>{5});
  const Batches wide({next_ids({1, 2, 3})}, {.pad_to = 4});
  CHECK(wide.make({0}).ids.values == std::vector<int>{1, 2, 0, 0});
  CHECK(wide.make({0}).labels == std::vector<int>{2, 3, -1, -1});
  CHECK(wide.make({0}).source.values.empty());
  CHECK(Batches({next_ids({1, 2}, {3})}, {.pad_to = 3}).make({0}).source.values ==
        std::vector<int>{3, 0, 0});
  const Batches texts({{{1, 2, 3}, {1}}, {{4}, {0}}});
  CHECK(texts.make({0, 1}).labels == std::vector<int>{1, 0});
}

TEST_CASE("texts that are like in length with their source share a batch") {
  std::vector<Sample> all;
  for (const std::size_t source : {9u, 1u, 8u, 2u})
    all.push_back(next_ids({1, 2, 3}, std::vector<int>(source, 4)));
  const Batches batches(all, {.size = 2, .shuffle = false});
  CHECK(batches.plan(0) == std::vector<std::vector<std::size_t>>{{1, 3}, {2, 0}});
}

TEST_CASE("samples that are not alike are refused with their number") {
  const auto refused = [](std::vector<Sample> all, const char* text) {
    CHECK_THROWS_WITH_AS(Batches{std::move(all)}, doctest::Contains(text), Error);
  };
  refused({}, "no examples");
  refused({next_ids({1, 2}), {{}, {}}}, "Batches at tests/tasks_test.cpp:");
  refused({next_ids({1, 2, 3}), {{}, {}}}, "text 1 has no ids");
  refused({next_ids({1, 2}, {3}), next_ids({1, 2})}, "text 1 has an empty source");
  refused({next_ids({1, 2}), next_ids({1, 2}, {3})}, "text 1 has a source, text 0 has none");
  refused({next_ids({1, 2, 3}), {{1, 2}, {1}}}, "text 1 has 2 ids and 1 labels");
  refused({{{1, 2, 3}, {1, 2}}}, "text 0 has 3 ids and 2 labels");
  refused({{{1, 2}, {1, 2, 3}}}, "text 0 has 2 ids and 3 labels");
}

TEST_CASE("a number for the settings differs with every id, label and source") {
  const std::vector<Sample> all{next_ids({1, 2, 3}, {4, 5})};
  const std::string same = Batches(all).settings();
  CHECK(Batches(all).settings() == same);
  for (std::vector<int> Sample::*part : {&Sample::ids, &Sample::labels, &Sample::source}) {
    std::vector<Sample> other = all;
    (other[0].*part)[1] ^= 1;
    CHECK(Batches(other).settings() != same);
  }
  CHECK(Batches({next_ids({1, 2, 3})}).settings() != same);
}

TEST_CASE("the metric of next ids is over the labels that are wanted, as a loop in double says") {
  for (const bool with_source : {false, true}) {
    const std::vector<Sample> all = samples(9, with_source, 3);
    Pairs model;
    const Metric wanted = plain(model, all);
    const Metric given = evaluate(model, Batches(all, {.size = 4}));
    CHECK(given.count == wanted.count);
    CHECK(given.correct == wanted.correct);
    CHECK(given.loss_sum == doctest::Approx(wanted.loss_sum).epsilon(1e-5));
  }
}

TEST_CASE("a label of -1 is not counted, whatever stands there") {
  Metric metric;
  const Scalar nan = std::numeric_limits<Scalar>::quiet_NaN();
  metric.add(Tensor::scalar(2), Tensor::matrix({{0, 1}, {nan, 1}, {1, 0}}), {1, -1, 1});
  CHECK(metric.count == 2);
  CHECK(metric.correct == 1);
  CHECK(metric.loss_sum == 4);
}

TEST_CASE("a run of each task that is interrupted after any batch ends with the same bytes") {
  if (sizeof(Scalar) != 4) return;  // weights travel as float
  for (const bool with_source : {false, true})
    check_interrupted<Pairs>(Batches(samples(11, with_source, 1), {.size = 3}, 2),
                             Batches(samples(5, with_source, 2), {.size = 2, .shuffle = false}));
}

TEST_CASE(
    "so does a language model's, with dropout of attention and one table that reads and writes") {
  if (sizeof(Scalar) != 4) return;
  check_interrupted<Language>(Batches(samples(11, false, 1), {.size = 3}, 2),
                              Batches(samples(5, false, 2), {.size = 2, .shuffle = false}));
}
