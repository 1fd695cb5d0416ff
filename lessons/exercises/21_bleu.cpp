// Exercise 21: BLEU. It belongs to lesson 20, section 1.
//
// How near are the sentences that a translator wrote to those that were given? Sentence i of the
// first is compared with sentence i of the second.
//
//   count_ngrams   how many runs of n neighbouring words (n-grams) the written sentences have, all
//                  together, and how many of these match: stand in the given sentence, too, a
//                  repeated one no more often than it stands there. It does not matter where.
//   bleu_score     (p1 p2 p3 p4)^(1/4) · brevity, where pn is matches / n-grams for runs of n
//   words,
//                  and brevity is 1, or e^(1 - given words / written words) if fewer words were
//                  written than given. Each is a number of all sentences together.
//
// If for one n nothing matches, the score is 0; also if no sentence has n words. A written sentence
// may be empty, a given one has a word. Words are what split_words(sentence) returns.

#include <gradus/gradus.h>

#include "exercise.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <string>
#include <vector>

using namespace gradus;

using Lines = std::vector<std::string>;

struct Count {
  int matches = 0, ngrams = 0;
};

// A place for functions of your own, if you want some.
//> yours
// How often each n-gram stands in a sentence.
std::map<Lines, int> ngrams_of(const std::string& sentence, std::size_t n) {
  const Lines words = split_words(sentence);
  std::map<Lines, int> found;
  for (std::size_t i = 0; i + n <= words.size(); ++i)
    ++found[Lines(words.begin() + Index(i), words.begin() + Index(i + n))];
  return found;
}
//<

Count count_ngrams(const Lines& written, const Lines& given, std::size_t n) {
  //> yours  todo(written, given, n);
  Count count;
  for (std::size_t i = 0; i < written.size(); ++i) {
    std::map<Lines, int> reference = ngrams_of(given[i], n);
    for (const auto& [ngram, times] : ngrams_of(written[i], n)) {
      count.ngrams += times;
      count.matches += std::min(times, reference[ngram]);
    }
  }
  return count;
  //<
}

double bleu_score(const Lines& written, const Lines& given) {
  //> yours  todo(written, given);
  double product = 1;
  for (const std::size_t n : {1, 2, 3, 4}) {
    const Count count = count_ngrams(written, given, n);
    if (count.matches == 0) return 0;
    product *= double(count.matches) / double(count.ngrams);
  }
  const double out = count_ngrams(written, given, 1).ngrams;
  const double wanted = count_ngrams(given, given, 1).ngrams;
  const double brevity = out < wanted ? std::exp(1 - wanted / out) : 1;
  return brevity * std::pow(product, 0.25);
  //<
}

// ## How it is asked

void answer(const Case& given, Answers& answers) {
  const Lines written = given.lines("written"), right = given.lines("given");
  std::vector<double> matches, ngrams;
  for (const std::size_t n : {1, 2, 3, 4}) {
    const Count count = count_ngrams(written, right, n);
    matches.push_back(count.matches);
    ngrams.push_back(count.ngrams);
  }
  answers.add("matches", matches);
  answers.add("n-grams", ngrams);
  answers.add("score", bleu_score(written, right));
}

// Pairs of sentences, with a letter for each word: "abcd" are four words.
void ask(Cases& cases, const std::string& name, const Lines& words, const Lines& written,
         const Lines& given) {
  const auto spelled = [&](const Lines& sentences) {
    Lines lines;
    for (const std::string& letters : sentences) {
      lines.push_back("");
      for (const char letter : letters)
        lines.back() += (lines.back().empty() ? "" : " ") + words[std::size_t(letter - 'a')];
    }
    return lines;
  };
  cases.add(name).give("written", spelled(written)).give("given", spelled(given));
}

// `count` sentences of the first `words` letters; written ones are the given with a piece of
// another in the middle.
void ask_many(Cases& cases, const std::string& name, const Lines& words, Index count) {
  const auto some = [&](Index low, Index high) {
    std::string letters;
    for (Index left = cases.size(low, high); left > 0; --left)
      letters += char('a' + cases.size(0, Index(words.size()) - 1));
    return letters;
  };
  Lines written, given;
  for (Index i = 0; i < count; ++i) {
    given.push_back(some(5, 9));
    written.push_back(given.back());
    written.back().replace(std::size_t(cases.size(0, 5)), 1, some(0, 3));
  }
  ask(cases, name, words, written, given);
}

void cases(Cases& cases) {
  Lines words = {"la", "casa", "roja", "es", "grande", "un", "puente", "nuevo", "arde"};
  cases.random.shuffle(words);
  cases.group("small", 2);
  ask(cases, "4 words, as given", words, {"abcd"}, {"abcd"});
  ask(cases, "the last of 5 words is another", words, {"abcdf"}, {"abcde"});
  ask(cases, "a word less", words, {"abcd"}, {"abcde"});
  ask(cases, "a word more", words, {"abcdef"}, {"abcde"});
  ask(cases, "a word in front", words, {"fabcd"}, {"abcde"});
  ask(cases, "a word twice that is given once", words, {"abcdab"}, {"abcdef"});
  ask(cases, "a word twice that is given twice", words, {"abcdab"}, {"abcdabe"});
  ask(cases, "2 sentences", words, {"abcdef", "ghi"}, {"abcdeg", "ghia"});
  cases.group("edges", 2);
  ask(cases, "3 words, as given", words, {"abc"}, {"abc"});
  ask(cases, "no 4 words in a row", words, {"abcfde"}, {"abcde"});
  ask(cases, "no word matches", words, {"abcd"}, {"efgh"});
  ask(cases, "nothing is written", words, {""}, {"ab"});
  ask(cases, "one of 3 is empty", words, {"abcde", "", "fghia"}, {"abcde", "ab", "fghi"});
  ask(cases, "what the other sentence has", words, {"abcdef", "efghi"}, {"abcdg", "fghia"});
  cases.add("words that have the same letters together")
      .give("written", Lines{"a la luna nueva sube el gato"})
      .give("given", Lines{"al a luna nueva sube el gato"});
  ask_many(cases, "several sentences of few words", {words[0], words[1], words[2]},
           cases.size(3, 5));
  ask_many(cases, "more", words, cases.size(6, 9));
}
