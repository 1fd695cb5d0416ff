// Makes the book: a page a lesson, what it prints and draws, the headers, and a glossary.
//
// A lesson's file is the only source of its page, so text and program cannot disagree (Knuth 1984,
// "Literate Programming", turned round: here the program needs no tool to be compiled). What a
// lesson prints comes from lessons/expected/NN.txt, its pictures from where the lesson wrote them.
//
// Run it with `make book`, then open build/book/index.html. How to write for it is at the head of
// prose.cpp.

#include <gradus/files.h>
#include <gradus/picture.h>

#include <algorithm>
#include <cctype>
#include <cstdio>
#include <filesystem>

#include "book.h"

using namespace gradus;
using book::Lesson;
using book::Names;

// Larger files are not ours.
constexpr std::size_t most = 8 << 20;

// The names of the files of a folder that end as wanted, without that end, in the order of bytes.
std::vector<std::string> files_in(const std::string& folder, const std::string& end) {
  std::vector<std::string> found;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    const std::string name = entry.path().filename().string();
    if (name.size() > end.size() && name.compare(name.size() - end.size(), end.size(), end) == 0)
      found.push_back(name.substr(0, name.size() - end.size()));
  }
  std::sort(found.begin(), found.end());
  return found;
}

std::string anchor(const std::string& page, const std::string& html, const std::string& more = "") {
  return "<a " + more + "href=\"" + page + "\">" + html + "</a>";
}

// A whole page; `turn` are the links to the pages before and after it. The marks are closed as XML
// wants it too, so that a strict reader can check the page.
std::string page(const std::string& title, const std::string& body, const std::string& turn = "") {
  return "<!DOCTYPE html>\n<html lang=\"en\" xmlns=\"http://www.w3.org/1999/xhtml\">\n<head>\n"
         "<meta charset=\"utf-8\" />\n"
         "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\" />\n"
         "<meta name=\"color-scheme\" content=\"light dark\" />\n<title>" +
         xml_text(title) +
         " · Gradus</title>\n<link rel=\"stylesheet\" href=\"book.css\" />\n"
         "<script src=\"book.js\" defer=\"defer\"></script>\n</head>\n<body>\n"
         "<header><nav aria-label=\"Book\">" +
         anchor("index.html", "Contents") + " " + anchor("exercises.html", "Exercises") + " " +
         anchor("reference.html", "Reference") + " " + anchor("glossary.html", "Glossary") +
         "<label>Search <input id=\"search\" type=\"search\" /></label></nav>" +
         (turn.empty() ? "" : "<nav aria-label=\"Neighbours\">" + turn + "</nav>") +
         "<ul id=\"found\" aria-live=\"polite\"></ul></header>\n<main>\n<h1>" + xml_text(title) +
         "</h1>\n" + body + "</main>\n" +
         (turn.empty() ? "" : "<footer><nav aria-label=\"Lessons\">" + turn + "</nav></footer>\n") +
         "</body>\n</html>\n";
}

std::string heading(const Lesson& lesson) {
  return "Lesson " + std::to_string(std::stoi(lesson.number)) + ": " + lesson.title;
}

std::string file_name(const std::string& path) {
  return path.substr(path.rfind('/') + 1);
}

std::string lesson_page(const Names& names, const std::vector<Lesson>& lessons, std::size_t i) {
  book::Output output(names, lessons[i]);
  std::string turn;
  if (i > 0)
    turn += anchor(lessons[i - 1].name + ".html", "← " + xml_text(heading(lessons[i - 1])),
                   "rel=\"prev\" ");
  if (i + 1 < lessons.size())
    turn += anchor(lessons[i + 1].name + ".html", xml_text(heading(lessons[i + 1])) + " →",
                   "rel=\"next\" ");
  return page(
      heading(lessons[i]),
      "<p class=\"note\"><code>lessons/" + lessons[i].name +
          ".cpp</code>; to run it: <code>make lesson-" + lessons[i].number + "</code></p>\n" +
          book::lesson_html(
              names, lessons[i],
              [&](std::size_t begin, std::size_t end) { return output.below(begin, end); }) +
          output.rest(),
      turn);
}

// A page that another program wrote, with the way back to its lesson.
std::string with_way_back(std::string html, const Lesson& lesson) {
  if (const std::size_t title = html.find("<h1>"); title != std::string::npos)
    html.insert(title, "<p style=\"margin:0.5rem 0 0\">" +
                           anchor(lesson.name + ".html", "← " + xml_text(heading(lesson))) +
                           "</p>\n");
  return html;
}

std::string contents_page(const Names& names, const std::vector<Lesson>& lessons) {
  std::string body =
      "<p>A Transformer from the ground up, in C++ that can be read. Each page is a program of the "
      "project with the same text as its file, and what it prints. Names in the code lead to the "
      "header that declares them.</p>\n";
  const std::map<int, std::string> parts = {{1, "Attention, and how it learns"},
                                            {6, "The parts of a model"},
                                            {11, "A model that reads"},
                                            {17, "Beyond"}};
  auto part = parts.begin();
  for (const Lesson& lesson : lessons) {
    if (part != parts.end() && std::stoi(lesson.number) >= part->first) {
      if (part != parts.begin()) body += "</dl>\n";
      body += "<h2>" + part->second + "</h2>\n<dl class=\"contents\">\n";
      ++part;
    }
    std::string picture;
    for (const std::string& path : book::pictures_of(lesson.source, ".svg"))
      if (picture.empty() && file_exists(path))
        picture = "<img src=\"" + file_name(path) + "\" alt=\"\" loading=\"lazy\" />";
    body +=
        "<dt>" + anchor(lesson.name + ".html", xml_text(heading(lesson))) + "</dt>\n<dd>" +
        picture + book::inline_html(names, lesson.sentence) +
        (lesson.time.empty() ? "" : " <span class=\"note\">Runs in " + lesson.time + ".</span>") +
        "</dd>\n";
  }
  return page("Contents", body + "</dl>\n");
}

// The first paragraph of a file's opening comment.
std::string opening(const std::string& header) {
  std::string text;
  for (const std::string& line : book::lines_of(header)) {
    if (line.compare(0, 2, "//") != 0 || book::trimmed(line.substr(2)).empty()) break;
    text += (text.empty() ? "" : " ") + book::trimmed(line.substr(2));
  }
  return text;
}
std::string purpose(const std::string& header) {
  return book::first_sentence(opening(header));
}

std::string reference_page(const Names& names, const std::vector<std::string>& headers,
                           const std::vector<std::string>& texts) {
  std::string body = "<h2 id=\"headers\">Headers</h2>\n<dl class=\"contents\">\n";
  for (std::size_t i = 0; i < headers.size(); ++i)
    body += "<dt>" + anchor(headers[i] + ".h.html", "<code>gradus/" + headers[i] + ".h</code>") +
            "</dt>\n<dd>" + book::inline_html(names, purpose(texts[i])) + "</dd>\n";
  body += "</dl>\n<h2 id=\"types\">Types</h2>\n<p class=\"names\">\n";
  for (const auto& [name, address] : names.types)
    body += names.link(address, "<code>" + name + "</code>") + "\n";
  body += "</p>\n<h2 id=\"functions\">Functions</h2>\n<p class=\"names\">\n";
  for (const auto& [name, addresses] : names.functions) {
    body += "<span id=\"" + name + "\">";
    for (const std::string& address : addresses) {
      const std::string header = address.substr(0, address.find(".html"));
      body += names.link(address, "<code>" + name + "</code>" +
                                      (addresses.size() > 1 ? " (" + header + ")" : "")) +
              " ";
    }
    body += "</span>\n";
  }
  return page("Reference", body + "</p>\n");
}

// How exercises are done, which there are, and (where this is not the students' tree) how they are
// handed out and graded.
std::string exercises_page(const Names& names) {
  std::string text = read_file("lessons/exercises/students.md", most) + "\n";
  text.erase(0, text.find('\n'));  // the page has this title already
  for (const std::string& name : files_in("lessons/exercises", ".cpp"))
    if (std::isdigit(static_cast<unsigned char>(name[0])))
      text += "- " + opening(read_file("lessons/exercises/" + name + ".cpp", most)) + "\n";
  if (file_exists("lessons/exercises/teachers.md"))
    text += "\n" + read_file("lessons/exercises/teachers.md", most);
  int headings = 0;
  return page("Exercises", book::prose_html(names, book::lines_of(text), headings));
}

// `book mark lessons/01_attention.cpp` prints the lesson with marks: see Output.
int main(int argc, char** argv) try {
  if (argc == 3 && std::string(argv[1]) == "mark") {
    const std::string name = file_name(argv[2]);
    const Lesson lesson =
        book::read_lesson(name.substr(0, name.rfind('.')), read_file(argv[2], most));
    std::printf("%s", book::marked_source(Names(), lesson).c_str());
    return 0;
  }
  const std::string folder = argc > 1 ? argv[1] : "build/book";
  make_folder(folder);

  const std::vector<std::string> headers = files_in("include/gradus", ".h");
  std::vector<std::string> texts;
  Names names;
  for (const std::string& header : headers) {
    texts.push_back(read_file("include/gradus/" + header + ".h", most));
    names.read_header("gradus/" + header + ".h", header + ".h.html", texts.back());
  }
  std::vector<Lesson> lessons;
  for (const std::string& name : files_in("lessons", ".cpp"))
    if (std::isdigit(static_cast<unsigned char>(name[0])))
      lessons.push_back(book::read_lesson(name, read_file("lessons/" + name + ".cpp", most)));
  for (const Lesson& lesson : lessons)
    names.lessons[std::stoi(lesson.number)] = lesson.name + ".html";
  for (const std::string& header : headers) names.files[header + ".h"] = header + ".h.html";
  // The sources that lessons name have a page, too.
  std::map<std::string, std::string> sources;
  for (const Lesson& lesson : lessons)
    for (const std::string& file : book::files_named(lesson.source))
      if (file.find('/') != std::string::npos && file.compare(0, 6, "gradus") != 0 &&
          file_exists(file))
        sources[file] = names.files[file] = "source-" + file_name(file) + ".html";

  std::string index = "const index = [\n";
  const auto write = [&](const std::string& name, const std::string& text) {
    check_utf8(text, name);
    if (name.compare(0, 6, "steps-") != 0) index += book::search_entries(name, text);
    write_file(folder + "/" + name, text);
  };
  for (const char* file : {"book.css", "book.js"})
    write(file, read_file(std::string("lessons/book/") + file, most));
  const std::vector<book::Term> terms = book::read_glossary("lessons/book/glossary.txt");
  write("index.html", contents_page(names, lessons));
  write("exercises.html", exercises_page(names));
  write("reference.html", reference_page(names, headers, texts));
  write("glossary.html", page("Glossary", book::glossary_html(names, terms)));
  for (std::size_t i = 0; i < headers.size(); ++i)
    write(headers[i] + ".h.html", page("gradus/" + headers[i] + ".h",
                                       book::code_block(book::highlighted_lines(names, texts[i]), 0,
                                                        book::lines_of(texts[i]).size())));
  for (const auto& [file, name] : sources) {
    const std::string text = read_file(file, most);
    write(name, page(file, book::code_block(book::highlighted_lines(names, text), 0,
                                            book::lines_of(text).size())));
  }
  for (std::size_t i = 0; i < lessons.size(); ++i) {
    write(lessons[i].name + ".html", book::with_terms(terms, lesson_page(names, lessons, i)));
    for (const std::string& other : book::pictures_of(lessons[i].source, ".html"))
      if (file_exists(other))
        write(file_name(other), with_way_back(read_file(other, most), lessons[i]));
    for (const std::string& path : book::pictures_of(lessons[i].source, ".svg"))
      if (file_exists(path)) write_file(folder + "/" + file_name(path), read_file(path, most));
    const std::string steps = "steps-" + lessons[i].name + ".html";
    if (file_exists("build/steps/" + steps))
      write(steps, with_way_back(read_file("build/steps/" + steps, most), lessons[i]));
  }
  write_file(folder + "/search.js", index + "];\n");
  std::printf("%zu lessons and %zu headers: open %s/index.html in a browser\n", lessons.size(),
              headers.size(), folder.c_str());
} catch (const Error& error) {
  std::fprintf(stderr, "%s\n", error.what());
  return 1;
}
