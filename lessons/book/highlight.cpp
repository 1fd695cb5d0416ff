// Colours, and which declaration a word of a lesson means.
//
// It leaves a word without a link rather than guess: a member is linked if the type of its object
// was seen, or if one class alone has a member of that name.
#include <gradus/picture.h>

#include <cctype>
#include <set>

#include "book.h"

namespace book {

namespace {

using Tokens = std::vector<Token>;

bool is_upper(const std::string& word) {
  return !word.empty() && std::isupper(static_cast<unsigned char>(word[0]));
}

// The nearest token before or after that is neither space nor comment; null if there is none.
const Token* neighbour(const Tokens& tokens, std::size_t i, int step) {
  for (i += static_cast<std::size_t>(step); i < tokens.size(); i += static_cast<std::size_t>(step))
    if (tokens[i].kind != Kind::space && tokens[i].kind != Kind::comment) return &tokens[i];
  return nullptr;
}

std::string text_of(const Token* token) {
  return token ? token->text : "";
}

}  // namespace

// A variable, parameter or function of the file itself is a word that stands right behind a type:
// `Dropout dropout`, `double number(`, `const Tensor& x`, `std::vector<int> ids` (and not `a * b`
// or `a > b`, which have a space before the sign). One that has two types in one file has none.
Linker::Linker(const Names& names, const Tokens& tokens) : names_(names) {
  static const std::set<std::string> no_type = {"return", "else",  "case",   "new",  "struct",
                                                "class",  "throw", "delete", "using"};
  for (std::size_t i = 4; i < tokens.size(); ++i) {
    if (tokens[i].kind != Kind::word || tokens[i - 1].kind != Kind::space) continue;
    std::size_t type = i - 2;
    if (tokens[type].text == "&" || tokens[type].text == "*") --type;
    const bool closes = tokens[type].text == ">" && tokens[type - 1].kind != Kind::space;
    if ((tokens[type].kind == Kind::word || closes) && !no_type.count(tokens[type].text) &&
        !is_keyword(tokens[i].text)) {
      std::string& known = variables_.emplace(tokens[i].text, tokens[type].text).first->second;
      if (known != tokens[type].text) known.clear();
    }
  }
}

std::string Linker::member(const std::string& object, const std::string& name) const {
  // Strings and containers have these too.
  static const std::set<std::string> common = {"at",   "back",  "begin", "count", "data", "empty",
                                               "end",  "find",  "front", "get",   "name", "reset",
                                               "size", "value", "load",  "str"};
  const auto found = names_.members.find(name);
  if (found == names_.members.end()) return "";
  const auto variable = variables_.find(object);
  if (variable != variables_.end()) {
    const auto in_class = found->second.find(variable->second);
    if (in_class != found->second.end()) return in_class->second;
    if (!is_upper(variable->second) && variable->second != "auto") return "";
  }
  return found->second.size() == 1 && !common.count(name) ? found->second.begin()->second : "";
}

std::string Linker::address(const Tokens& tokens, std::size_t i) const {
  const std::string& word = tokens[i].text;
  if (tokens[i].kind == Kind::directive) {
    const std::size_t begin = word.find('<'), end = word.find('>');
    if (begin == std::string::npos || end == std::string::npos) return "";
    const auto header = names_.headers.find(word.substr(begin + 1, end - begin - 1));
    return header == names_.headers.end() ? "" : header->second;
  }
  if (tokens[i].kind != Kind::word || is_keyword(word)) return "";
  const std::string before = text_of(neighbour(tokens, i, -1));
  const bool called = text_of(neighbour(tokens, i, 1)) == "(";
  if (before == "::" && i >= 2 && tokens[i - 2].text != "gradus")
    return names_.address(tokens[i - 2].text + "::" + word);
  if (before == "." || before == "->")
    return called && i >= 2 ? member(tokens[i - 2].text, word) : "";
  if (const auto type = names_.types.find(word); type != names_.types.end()) return type->second;
  if (!called || variables_.count(word)) return "";
  return names_.function(word);
}

namespace {

std::string colour(const Token& token) {
  if (token.kind == Kind::comment) return "c";
  if (token.kind == Kind::directive) return "d";
  if (token.kind == Kind::string) return "s";
  if (token.kind == Kind::number) return "n";
  if (token.kind == Kind::word && is_keyword(token.text)) return "k";
  return token.kind == Kind::word && is_upper(token.text) ? "t" : "";
}

}  // namespace

std::vector<std::string> highlighted_lines(const Names& names, const std::string& code) {
  const Tokens tokens = tokens_of(code);
  const Linker linker(names, tokens);
  std::vector<std::string> html(1);
  for (std::size_t i = 0; i < tokens.size(); ++i) {
    const std::string css = colour(tokens[i]);
    const std::string address = linker.address(tokens, i);
    // A comment or a raw string can run over several lines; each gets a colour of its own.
    const std::vector<std::string> pieces = lines_of(tokens[i].text + "\n");
    for (std::size_t k = 0; k < pieces.size(); ++k) {
      if (k > 0) html.emplace_back();
      std::string piece = gradus::xml_text(pieces[k]);
      if (!css.empty() && !piece.empty())
        piece = "<span class=\"" + css + "\">" + piece + "</span>";
      html.back() += names.link(address, piece);
    }
  }
  return html;
}

}  // namespace book
