#include "source.h"

#include <algorithm>
#include <cctype>

namespace gradus {

namespace {

std::string trimmed(const std::string& text) {
  const std::size_t begin = text.find_first_not_of(" \t\r");
  return begin == std::string::npos
             ? ""
             : text.substr(begin, text.find_last_not_of(" \t\r") + 1 - begin);
}

// What follows "//> yours" is the stub, and no difference.
std::string comparable(const std::string& line) {
  const std::string text = trimmed(line);
  return text.rfind("//> yours", 0) == 0 ? "//> yours" : text;
}

std::string join(const std::vector<std::string>& lines, std::size_t begin, std::size_t end) {
  std::string text;
  for (std::size_t i = begin; i < end; ++i) text += lines[i] + "\n";
  return text;
}

// All lines but those in regions, each with its number.
std::vector<std::pair<std::size_t, std::string>> fixed_lines(const Source& source) {
  std::vector<std::pair<std::size_t, std::string>> fixed;
  std::size_t region = 0;
  for (std::size_t i = 0; i < source.lines.size(); ++i) {
    if (region < source.regions.size() && i == source.regions[region].begin)
      i = source.regions[region++].end;
    if (!trimmed(source.lines[i]).empty()) fixed.push_back({i + 1, comparable(source.lines[i])});
  }
  return fixed;
}

// Whether a line might include a file while it is compiled.
bool reaches_out(const std::string& line) {
  if (line.find('#') != std::string::npos || line.find("%:") != std::string::npos) return true;
  const std::vector<std::string> names = names_in(line);
  return std::any_of(names.begin(), names.end(), [](const std::string& name) {
    return name == "asm" || name == "__asm" || name == "__asm__";
  });
}

}  // namespace

std::string Source::region_text(std::size_t region) const {
  return join(lines, regions[region].begin, regions[region].end);
}

Source read_source(const std::string& path, Where where) {
  Source source;
  source.path = path;
  source.lines = lines_of(read_file(path, 1 << 20, where));
  bool open = false;
  for (std::size_t i = 0; i < source.lines.size(); ++i) {
    const std::string line = trimmed(source.lines[i]);
    const bool begins = line.rfind("//> yours", 0) == 0, ends = line == "//<";
    if (begins ? open : ends && !open)
      fail("marks", where, path + ":" + std::to_string(i + 1) + " has a mark without its pair");
    if (begins) source.regions.push_back({i + 1, i + 1, trimmed(line.substr(9))});
    if (ends) source.regions.back().end = i;
    if (begins || ends) open = begins;
  }
  if (open) fail("marks", where, path + ": the last //> yours has no //<");
  return source;
}

std::string with_regions(const Source& source, const std::vector<std::string>& texts) {
  std::string text;
  std::size_t from = 0;
  for (std::size_t i = 0; i < source.regions.size(); ++i) {
    text += join(source.lines, from, source.regions[i].begin) + texts[i];
    from = source.regions[i].end;
  }
  return text + join(source.lines, from, source.lines.size());
}

std::string unsolved(const Source& source) {
  Source bare = source;
  std::vector<std::string> stubs;
  for (const Region& region : source.regions) {
    std::string& mark = bare.lines[region.begin - 1];
    const std::string indent = mark.substr(0, mark.find('/'));
    mark = indent + "//> yours";
    stubs.push_back(region.stub.empty() ? "" : indent + region.stub + "\n");
  }
  return with_regions(bare, stubs);
}

Graft graft(const Source& original, const Source& student) {
  if (student.regions.size() != original.regions.size())
    return {"", "it has " + std::to_string(student.regions.size()) + " regions between //> yours " +
                    "and //<, the hand-out has " + std::to_string(original.regions.size()) + "\n"};
  for (const Region& region : student.regions)
    for (std::size_t i = region.begin; i < region.end; ++i)
      if (reaches_out(student.lines[i]))
        return {"", "line " + std::to_string(i + 1) +
                        " has a # or asm, which could read other files; nothing is taken\n"};
  const auto line = [](std::size_t number, const std::string& path) {
    return "#line " + std::to_string(number) + " \"" + path + "\"\n";
  };
  Graft result;
  std::vector<std::string> texts;
  for (std::size_t i = 0; i < student.regions.size(); ++i)
    texts.push_back(line(student.regions[i].begin + 1, student.path) + student.region_text(i) +
                    line(original.regions[i].end + 1, original.path));
  result.text = line(1, original.path) + with_regions(original, texts);
  const auto here = fixed_lines(original), there = fixed_lines(student);
  std::size_t same = 0;
  while (same < here.size() && same < there.size() && here[same].second == there[same].second)
    ++same;
  if (same < here.size() || same < there.size())
    result.notes = "outside the marks it is not the file of the hand-out, first at line " +
                   std::to_string(same < there.size() ? there[same].first : student.lines.size()) +
                   "; only what lies between the marks is taken\n";
  return result;
}

std::vector<std::string> names_in(const std::string& code) {
  std::vector<std::string> names;
  std::string name;
  char quote = 0;
  for (std::size_t i = 0; i <= code.size(); ++i) {
    const char c = i < code.size() ? code[i] : ' ';
    if (quote) {
      if (c == '\\' && quote != '\n')
        ++i;
      else if (c == quote)
        quote = 0;
    } else if (std::isalnum(static_cast<unsigned char>(c)) || c == '_') {
      name += c;
    } else {
      if (!name.empty()) names.push_back(name);
      name.clear();
      if (c == '"' || c == '\'') quote = c;
      if (c == '/' && code.compare(i, 2, "//") == 0) quote = '\n';
    }
  }
  return names;
}

}  // namespace gradus
