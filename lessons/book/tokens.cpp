// Cutting C++ into pieces: enough for colours and links, far from a compiler's lexer.
#include <cctype>
#include <set>

#include "book.h"

namespace book {

namespace {

bool is_letter(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) || c == '_';
}

bool is_space(char c) {
  return std::isspace(static_cast<unsigned char>(c));
}

std::size_t position_or_end(const std::string& code, std::size_t found, std::size_t length) {
  return found == std::string::npos ? code.size() : found + length;
}

// Where a string that opens at `begin` ends; a broken one ends with its line.
std::size_t end_of_string(const std::string& code, std::size_t begin) {
  std::size_t i = begin + 1;
  while (i < code.size() && code[i] != code[begin] && code[i] != '\n')
    i += code[i] == '\\' && i + 1 < code.size() ? 2 : 1;
  return i < code.size() && code[i] == code[begin] ? i + 1 : i;
}

// R"name( … )name"
std::size_t end_of_raw_string(const std::string& code, std::size_t begin) {
  const std::size_t open = code.find('(', begin);
  if (open == std::string::npos) return code.size();
  const std::string close = ")" + code.substr(begin + 2, open - begin - 2) + "\"";
  return position_or_end(code, code.find(close, open), close.size());
}

std::size_t end_of_number(const std::string& code, std::size_t i) {
  // 1'000, 0x1p-3, 1e-5f
  while (i < code.size() &&
         (is_letter(code[i]) || code[i] == '.' || code[i] == '\'' ||
          ((code[i] == '-' || code[i] == '+') && (code[i - 1] == 'e' || code[i - 1] == 'p'))))
    ++i;
  return i;
}

// What begins at `i`, and where it ends.
Kind kind_at(const std::string& code, std::size_t i, bool line_start, std::size_t& end) {
  const char c = code[i];
  const char next = i + 1 < code.size() ? code[i + 1] : '\0';
  end = i + 1;
  if (is_space(c)) {
    while (end < code.size() && is_space(code[end])) ++end;
    return Kind::space;
  }
  if (c == '/' && next == '/') {
    end = position_or_end(code, code.find('\n', i), 0);
    return Kind::comment;
  }
  if (c == '/' && next == '*') {
    end = position_or_end(code, code.find("*/", i + 2), 2);
    return Kind::comment;
  }
  if (c == '#' && line_start) {
    end = position_or_end(code, code.find('\n', i), 0);
    return Kind::directive;
  }
  if (c == 'R' && next == '"') {
    end = end_of_raw_string(code, i);
    return Kind::string;
  }
  if (c == '"' || c == '\'') {
    end = end_of_string(code, i);
    return Kind::string;
  }
  if (std::isdigit(static_cast<unsigned char>(c))) {
    end = end_of_number(code, end);
    return Kind::number;
  }
  if (is_letter(c)) {
    while (end < code.size() && is_letter(code[end])) ++end;
    return Kind::word;
  }
  if ((c == ':' && next == ':') || (c == '-' && next == '>')) ++end;
  return Kind::sign;
}

}  // namespace

std::vector<Token> tokens_of(const std::string& code) {
  std::vector<Token> tokens;
  int line = 1;
  bool line_start = true;
  for (std::size_t i = 0; i < code.size();) {
    std::size_t end = i;
    const Kind kind = kind_at(code, i, line_start, end);
    tokens.push_back({kind, code.substr(i, end - i), line});
    for (const char c : tokens.back().text) line += c == '\n';
    line_start = kind == Kind::space && (line_start || tokens.back().text.find('\n') < end - i);
    i = end;
  }
  return tokens;
}

bool is_keyword(const std::string& word) {
  static const std::set<std::string> keywords = {
      "alignas",     "auto",     "bool",     "break",     "case",     "catch",        "char",
      "class",       "const",    "continue", "constexpr", "default",  "delete",       "do",
      "double",      "else",     "enum",     "explicit",  "false",    "final",        "float",
      "for",         "friend",   "if",       "inline",    "int",      "long",         "mutable",
      "namespace",   "new",      "noexcept", "nullptr",   "operator", "override",     "private",
      "protected",   "public",   "return",   "short",     "signed",   "sizeof",       "static",
      "static_cast", "struct",   "switch",   "template",  "this",     "thread_local", "throw",
      "true",        "try",      "typename", "union",     "unsigned", "using",        "virtual",
      "void",        "volatile", "while"};
  return keywords.count(word) > 0;
}

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  for (std::size_t begin = 0; begin < text.size();) {
    const std::size_t end = position_or_end(text, text.find('\n', begin), 0);
    lines.push_back(text.substr(begin, end - begin));
    begin = end + 1;
  }
  return lines;
}

std::string trimmed(const std::string& text) {
  std::size_t begin = 0, end = text.size();
  while (begin < end && is_space(text[begin])) ++begin;
  while (end > begin && is_space(text[end - 1])) --end;
  return text.substr(begin, end - begin);
}

std::string first_sentence(const std::string& text) {
  for (std::size_t i = 0; i + 2 < text.size(); ++i) {
    const bool ends = (text[i] == '.' || text[i] == '?' || text[i] == '!') && text[i + 1] == ' ';
    // "et al. 2017" goes on, "e.g. this" too.
    if (ends && !std::isdigit(static_cast<unsigned char>(text[i + 2])) &&
        !std::islower(static_cast<unsigned char>(text[i + 2])))
      return text.substr(0, i + 1);
  }
  return text;
}

}  // namespace book
