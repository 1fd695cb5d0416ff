// Running text: `code`, "lessons 3 and 4", files, and the little letters of formulas.
#include <gradus/picture.h>

#include <algorithm>
#include <cctype>

#include "book.h"

namespace book {

namespace {

using gradus::xml_text;

// A letter or digit, or a byte of a letter outside of ASCII, such as ω.
bool in_word(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) || static_cast<unsigned char>(c) >= 128;
}

bool is_digit(char c) {
  return std::isdigit(static_cast<unsigned char>(c));
}

// Text with indices and exponents as such. With `columns` what stands below each other stays so:
// the signs that go are made up for at the next gap.
std::string formula_text(const std::string& text, bool columns) {
  std::string html, run;
  std::size_t owed = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool below = text[i] == '_', above = text[i] == '^' && i > 0;
    const std::size_t length = below ? index_length(text, i) : above ? exponent_length(text, i) : 0;
    if (columns && owed > 0 && text.compare(i, 2, "  ") == 0) {
      run += std::string(owed, ' ');
      owed = 0;
    }
    if (length == 0) {
      run += text[i];
      continue;
    }
    const bool closed = text[i + 1] == '(' && above;
    const std::string inner = text.substr(i + 1 + closed, length - 2 * closed);
    const std::string mark = below ? "sub>" : "sup>";
    html += xml_text(run) + "<" + mark + formula_text(inner, false) + "</" + mark;
    run.clear();
    owed += closed ? 3 : 1;
    i += length;
  }
  return html + xml_text(run);
}

// Text in which the files that have a page lead to it.
std::string with_files(const Names& names, const std::string& text) {
  std::string html;
  std::size_t done = 0;
  for (const std::string& file : files_named(text)) {
    const auto page = names.files.find(file);
    if (page == names.files.end()) continue;
    const std::size_t at = text.find(file, done);
    html += formula_text(text.substr(done, at - done), false) + "<a href=\"" + page->second +
            "\">" + xml_text(file) + "</a>";
    done = at + file.size();
  }
  return html + formula_text(text.substr(done), false);
}

// Text without code, in which "lesson 4" and, in "lessons 3 and 4", each number leads to a lesson.
std::string plain_html(const Names& names, const std::string& text) {
  std::string html;
  std::size_t done = 0;
  const auto add = [&](std::size_t begin, std::size_t end, const std::string& number) {
    const auto page = names.lessons.find(std::stoi(number));
    const std::string words = formula_text(text.substr(begin, end - begin), false);
    html += with_files(names, text.substr(done, begin - done));
    html +=
        page == names.lessons.end() ? words : "<a href=\"" + page->second + "\">" + words + "</a>";
    done = end;
  };
  for (std::size_t at = text.find("esson"); at != std::string::npos;
       at = text.find("esson", at + 5)) {
    const bool several = text.compare(at + 5, 2, "s ") == 0;
    std::size_t first = at + (several ? 7 : 6);
    if (!several && text.compare(at + 5, 1, " ") != 0) continue;
    for (bool more = true; more && first < text.size() && is_digit(text[first]);) {
      std::size_t end = first;
      while (end < text.size() && end < first + 4 && is_digit(text[end])) ++end;
      add(several || at == 0 ? first : at - 1, end, text.substr(first, end - first));
      more = false;
      for (const std::string between : {", ", " and ", " to "})
        if (several && text.compare(end, between.size(), between) == 0) {
          first = end + between.size();
          more = true;
        }
    }
  }
  return html + with_files(names, text.substr(done));
}

}  // namespace

// How long the index behind an underscore is, as in W_q, C_ij and W_q,h; 0 for names of code, such
// as key_dim, transpose_b and dense_1.
std::size_t index_length(const std::string& text, std::size_t underscore) {
  std::size_t base = underscore, end = underscore + 1;
  while (base > 0 && in_word(text[base - 1])) --base;
  while (end < text.size() && std::isalnum(static_cast<unsigned char>(text[end]))) ++end;
  const std::size_t length = end - underscore - 1;
  const bool name =
      (base > 0 && (text[base - 1] == '_' || text[base - 1] == '.')) || underscore - base > 5;
  if (name || underscore == base || length < 1 || length > 2) return 0;
  if (end < text.size() && text[end] == '_') return 0;
  if (underscore - base > 4 && is_digit(text[underscore + 1])) return 0;
  const bool second = end + 1 < text.size() && text[end] == ',' && in_word(text[end + 1]) &&
                      (end + 2 == text.size() || text[end + 2] == ' ');
  return length + (second ? 2 : 0);
}

// How long the exponent behind a ^ is, as in e^x, e^-x, e^88.7 and, in parentheses, e^(x - m).
std::size_t exponent_length(const std::string& text, std::size_t hat) {
  std::size_t end = hat + 1;
  if (end < text.size() && text[end] == '(') {
    for (int depth = 0; end < text.size(); ++end) {
      depth += (text[end] == '(') - (text[end] == ')');
      if (depth == 0) return end - hat;
    }
    return 0;
  }
  if (end < text.size() && text[end] == '-') ++end;
  while (end < text.size() && (in_word(text[end]) || (text[end] == '.' && end + 1 < text.size() &&
                                                      is_digit(text[end + 1]))))
    ++end;
  return end - hat - 1;
}

std::vector<std::string> files_named(const std::string& text) {
  static const std::string signs = "_/.";
  std::vector<std::string> found;
  for (std::size_t i = 0, end = 0; i < text.size(); i = end + 1) {
    end = i;
    while (end < text.size() && (std::isalnum(static_cast<unsigned char>(text[end])) ||
                                 signs.find(text[end]) != std::string::npos))
      ++end;
    std::string word = text.substr(i, end - i);
    while (!word.empty() && word.back() == '.') word.pop_back();
    const std::size_t dot = word.rfind('.');
    if (dot == std::string::npos) continue;
    if (word.substr(dot) == ".h" || word.substr(dot) == ".cpp") found.push_back(word);
  }
  return found;
}

std::string formula_html(const std::string& line) {
  return formula_text(line, true);
}

std::string inline_html(const Names& names, const std::string& text) {
  std::string html;
  for (std::size_t i = 0; i < text.size();) {
    const std::size_t open = text.find('`', i);
    const std::size_t close = open == std::string::npos ? open : text.find('`', open + 1);
    if (close == std::string::npos) return html + plain_html(names, text.substr(i));
    const std::string code = text.substr(open + 1, close - open - 1);
    html += plain_html(names, text.substr(i, open - i)) +
            names.link(names.address(code), "<code>" + xml_text(code) + "</code>");
    i = close + 1;
  }
  return html;
}

}  // namespace book
