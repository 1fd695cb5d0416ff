// Which names the headers declare. This reads tokens, not C++: what has a name before its first
// parenthesis is a function, unless it stands in a body or in a private part.
#include <gradus/picture.h>

#include "book.h"

namespace book {

namespace {

using Tokens = std::vector<Token>;

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

// The comment above a declaration, its first paragraph: it holds for those below without a gap,
// too.
class Above {
 public:
  void see(const Token& token) {
    const std::size_t last = token.text.rfind('\n');
    if (token.kind == Kind::comment && own_line_) {
      if (used_) *this = Above();
      const std::string line = trimmed(token.text.substr(2));
      ended_ = ended_ || line.empty();
      if (!ended_) text += (text.empty() ? "" : " ") + line;
    } else if (token.kind != Kind::space) {
      used_ = true;
    } else if (token.text.find('\n') < last && last != std::string::npos) {
      *this = Above();
    }
    own_line_ = token.kind == Kind::space ? last != std::string::npos : false;
  }
  std::string text;

 private:
  bool own_line_ = true, used_ = false, ended_ = false;
};

// Gives the place of its comment; null if nothing is declared.
std::string* declare(Names& names, const Scope& scope, const Tokens& head, const std::string& page,
                     const std::string& comment) {
  const Token* name = function_name(head);
  if (!scope.open || !name || is_keyword(name->text) || name->text == scope.type) return nullptr;
  const std::string address = page + "#L" + std::to_string(name->line);
  std::string* const said = &(names.comments[address] = comment);
  if (!scope.type.empty()) {
    names.members[name->text].emplace(scope.type, address);
    return said;
  }
  // Of several functions of that name in one header the first is linked to.
  std::vector<std::string>& known = names.functions[name->text];
  if (known.empty() || known.back().compare(0, page.size() + 1, page + "#") != 0)
    known.push_back(address);
  return said;
}

}  // namespace

// A type without a comment of its own is what its header is about.
void Names::add_type(const Token& name, const std::string& page, const std::string& comment) {
  const std::string address = page + "#L" + std::to_string(name.line);
  types.emplace(name.text, address);
  comments[address] = comment.empty() ? comments[page] : comment;
}

void Names::read_header(const std::string& include, const std::string& page,
                        const std::string& text) {
  headers[include] = page;
  std::vector<Scope> scopes = {{"", true}};
  Tokens head;
  Above above;
  int parentheses = 0, last_line = 0;
  std::string* last = nullptr;
  for (const Token& token : tokens_of(text)) {
    above.see(token);
    // A declaration without a comment above may have one behind it.
    if (token.kind == Kind::comment && token.line == last_line && last && last->empty())
      *last = trimmed(token.text.substr(2));
    if (token.kind == Kind::directive) comments.emplace(page, above.text);
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
        add_type(*type, page, above.text);
        scopes.push_back({type->text, !has(found, "class") && !has(found, "enum")});
      } else {
        declare(*this, scopes.back(), found, page, above.text);
        scopes.push_back({"", false});
      }
      head.clear();
      above = Above();
    } else if (token.text == "}") {
      if (scopes.size() > 1) scopes.pop_back();
      head.clear();
      above = Above();
    } else if (token.text == ";") {
      if (head.size() > 2 && head[0].text == "using" && head[2].text == "=" && scopes.back().open)
        add_type(head[1], page, above.text);
      last = declare(*this, scopes.back(), without_template(head), page, above.text);
      last_line = token.line;
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
  return function(text);
}

std::string Names::link(const std::string& address, const std::string& html) const {
  if (address.empty()) return html;
  const auto said = comments.find(address);
  const std::string title = said == comments.end() || said->second.empty()
                                ? ""
                                : " title=\"" + gradus::xml_text(said->second) + "\"";
  return "<a href=\"" + address + "\"" + title + ">" + html + "</a>";
}

std::string Names::function(const std::string& name) const {
  const auto found = functions.find(name);
  if (found == functions.end()) return "";
  return found->second.size() == 1 ? found->second[0] : "reference.html#" + name;
}

}  // namespace book
