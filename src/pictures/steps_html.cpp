#include <gradus/files.h>
#include <gradus/picture.h>

#include "../inspect/recording.h"
#include "page.h"

#include <cstdio>
#include <cstdlib>

namespace gradus {

namespace {

std::string page_of(const std::string& title, const std::string& recording) {
  return page::begin(title, page::steps_style) + "<body>\n<header>\n<h1>" + xml_text(title) +
         "</h1>\n<div id=\"bar\">" + page::turner("step", 1) +
         "</div>\n</header>\n"
         "<noscript><p>The steps are shown by a script in this page, which is switched off.</p>"
         "</noscript>\n<main>\n<section id=\"panel\" aria-label=\"The step\"></section>\n"
         "<section aria-label=\"The graph\"><svg id=\"graph\" role=\"img\"></svg></section>\n"
         "<section aria-label=\"The source\"><h2 id=\"file\"></h2>"
         "<div id=\"code\" tabindex=\"0\" role=\"region\" aria-label=\"source\"></div></section>\n"
         "</main>\n<footer><p id=\"cut\"></p><p>Arrow keys go from step to step. Point at a "
         "number, or reach it with the Tab key and, in a table, the arrow keys: below the tables "
         "stands how it was computed, and what from is framed. The address of this page holds the "
         "step.</p></footer>\n<script type=\"application/json\" id=\"data\">" +
         recording + "</script>\n<script>//<![CDATA[" + page::steps_arithmetic +
         page::steps_script + "//]]></script>\n</body>\n</html>\n";
}

// Looks on from the start of the program to its end, and then writes the page.
struct WrittenRecording : Recording {
  explicit WrittenRecording(const char* file) : path(file) { add_watcher(*this); }
  ~WrittenRecording() override {
    try {
      write_file(path, page_of("Step by step", json()));
      std::fprintf(stderr, "%s shows the run, step by step\n", path.c_str());
    } catch (const std::exception& error) {
      std::fprintf(stderr, "GRADUS_RECORD: %s\n", error.what());
    }
  }
  const std::string path;
};

}  // namespace

bool record_if_asked() {
  const char* path = std::getenv("GRADUS_RECORD");
  if (path && *path) static WrittenRecording recording(path);
  return true;
}

}  // namespace gradus
