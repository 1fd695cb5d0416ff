// The text of an exercise: what lies between the marks, what stands there instead, and what its
// author knows of it (NN_name.mistakes; teachers.md describes the file).
#pragma once

#include "exercise.h"

#include <string>
#include <vector>

namespace gradus {

struct Source {
  std::string path;
  // By turns what stands outside of the marks, and what lies between "//> yours", with which a part
  // ends, and "//<", with which one begins. So those of odd numbers are the regions to be written.
  std::vector<std::string> parts;
};

// Errors: marks that do not pair up.
Source read_source(const std::string& path, Where where = here());
std::string text_of(const Source& source);
// The hand-out's version: no solution.
Source unsolved(Source source);

// What a student wrote, put between the marks of the original; with notes, one a line, on what the
// student changed outside of them, which is not taken. Lines that could read other files while they
// are compiled (a #, asm) are refused. #line directives keep the student's line numbers.
struct Graft {
  std::string text;  // "" if nothing can be taken
  std::string notes;
};
Graft graft(const Source& original, const Source& student);

// Whether the code uses this name of the library. From where a variable, a lambda or a parameter of
// one's own has it until the block ends, it is not the library's; x.grad() and gradus::grad are.
bool uses(const std::string& code, const std::string& name);

struct Edit {
  std::string old, fresh;  // this text, that instead; where old is "", the next region
};
struct Variant {
  bool right = false;
  std::string message;  // of a wrong answer what was misunderstood, of a right one how it differs
  int line = 0;         // of the file
  std::string see = {};
  std::vector<Edit> edits = {};
};
struct Mistakes {
  std::string path;
  std::vector<Item> notes = {};  // of the kinds "hint" and "without", as a case file has them
  std::vector<Variant> variants = {};
};
// Errors: a line that is no directive.
Mistakes read_mistakes(const std::string& path, Where where = here());
// The exercise as this variant has it. Errors: a text that does not occur exactly once.
std::string varied(Source source, const Variant& variant, const Mistakes& from,
                   Where where = here());

}  // namespace gradus
