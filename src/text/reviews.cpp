#include <gradus/files.h>
#include <gradus/random.h>
#include <gradus/reviews.h>
#include <gradus/text.h>

#include <algorithm>
#include <cmath>
#include <filesystem>

namespace gradus {

namespace {

constexpr std::size_t largest_review = 1 << 20;

// Adds a review after checking it.
void add_example(std::vector<Example>& examples, std::string text, int label, std::string source,
                 const Where& where) {
  if (text.size() > largest_review)
    fail("read reviews", where, source, " is longer than the 1048576 bytes a review may have");
  check_utf8(text, source, where);
  if (split_words(standardize(text)).empty())
    fail("read reviews", where, "there is no word in the review ", source);
  examples.push_back({std::move(text), label, std::move(source)});
}

std::vector<std::string> files_in(const std::string& folder, const Where& where) {
  std::error_code error;
  std::vector<std::string> paths;
  for (const auto& entry : std::filesystem::directory_iterator(folder, error))
    if (entry.path().extension() == ".txt") paths.push_back(entry.path().string());
  if (error)
    fail("read_review_folder", where, "a folder with reviews ID_RATING.txt is wanted at ", folder,
         ": ", error.message());
  if (paths.empty())
    fail("read_review_folder", where, "there is no file ID_RATING.txt in ", folder);
  std::sort(paths.begin(), paths.end());
  return paths;
}

}  // namespace

std::vector<Example> read_review_folder(const std::string& folder, Where where) {
  std::vector<Example> examples;
  for (const int label : {0, 1})
    for (const std::string& path : files_in(folder + (label ? "/pos" : "/neg"), where))
      add_example(examples, without_mark(read_file(path, largest_review, where)), label, path,
                  where);
  return examples;
}

std::vector<Example> read_tsv(const std::string& path, Where where) {
  std::vector<Example> examples;
  for (const std::string& line : lines_of(read_file(path, 1'000'000'000, where))) {
    const std::string source = path + ":" + std::to_string(examples.size() + 1);
    if (line.size() < 2 || (line[0] != '0' && line[0] != '1') || line[1] != '\t')
      fail("read_tsv", where, source, " must be the label 0 or 1, a tab, and the text");
    add_example(examples, line.substr(2), line[0] - '0', source, where);
  }
  if (examples.empty()) fail("read_tsv", where, "there is no review in ", path);
  return examples;
}

std::vector<SentencePair> read_pairs(const std::string& path, Where where) {
  std::vector<SentencePair> pairs;
  for (const std::string& line : lines_of(read_file(path, 1'000'000'000, where))) {
    const std::string source = path + ":" + std::to_string(pairs.size() + 1);
    check_utf8(line, source, where);
    const std::size_t tab = std::min(line.find('\t'), line.size());
    const std::string text = line.substr(0, tab);
    const std::string rest = line.substr(std::min(tab + 1, line.size()));
    const std::string translation = rest.substr(0, rest.find('\t'));
    if (split_words(standardize(text)).empty() || split_words(standardize(translation)).empty())
      fail("read_pairs", where, source, " must be a sentence, a tab, and its translation");
    pairs.push_back({text, translation, source});
  }
  if (pairs.empty()) fail("read_pairs", where, "there is no pair in ", path);
  return pairs;
}

SplitExamples split_examples(std::vector<Example> examples, double share, std::uint64_t seed,
                             Where where) {
  const bool possible = share > 0 && share < 1;
  const double moved = std::round(possible ? share * static_cast<double>(examples.size()) : 0);
  const std::size_t kept = examples.size() - static_cast<std::size_t>(moved);
  if (kept == 0 || kept == examples.size())
    fail("split_examples", where,
         "a share between 0 and 1 that leaves both parts something is needed, not ", share, " of ",
         examples.size());
  Random(seed).shuffle(examples);
  const auto middle = examples.begin() + static_cast<std::ptrdiff_t>(kept);
  return {{examples.begin(), middle}, {middle, examples.end()}};
}

std::vector<std::string> texts_of(const std::vector<Example>& examples) {
  std::vector<std::string> texts;
  for (const Example& example : examples) texts.push_back(example.text);
  return texts;
}

}  // namespace gradus
