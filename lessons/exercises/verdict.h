// The verdict: which cases are right, and which known mistake it is.
#pragma once

#include "case_file.h"

namespace gradus {

// Whether two items have the same shape and the same numbers, but for a tolerance. What is not a
// number equals only what is not a number.
bool same(const Item& yours, const Item& right, double tolerance);
// Whether all answers are the same, and the error, apart from its line, if there is one.
bool same(const Outcome& yours, const Outcome& right, double tolerance);

struct Verdict {
  std::vector<bool> right;    // of each case
  int first_wrong = -1;       // -1: none
  std::vector<int> mistakes;  // the known ones that fit best up to there; empty: none fits
  int points = 0;             // groups of which every case is right
};

// Requires: an outcome for each question; that of a case that was not tried has an error.
Verdict verdict_of(const CaseFile& file, const std::vector<Outcome>& yours);

}  // namespace gradus
