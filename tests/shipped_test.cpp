// The reviews that come with the project.

#include <doctest/doctest.h>
#include <gradus/reviews.h>

#include <algorithm>

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
