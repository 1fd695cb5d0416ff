// Comments become text. The rules, for authors:
//
//   // ## Title      a heading
//   //               an empty line ends a paragraph
//   //   x = y       three or more spaces: a formula, kept as it is
//   // 1. …          a numbered list (or "- …"); its lines go on until an empty one
//   // `softmax()`   code, with a link if it is a public name
//
// In a lesson, comments that begin in the first column are text, and so are comments between the
// steps of main (indented as its statements are, after an empty line). Others stay in the code.
#include <gradus/error.h>
#include <gradus/picture.h>

#include <cctype>

#include "book.h"

namespace book {

namespace {

using Lines = std::vector<std::string>;

bool starts_with(const std::string& text, const std::string& start) {
  return text.compare(0, start.size(), start) == 0;
}

std::size_t indentation_of(const std::string& line) {
  const std::size_t found = line.find_first_not_of(' ');
  return found == std::string::npos ? line.size() : found;
}

bool is_comment(const std::string& line) {
  return starts_with(trimmed(line), "//");
}

bool is_digit(char c) {
  return std::isdigit(static_cast<unsigned char>(c));
}

// How long the "1. " or "- " at the start is; 0 if there is none.
std::size_t item_mark(const std::string& line) {
  if (starts_with(line, "- ")) return 2;
  std::size_t digits = 0;
  while (digits < line.size() && is_digit(line[digits])) ++digits;
  return digits > 0 && starts_with(line.substr(digits), ". ") ? digits + 2 : 0;
}

// Collects lines of one kind until they end, then writes them as one element.
class Writer {
 public:
  Writer(const Names& names, int& headings) : names_(names), headings_(headings) {}

  void add(const std::string& line) {
    const std::string text = trimmed(line);
    const std::size_t mark = indentation_of(line) < 3 ? item_mark(text) : 0;
    const bool in_list = open_ == Open::numbers || open_ == Open::bullets;
    // A number in the middle of a paragraph is only a list if it is 1.
    const bool item = mark > 0 && (in_list || open_ == Open::nothing || starts_with(text, "1. "));
    if (text.empty()) {
      after_gap_ = true;
      if (!in_list) close();
      return;
    }
    if (starts_with(text, "## ")) {
      close();
      const std::string id = "s" + std::to_string(++headings_);
      html += "<h2 id=\"" + id + "\">" + inline_html(names_, text.substr(3)) +
              " <a class=\"here\" href=\"#" + id +
              "\" aria-label=\"Link to this section\">#</a></h2>\n";
    } else if (item) {
      open(text[0] == '-' ? Open::bullets : Open::numbers);
      collected_.push_back(text.substr(mark));
    } else if (in_list && !after_gap_) {
      collected_.back() += " " + text;
    } else if (indentation_of(line) >= 3) {
      open(Open::formula);
      collected_.push_back(line);
    } else {
      open(Open::paragraph);
      collected_.push_back(text);
    }
    after_gap_ = false;
  }

  void close() {
    if (open_ == Open::paragraph) write("<p>", "", "\n", "</p>\n");
    if (open_ == Open::numbers) write("<ol>\n", "<li>", "</li>\n", "</ol>\n");
    if (open_ == Open::bullets) write("<ul>\n", "<li>", "</li>\n", "</ul>\n");
    if (open_ == Open::formula) write_formula();
    open_ = Open::nothing;
    collected_.clear();
  }

  std::string html;

 private:
  enum class Open { nothing, paragraph, numbers, bullets, formula };

  void open(Open wanted) {
    if (open_ != wanted) close();
    open_ = wanted;
  }

  void write(const char* begin, const char* before, const char* after, const char* end) {
    std::string text;
    for (const std::string& line : collected_) text += before + line + after;
    // The whole at once, since `a b` may run over the end of a line.
    text = open_ == Open::paragraph ? inline_html(names_, trimmed(text)) : items(before, after);
    html += begin + text + end;
  }

  std::string items(const char* before, const char* after) const {
    std::string text;
    for (const std::string& line : collected_) text += before + inline_html(names_, line) + after;
    return text;
  }

  void write_formula() {
    std::size_t least = collected_[0].size();
    for (const std::string& line : collected_) least = std::min(least, indentation_of(line));
    for (std::string& line : collected_) line.erase(0, least);
    const std::string table = formula_table(collected_);
    html += table;
    if (!table.empty()) return;
    html += "<pre class=\"formula\" tabindex=\"0\">";
    for (const std::string& line : collected_) html += formula_html(line) + "\n";
    html += "</pre>\n";
  }

  const Names& names_;
  int& headings_;
  Open open_ = Open::nothing;
  bool after_gap_ = false;
  Lines collected_;
};

}  // namespace

std::string prose_html(const Names& names, const Lines& lines, int& headings) {
  Writer writer(names, headings);
  for (const std::string& line : lines) writer.add(line);
  writer.close();
  return writer.html;
}

std::string code_block(const Lines& html_lines, std::size_t begin, std::size_t end,
                       std::size_t indentation) {
  std::string html =
      "<div class=\"block\"><pre class=\"code\" role=\"region\" aria-label=\"Code from line " +
      std::to_string(begin + 1) + "\" tabindex=\"0\">";
  for (std::size_t i = begin; i < end; ++i) {
    const std::size_t cut = std::min(indentation, indentation_of(html_lines[i]));
    const std::string number = std::to_string(i + 1);
    // The style sheet writes the number, so that it is not copied with the code.
    html += "<span class=\"line\" id=\"L" + number +
            "\"><a class=\"number\" tabindex=\"-1\" href=\"#L" + number + "\" aria-label=\"line " +
            number + "\" data-n=\"" + number + "\"></a>" + html_lines[i].substr(cut) + "</span>\n";
  }
  return html + "</pre></div>\n";
}

namespace {

// Lines `begin` … `end` - 1 of code, without the empty ones around them, and what stands below.
std::string code_html(const Lines& source, const Lines& html, std::size_t begin, std::size_t end,
                      const Below& below) {
  while (begin < end && trimmed(source[begin]).empty()) ++begin;
  while (end > begin && trimmed(source[end - 1]).empty()) --end;
  if (begin == end) return "";
  std::size_t least = source[begin].size();
  for (std::size_t i = begin; i < end; ++i)
    if (!trimmed(source[i]).empty()) least = std::min(least, indentation_of(source[i]));
  return code_block(html, begin, end, least) + below(begin, end);
}

// Helpers that stand before main, and before the first heading, are not what a lesson is about.
std::string folded(const std::string& code, std::size_t begin, std::size_t end) {
  if (code.empty() || end - begin < 4) return code;
  return "<details><summary>Lines " + std::to_string(begin + 1) + " to " + std::to_string(end) +
         ", which the lesson uses</summary>\n" + code + "</details>\n";
}

}  // namespace

std::string lesson_html(const Names& names, const Lesson& lesson, const Below& below) {
  const Lines source = lines_of(lesson.source);
  const Lines html = highlighted_lines(names, lesson.source);
  std::string page;
  int headings = 0;
  bool in_main = false, helpers = true;
  std::size_t code_begin = 1;
  for (std::size_t i = 1; i < source.size();) {
    const bool after_break =
        trimmed(source[i - 1]).empty() || starts_with(source[i - 1], "int main");
    const std::size_t indentation = indentation_of(source[i]);
    in_main = (in_main || starts_with(source[i], "int main")) && !starts_with(source[i], "}");
    const bool text = is_comment(source[i]) &&
                      (indentation == 0 || (in_main && indentation == 2 && after_break) ||
                       starts_with(trimmed(source[i]), "// ## "));
    if (!text) {
      if (starts_with(source[i], "int main")) {
        helpers = false;
        page += folded(code_html(source, html, code_begin, i, below), code_begin, i);
        code_begin = i;
      }
      ++i;
      continue;
    }
    const std::string code = code_html(source, html, code_begin, i, below);
    page += helpers ? folded(code, code_begin, i) : code;
    helpers = helpers && !starts_with(trimmed(source[i]), "// ## ");
    Lines prose;
    for (; i < source.size() && is_comment(source[i]) && indentation_of(source[i]) == indentation;
         ++i)
      prose.push_back(source[i].substr(indentation + 2));
    page += prose_html(names, prose, headings);
    code_begin = i;
  }
  return page + code_html(source, html, code_begin, source.size(), below);
}

}  // namespace book
