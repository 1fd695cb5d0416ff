// report FOLDER: from the NN_name.result files in a folder, what other systems read: results.json
// (Gradescope), junit.xml, classroom.json (the reporter of GitHub Classroom), and on standard
// output the last line that Autolab wants.

#include "item.h"

#include <algorithm>
#include <cstdio>
#include <filesystem>

using namespace gradus;

namespace {

struct Result {
  std::string name, source, line, text;
  int points = 0, most = 0;
};

Result read_result(const std::string& path) {
  Result result;
  for (const Item& item : items_of(read_file(path, 1 << 24))) {
    if (item.kind == "points") {
      result.name = item.name;
      result.points = static_cast<int>(item.numbers.at(0));
      result.most = static_cast<int>(item.numbers.at(1));
    }
    if (item.kind == "line") {
      result.source = item.name;
      result.line = item.text;
    }
    if (item.kind == "text") result.text = item.text;
  }
  return result;
}

// What a student's program printed need not be text: bytes that neither format knows become '?'.
std::string printable(std::string text) {
  bool utf8 = true;
  try {
    check_utf8(text, "");
  } catch (const Error&) {
    utf8 = false;
  }
  for (char& c : text)
    if ((static_cast<unsigned char>(c) < 32 && c != '\n') || c == 127 || (c < 0 && !utf8)) c = '?';
  return text;
}

std::string json(const std::string& text) {
  std::string result;
  for (const char c : printable(text))
    result += c == '\n' ? "\\n" : c == '"' || c == '\\' ? std::string("\\") + c : std::string(1, c);
  return '"' + result + '"';
}

std::string xml(const std::string& text) {
  std::string result;
  for (const char c : printable(text))
    result += c == '<' ? "&lt;" : c == '&' ? "&amp;" : c == '"' ? "&quot;" : std::string(1, c);
  return result;
}

std::string gradescope(const Result& result) {
  return "{\"name\": " + json(result.name) + ", \"number\": " + json(result.name.substr(0, 2)) +
         ", \"score\": " + std::to_string(result.points) +
         ", \"max_score\": " + std::to_string(result.most) +
         ", \"visibility\": \"visible\", \"output\": " + json(result.text) + "}";
}

std::string junit(const Result& result) {
  std::string text = "  <testcase classname=\"exercises\" name=\"" + xml(result.name) +
                     "\" file=\"" + xml(result.source) + "\" line=\"" + xml(result.line) + "\"";
  if (result.points == result.most && result.most > 0) return text + "/>\n";
  const std::string score = std::to_string(result.points) + " of " + std::to_string(result.most);
  return text + "><failure message=\"" + score + " points\">" + xml(result.text) +
         "</failure></testcase>\n";
}

std::string classroom(const Result& result) {
  const bool passed = result.points == result.most && result.most > 0;
  return "{\"name\": " + json(result.name) + ", \"status\": " + (passed ? "\"pass\"" : "\"fail\"") +
         ", \"score\": " + std::to_string(result.points) + ", \"message\": " + json(result.text) +
         ", \"test_code\": \"make exercise-" + result.name.substr(0, 2) +
         "\", \"filename\": " + json(result.source) +
         ", \"line_no\": " + (result.line.empty() ? "0" : result.line) + "}";
}

}  // namespace

int main(int, char** arguments) try {
  const std::string folder = arguments[1];
  std::vector<std::string> paths;
  for (const auto& entry : std::filesystem::directory_iterator(folder))
    if (entry.path().extension() == ".result") paths.push_back(entry.path());
  std::sort(paths.begin(), paths.end());
  std::string tests, cases, classes, scores;
  int points = 0, most = 0;
  for (const std::string& path : paths) {
    const Result result = read_result(path);
    const std::string comma = tests.empty() ? "" : ",\n  ";
    tests += comma + gradescope(result);
    classes += comma + classroom(result);
    cases += junit(result);
    scores +=
        (scores.empty() ? "" : ", ") + json(result.name) + ": " + std::to_string(result.points);
    points += result.points;
    most += result.most;
  }
  write_file(folder + "/results.json",
             "{\"score\": " + std::to_string(points) + ", \"tests\": [\n  " + tests + "]}\n");
  write_file(folder + "/junit.xml",
             "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuite name=\"exercises\">\n" +
                 cases + "</testsuite>\n");
  write_file(folder + "/classroom.json", std::string("{\"version\": 1, \"status\": ") +
                                             (points == most ? "\"pass\"" : "\"fail\"") +
                                             ", \"max_score\": " + std::to_string(most) +
                                             ", \"tests\": [\n  " + classes + "]}\n");
  std::printf("{\"scores\": {%s}}\n", scores.c_str());
} catch (const std::exception& error) {
  std::fprintf(stderr, "%s\n", error.what());
  return 1;
}
