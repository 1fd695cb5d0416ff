#include "mistakes.h"

#include <cctype>
#include <regex>
#include <sstream>

namespace gradus {

namespace {

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

// Puts the new text into the one region that has the old.
void edit(std::vector<std::string>& regions, const Edit& edit, const std::string& place,
          const Where& where) {
  const std::regex old = pattern_of(edit.old);
  std::smatch match, only;
  std::string* holder = nullptr;
  int count = 0;
  for (std::string& region : regions)
    for (auto at = region.cbegin(); std::regex_search(at, region.cend(), match, old);
         at = match[0].second) {
      ++count;
      holder = &region;
      only = match;
    }
  if (count != 1)
    fail("mistakes", where,
         place + ": \"" + edit.old + "\" occurs " + std::to_string(count) + " times, not once");
  holder->replace(only[0].first, only[0].second, edit.fresh);
}

// One directive of a variant: a line of text to find, of text instead, or of a region.
void take(Variant& variant, char directive, const std::string& text, char before) {
  if (directive == '-' && before != '-') variant.edits.push_back({"", ""});
  if (directive == '=' && before != '=') variant.regions.push_back("");
  std::string& into = directive == '='   ? variant.regions.back()
                      : directive == '-' ? variant.edits.back().old
                                         : variant.edits.back().fresh;
  into += (into.empty() ? "" : "\n") + text;
}

}  // namespace

Mistakes read_mistakes(const std::string& path, Where where) {
  Mistakes mistakes;
  mistakes.path = path;
  char before = ' ';
  int number = 0;
  for (const std::string& line : lines_of(read_file(path, 1 << 20, where))) {
    ++number;
    std::istringstream words(line);
    std::string word, rest;
    words >> word >> std::ws;
    std::getline(words, rest);
    std::vector<Variant>& all = mistakes.variants;
    const bool edits = word == "-" || word == "+" || word == "=";
    if (word == "hint") {
      mistakes.notes.push_back(item_of("hint", "", rest));
    } else if (word == "without") {
      std::istringstream names(rest);
      for (std::string name; names >> name;) mistakes.notes.push_back(item_of("without", name, ""));
    } else if (word == "right" || word == "wrong") {
      all.push_back({word == "right", rest, "", {}, {}, number});
    } else if (word == "see" && !all.empty()) {
      all.back().see = rest;
    } else if (edits && !all.empty() && (word != "+" || before == '-' || before == '+')) {
      take(all.back(), line[0], line.substr(line.size() > 1 ? 2 : 1), before);
    } else if (!word.empty() && word[0] != '#') {
      fail("mistakes", where, path + ":" + std::to_string(number) + ": no directive: " + line);
    }
    if (word.empty() || word[0] != '#') before = edits ? line[0] : ' ';
  }
  return mistakes;
}

std::string varied(const Source& source, const Variant& variant, const Mistakes& from,
                   Where where) {
  std::vector<std::string> regions;
  for (std::size_t i = 0; i < source.regions.size(); ++i)
    regions.push_back(i < variant.regions.size() ? variant.regions[i] + "\n"
                                                 : source.regions[i].text);
  for (const Edit& each : variant.edits)
    edit(regions, each, from.path + ":" + std::to_string(variant.line), where);
  return with_regions(source, regions);
}

}  // namespace gradus
