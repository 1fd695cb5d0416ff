// What the search of the book finds: the text of each section, in one file of JavaScript, since a
// page that was opened as a file may load no other kind.
#include <algorithm>

#include "book.h"

namespace book {

namespace {

// The text of a page, on one line, as a string of JavaScript. (Marks such as &lt; stay.)
std::string text_of(const std::string& html) {
  std::string text;
  bool in_mark = false;
  for (const char c : html) {
    if (c == '<') in_mark = true;
    const bool space = c == '\n' || c == ' ' || in_mark;
    if (!space && (c == '"' || c == '\\')) text += '\\';
    if (!space)
      text += c;
    else if (!text.empty() && text.back() != ' ' && !in_mark)
      text += ' ';
    if (c == '>') in_mark = false;
  }
  return trimmed(text);
}

}  // namespace

std::string search_entries(const std::string& name, const std::string& html) {
  const std::size_t top = html.find("<h1>"), first = html.find("</h1>");
  const std::size_t end = html.find("</main>");
  if (end == std::string::npos || first > end) return "";
  const std::string title = text_of(html.substr(top, first - top));
  std::string entries;
  for (std::size_t begin = first; begin < end;) {
    const std::size_t next =
        std::min({end, html.find("<h2 id=\"", begin + 1), html.find("<dt id=\"", begin + 1)});
    const std::string part = html.substr(begin, next - begin);
    const std::size_t close = part.find(part[1] == 'h' ? " <a class=\"here\"" : "</dt>");
    const bool section = begin > first && close != std::string::npos;
    const std::size_t quote = part.find('"', 8);
    const std::string address = section ? name + "#" + part.substr(8, quote - 8) : name;
    entries += "[\"" + address + "\", \"" + title +
               (section ? ": " + text_of(part.substr(0, close)) : "") + "\", \"" +
               text_of(section ? part.substr(close) : part) + "\"],\n";
    begin = next;
  }
  return entries;
}

}  // namespace book
