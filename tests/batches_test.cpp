// How texts are dealt out in batches: every text once, by chance, those of like length together.

#include <doctest/doctest.h>
#include <gradus/batches.h>

#include <algorithm>
#include <set>

using namespace gradus;
using Plan = std::vector<std::vector<std::size_t>>;

namespace {

const Where where = Where::at("mine.cpp", 7);

// Text i has i * 5 % 13 + 1 words, of which the first is its own, and the label i * i % 7.
std::vector<Example> numbered(int count) {
  std::vector<Example> examples;
  for (int i = 0; i < count; ++i) {
    std::string text = "number" + std::to_string(i);
    for (int n = i * 5 % 13; n > 0; --n) text += " and";
    examples.push_back({text, i * i % 7, ""});
  }
  return examples;
}

std::size_t words(std::size_t i) {
  return i * 5 % 13 + 1;
}

Batches batches_of(int count, BatchOptions options, std::uint64_t seed = 0) {
  TextVectorizer vectorizer;
  vectorizer.adapt(texts_of(numbered(count)));
  return {numbered(count), vectorizer, options, seed, where};
}

std::vector<std::size_t> flat(const Plan& plan) {
  std::vector<std::size_t> all;
  for (const auto& which : plan) all.insert(all.end(), which.begin(), which.end());
  return all;
}

std::vector<std::size_t> sorted(std::vector<std::size_t> all) {
  std::sort(all.begin(), all.end());
  return all;
}

std::vector<std::size_t> first(std::size_t count) {
  std::vector<std::size_t> all;
  for (std::size_t i = 0; i < count; ++i) all.push_back(i);
  return all;
}

}  // namespace

TEST_CASE("an epoch has every text once, and one batch with what is left") {
  for (const int count : {1, 7, 8, 9, 100})
    for (const std::size_t size : {1u, 4u, 8u, 200u})
      for (const bool shuffle : {false, true})
        for (const bool group : {false, true}) {
          const Batches batches =
              batches_of(count, {.size = size, .shuffle = shuffle, .group_by_length = group});
          const auto texts = static_cast<std::size_t>(count);
          const Plan plan = batches.plan(3);
          CHECK(sorted(flat(plan)) == first(texts));
          CHECK(batches.examples() == texts);
          CHECK(batches.count() == plan.size());
          std::multiset<std::size_t> sizes, expected;
          for (const auto& which : plan) sizes.insert(which.size());
          for (std::size_t left = texts; left > 0; left -= std::min(left, size))
            expected.insert(std::min(left, size));
          CHECK(sizes == expected);
        }
}

TEST_CASE("the plan is the same for the same seed and epoch, and another for any other") {
  const auto plan = [](std::uint64_t seed, std::uint64_t epoch, bool group = true) {
    return batches_of(100, {.size = 8, .group_by_length = group}, seed).plan(epoch);
  };
  CHECK(plan(5, 3) == plan(5, 3));
  CHECK(plan(5, 3) != plan(5, 4));
  CHECK(plan(5, 3) != plan(6, 3));
  CHECK(plan(5, 3) != plan(3, 5));
  CHECK(plan(5, 3) != plan(5, 3, false));
  CHECK(flat(plan(5, 3, false)) != first(100));
  // Which texts meet is by chance too, not only the order of the batches.
  const auto met = [&](std::uint64_t epoch) {
    std::set<std::vector<std::size_t>> batches;
    for (const auto& which : plan(5, epoch)) batches.insert(sorted(which));
    return batches;
  };
  CHECK(met(3) != met(4));
}

TEST_CASE("what is not asked for is 32 texts a batch, by chance, grouped, with the seed 0") {
  const BatchOptions same{.size = 32, .shuffle = true, .group_by_length = true, .pad_to = 0};
  std::vector<Sample> samples;
  for (int i = 0; i < 100; ++i)
    samples.push_back({std::vector<int>(words(static_cast<std::size_t>(i)), 1), {0}});
  CHECK(Batches(samples).plan(3) == Batches(samples, same, 0).plan(3));
  CHECK(Batches(samples).make({0}).ids.shape == Shape{1, 1});
}

TEST_CASE("without shuffling the texts keep their order, or are sorted by length") {
  const BatchOptions plain{.size = 3, .shuffle = false, .group_by_length = false};
  CHECK(batches_of(7, plain, 1).plan(0) == Plan{{0, 1, 2}, {3, 4, 5}, {6}});
  CHECK(batches_of(7, plain, 2).plan(9) == Plan{{0, 1, 2}, {3, 4, 5}, {6}});
  // 1, 6, 11, 3, 8, 13, 5 words and, from text 13 on, again 1, 6.
  const BatchOptions grouped{.size = 4, .shuffle = false};
  CHECK(batches_of(7, grouped).plan(0) == Plan{{0, 3, 6, 1}, {4, 2, 5}});
  CHECK(batches_of(15, grouped).plan(0) ==
        Plan{{0, 13, 8, 3}, {11, 6, 1, 14}, {9, 4, 12, 7}, {2, 10, 5}});
}

TEST_CASE("grouping sorts fifty batches' worth of shuffled texts at a time") {
  // What the texts of each batch differ in length, added up over an epoch. Sorted once, they climb
  // from 1 to 13 words once, so that it is at most 12.
  const auto waste = [](int count) {
    std::size_t sum = 0;
    for (const auto& which : batches_of(count, {.size = 4}, 1).plan(0)) {
      CHECK(std::is_sorted(which.begin(), which.end(),
                           [](std::size_t a, std::size_t b) { return words(a) < words(b); }));
      sum += words(which.back()) - words(which.front());
    }
    return sum;
  };
  CHECK(waste(200) <= 12);
  CHECK(waste(204) > 12);
  CHECK(waste(400) > 12);
  CHECK(waste(400) <= 24);
  // The batches themselves come in any order, not from short to long.
  const Plan plan = batches_of(200, {.size = 4}, 1).plan(0);
  CHECK_FALSE(std::is_sorted(plan.begin(), plan.end(), [](const auto& a, const auto& b) {
    return words(a.front()) < words(b.front());
  }));
}

TEST_CASE("a batch has its texts padded to the longest, the mask to match and their labels") {
  const Batches batches = batches_of(10, {.size = 3});
  // Texts 4, 0 and 6 have 8, 1 and 5 words; "and" is word 2.
  const Batch batch = batches.make({4, 0, 6}, where);
  CHECK(batch.ids.shape == Shape{3, 8});
  CHECK(batch.labels == std::vector<int>{2, 0, 1});
  const std::size_t length[] = {8, 1, 5};
  for (std::size_t b = 0; b < 3; ++b)
    for (std::size_t t = 0; t < 8; ++t) {
      const int id = batch.ids.values[b * 8 + t];
      CHECK((t == 0 ? id > 2 : id == (t < length[b] ? 2 : 0)));
      CHECK(batch.mask.allows(static_cast<Index>(b), 0, 0, static_cast<Index>(t)) ==
            (t < length[b]));
    }
  CHECK(batch.mask.lengths() == std::vector<int>{8, 1, 5});
  TextVectorizer vectorizer;
  vectorizer.adapt(texts_of(numbered(10)));
  CHECK(vectorizer.decode({batch.ids.values[0], batch.ids.values[8], batch.ids.values[16]}) ==
        "number4 number0 number6");
  const Batch twice = batches.make({0, 0}, where);
  CHECK(twice.ids.shape == Shape{2, 1});
  CHECK(twice.ids.values[0] == twice.ids.values[1]);
}

TEST_CASE("pad_to is a least length, not a largest") {
  const auto shape = [](std::size_t pad_to) {
    const Batch batch = batches_of(10, {.size = 3, .pad_to = pad_to}).make({4, 0});
    CHECK(batch.mask.lengths() == std::vector<int>{8, 1});
    return batch.ids.shape;
  };
  CHECK(shape(7) == Shape{2, 8});
  CHECK(shape(8) == Shape{2, 8});
  CHECK(shape(9) == Shape{2, 9});
}

TEST_CASE("the share of padding counts the positions of an epoch") {
  // 1, 6, 11 | 3, 8 words: 18 of 33 and 11 of 16 positions.
  BatchOptions options{.size = 3, .shuffle = false, .group_by_length = false};
  CHECK(batches_of(5, options).padding_share(0) == doctest::Approx(1 - 29.0 / 49));
  options.pad_to = 12;
  CHECK(batches_of(5, options).padding_share(0) == doctest::Approx(1 - 29.0 / 60));
  CHECK(batches_of(100, {.size = 8}).padding_share(0) < 0.15);
  CHECK(batches_of(100, {.size = 8, .group_by_length = false}).padding_share(0) > 0.35);
}

TEST_CASE("batches that are impossible are refused with the caller's line") {
  const auto refused = [](int count, BatchOptions options, const std::string& problem) {
    CHECK_THROWS_WITH_AS(batches_of(count, options), ("Batches at mine.cpp:7: " + problem).c_str(),
                         Error);
  };
  CHECK_THROWS_WITH_AS(Batches({}, TextVectorizer(), {}, 0, where),
                       "Batches at mine.cpp:7: there are no examples", Error);
  refused(3, {.size = 0}, "the batch size must be at least 1");
  const std::string too_large = " positions is too large: at most 2^28 positions are possible";
  refused(3, {.pad_to = SIZE_MAX}, "a batch of 3 texts of " + std::to_string(SIZE_MAX) + too_large);
  refused(4, {.pad_to = (1 << 26) + 1}, "a batch of 4 texts of 67108865" + too_large);
  CHECK(batches_of(4, {.pad_to = 1 << 26}).count() == 1);
  // A long text, or a long source, is as large as all of a batch that it is in.
  for (std::vector<int> Sample::*part : {&Sample::ids, &Sample::source}) {
    std::vector<Sample> samples(1 << 14, Sample{{1}, {0}, {1}});
    (samples[9].*part).resize((1 << 14) + 1, 1);
    CHECK_THROWS_WITH_AS(Batches(samples, {.size = 1 << 14}),
                         doctest::Contains(("of 16385" + too_large).c_str()), Error);
    (samples[9].*part).pop_back();
    CHECK(Batches(samples, {.size = 1 << 14}).count() == 1);
  }
  const Batches all = batches_of(9, {.size = SIZE_MAX});
  CHECK(all.count() == 1);
  CHECK(sorted(all.plan(0).at(0)) == first(9));
  CHECK_THROWS_WITH_AS(
      all.make({0, 9}, where),
      "Batches::make at mine.cpp:7: there is no text 9 among 9, which count from 0", Error);
  CHECK_THROWS_WITH_AS(all.make({}, where),
                       "Batches::make at mine.cpp:7: a batch needs at least one text", Error);
  CHECK(all.make({8}).ids.shape == Shape{1, 2});
  const std::vector<Example> wordless{{"good", 1, "a"}, {"...", 0, "b"}};
  TextVectorizer vectorizer;
  vectorizer.adapt({"good"});
  CHECK_THROWS_WITH_AS(Batches(wordless, vectorizer, {}, 0, where),
                       doctest::Contains("encode at mine.cpp:7: there is no word in the text"),
                       Error);
}

TEST_CASE("ids hold as many numbers as their shape says") {
  CHECK(Ids({2, 3}, {1, 2, 3, 4, 5, 6}).shape == Shape{2, 3});
  CHECK(Ids{7, 8, 9}.shape == Shape{3});
  CHECK(Ids{7, 8, 9}.values == std::vector<int>{7, 8, 9});
  for (const std::size_t count : {5u, 7u})
    CHECK_THROWS_WITH_AS(
        Ids({2, 3}, std::vector<int>(count), where),
        ("Ids at mine.cpp:7: shape [2, 3] holds 6 numbers, " + std::to_string(count) + " given")
            .c_str(),
        Error);
  CHECK_THROWS_WITH_AS(Ids({}, where), doctest::Contains("at mine.cpp:7: "), Error);
  CHECK_THROWS_WITH_AS(Ids().check("embedding", where),
                       "embedding at mine.cpp:7: shape [] holds 1 numbers, 0 given", Error);
  Ids damaged{1, 2, 3};
  damaged.values.pop_back();
  CHECK_THROWS_AS(damaged.check("embedding", where), Error);
  // Pairs of braces are a shape and its values, however few.
  CHECK(Ids({2}, {0, 1}).shape == Shape{2});
  CHECK(Ids({2}, {0, 1}).values == std::vector<int>{0, 1});
  CHECK(Ids({1, 1}, {0}).shape == Shape{1, 1});
}
