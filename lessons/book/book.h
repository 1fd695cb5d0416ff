// How the lesson files become a book: what the files of this folder share.
//
//   tokens.cpp     cuts C++ into words, strings, comments
//   names.cpp      finds what the headers declare
//   highlight.cpp  colours code, and links each word to what it means
//   inline.cpp     running text: code, lessons that are named, indices and exponents
//   formula.cpp    formulas as MathML
//   prose.cpp      turns comments into text, and a lesson into text and code
//   glossary.cpp   the glossary, and links to its terms
//   pictures.cpp   puts pictures into pages
//   output.cpp     reads a lesson; what it prints and draws, below the code that does it
//   search.cpp     what the search of the book finds
//   make_book.cpp  writes the pages
//   book.js        copies code, lists the sections of a page, searches
#pragma once

#include <cstddef>
#include <functional>
#include <map>
#include <string>
#include <vector>

namespace book {

enum class Kind { space, comment, directive, string, number, word, sign };

struct Token {
  Kind kind;
  std::string text;
  int line;  // on which it begins, 1 being the first
};

// The code in pieces; put together again they give the code.
std::vector<Token> tokens_of(const std::string& code);
bool is_keyword(const std::string& word);
std::vector<std::string> lines_of(const std::string& text);
// The text without white space at both ends.
std::string trimmed(const std::string& text);
std::string first_sentence(const std::string& text);

// The declarations of all headers, each with the address of its line: "tensor.h.html#L36".
struct Names {
  std::map<std::string, std::string> types;
  // Outside of classes; more than one address if several headers declare functions of that name.
  std::map<std::string, std::vector<std::string>> functions;
  std::map<std::string, std::map<std::string, std::string>> members;  // by name, then by class
  std::map<int, std::string> lessons;                                 // 4 to "04_scaling.html"
  std::map<std::string, std::string> headers;   // "gradus/tensor.h" to "tensor.h.html"
  std::map<std::string, std::string> files;     // "tensor.h", "src/tensor.cpp" to their pages
  std::map<std::string, std::string> comments;  // by address: what is said of a declaration

  void add_type(const Token& name, const std::string& page, const std::string& comment);
  void read_header(const std::string& include, const std::string& page, const std::string& text);
  // Where a function is declared, or where the reference lists its several headers.
  std::string function(const std::string& name) const;
  // What `softmax()`, `Tensor` or `Tensor::from` in running text means; "" if nothing.
  std::string address(std::string text) const;
  // The HTML as a link to a declaration that shows its comment; as it is if the address is "".
  std::string link(const std::string& address, const std::string& html) const;
};

// Links from the words of one file.
class Linker {
 public:
  Linker(const Names& names, const std::vector<Token>& tokens);
  // Where the declaration of a token is; "" if it is not a public name.
  std::string address(const std::vector<Token>& tokens, std::size_t i) const;

 private:
  std::string member(const std::string& object, const std::string& name) const;
  const Names& names_;
  std::map<std::string, std::string> variables_;  // name to type: these hide functions
};

// Every line of the code as HTML, in colours, with links.
std::vector<std::string> highlighted_lines(const Names& names, const std::string& code);
// Lines `begin` … `end` - 1 (0 being the first) as one block; each line can be linked to as #L57.
std::string code_block(const std::vector<std::string>& html_lines, std::size_t begin,
                       std::size_t end, std::size_t indentation = 0);

// One line of running text: `code` in backticks.
std::string inline_html(const Names& names, const std::string& text);
// The names in a text that end in .h or .cpp, with their folders.
std::vector<std::string> files_named(const std::string& text);
// How long the index behind an underscore is, and the exponent behind a ^; 0 for a name of code.
std::size_t index_length(const std::string& text, std::size_t underscore);
std::size_t exponent_length(const std::string& text, std::size_t hat);
// A block of formulas as MathML in a table; "" if it is none, or does not line up.
std::string formula_table(const std::vector<std::string>& lines);
// One line of a formula, in which columns stay below each other.
std::string formula_html(const std::string& line);

struct Term {
  std::string name, id, text;
};
// The terms in the order of the alphabet. Errors: a line that is not "term: explanation".
std::vector<Term> read_glossary(const std::string& path);
std::string glossary_html(const Names& names, const std::vector<Term>& terms);
// Links the first place where each term stands in a paragraph or list of a page.
std::string with_terms(const std::vector<Term>& terms, const std::string& html);
// Comment lines (without the slashes) as paragraphs, headings, lists and formulas.
std::string prose_html(const Names& names, const std::vector<std::string>& lines, int& headings);

struct Lesson {
  std::string name;      // "12_classifier"
  std::string number;    // "10"
  std::string title;     // "the classifier, trained"
  std::string sentence;  // the first one
  std::string time;      // "about a second": how long it runs, as it says itself
  std::string source;
};
// Errors: a first line that is not "// Lesson 12: the classifier, trained."
Lesson read_lesson(const std::string& name, const std::string& source);
// What stands below the code of lines begin … end - 1 (0 being the first).
using Below = std::function<std::string(std::size_t begin, std::size_t end)>;
// The lesson's text and code.
std::string lesson_html(const Names& names, const Lesson& lesson, const Below& below);

// The lesson with a line that prints a mark after each block of main but the last, so that a run
// shows what each block prints.
std::string marked_source(const Names& names, const Lesson& lesson);
// What each lesson prints, under the blocks that print it: lessons/expected/NN.txt, divided as
// lessons/expected/NN.blocks says, which holds a number of lines for each block of main but the
// last.
class Output {
 public:
  explicit Output(const Names& names, const Lesson& lesson);
  // The transcript's part, pictures and links of this block, and a link to its first step if
  // build/steps holds a recording of the lesson.
  std::string below(std::size_t begin, std::size_t end);
  // What could not be placed; "" if all was.
  std::string rest() const;

 private:
  std::string figure(const std::string& picture);
  std::vector<std::string> source_, transcript_;
  std::vector<std::size_t> ends_, counts_;  // of the blocks of main
  std::size_t printed_ = 0;                 // lines of the transcript
  int figures_ = 0;
  std::string steps_, recorded_,
      place_;  // its page of steps, what that holds, and how it says where
};
// "build/attention.svg", which the lesson draws, then those that are kept in lessons/pictures, in
// the order of the source; `ending` is ".svg" or ".html".
std::vector<std::string> pictures_of(const std::string& source, const std::string& ending);
// What is found: a line of JavaScript for each section of a page, [address, title, text].
std::string search_entries(const std::string& name, const std::string& html);
// A picture that can stand in a page with others: its classes and ids get a prefix of their own.
std::string inline_svg(const std::string& svg, const std::string& prefix);

}  // namespace book
