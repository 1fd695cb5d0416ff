#include "source.h"

#include <algorithm>
#include <cctype>
#include <regex>

namespace gradus {

namespace {

std::string replaced(const std::string& pattern, const std::string& text) {
  return std::regex_replace(text, std::regex(pattern), "");
}

std::size_t count_lines(const std::string& text) {
  return static_cast<std::size_t>(std::count(text.begin(), text.end(), '\n'));
}

std::string line_directive(std::size_t number, const std::string& path) {
  return "#line " + std::to_string(number) + " \"" + path + "\"\n";
}

// White space is no difference.
bool alike(std::string a, std::string b) {
  for (std::string* text : {&a, &b})
    std::erase_if(*text, [](char c) { return std::isspace(static_cast<unsigned char>(c)); });
  return a == b;
}

}  // namespace

Source read_source(const std::string& path, Where where) {
  Source source;
  source.path = path;
  std::size_t number = 0;
  bool open = false;
  for (const std::string& line : lines_of(read_file(path, 1 << 20, where))) {
    ++number;
    const std::size_t mark = line.find("//> yours");
    const bool begins = mark != std::string::npos, ends = !found("^\\s*//<\\s*$", line).empty();
    if (begins ? open : ends && !open)
      fail("marks", where, path + ":" + std::to_string(number) + " has a mark without its pair");
    if (begins || ends) open = begins;
    if (begins) {
      const std::string before = source.rest + line.substr(0, mark + 9) + "\n";
      source.regions.push_back(
          {before, "", replaced("^\\s+|\\s+$", line.substr(mark + 9)), number + 1});
      source.rest.clear();
    } else {
      (open ? source.regions.back().text : source.rest) += line + "\n";
    }
  }
  if (open) fail("marks", where, path + ": the last //> yours has no //<");
  return source;
}

std::string with_regions(const Source& source, const std::vector<std::string>& texts) {
  std::string text;
  for (std::size_t i = 0; i < source.regions.size(); ++i)
    text += source.regions[i].before + texts[i];
  return text + source.rest;
}

std::string unsolved(const Source& source) {
  std::vector<std::string> stubs;
  for (const auto& [before, text, stub, line] : source.regions) {
    const std::string mark = before.substr(before.find_last_of('\n', before.size() - 2) + 1);
    stubs.push_back(stub.empty() ? "" : mark.substr(0, mark.find('/')) + stub + "\n");
  }
  return with_regions(source, stubs);
}

Graft graft(const Source& original, const Source& student) {
  if (student.regions.size() != original.regions.size())
    return {"", "it has " + std::to_string(student.regions.size()) + " regions between //> yours " +
                    "and //<, the hand-out has " + std::to_string(original.regions.size()) + "\n"};
  Graft result;
  std::vector<std::string> texts;
  bool same = alike(original.rest, student.rest);
  for (std::size_t i = 0; i < student.regions.size(); ++i) {
    const Region &mine = student.regions[i], &here = original.regions[i];
    // A line may go on after a backslash, also in the middle of a word.
    if (!found("#|%:|\\b(__)?asm", replaced("\\\\\\s*\\n", mine.text)).empty())
      return {"", "what begins at line " + std::to_string(mine.line) +
                      " has a # or asm, which could read other files; nothing is taken\n"};
    texts.push_back(line_directive(mine.line, student.path) + mine.text +
                    line_directive(here.line + count_lines(here.text), original.path));
    same = same && alike(mine.before, here.before);
  }
  result.text = line_directive(1, original.path) + with_regions(original, texts);
  if (!same)
    result.notes =
        "outside the marks it is not the file of the hand-out; only what lies between "
        "them is taken\n";
  return result;
}

std::string found(const std::string& pattern, const std::string& text) {
  std::smatch match;
  return std::regex_search(text, match, std::regex(pattern)) ? match.str() : "";
}

std::string without_comments(const std::string& code) {
  return replaced("//[^\\n]*", code);
}

bool uses(const std::string& code, const std::string& name) {
  // Groups: a name of the library for certain; a declaration of one's own, of a variable or (with a
  // block to come) of a parameter or a loop's variable.
  const std::regex part("[{}]|((?:\\.|->|::)\\s*" + name + "\\b)|" +
                        "((?:\\b(?!return\\b|new\\b)\\w+|>)[\\s&*]*[\\s&*]" + name +
                        "(?=\\s*(?:[=;{]|([,):])[^:;][^;]*\\{)))|\\b" + name + "\\b");
  const int never = 1 << 20;
  int depth = 0, own = never;  // how deep in braces; and there the name is the student's own
  for (std::sregex_iterator at(code.begin(), code.end(), part), end; at != end; ++at) {
    const std::smatch& match = *at;
    if (match.str() == "{") {
      ++depth;
    } else if (match.str() == "}") {
      if (--depth < own) own = never;
    } else if (match[1].matched || (own == never && !match[2].matched)) {
      return true;
    } else if (own == never) {
      own = depth + match[3].matched;
    }
  }
  return false;
}

}  // namespace gradus
