// The glossary: its page, and links to it from the first place where a page has one of its terms.
#include <gradus/error.h>
#include <gradus/files.h>
#include <gradus/picture.h>

#include <algorithm>
#include <cctype>
#include <set>

#include "book.h"

namespace book {

namespace {

char lower(char c) {
  return static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
}

bool in_word(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) || c == '_' || c == '-' ||
         static_cast<unsigned char>(c) >= 128;
}

// How much of the text at `i` is that term, alone or in the plural; 0 if it is another word.
std::size_t length_at(const std::string& text, std::size_t i, const std::string& term) {
  if (text.size() - i < term.size()) return 0;
  for (std::size_t k = 0; k < term.size(); ++k)
    if (lower(text[i + k]) != lower(term[k])) return 0;
  std::size_t end = i + term.size();
  if (end < text.size() && text[end] == 's') ++end;
  return end < text.size() && in_word(text[end]) ? 0 : end - i;
}

// These are everyday words, too.
const std::set<std::string> everyday = {
    "value", "key",         "rank", "head", "shape",  "label",  "layer",  "graph",
    "query", "independent", "leaf", "seed", "source", "target", "prompt", "temperature"};

}  // namespace

std::vector<Term> read_glossary(const std::string& path) {
  std::vector<Term> terms;
  for (const std::string& line : lines_of(gradus::read_file(path, 1 << 20))) {
    const std::size_t colon = line.find(": ");
    if (colon == std::string::npos)
      gradus::fail("glossary", gradus::here(),
                   "a line \"term: explanation\" is wanted, not \"" + line + "\"");
    Term term{line.substr(0, colon), "", line.substr(colon + 2)};
    for (const char c : term.name)
      term.id += std::isalnum(static_cast<unsigned char>(c)) ? lower(c) : '-';
    terms.push_back(term);
  }
  std::sort(terms.begin(), terms.end(), [](const Term& a, const Term& b) {
    return std::lexicographical_compare(a.name.begin(), a.name.end(), b.name.begin(), b.name.end(),
                                        [](char x, char y) { return lower(x) < lower(y); });
  });
  return terms;
}

std::string glossary_html(const Names& names, const std::vector<Term>& terms) {
  std::string body = "<dl class=\"glossary\">\n";
  for (const Term& term : terms)
    body += "<dt id=\"" + term.id + "\">" + gradus::xml_text(term.name) + "</dt>\n<dd>" +
            inline_html(names, term.text) + "</dd>\n";
  return body + "</dl>\n";
}

std::string with_terms(const std::vector<Term>& terms, const std::string& html) {
  std::set<std::string> linked = everyday;
  std::string result;
  int text = 0, other = 0;  // how many p and li, and how many a and code, are open
  for (std::size_t i = 0; i < html.size();) {
    if (html[i] == '<') {
      const std::size_t end = html.find('>', i) + 1;
      const std::size_t name = html[i + 1] == '/' ? i + 2 : i + 1;
      const std::string tag = html.substr(name, html.find_first_of(" >/", name) - name);
      const int step = name == i + 2 ? -1 : html[end - 2] == '/' ? 0 : 1;
      if (tag == "p" || tag == "li") text += step;
      if (tag == "a" || tag == "code") other += step;
      result += html.substr(i, end - i);
      i = end;
      continue;
    }
    const Term* found = nullptr;
    std::size_t length = 0;
    if (text > 0 && other == 0 && !in_word(html[i - 1]))
      for (const Term& term : terms)
        if (const std::size_t here = length_at(html, i, term.name); here > length) {
          found = &term;
          length = here;
        }
    if (!found || !linked.insert(found->name).second) {
      result += html[i++];
      continue;
    }
    result += "<a class=\"term\" href=\"glossary.html#" + found->id + "\" title=\"" +
              gradus::xml_text(found->text) + "\">" + html.substr(i, length) + "</a>";
    i += length;
  }
  return result;
}

}  // namespace book
