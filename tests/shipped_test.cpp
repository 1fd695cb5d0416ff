// The reviews and sentence pairs that come with the project.

#include <doctest/doctest.h>
#include <gradus/reviews.h>
#include <gradus/text.h>

#include <algorithm>
#include <set>

using namespace gradus;

TEST_CASE("the shipped reviews are what their grammar writes") {
  // `make reviews` writes the files; this looks at what they promise.
  std::vector<std::string> seen;
  for (const std::string part : {"train", "validation", "test", "held_out"}) {
    const std::vector<Example> read = read_tsv("lessons/data/" + part + ".tsv");
    CHECK(read.size() == (part == "train" ? 10000 : 1000));
    int good = 0;
    for (const Example& example : read) {
      good += example.label;
      seen.push_back(example.text);
    }
    CHECK(good * 2 == static_cast<int>(read.size()));
  }
  std::sort(seen.begin(), seen.end());
  CHECK(std::adjacent_find(seen.begin(), seen.end()) == seen.end());
}

namespace {

// "red house" and the like: two English words that stand side by side.
std::set<std::string> neighbours(const std::vector<SentencePair>& pairs) {
  std::set<std::string> found;
  for (const SentencePair& pair : pairs) {
    const std::vector<std::string> words = split_words(pair.text);
    for (std::size_t i = 0; i + 1 < words.size(); ++i) found.insert(words[i] + " " + words[i + 1]);
  }
  return found;
}

}  // namespace

TEST_CASE("the shipped sentence pairs hold back sentences, and combinations of words") {
  // `make pairs` writes the files.
  std::vector<SentencePair> known;
  std::set<std::string> texts;
  for (const std::string part : {"train", "validation", "test", "held_out"}) {
    const std::vector<SentencePair> read = read_pairs("lessons/data/pairs_" + part + ".tsv");
    CHECK(read.size() == (part == "train" ? 10000 : 1000));
    for (const SentencePair& pair : read) CHECK(texts.insert(pair.text).second);
    if (part != "held_out") known.insert(known.end(), read.begin(), read.end());
  }
  std::set<std::string> words;
  for (const SentencePair& pair : known)
    for (const std::string& word : split_words(pair.text)) words.insert(word);
  const std::set<std::string> seen = neighbours(known);
  for (const SentencePair& pair : read_pairs("lessons/data/pairs_held_out.tsv")) {
    for (const std::string& word : split_words(pair.text)) CHECK(words.count(word));
    bool fresh = false;
    for (const std::string& two : neighbours({pair})) fresh = fresh || !seen.count(two);
    CHECK(fresh);
  }
  CHECK(seen.count("blue houses"));
  CHECK_FALSE(seen.count("red house"));
}
