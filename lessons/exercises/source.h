// The text of an exercise: what lies between the marks, and what stands there instead.
#pragma once

#include <gradus/gradus.h>

#include <string>
#include <vector>

namespace gradus {

// What lies between "//> yours" and "//<", and all between the region before and that: the last
// line of `before` is the mark.
struct Region {
  std::string before, text;
  std::string stub;      // what the hand-out has for it
  std::size_t line = 0;  // the first of the text
};

struct Source {
  std::string path;
  std::vector<Region> regions;
  std::string rest;  // what follows the last region, from "//<" on
};

// Errors: marks that do not pair up.
Source read_source(const std::string& path, Where where = here());

// The file with other texts in its regions, in their order.
std::string with_regions(const Source& source, const std::vector<std::string>& texts);

// The hand-out's version: no solution.
std::string unsolved(const Source& source);

// What a student wrote, put between the marks of the original; with notes, one a line, on what the
// student changed outside of them, which is not taken. Lines that could read other files while they
// are compiled (a #, asm) are refused. #line directives keep the student's line numbers.
struct Graft {
  std::string text;  // "" if nothing can be taken
  std::string notes;
};
Graft graft(const Source& original, const Source& student);

// The first match of a regular expression; "" if there is none.
std::string found(const std::string& pattern, const std::string& text);
// C++ without the comments at the ends of its lines.
std::string without_comments(const std::string& code);
// Whether the code uses this name of the library. From where a variable, a lambda or a parameter of
// one's own has it until the block ends, it is not the library's; x.grad() and gradus::grad are.
bool uses(const std::string& code, const std::string& name);

}  // namespace gradus
