// author variants FILE.cpp FILE.mistakes: writes a program part that holds the exercise in every
// variant, each in a namespace of its own: solved, not solved, and all that the author foresaw.
// author unsolved FILE.cpp: writes it as the hand-out has it.
// author graft FILE.cpp SUBMITTED.cpp: writes it with what a student wrote between the marks; to
// standard error what is not taken, or why nothing is.

#include "source.h"

#include <cstdio>
#include <regex>

using namespace gradus;

namespace {

// Includes must stand outside of the namespaces; the lines keep their numbers.
void write_variant(const std::string& name, const std::string& path, const std::string& text) {
  std::printf("namespace %s {\n#line 1 \"%s\"\n%s}\n", name.c_str(), path.c_str(),
              std::regex_replace(text, std::regex("#include"), "//#include").c_str());
}

void write_variants(const Source& source, const Mistakes& mistakes) {
  std::printf("#include \"judging.h\"\n");
  for (const std::string& line : lines_of(source.parts[0]))
    if (line.rfind("#include", 0) == 0) std::printf("%s\n", line.c_str());
  write_variant("solution", source.path, text_of(source));
  write_variant("stub", source.path, text_of(unsolved(source)));
  std::string table = "{&solution::answer, &stub::answer";
  for (const Variant& variant : mistakes.variants) {
    const std::string line = std::to_string(variant.line);
    write_variant("line_" + line, mistakes.path + ":" + line, varied(source, variant, mistakes));
    table += ", &line_" + line + "::answer";
  }
  std::printf("extern const std::vector<gradus::Answer> every_answer = %s};\n", table.c_str());
  std::printf("void make_cases(gradus::Cases& into) { solution::cases(into); }\n");
}

}  // namespace

int main(int, char** arguments) try {
  const std::string command = arguments[1];
  const Source source = read_source(arguments[2]);
  if (command == "variants") write_variants(source, read_mistakes(arguments[3]));
  if (command == "unsolved") std::printf("%s", text_of(unsolved(source)).c_str());
  if (command == "graft") {
    const Graft result = graft(source, read_source(arguments[3]));
    std::fprintf(stderr, "%s", result.notes.c_str());
    std::printf("%s", result.text.c_str());
    return result.text.empty();
  }
} catch (const std::exception& error) {
  std::fprintf(stderr, "%s\n", error.what());
  return 1;
}
