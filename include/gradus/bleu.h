// How near a translator comes to translations that are given: BLEU, the bilingual evaluation
// understudy (Papineni et al. 2002), of all sentences together, with one reference for each.
#pragma once

#include <gradus/error.h>

#include <cstdint>
#include <vector>

namespace gradus {

// An n-gram is n words in a row. It matches if the reference of its sentence has it too, and no
// more often than it stands there (clipped).
struct Bleu {
  std::int64_t matches[4] = {}, ngrams[4] = {};  // of 1 … 4 words, over all sentences
  std::int64_t reference_words = 0;

  // Short translations match easily: 1, or e^(1 - reference words / words) if those are more.
  double brevity() const;
  // brevity · (p1 p2 p3 p4)^(1/4) with pn = matches / n-grams: 0 … 1, and 0 if one of them has no
  // match. (Others print it times 100.)
  double score() const;
  std::string text() const;  // "BLEU 0.7788 (4/4 3/3 2/2 1/1, brevity 0.7788)"
};

// Words are what white space separates; a translation may have none. Errors: no sentences, other
// than one translation for each reference, a reference without words.
Bleu bleu(const std::vector<std::string>& translations, const std::vector<std::string>& references,
          Where where = here());

}  // namespace gradus
