#include "page.h"

#include <gradus/picture.h>

namespace gradus::page {

static const char* const common = R"css(
:root {
  color-scheme: light dark;
  --paper: #ffffff; --ink: #222222; --faint: #5c5c66; --rule: #85858d;
}
@media (prefers-color-scheme: dark) {
  :root { --paper: #1b1b1f; --ink: #eeeeee; --faint: #ababb4; --rule: #7a7a82; }
}
body { background: var(--paper); color: var(--ink); }
button { font: inherit; color: inherit; background: none; cursor: pointer; min-height: 2rem; }
#back, #on { border: 1px solid var(--rule); border-radius: 4px; min-width: 2.4rem; }
:focus-visible { outline: 3px solid #d55e00; outline-offset: 1px; }
)css";

std::string begin(const std::string& title, const std::string& css) {
  return "<!DOCTYPE html>\n<html lang=\"en\" xmlns=\"http://www.w3.org/1999/xhtml\">\n<head>\n"
         "<meta charset=\"utf-8\"/>\n"
         "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"/>\n<title>" +
         xml_text(title) + "</title>\n<style>" + common + css + "</style>\n</head>\n";
}

std::string turner(const std::string& of, std::size_t count) {
  return "<button type=\"button\" id=\"back\" aria-label=\"" + of +
         " back\">←</button><button type=\"button\" id=\"on\" aria-label=\"" + of +
         " on\">→</button><input type=\"range\" id=\"time\" min=\"1\" max=\"" +
         std::to_string(count) + "\" value=\"1\" aria-label=\"" + of +
         "\"/><span id=\"which\"></span>";
}

}  // namespace gradus::page
