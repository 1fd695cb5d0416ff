#include <gradus/bleu.h>
#include <gradus/text.h>

#include "../format.h"
#include "../kernels/math.h"

#include <algorithm>
#include <cmath>
#include <map>

namespace gradus {

double Bleu::brevity() const {
  if (ngrams[0] == 0) return 0;
  const auto ratio = static_cast<double>(reference_words) / static_cast<double>(ngrams[0]);
  return ratio > 1 ? kernels::exp_in_double(1 - ratio) : 1;
}

double Bleu::score() const {
  double product = 1;
  for (int n = 0; n < 4; ++n) {
    if (matches[n] == 0) return 0;
    product *= static_cast<double>(matches[n]) / static_cast<double>(ngrams[n]);
  }
  return brevity() * std::sqrt(std::sqrt(product));
}

std::string Bleu::text() const {
  std::string counts;
  for (int n = 0; n < 4; ++n)
    counts += format("%lld/%lld%s", static_cast<long long>(matches[n]),
                     static_cast<long long>(ngrams[n]), n < 3 ? " " : "");
  return format("BLEU %.4f (%s, brevity %.4f)", score(), counts.c_str(), brevity());
}

namespace {

// How often each n-gram stands there.
std::map<std::vector<std::string>, std::int64_t> counted(const std::vector<std::string>& words,
                                                         std::ptrdiff_t n) {
  std::map<std::vector<std::string>, std::int64_t> counts;
  for (auto first = words.begin(); words.end() - first >= n; ++first) ++counts[{first, first + n}];
  return counts;
}

}  // namespace

Bleu bleu(const std::vector<std::string>& translations, const std::vector<std::string>& references,
          Where where) {
  if (references.empty()) fail("bleu", where, "there are no sentences");
  if (translations.size() != references.size())
    fail("bleu", where, references.size(), " references need as many translations, not ",
         translations.size());
  Bleu result;
  for (std::size_t i = 0; i < references.size(); ++i) {
    const std::vector<std::string> said = split_words(translations[i]);
    const std::vector<std::string> wanted = split_words(references[i]);
    if (wanted.empty()) fail("bleu", where, "reference ", i, " has no words");
    result.reference_words += static_cast<std::int64_t>(wanted.size());
    for (std::ptrdiff_t n = 1; n <= 4; ++n) {
      auto there = counted(wanted, n);
      for (const auto& [ngram, count] : counted(said, n)) {
        result.ngrams[n - 1] += count;
        result.matches[n - 1] += std::min(count, there[ngram]);
      }
    }
  }
  return result;
}

}  // namespace gradus
