// The text of an exercise: what lies between the marks, and what stands there instead.
#pragma once

#include <gradus/gradus.h>

#include <string>
#include <vector>

namespace gradus {

// The lines from `begin` to before `end`, which lie between "//> yours" and "//<".
struct Region {
  std::size_t begin = 0, end = 0;
  std::string stub;  // what the hand-out has there
};

struct Source {
  std::string path;
  std::vector<std::string> lines;
  std::vector<Region> regions;

  std::string region_text(std::size_t region) const;
};

// Errors: marks that do not pair up.
Source read_source(const std::string& path, Where where = here());

// The file with other texts in its regions, in their order.
std::string with_regions(const Source& source, const std::vector<std::string>& texts);

// The hand-out's version: no solution.
std::string unsolved(const Source& source);

// What a student wrote, put between the marks of the original; with notes, one a line, on all that
// the student changed outside of them, which is not taken. Lines that could read other files while
// they are compiled (a #, asm) are refused. #line directives keep the student's line numbers.
struct Graft {
  std::string text;  // "" if nothing can be taken
  std::string notes;
};
Graft graft(const Source& original, const Source& student);

// The names in a piece of C++, without those in comments and strings.
std::vector<std::string> names_in(const std::string& code);

}  // namespace gradus
