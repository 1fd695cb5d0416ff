// What an answer gave, what is right, and what the student is told: each part has a source of its
// name (outcome.cpp, case_file.cpp, verdict.cpp, message.cpp).
#pragma once

#include "exercise.h"

namespace gradus {

using Answer = void (*)(const Case& given, Answers& answers);

// What an answer gave in one case: items of the kinds "answer", "trace" (what got a name on the
// way) and perhaps "error", the text of what ended it.
using Outcome = std::vector<Item>;

// Calls answer() and looks on. What it throws is in the outcome.
Outcome outcome_of(Answer answer, const Case& given);
// "" if there is none.
std::string error_of(const Outcome& outcome);

// The case file: all that the judge knows. It holds no solution.
struct Question {
  Case given;
  Outcome right;
  std::vector<Outcome> wrong;  // of each known mistake
};
struct CaseFile {
  std::string name;  // "06_attention"
  // Of the kinds "hint", "without" (a name that a student may not use) and "mistake" (its message;
  // its name is what to see).
  std::vector<Item> notes;
  std::vector<Question> questions;

  int points() const;  // of all groups together
};
std::string to_text(const CaseFile& file);
// Errors: text that to_text() did not make.
CaseFile case_file_of(const std::string& text, Where where = here());

// How far a number of the item may be off: a share of its largest.
double may_be_off(const Item& right, double tolerance);
// Whether two items have the same shape and the same numbers, but for a tolerance. What is not a
// number equals only what is not a number.
bool same(const Item& yours, const Item& right, double tolerance);
// Whether all answers are the same, and the error, apart from its line, if there is one.
bool same(const Outcome& yours, const Outcome& right, double tolerance);

struct Verdict {
  std::vector<bool> right;            // of each case
  int first_wrong = -1;               // -1: none
  std::vector<std::size_t> mistakes;  // the known ones that fit best up to there
  int points = 0;                     // of groups of which every case is right
};
// Requires: an outcome for each question; that of a case that was not tried has an error.
Verdict verdict_of(const CaseFile& file, const std::vector<Outcome>& yours);

// "[[2 -1] [0 3]]"; a large one is "of shape [9, 9]".
std::string brief(const Item& item);
// What is odd about an item, such as "a row has the sum 2, not 1". Requires: they differ.
std::string oddity(const Item& yours, const Item& right, double tolerance);
// The first step or answer that differs, next to the right one; both null if none does.
struct Difference {
  const Item* yours = nullptr;
  const Item* right = nullptr;
};
Difference first_difference(const Outcome& yours, const Outcome& right, double tolerance);
// All that follows the list of cases. `source` is the name of the student's file.
std::string message_of(const CaseFile& file, const std::vector<Outcome>& yours,
                       const Verdict& verdict, const std::string& source);

}  // namespace gradus
