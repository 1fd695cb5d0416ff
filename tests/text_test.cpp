#include <doctest/doctest.h>
#include <gradus/baseline.h>
#include <gradus/batches.h>
#include <gradus/files.h>
#include <gradus/reviews.h>
#include <gradus/text.h>

#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <set>

using namespace gradus;

namespace {

struct Folder {
  Folder() { make_folder(path); }
  ~Folder() { std::filesystem::remove_all(path); }
  std::string path = "build/test-text-" + std::to_string(getpid());
};

std::vector<Example> some_examples() {
  std::vector<Example> examples;
  Random random(1);
  for (int i = 0; i < 100; ++i) {
    std::string text = "word" + std::to_string(i);
    for (std::int64_t n = random.below(20); n > 0; --n) text += " and";
    examples.push_back({text, i % 2, "test"});
  }
  return examples;
}

}  // namespace

TEST_CASE("text is standardised as Keras does it") {
  CHECK(standardize("Don't STOP, <br />it's \"great\"!") == "dont stop br its great");
  CHECK(standardize("Éclair naïve") == "Éclair naïve");
  CHECK(split_words(" a\tb\n\nc ") == std::vector<std::string>{"a", "b", "c"});
}

TEST_CASE("the vocabulary is by frequency, and by bytes where that is equal") {
  TextVectorizer vectorizer({.max_tokens = 5, .max_length = 4});
  vectorizer.adapt({"b b a a c d", "c a"});
  CHECK(vectorizer.vocabulary() == std::vector<std::string>{"", "[UNK]", "a", "b", "c"});
  CHECK(vectorizer.encode("A d, c! b b b") == std::vector<int>{2, 1, 4, 3});
  CHECK(vectorizer.decode({2, 1, 4, 0}) == "a [UNK] c");
  CHECK_THROWS_WITH_AS(vectorizer.encode(" ... "), doctest::Contains("no word"), Error);
  CHECK_THROWS_AS(TextVectorizer().encode("a"), Error);
  const Folder folder;
  vectorizer.save(folder.path + "/words.txt");
  TextVectorizer other({.max_tokens = 5});
  other.load(folder.path + "/words.txt");
  CHECK(other.vocabulary() == vectorizer.vocabulary());
}

TEST_CASE("reviews are read from folders in a fixed order, and bad ones are refused by name") {
  const Folder folder;
  make_folder(folder.path + "/pos");
  CHECK_THROWS_WITH_AS(read_review_folder(folder.path), doctest::Contains("/neg"), Error);
  make_folder(folder.path + "/neg");
  write_file(folder.path + "/pos/2_9.txt", "good");
  write_file(folder.path + "/pos/10_8.txt", "fine");
  CHECK_THROWS_WITH_AS(read_review_folder(folder.path), doctest::Contains("no file"), Error);
  write_file(folder.path + "/neg/1_1.txt", "bad");
  const std::vector<Example> examples = read_review_folder(folder.path);
  REQUIRE(examples.size() == 3);
  CHECK(examples[0].text == "bad");
  CHECK(examples[1].text == "fine");
  CHECK(examples[2].label == 1);
  const std::string path = folder.path + "/neg/2_1.txt";
  write_file(path, " ,. \n");
  CHECK_THROWS_WITH_AS(read_review_folder(folder.path), doctest::Contains("2_1.txt"), Error);
  write_file(path, "caf\xE9");
  CHECK_THROWS_WITH_AS(read_review_folder(folder.path), doctest::Contains("byte 3"), Error);
  write_file(path, std::string(10'000'000, 'a'));
  CHECK_THROWS_WITH_AS(read_review_folder(folder.path), doctest::Contains("larger than"), Error);
}

TEST_CASE("a TSV file is read line by line, and a bad line is named") {
  const Folder folder;
  const std::string path = folder.path + "/x.tsv";
  write_file(path, "1\tgood film\r\n0\tbad film\n");
  const std::vector<Example> examples = read_tsv(path);
  REQUIRE(examples.size() == 2);
  CHECK(examples[0].text == "good film");
  write_file(path, "1\tgood\n2\tbad\n");
  CHECK_THROWS_WITH_AS(read_tsv(path), doctest::Contains("x.tsv:2"), Error);
  write_file(path, "1\tgood\n0\t\n");
  CHECK_THROWS_WITH_AS(read_tsv(path), doctest::Contains("no word in the review"), Error);
  write_file(path, "");
  CHECK_THROWS_AS(read_tsv(path), Error);
}

TEST_CASE("batches hold every text once, padded little, and the plan depends on seed and epoch") {
  const std::vector<Example> examples = some_examples();
  TextVectorizer vectorizer({.max_tokens = 50, .max_length = 30});
  vectorizer.adapt(texts_of(examples));
  const Batches batches(examples, vectorizer, {.size = 8}, 5);
  std::multiset<std::size_t> seen;
  for (const auto& which : batches.plan(3)) seen.insert(which.begin(), which.end());
  CHECK(seen.size() == 100);
  CHECK(std::set<std::size_t>(seen.begin(), seen.end()).size() == 100);
  CHECK(batches.plan(3) == batches.plan(3));
  CHECK(batches.plan(3) != batches.plan(4));
  const Batches loose(examples, vectorizer, {.size = 8, .group_by_length = false}, 5);
  CHECK(batches.padding_share(0) < 0.1);
  CHECK(loose.padding_share(0) > 0.2);
  const Batch batch = batches.make({0, 1, 2});
  CHECK(batch.ids.shape[0] == 3);
  CHECK(batch.labels == std::vector<int>{0, 1, 0});
  CHECK_FALSE(batch.mask.empty());
}

TEST_CASE("the split keeps every example once") {
  const SplitExamples parts = split_examples(some_examples(), 0.2, 1);
  CHECK(parts.first.size() == 80);
  CHECK(parts.second.size() == 20);
  CHECK_THROWS_AS(split_examples(some_examples(), 1.5, 1), Error);
}

TEST_CASE("counting words learns what words say, and nothing where only their order does") {
  std::vector<Example> by_word, by_order;
  for (int i = 0; i < 200; ++i) {
    const bool good = i % 2 == 0;
    const std::string name = "film" + std::to_string(i);
    by_word.push_back({name + (good ? " is fine" : " is poor"), good, ""});
    by_order.push_back({good ? "not poor but fine" : "not fine but poor", good, ""});
  }
  BagOfWords words(1000, false);
  words.fit(by_word, by_word);
  CHECK(words.evaluate(by_word).accuracy() == 1);
  BagOfWords order(1000, false);
  order.fit(by_order, by_order);
  CHECK(order.evaluate(by_order).accuracy() == 0.5);
  BagOfWords pairs(1000, true);
  pairs.fit(by_order, by_order);
  CHECK(pairs.evaluate(by_order).accuracy() == 1);
}
