// The case file of an exercise: all that the judge knows. It holds the inputs and right answers of
// every case, what each known mistake answers, and the messages; but no solution.
#pragma once

#include "outcome.h"

namespace gradus {

struct Question {
  Case given;
  Outcome right;
  std::vector<Outcome> wrong;  // of each known mistake
};

struct KnownMistake {
  std::string message, see;
};

struct CaseFile {
  std::string name;  // "06_attention"
  std::vector<std::string> hints;
  std::vector<std::string> without;  // names that a student may not use
  std::vector<KnownMistake> mistakes;
  std::vector<Question> questions;

  int points() const;  // of all groups together
};

std::string to_text(const CaseFile& file);
// Errors: text that to_text() did not make.
CaseFile case_file_of(const std::string& text, Where where = here());

}  // namespace gradus
