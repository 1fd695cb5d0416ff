// A lesson's file: its title, and what it prints and draws, below the code that does it.
//
// A copy of the lesson prints a mark after each block of main; `sh tests/bits.sh accept NN` runs it
// and writes how many lines came between the marks to lessons/expected/NN.blocks.
#include <gradus/files.h>
#include <gradus/picture.h>

#include <algorithm>
#include <cctype>
#include <sstream>

#include "book.h"

namespace book {

namespace {

constexpr std::size_t most = 8 << 20;  // larger files are not ours

// The last lines of the blocks of main, which print; the one that closes main is the last of them.
std::vector<std::size_t> blocks_of_main(const Names& names, const Lesson& lesson) {
  const std::vector<std::string> lines = lines_of(lesson.source);
  std::size_t main = 0;
  while (main < lines.size() && lines[main].compare(0, 8, "int main") != 0) ++main;
  std::size_t close = main;
  while (close < lines.size() && lines[close].compare(0, 1, "}") != 0) ++close;
  std::vector<std::size_t> ends;
  lesson_html(names, lesson, [&](std::size_t begin, std::size_t end) {
    if (begin >= main && begin <= close) ends.push_back(end);
    return std::string();
  });
  return ends;
}

// "about a second" of "It takes about a second on two cores.", or of "Runs in about a second."
std::string time_in(const std::vector<std::string>& lines) {
  std::string text;
  for (const std::string& line : lines) {
    if (line.compare(0, 2, "//") != 0) break;
    text += trimmed(line.substr(2)) + " ";
  }
  std::size_t end = text.find(" on two cores");
  if (end == std::string::npos) end = text.find('.', text.find("Runs in "));
  if (end == std::string::npos) return "";
  std::size_t begin = 0;
  for (const std::string before : {"Runs in ", "akes ", ". "})
    if (const std::size_t at = text.rfind(before, end - 1); at != std::string::npos)
      begin = std::max(begin, at + before.size());
  std::string time = text.substr(begin, end - begin);
  time[0] = static_cast<char>(std::tolower(static_cast<unsigned char>(time[0])));
  return time;
}

std::string file_name(const std::string& path) {
  return path.substr(path.rfind('/') + 1);
}

}  // namespace

Lesson read_lesson(const std::string& name, const std::string& source) {
  Lesson lesson{name, name.substr(0, 2), "", "", "", source};
  const std::vector<std::string> lines = lines_of(source);
  const std::string start = "// Lesson " + std::to_string(std::stoi(lesson.number)) + ": ";
  if (lines.empty() || lines[0].compare(0, start.size(), start) != 0 || lines[0].back() != '.')
    gradus::fail("read_lesson", gradus::Where::at(("lessons/" + name + ".cpp").c_str(), 1),
                 "the first line must be \"" + start + "title.\"");
  lesson.title = lines[0].substr(start.size(), lines[0].size() - start.size() - 1);
  for (std::size_t i = 2; i < lines.size() && lines[i].compare(0, 2, "//") == 0; ++i) {
    const std::string text = trimmed(lines[i].substr(2));
    if (text.empty()) break;
    lesson.sentence += (lesson.sentence.empty() ? "" : " ") + text;
  }
  // A paragraph that leads to a formula ends with a colon.
  if (!lesson.sentence.empty() && lesson.sentence.back() == ':') lesson.sentence.back() = '.';
  lesson.sentence = first_sentence(lesson.sentence);
  lesson.time = time_in(lines);
  return lesson;
}

std::string marked_source(const Names& names, const Lesson& lesson) {
  const std::string path = "lessons/" + lesson.name + ".cpp";
  const std::vector<std::string> lines = lines_of(lesson.source);
  std::vector<std::size_t> ends = blocks_of_main(names, lesson);
  if (!ends.empty()) ends.pop_back();
  std::string text = "#include <cstdio>\n#line 1 \"" + path + "\"\n";
  for (std::size_t i = 0, block = 0; i < lines.size(); ++i) {
    text += lines[i] + "\n";
    if (block == ends.size() || ends[block] != i + 1) continue;
    ++block;
    text += "std::puts(\"\\036\");\n#line " + std::to_string(i + 2) + " \"" + path + "\"\n";
  }
  return text;
}

Output::Output(const Names& names, const Lesson& lesson)
    : source_(lines_of(lesson.source)), ends_(blocks_of_main(names, lesson)) {
  steps_ = "steps-" + lesson.name + ".html";
  if (gradus::file_exists("build/steps/" + steps_))
    recorded_ = gradus::read_file("build/steps/" + steps_, most);
  place_ = "\"file\":\"lessons/" + lesson.name + ".cpp\",\"line\":";
  const std::string path = "lessons/expected/" + lesson.number;
  if (!gradus::file_exists(path + ".txt")) return;
  const std::string text = gradus::read_file(path + ".txt", most);
  gradus::check_utf8(text, path + ".txt");
  transcript_ = lines_of(text);
  if (!gradus::file_exists(path + ".blocks")) return;
  std::istringstream counts(gradus::read_file(path + ".blocks", most));
  std::size_t left = transcript_.size();
  for (std::size_t count = 0; counts >> count; left -= count) {
    if (count > left) break;
    counts_.push_back(count);
  }
  counts_.push_back(left);
  if (counts_.size() != ends_.size()) counts_.clear();  // another lesson than was run
}

std::string Output::figure(const std::string& picture) {
  std::string html = "<figure>";
  if (gradus::file_exists(picture))
    html += "<div class=\"picture\">" +
            inline_svg(gradus::read_file(picture, most), "p" + std::to_string(++figures_) + "-") +
            "</div>";
  else
    html += "<p class=\"note\">This picture is not here: the lesson draws it when it runs.</p>";
  return html + "<figcaption><code>" + gradus::xml_text(picture) +
         "</code></figcaption></figure>\n";
}

std::string Output::below(std::size_t begin, std::size_t end) {
  std::string html, code;
  for (std::size_t k = 0; k < counts_.size(); ++k) {
    if (ends_[k] != end) continue;
    std::string text;
    for (const std::size_t last = printed_ + counts_[k]; printed_ < last; ++printed_)
      text += transcript_[printed_] + "\n";
    const std::string shown =
        trimmed(text).empty() ? "" : text.substr(text.find_first_not_of('\n'));
    if (!shown.empty())
      html +=
          "<pre class=\"output\" role=\"region\" aria-label=\"What this prints\" tabindex=\"0\">" +
          gradus::xml_text(shown.substr(0, shown.find_last_not_of('\n') + 1)) + "\n</pre>\n";
  }
  for (std::size_t i = begin; i < end; ++i) code += source_[i] + "\n";
  for (std::size_t i = begin; i < end && !recorded_.empty(); ++i) {
    const std::string line = std::to_string(i + 1);
    if (recorded_.find(place_ + line + ",") == std::string::npos) continue;
    html += "<p class=\"note\"><a href=\"" + steps_ + "#line=" + line +
            "\">Step through this, number by number</a></p>\n";
    break;
  }
  for (const std::string& picture : pictures_of(code, ".svg")) html += figure(picture);
  for (const std::string& other : pictures_of(code, ".html"))
    if (gradus::file_exists(other))
      html += "<p class=\"note\">A page to point at, which this writes: <a href=\"" +
              file_name(other) + "\"><code>" + gradus::xml_text(other) + "</code></a></p>\n";
  return html;
}

std::string Output::rest() const {
  if (transcript_.empty()) return "<p class=\"note\">No transcript of this lesson is kept.</p>\n";
  if (!counts_.empty()) return "";
  std::string html =
      "<h2 id=\"output\">What it prints</h2>\n<pre class=\"output\" role=\"region\" "
      "aria-label=\"What it prints\" tabindex=\"0\">";
  for (const std::string& line : transcript_) html += gradus::xml_text(line) + "\n";
  return html + "</pre>\n";
}

}  // namespace book
