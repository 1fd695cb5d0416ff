#include "source.h"

#include <algorithm>
#include <cctype>
#include <iterator>
#include <regex>
#include <sstream>

namespace gradus {

namespace {

const std::string mark = "//> yours";

std::string without(const std::string& pattern, const std::string& text) {
  return std::regex_replace(text, std::regex(pattern), "");
}

bool found(const std::string& pattern, const std::string& text) {
  return std::regex_search(text, std::regex(pattern));
}

// The number of the first line of a part.
std::string line_of(const Source& source, std::size_t part) {
  std::ptrdiff_t line = 1;
  for (std::size_t i = 0; i < part; ++i)
    line += std::count(source.parts[i].begin(), source.parts[i].end(), '\n');
  return std::to_string(line);
}

// The text as a regular expression, in which any white space may stand between any two characters.
std::regex pattern_of(const std::string& text) {
  std::string pattern;
  for (const char c : text) {
    if (std::isspace(static_cast<unsigned char>(c))) continue;
    pattern += pattern.empty() ? "" : "\\s*";
    pattern += std::ispunct(static_cast<unsigned char>(c)) && c != '_' ? "\\" : "";
    pattern += c;
  }
  return std::regex(pattern);
}

// Puts the new text into the one region that has the old; returns how often it was there.
std::ptrdiff_t replace(Source& source, const Edit& edit) {
  const std::regex old = pattern_of(edit.old);
  std::ptrdiff_t count = 0;
  for (std::size_t i = 1; i < source.parts.size(); i += 2) {
    std::string& part = source.parts[i];
    count += std::distance(std::sregex_iterator(part.begin(), part.end(), old), {});
    part = std::regex_replace(part, old, edit.fresh);
  }
  return count;
}

}  // namespace

Source read_source(const std::string& path, Where where) {
  Source source = {path, {""}};
  for (const std::string& line : lines_of(read_file(path, 1 << 20, where))) {
    const bool begins = line.find(mark) != std::string::npos, ends = found("^\\s*//<\\s*$", line);
    const bool open = source.parts.size() % 2 == 0;
    if (begins ? open : ends && !open)
      fail("marks", where,
           path + ":" + line_of(source, source.parts.size()) + " has a mark without its pair");
    if (ends) source.parts.push_back("");
    source.parts.back() += line + "\n";
    if (begins) source.parts.push_back("");
  }
  if (source.parts.size() % 2 == 0) fail("marks", where, path + ": the last //> yours has no //<");
  return source;
}

std::string text_of(const Source& source) {
  std::string text;
  for (const std::string& part : source.parts) text += part;
  return text;
}

Source unsolved(Source source) {
  for (std::size_t i = 1; i < source.parts.size(); i += 2) {
    std::string& before = source.parts[i - 1];
    std::smatch line;  // its indent, and what stands behind the mark
    std::regex_search(before, line, std::regex("( *)" + mark + " *(.*)\n"));
    source.parts[i] = line[2].length() ? line.str(1) + line.str(2) + "\n" : "";
    before = line.prefix().str() + line.str(1) + mark + "\n";
  }
  return source;
}

Graft graft(const Source& original, const Source& student) {
  if (student.parts.size() != original.parts.size())
    return {"", "it has " + std::to_string(student.parts.size() / 2) +
                    " regions between //> yours and //<, the hand-out has " +
                    std::to_string(original.parts.size() / 2) + "\n"};
  const Source asked = unsolved(original), given = unsolved(student);
  Graft result;
  for (std::size_t i = 0; i < original.parts.size(); ++i) {
    const Source& from = i % 2 ? student : original;
    // A line may go on after a backslash, also in the middle of a word.
    if (i % 2 && found("#|%:|\\b(__)?asm", without("\\\\\\s*\\n", from.parts[i])))
      return {"", "what begins at line " + line_of(from, i) +
                      " has a # or asm, which could read other files; nothing is taken\n"};
    if (i % 2 == 0 && without("\\s", asked.parts[i]) != without("\\s", given.parts[i]))
      result.notes =
          "outside the marks it is not the file of the hand-out; only what lies between "
          "them is taken\n";
    result.text += "#line " + line_of(from, i) + " \"" + from.path + "\"\n" + from.parts[i];
  }
  return result;
}

bool uses(const std::string& commented, const std::string& name) {
  const std::string code = without("//[^\\n]*", commented);
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

Mistakes read_mistakes(const std::string& path, Where where) {
  Mistakes mistakes = {path};
  std::vector<Variant>& all = mistakes.variants;
  std::string before;
  int number = 0;
  for (const std::string& line : lines_of(read_file(path, 1 << 20, where))) {
    ++number;
    std::istringstream words(line);
    std::string word, rest;
    words >> word >> std::ws;
    std::getline(words, rest);
    if (!word.empty() && word[0] == '#') continue;
    if (word == "hint" || word == "without") {
      mistakes.notes.push_back(item_of(word, "", rest));
    } else if (word == "right" || word == "wrong") {
      all.push_back({word == "right", rest, number});
    } else if (word == "see" && !all.empty()) {
      all.back().see = rest;
    } else if (((word == "-" || word == "=") && !all.empty()) ||
               (word == "+" && (before == "-" || before == "+"))) {
      std::vector<Edit>& edits = all.back().edits;
      if (word != "+" && word != before) edits.push_back({});
      std::string& into = word == "-" ? edits.back().old : edits.back().fresh;
      into += (into.empty() ? "" : "\n") + rest;
    } else if (!word.empty()) {
      fail("mistakes", where, path + ":" + std::to_string(number) + ": no directive: " + line);
    }
    before = word;
  }
  return mistakes;
}

std::string varied(Source source, const Variant& variant, const Mistakes& from, Where where) {
  std::size_t region = 1;
  for (const Edit& edit : variant.edits)
    if (edit.old.empty()) {
      source.parts.at(region) = edit.fresh + "\n";
      region += 2;
    } else if (const auto count = replace(source, edit); count != 1) {
      fail("mistakes", where,
           from.path + ":" + std::to_string(variant.line) + ": \"" + edit.old + "\" occurs " +
               std::to_string(count) + " times, not once");
    }
  return text_of(source);
}

}  // namespace gradus
