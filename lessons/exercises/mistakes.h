// What an author knows of an exercise: hints, other right answers, and the wrong ones. exercise.h
// describes the file.
#pragma once

#include "item.h"
#include "source.h"

namespace gradus {

struct Edit {
  std::string old, fresh;  // this text, that instead
};

struct Variant {
  bool right = false;
  std::string message;  // of a wrong answer what was misunderstood, of a right one how it differs
  std::string see;
  std::vector<Edit> edits;
  std::vector<std::string> regions;  // or whole regions
  int line = 0;                      // of the file, for messages
};

struct Mistakes {
  std::string path;
  std::vector<Item> notes;  // of the kinds "hint" and "without", as a case file has them
  std::vector<Variant> variants;
};

// Errors: a line that is no directive.
Mistakes read_mistakes(const std::string& path, Where where = here());

// The exercise as this variant has it. Errors: a text that does not occur exactly once.
std::string varied(const Source& source, const Variant& variant, const Mistakes& from,
                   Where where = here());

}  // namespace gradus
