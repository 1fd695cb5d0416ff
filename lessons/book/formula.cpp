// Formulas as MathML: "weights = softmax(query keyᵀ / √d)" with a fraction bar and a root.
//
// A block of formulas becomes a table: gaps of two spaces or more part its cells, and those that
// begin in one column of the text stand in one of the table. Words stay text. Blocks that do not
// line up, and drawings, stay as they are.
#include <gradus/picture.h>

#include <algorithm>
#include <cctype>
#include <set>

#include "book.h"

namespace book {

namespace {

using Signs = std::vector<std::pair<std::string, std::string>>;
const Signs raised = {{"⁰", "0"}, {"¹", "1"}, {"²", "2"}, {"³", "3"}, {"⁴", "4"},
                      {"⁵", "5"}, {"⁶", "6"}, {"⁷", "7"}, {"⁸", "8"}, {"⁹", "9"},
                      {"⁻", "−"}, {"ᵀ", "T"}, {"ᵗ", "t"}};
const Signs lowered = {{"₀", "0"}, {"₁", "1"}, {"₂", "2"}, {"₃", "3"}};

std::string row(const std::string& html) {
  return "<mrow>" + html + "</mrow>";
}

// Without the parentheses that a fraction bar or a root makes needless.
std::string bare(const std::string& html) {
  const std::string open = "<mrow><mo>(</mo>", close = "<mo>)</mo></mrow>";
  const bool whole = html.compare(0, open.size(), open) == 0 &&
                     html.find("</mrow>", html.find(close)) == html.size() - 7;
  return whole ? html.substr(open.size(), html.size() - open.size() - close.size()) : html;
}

// Reads one formula. What stands side by side is a product; " / " divides all of the product before
// it by the factor behind it, and "/" without spaces only the factor before it.
class Reader {
 public:
  explicit Reader(const std::string& formula) : text_(formula) {}

  std::string until(const std::string& close) {
    std::string done;
    std::vector<std::string> product;
    bool gap = false;
    const auto side_by_side = [&] {
      std::string html;
      for (const std::string& part : product)
        html += (html.empty() ? "" : "<mspace width=\"0.25em\"/>") + part;
      product.clear();
      return html;
    };
    while (at_ < text_.size() && (close.empty() || !here(close))) {
      if (here(" ")) {
        gap = true;
        ++at_;
        continue;
      }
      const std::string sign = operator_here();
      if (sign == "/" && !product.empty()) {
        ++at_;
        std::string above = product.back();
        product.pop_back();
        if (gap && !product.empty()) {
          product.push_back(above);
          above = side_by_side();
        }
        while (here(" ")) ++at_;
        product.push_back("<mfrac>" + row(bare(above)) + row(bare(differential())) + "</mfrac>");
      } else if (sign == "·" && !gap && !product.empty()) {
        at_ += sign.size();
        product.back() = row(product.back() + "<mo>·</mo>" + factor());  // q·k is one factor
      } else if (!sign.empty()) {
        at_ += sign.size();
        const std::string form = product.empty() ? "<mo form=\"prefix\">" : "<mo>";
        done += side_by_side() + (sign == "-" ? form + "−" : "<mo>" + sign) + "</mo>";
      } else if (gap || product.empty()) {
        product.push_back(factor());
      } else {
        product.back() = row(product.back() + factor());  // softmax(x), 2x
      }
      gap = false;
    }
    return done + side_by_side();
  }

 private:
  bool here(const std::string& sign) const { return text_.compare(at_, sign.size(), sign) == 0; }

  bool one_of(const Signs& signs) const {
    return std::any_of(signs.begin(), signs.end(), [&](const auto& s) { return here(s.first); });
  }

  std::string operator_here() const {
    for (const char* sign : {"=", "←", "+", "-", "−", "·", "/", ",", ":", ";", "…"})
      if (here(sign)) return sign;
    return "";
  }

  // One factor, or the d of a derivative and what it is of: "d loss / d error".
  std::string differential() {
    const std::string html = factor();
    if (html != "<mi>d</mi>" || !here(" ") || at_ + 1 == text_.size() || text_[at_ + 1] == '=')
      return html;
    ++at_;
    return html + "<mspace width=\"0.15em\"/>" + factor();
  }

  // What the raised and lowered digits and letters here stand for, "" if there are none.
  std::string small(const Signs& signs) {
    std::string plain;
    for (std::size_t k = 0; k < signs.size(); ++k) {
      if (!here(signs[k].first)) continue;
      plain += signs[k].second;
      at_ += signs[k].first.size();
      k = std::size_t(-1);  // from the first again
    }
    return plain;
  }

  // A number, name, root, sum or parenthesis, with what stands below and above it.
  std::string factor() {
    std::string html = base();
    while (at_ < text_.size()) {
      const std::string low = small(lowered), high = small(raised);
      const bool below = here("_") && index_length(text_, at_) > 0;
      const bool above = here("^") && exponent_length(text_, at_) > 0;
      if (!low.empty()) html = "<msub>" + html + "<mn>" + low + "</mn></msub>";
      if (!high.empty()) html = "<msup>" + html + "<mn>" + high + "</mn></msup>";
      if (low.empty() && high.empty() && !below && !above) break;
      if (!below && !above) continue;
      const std::size_t length = below ? index_length(text_, at_) : exponent_length(text_, at_);
      const std::string inner = Reader(text_.substr(at_ + 1, length)).until("");
      const std::string mark = below ? "msub>" : "msup>";
      html = "<" + mark + html + row(bare(inner)) + "</" + mark;
      at_ += 1 + length;
    }
    return html;
  }

  std::string base() {
    for (const char* pair : {"()", "[]", "{}", "||"})
      if (text_[at_] == pair[0]) {
        ++at_;
        const std::string close(1, pair[1]), inner = until(close);
        at_ = std::min(at_ + 1, text_.size());
        return row("<mo>" + std::string(1, pair[0]) + "</mo>" + row(inner) + "<mo>" + close +
                   "</mo>");
      }
    if (here("√")) {
      at_ += std::string("√").size();
      return "<msqrt>" + row(bare(factor())) + "</msqrt>";
    }
    if (here("Σ")) {
      at_ += std::string("Σ").size();
      return "<mo>Σ</mo>";
    }
    const std::size_t begin = at_;
    const bool number = std::isdigit(static_cast<unsigned char>(text_[at_]));
    while (at_ < text_.size() && operator_here().empty() && !here("√") && !here("Σ") &&
           !one_of(raised) && !one_of(lowered)) {
      const auto c = static_cast<unsigned char>(text_[at_]);
      const bool digit = std::isdigit(c) || (number && c == '.');
      if (number ? !digit : !(std::isalnum(c) || c >= 128 || c == '\'')) break;
      ++at_;
    }
    if (at_ == begin) ++at_;  // a sign that is not known here
    const std::string piece = gradus::xml_text(text_.substr(begin, at_ - begin));
    return number ? "<mn>" + piece + "</mn>" : "<mi>" + piece + "</mi>";
  }

  const std::string text_;
  std::size_t at_ = 0;
};

struct Cell {
  std::size_t column;  // of its first character
  std::string text;
};

std::vector<Cell> cells_of(const std::string& line) {
  std::vector<Cell> cells;
  std::size_t column = 0, spaces = 2;
  for (const char c : line) {
    if (c != ' ' && spaces > 1) cells.push_back({column, ""});
    if (c != ' ' && spaces == 1) cells.back().text += ' ';
    if (c != ' ') cells.back().text += c;
    spaces = c == ' ' ? spaces + 1 : 0;
    column += (static_cast<unsigned char>(c) & 0xC0) != 0x80;
  }
  // A gap before "=" is there for the eye only: scores  = query keyᵀ.
  for (std::size_t i = cells.size(); i-- > 1;)
    if (cells[i].text[0] == '=') {
      cells[i - 1].text += " " + cells[i].text;
      cells.erase(cells.begin() + static_cast<std::ptrdiff_t>(i));
    }
  return cells;
}

bool has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

bool is_formula(const std::string& cell) {
  const std::string text = " " + cell + " ";
  for (const char* word : {" the ", " of ", " for ", " from ", " over ", " and ", " is ", " by ",
                           " to ", " that ", " as ", " each ", "?", "\""})
    if (has(text, word)) return false;
  const bool shape = text[1] == '[' && text[text.size() - 2] == ']';
  return shape || has(text, " = ") || has(text, " ← ") || has(text, " / ") || has(text, " · ");
}

}  // namespace

std::string formula_table(const std::vector<std::string>& lines) {
  std::set<std::size_t> columns;
  std::size_t widest = 0;
  for (const std::string& line : lines) {
    if (has(line, "─") || has(line, "->")) return "";
    const std::vector<Cell> cells = cells_of(line);
    for (const Cell& cell : cells) columns.insert(cell.column);
    widest = std::max(widest, cells.size());
  }
  if (columns.size() > widest) return "";
  std::string html = "<div class=\"formula\" tabindex=\"0\"><table role=\"presentation\">\n";
  std::size_t formulas = 0;  // lines that have one
  for (const std::string& line : lines) {
    const std::vector<Cell> cells = cells_of(line);
    std::size_t i = 0;
    bool any = false;
    html += "<tr>";
    for (const std::size_t column : columns) {
      html += "<td>";
      if (i < cells.size() && cells[i].column == column) {
        const bool formula = is_formula(cells[i].text);
        any = any || formula;
        html += formula ? "<math>" + row(Reader(cells[i].text).until("")) + "</math>"
                        : formula_html(cells[i].text);
        ++i;
      }
      html += "</td>";
    }
    html += "</tr>\n";
    formulas += any;
  }
  return 2 * formulas >= lines.size() ? html + "</table></div>\n" : "";
}

}  // namespace book
