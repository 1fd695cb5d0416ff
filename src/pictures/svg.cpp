#include "svg.h"

#include <gradus/files.h>
#include <gradus/picture.h>

#include <sstream>

namespace gradus {

std::string xml_text(const std::string& text) {
  std::string result;
  for (const char c : text) {
    const bool shown = static_cast<unsigned char>(c) >= 0x20 || c == '\n';
    if (c == '&')
      result += "&amp;";
    else if (c == '<')
      result += "&lt;";
    else if (c == '>')
      result += "&gt;";
    else if (c == '"')
      result += "&quot;";
    else if (shown)
      result += c;
  }
  return result;
}

namespace svg {

// Blue for amounts; orange, green and purple for further lines (Okabe and Ito 2008). A window that
// is narrower than the picture shows it smaller.
std::string begin(double width, double height, const std::string& title,
                  const std::string& description) {
  return format(
             "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %.0f %.0f\" "
             "width=\"%.0f\" height=\"%.0f\" style=\"max-width:100%%;height:auto\" "
             "font-family=\"sans-serif\" role=\"img\"%s>\n",
             width, height, width, height, width > 512 ? " class=\"wide\"" : "") +
         "<title>" + xml_text(title) + "</title>\n<desc>" + xml_text(description) + "</desc>\n" +
         "<style>\n"
         ".paper{fill:#ffffff}.ink{fill:#222222}.faint{fill:#666666}.grid{stroke:#dddddd}\n"
         ".cell{fill:#08519c}.frame{fill:none;stroke:#999999}\n"
         ".zero{stroke:#222222}.line{fill:none;stroke-width:2}\n"
         ".s0{stroke:#0072b2}.s1{stroke:#d55e00}.s2{stroke:#009e73}.s3{stroke:#aa4499}\n"
         ".f0{fill:#0072b2}.f1{fill:#d55e00}.f2{fill:#009e73}.f3{fill:#aa4499}\n"
         "@media (prefers-color-scheme:dark){\n"
         ".paper{fill:#1b1b1f}.ink{fill:#eeeeee}.faint{fill:#aaaaaa}.grid{stroke:#3a3a40}\n"
         ".cell{fill:#9ecae1}.frame{stroke:#777777}.zero{stroke:#eeeeee}\n"
         ".s0{stroke:#56b4e9}.s1{stroke:#e69f00}.s2{stroke:#2ec4a0}.s3{stroke:#dd88cc}\n"
         ".f0{fill:#56b4e9}.f1{fill:#e69f00}.f2{fill:#2ec4a0}.f3{fill:#dd88cc}}\n"
         "</style>\n"
         "<rect class=\"paper\" width=\"100%\" height=\"100%\"/>\n";
}

std::string finished(const std::string& svg, const std::string& picture, const Where& where) {
  check_utf8(svg, "the picture of " + picture, where);
  return svg + "</svg>\n";
}

std::string text(double x, double y, const std::string& css_class, const std::string& content,
                 int size, const std::string& attributes) {
  return format("<text x=\"%.1f\" y=\"%.1f\" class=\"%s\" font-size=\"%d\" %s>", x, y,
                css_class.c_str(), size, attributes.c_str()) +
         xml_text(content) + "</text>\n";
}

std::string heading(double x, double y, const std::string& content, std::size_t most) {
  std::string svg;
  for (const std::string& line : wrapped(content, most)) {
    svg += text(x, y, "ink", line, 15, bold);
    y += 20;
  }
  return svg;
}

std::string rect(const std::string& css_class, double x, double y, double width, double height,
                 const std::string& attributes, const std::string& title) {
  const std::string box =
      format("<rect class=\"%s\" x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\" %s",
             css_class.c_str(), x, y, width, height, attributes.c_str());
  if (title.empty()) return box + "/>\n";
  return box + "><title>" + xml_text(title) + "</title></rect>\n";
}

std::string line(const std::string& css_class, double x1, double y1, double x2, double y2,
                 const std::string& attributes) {
  return format("<line class=\"%s\" x1=\"%.1f\" x2=\"%.1f\" y1=\"%.1f\" y2=\"%.1f\" %s/>\n",
                css_class.c_str(), x1, x2, y1, y2, attributes.c_str());
}

std::vector<std::string> wrapped(const std::string& text, std::size_t most) {
  std::vector<std::string> lines(1);
  std::istringstream words(text);
  for (std::string word; words >> word;) {
    if (!lines.back().empty() && lines.back().size() + 1 + word.size() > most) lines.emplace_back();
    lines.back() += (lines.back().empty() ? "" : " ") + word;
  }
  return lines;
}

std::string cut(const std::string& text, std::size_t most) {
  std::size_t characters = 0, last = 0;  // where the last of them begins
  for (std::size_t i = 0; i < text.size(); ++i) {
    if ((static_cast<unsigned char>(text[i]) & 0xC0) == 0x80) continue;  // within a character
    if (++characters > most) return text.substr(0, last) + "…";
    last = i;
  }
  return text;
}

}  // namespace svg
}  // namespace gradus
