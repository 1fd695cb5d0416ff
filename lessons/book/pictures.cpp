// Pictures in pages.
#include <cctype>

#include "book.h"

namespace book {

namespace {

bool is_name(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) || c == '_' || c == '-';
}

// Puts `prefix` behind every `mark`: id="arrow" becomes id="p1-arrow".
void insert_behind(std::string& text, const std::string& mark, const std::string& prefix) {
  for (std::size_t i = text.find(mark); i != std::string::npos; i = text.find(mark, i)) {
    i += mark.size();
    text.insert(i, prefix);
  }
}

// class="cell s0" becomes class="p1-cell p1-s0".
void rename_classes(std::string& svg, const std::string& prefix) {
  const std::string mark = " class=\"";
  for (std::size_t i = svg.find(mark); i != std::string::npos; i = svg.find(mark, i)) {
    i += mark.size();
    for (bool start = true; i < svg.size() && svg[i] != '"'; ++i) {
      if (start && svg[i] != ' ') {
        svg.insert(i, prefix);
        i += prefix.size();
      }
      start = svg[i] == ' ';
    }
  }
}

// .cell{…} becomes .p1-cell{…} between <style> and </style>.
void rename_rules(std::string& svg, const std::string& prefix) {
  std::size_t i = svg.find("<style");
  while (i != std::string::npos) {
    for (i = svg.find('>', i); i < svg.size() && svg.compare(i, 8, "</style>") != 0; ++i)
      if (svg[i] == '.' && i + 1 < svg.size() && is_name(svg[i + 1]) &&
          !std::isdigit(static_cast<unsigned char>(svg[i + 1])))
        svg.insert(i + 1, prefix);
    i = svg.find("<style", i);
  }
}

}  // namespace

std::vector<std::string> pictures_of(const std::string& source, const std::string& ending) {
  std::vector<std::string> pictures;
  for (const std::string folder : {"build/", "lessons/pictures/"}) {
    for (std::size_t i = source.find(folder); i != std::string::npos; i = source.find(folder, i)) {
      std::size_t end = i;
      while (end < source.size() && (is_name(source[end]) || source[end] == '/')) ++end;
      const std::string picture = source.substr(i, end - i) + ending;
      bool is_new = source.compare(end, ending.size(), ending) == 0;
      for (const std::string& known : pictures) is_new = is_new && known != picture;
      if (is_new) pictures.push_back(picture);
      i = end;
    }
  }
  return pictures;
}

std::string inline_svg(const std::string& svg, const std::string& prefix) {
  // Without a line `<?xml …?>`, which only a whole file may have.
  const std::size_t begin = svg.find("<svg");
  if (begin == std::string::npos) return "";
  std::string result = svg.substr(begin);
  rename_classes(result, prefix);
  rename_rules(result, prefix);
  insert_behind(result, " id=\"", prefix);
  insert_behind(result, "url(#", prefix);
  insert_behind(result, "href=\"#", prefix);
  return result;
}

}  // namespace book
