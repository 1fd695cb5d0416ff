// Texts from disk: labelled ones, and pairs in two languages.
#pragma once

#include <gradus/error.h>

#include <cstdint>
#include <vector>

namespace gradus {

struct Example {
  std::string text;
  int label = 0;       // 1 positive, 0 negative
  std::string source;  // the file, or the file and line, that it came from
};

// The reviews of a folder as the Large Movie Review Dataset has it: folder/pos/ID_RATING.txt and
// folder/neg/ID_RATING.txt, in the order of the file names, negative ones first.
// Errors: no such folder, no files in it, a text that is empty, not UTF-8 or larger than 1 MiB.
std::vector<Example> read_review_folder(const std::string& folder, Where where = here());

// One review a line: the label 0 or 1, a tab, the text.
// Errors: no such file, a line of another form, a text that is empty or not UTF-8.
std::vector<Example> read_tsv(const std::string& path, Where where = here());

// A sentence and its translation on each line, with a tab between them; what follows a second tab
// (some files name the authors there) is left out.
// Errors: no such file, no pair in it, a line without a tab, a side without words or not UTF-8.
struct SentencePair {
  std::string text, translation;
  std::string source;  // the file and line
};
std::vector<SentencePair> read_pairs(const std::string& path, Where where = here());

// Shuffles with the seed and moves the last `share` of the examples to the second part: the book's
// split of the training set into training and validation.
// Errors: a share outside 0 … 1, or one that leaves a part empty.
struct SplitExamples {
  std::vector<Example> first, second;
};
SplitExamples split_examples(std::vector<Example> examples, double share, std::uint64_t seed,
                             Where where = here());

std::vector<std::string> texts_of(const std::vector<Example>& examples);

}  // namespace gradus
