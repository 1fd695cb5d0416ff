#include "mistakes.h"

#include <cctype>
#include <sstream>

namespace gradus {

namespace {

bool space(char c) {
  return std::isspace(static_cast<unsigned char>(c));
}

std::string trimmed(const std::string& text) {
  std::size_t begin = 0, end = text.size();
  while (begin < end && space(text[begin])) ++begin;
  while (end > begin && space(text[end - 1])) --end;
  return text.substr(begin, end - begin);
}

// How long `wanted` is in `text` from `at`, where any white space stands for any other and for
// none; 0 if it is not there.
std::size_t length_at(const std::string& text, std::size_t at, const std::string& wanted) {
  std::size_t i = at;
  for (const char c : wanted) {
    if (space(c)) continue;
    while (i < text.size() && space(text[i]) && i > at) ++i;
    if (i == text.size() || text[i] != c) return 0;
    ++i;
  }
  return i - at;
}

void edit(std::string& text, const std::string& from, const std::string& to,
          const std::string& place, const Where& where) {
  std::size_t found = 0, at = 0, length = 0;
  for (std::size_t i = 0; i < text.size(); ++i)
    if (const std::size_t here = length_at(text, i, from); here > 0) {
      ++found;
      at = i;
      length = here;
    }
  if (found != 1)
    fail("mistakes", where,
         place + ": \"" + from + "\" occurs " + std::to_string(found) + " times, not once");
  text.replace(at, length, to);
}

// One directive of a variant: a line of text to find, of text instead, or of a region.
void take(Variant& variant, char directive, const std::string& text, char before) {
  if (directive == '-' && before != '-') variant.edits.push_back({"", ""});
  if (directive == '=' && before != '=') variant.regions.push_back("");
  std::string& into = directive == '='   ? variant.regions.back()
                      : directive == '-' ? variant.edits.back().first
                                         : variant.edits.back().second;
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
    const std::string word = line.substr(0, line.find_first_of(" \t"));
    const std::string rest = trimmed(line.substr(word.size()));
    const char first = line.empty() ? ' ' : line[0];
    const bool edits = word == "-" || word == "+" || word == "=";
    if (word == "hint")
      mistakes.hints.push_back(rest);
    else if (word == "without") {
      std::istringstream names(rest);
      for (std::string name; names >> name;) mistakes.without.push_back(name);
    } else if (word == "right" || word == "wrong")
      mistakes.variants.push_back({word == "right", rest, "", {}, {}, number});
    else if (word == "see" && !mistakes.variants.empty())
      mistakes.variants.back().see = rest;
    else if (edits && !mistakes.variants.empty() &&
             (first != '+' || before == '-' || before == '+'))
      take(mistakes.variants.back(), first, line.substr(line.size() > 1 ? 2 : 1), before);
    else if (!word.empty() && first != '#')
      fail("mistakes", where, path + ":" + std::to_string(number) + ": no directive: " + line);
    if (first != '#') before = edits ? first : ' ';
  }
  return mistakes;
}

std::string varied(const Source& source, const Variant& variant, const Mistakes& from,
                   Where where) {
  const std::string place = from.path + ":" + std::to_string(variant.line);
  const std::string seam(1, '\0');  // between regions
  std::string all;
  for (std::size_t i = 0; i < source.regions.size(); ++i)
    all += (i < variant.regions.size() ? variant.regions[i] + "\n" : source.region_text(i)) + seam;
  for (const auto& [old, fresh] : variant.edits) edit(all, old, fresh, place, where);
  std::vector<std::string> texts(1);
  for (const char c : all) {
    if (c == '\0')
      texts.push_back("");
    else
      texts.back() += c;
  }
  return with_regions(source, texts);
}

}  // namespace gradus
