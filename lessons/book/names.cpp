// Which names the headers declare, and which of them a word of a lesson means.
//
// This reads tokens, not C++, so it leaves a word without a link rather than guess: a member is
// linked if the type of its object was seen, or if one class alone has a member of that name.
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

// The words of a statement or of the head of a block, as far as a name is looked for in them:
// without the part `template <...>`.
Tokens without_template(const Tokens& head) {
  if (head.empty() || head[0].text != "template") return head;
  int depth = 0;
  for (std::size_t i = 1; i < head.size(); ++i) {
    depth += (head[i].text == "<") - (head[i].text == ">");
    if (depth == 0) return {head.begin() + static_cast<std::ptrdiff_t>(i) + 1, head.end()};
  }
  return {};
}

bool has(const Tokens& head, const std::string& text) {
  for (const Token& token : head)
    if (token.text == text) return true;
  return false;
}

// The name that `class Name : …`, `enum class Name` declares, null if the head declares no type.
const Token* type_name(const Tokens& head) {
  const Token* name = nullptr;
  for (const Token& token : head) {
    if (token.text == ":" || token.text == "(") break;
    if (token.text == "class" || token.text == "struct" || token.text == "enum")
      name = &token;
    else if (name && token.kind == Kind::word)
      return &token;
  }
  return nullptr;
}

// The name before the first parenthesis, null if this is not a function.
const Token* function_name(const Tokens& head) {
  for (std::size_t i = 0; i < head.size(); ++i) {
    if (head[i].text == "=" || head[i].text == "friend" || head[i].text == "operator" ||
        head[i].text == "~" || head[i].text == "using")
      return nullptr;
    if (head[i].text == "(")
      return i > 0 && head[i - 1].kind == Kind::word ? &head[i - 1] : nullptr;
  }
  return nullptr;
}

// A brace that is open: which class it belongs to ("" for a namespace), and whether its names are
// for everybody.
struct Scope {
  std::string type;
  bool open;
};

void declare(Names& names, const Scope& scope, const Tokens& head, const std::string& page) {
  const Token* name = function_name(head);
  if (!scope.open || !name || is_keyword(name->text) || name->text == scope.type) return;
  const std::string address = page + "#L" + std::to_string(name->line);
  if (scope.type.empty())
    names.functions.emplace(name->text, address);
  else
    names.members[name->text].emplace(scope.type, address);
}

}  // namespace

void Names::read_header(const std::string& include, const std::string& page,
                        const std::string& text) {
  headers[include] = page;
  std::vector<Scope> scopes = {{"", true}};
  Tokens head;
  int parentheses = 0;
  for (const Token& token : tokens_of(text)) {
    if (token.kind == Kind::space || token.kind == Kind::comment || token.kind == Kind::directive)
      continue;
    parentheses += (token.text == "(") - (token.text == ")");
    if (parentheses > 0) {
      head.push_back(token);
    } else if (token.text == "{") {
      const Tokens found = without_template(head);
      const Token* type = type_name(found);
      const bool outer = scopes.back().open;
      if (has(found, "namespace")) {
        scopes.push_back({"", outer});
      } else if (type && outer) {
        types.emplace(type->text, page + "#L" + std::to_string(type->line));
        scopes.push_back({type->text, !has(found, "class") && !has(found, "enum")});
      } else {
        declare(*this, scopes.back(), found, page);
        scopes.push_back({"", false});
      }
      head.clear();
    } else if (token.text == "}") {
      if (scopes.size() > 1) scopes.pop_back();
      head.clear();
    } else if (token.text == ";") {
      declare(*this, scopes.back(), without_template(head), page);
      head.clear();
    } else if (token.text == ":" && head.size() == 1 && is_keyword(head[0].text)) {
      scopes.back().open = head[0].text == "public";
      head.clear();
    } else {
      head.push_back(token);
    }
  }
}

std::string Names::address(std::string text) const {
  if (const std::size_t end = text.find('('); end != std::string::npos) text.resize(end);
  if (const std::size_t colons = text.find("::"); colons != std::string::npos) {
    const auto found = members.find(text.substr(colons + 2));
    if (found == members.end()) return "";
    const auto in_class = found->second.find(text.substr(0, colons));
    return in_class == found->second.end() ? "" : in_class->second;
  }
  if (const auto type = types.find(text); type != types.end()) return type->second;
  if (const auto function = functions.find(text); function != functions.end())
    return function->second;
  return "";
}

namespace {

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
// `Dropout dropout`, `double number(`, `const Tensor& x` (and not `a * b`, which has a space).
Linker::Linker(const Names& names, const Tokens& tokens) : names_(names) {
  static const std::set<std::string> no_type = {"return", "else",  "case",   "new",  "struct",
                                                "class",  "throw", "delete", "using"};
  for (std::size_t i = 2; i < tokens.size(); ++i) {
    if (tokens[i].kind != Kind::word || tokens[i - 1].kind != Kind::space) continue;
    std::size_t type = i - 2;
    if ((tokens[type].text == "&" || tokens[type].text == "*") && type > 0) --type;
    if (tokens[type].kind == Kind::word && !no_type.count(tokens[type].text) &&
        !is_keyword(tokens[i].text))
      variables_.emplace(tokens[i].text, tokens[type].text);
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
  const auto function = names_.functions.find(word);
  return function == names_.functions.end() ? "" : function->second;
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
      if (!address.empty()) piece = "<a href=\"" + address + "\">" + piece + "</a>";
      html.back() += piece;
    }
  }
  return html;
}

}  // namespace book
