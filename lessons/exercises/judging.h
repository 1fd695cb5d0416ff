// What an answer gave, what is right, what the student is told, and the box in which the student's
// program runs.
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
  Outcome right = {};
  std::vector<Outcome> wrong = {};  // of each known mistake
};
struct CaseFile {
  // Of the kinds "hint", "without" (names that a student may not use) and "mistake" (its message;
  // its name is what to see).
  std::vector<Item> notes;
  std::vector<Question> questions;
};
// Of the text that the oracle writes. Errors: another text.
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
  std::size_t first_wrong = 0;        // the number of cases: none
  std::vector<std::size_t> mistakes;  // the known ones that fit best up to there
  int points = 0, most = 0;           // a group has its points if every case of it is right
};
// Requires: an outcome for each question; that of a case that was not tried has an error.
Verdict verdict_of(const CaseFile& file, const std::vector<Outcome>& yours);

// "[[2 -1] [0 3]]"; a large one is "of shape [9, 9]".
std::string brief(const Item& item);
// What is odd about an item, such as "a row has the sum 2, not 1". Requires: they differ.
std::string oddity(const Item& yours, const Item& right, double tolerance);
// The first step or answer that differs, and the right one; both null if none does.
std::pair<const Item*, const Item*> first_difference(const Outcome& yours, const Outcome& right,
                                                     double tolerance);
// All that follows the list of cases. `source` is the name of the student's file.
std::string message_of(const CaseFile& file, const std::vector<Outcome>& yours,
                       const Verdict& verdict, const std::string& source);

// Runs a program on `input` with little time, memory and disk, one process and no rights. Where the
// system lets us, it sees an empty folder as its whole file system (if it is linked statically), no
// other process, and a network without any other machine. Nothing that it returns is believed.
struct Ran {
  std::string answers;  // what it wrote to file descriptor 3
  std::string printed;  // what it printed, cut after 500 characters
  std::string problem;  // how it ended without an answer: "no answer after 2 s of computing"
  std::string gaps;     // what this machine does not let us keep away from the program
};
Ran run_boxed(const std::string& program, const std::string& input);

}  // namespace gradus
