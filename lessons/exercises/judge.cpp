// judge CASES PROGRAM SOURCE FOLDER: judges one exercise, and leaves in FOLDER what other programs
// read: NN.result for reports, NN.case and NN.stop for the debugger. CASES may be -, standard
// input, so that no file of the machine holds the answers while the student's program runs.
// judge refuse CASES SOURCE FOLDER WHY: 0 points without a trial.
// judge hint CASES COUNT: hint number COUNT, or the last.

#include "box.h"
#include "message.h"
#include "source.h"

#include <cstdio>
#include <cstdlib>
#include <iostream>
#include <iterator>

#ifdef __linux__
#include <sys/prctl.h>
#endif

using namespace gradus;

namespace {

Outcome error_outcome(const std::string& error) {
  return {text_item("error", "", error)};
}

// Each case is a process of its own; after one without an end the rest are not tried.
std::vector<Outcome> ask_all(const CaseFile& file, const std::string& program,
                             std::string& printed) {
  std::vector<Outcome> outcomes;
  std::string ended;
  for (const Question& question : file.questions) {
    if (!ended.empty()) {
      outcomes.push_back(error_outcome("not tried, as an earlier one did not end"));
      continue;
    }
    std::string inputs;
    for (const Item& input : question.given.inputs) inputs += to_text(input);
    const Ran ran = run_boxed(program, inputs);
    if (printed.empty()) printed = ran.printed;
    try {
      outcomes.push_back(ran.problem.empty() ? items_of(ran.answers) : error_outcome(ran.problem));
    } catch (const Error&) {
      outcomes.push_back(error_outcome("what it wrote is no answer"));
    }
    if (ran.problem.rfind("no answer", 0) == 0) ended = ran.problem;
  }
  return outcomes;
}

// A name that the exercise is to do without; "" if there is none.
std::string forbidden(const CaseFile& file, const Source& source) {
  for (std::size_t i = 0; i < source.regions.size(); ++i)
    for (const std::string& name : names_in(source.region_text(i)))
      for (const std::string& without : file.without)
        if (name == without) return name;
  return "";
}

const char* status(bool right, const Outcome& outcome) {
  return right ? "right" : error_of(outcome).empty() ? "WRONG" : "no answer";
}

std::string list_of(const CaseFile& file, const Verdict& verdict,
                    const std::vector<Outcome>& outcomes) {
  std::string text;
  for (std::size_t i = 0; i < verdict.right.size(); ++i) {
    char line[200];
    std::snprintf(line, sizeof line, "  case %-2zu %-50s %s\n", i + 1,
                  file.questions[i].given.name.c_str(), status(verdict.right[i], outcomes[i]));
    text += line;
  }
  return text;
}

// The numbers of all wrong answers, to three digits: what two submissions have in common.
std::string fingerprint(const std::vector<Outcome>& outcomes) {
  std::string text;
  for (const Outcome& outcome : outcomes)
    for (const Item& item : outcome)
      if (item.kind == "answer") text += item.name + brief(item) + item.text;
  std::uint64_t hash = 0;
  for (const char c : text) hash = random_bits(hash, static_cast<unsigned char>(c));
  return std::to_string(hash);
}

// What reports read. `line` is where to look, "" if that is not known.
void write_result(const std::string& folder, const CaseFile& file, int points,
                  const std::string& source, const std::string& line, const std::string& text,
                  const std::string& unforeseen) {
  const std::vector<float> numbers = {static_cast<float>(points),
                                      static_cast<float>(file.points())};
  write_file(folder + "/" + file.name + ".result",
             to_text(number_item("points", file.name, {2}, numbers)) +
                 to_text(text_item("line", source, line)) + to_text(text_item("text", "", text)) +
                 to_text(text_item("unforeseen", "", unforeseen)));
}

// For the debugger: the inputs of the case that failed, and the line to stop at, which is returned.
std::string write_case(const std::string& stem, const CaseFile& file, const Verdict& verdict,
                       const std::vector<Outcome>& outcomes) {
  std::string line, inputs;
  if (verdict.first_wrong >= 0) {
    const std::size_t first = static_cast<std::size_t>(verdict.first_wrong);
    const Question& question = file.questions[first];
    for (const Item& input : question.given.inputs) inputs += to_text(input);
    const Difference found =
        first_difference(outcomes[first], question.right, question.given.tolerance);
    if (found.yours && found.yours->line > 0) line = std::to_string(found.yours->line);
  }
  write_file(stem + ".case", inputs);
  write_file(stem + ".stop", line);
  return line;
}

void judge(const std::string& cases, const std::string& program, const std::string& path,
           const std::string& folder) {
  const std::string known = cases == "-" ? std::string(std::istreambuf_iterator<char>(std::cin), {})
                                         : read_file(cases, 1 << 28);
  const CaseFile file = case_file_of(known);
  const Source source = read_source(path);
  std::string printed, text = "exercise " + file.name + "\n";
  const std::string name = forbidden(file, source);
  std::vector<Outcome> outcomes(
      file.questions.size(),
      error_outcome("it uses " + name + ", which this exercise is to do without"));
  if (name.empty()) outcomes = ask_all(file, program, printed);
  const Verdict verdict = verdict_of(file, outcomes);
  if (error_of(outcomes.front()) != "not written yet") text += list_of(file, verdict, outcomes);
  text += message_of(file, outcomes, verdict, path.substr(path.rfind('/') + 1));
  if (!printed.empty()) text += "It printed: " + printed + "\n";
  text += std::to_string(verdict.points) + " of " + std::to_string(file.points()) + " points\n";
  std::printf("%s", text.c_str());
  const std::string line = write_case(folder + "/" + file.name, file, verdict, outcomes);
  const bool unforeseen = verdict.first_wrong >= 0 && verdict.mistakes.empty();
  write_result(folder, file, verdict.points, path, line, text,
               unforeseen ? fingerprint(outcomes) : "");
}

void refuse(const std::string& cases, const std::string& source, const std::string& folder,
            const std::string& why) {
  write_result(folder, case_file_of(read_file(cases, 1 << 28)), 0, source, "", why, "");
}

void hint(const std::string& cases, std::size_t wanted) {
  const CaseFile file = case_file_of(read_file(cases, 1 << 28));
  const std::size_t last = file.hints.size();
  if (last > 0)
    std::printf("%s\n%s", file.hints[std::min(wanted, last) - 1].c_str(),
                wanted < last ? "" : "(That was the last hint.)\n");
}

}  // namespace

int main(int count, char** arguments) try {
#ifdef __linux__
  prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);  // nobody reads the answers out of this program
#endif
  if (count < 5) {
    hint(arguments[2], std::strtoull(arguments[3], nullptr, 10));
    return 0;
  }
  if (count > 5) {
    refuse(arguments[2], arguments[3], arguments[4], arguments[5]);
    return 0;
  }
  judge(arguments[1], arguments[2], arguments[3], arguments[4]);
  const std::string gaps = gaps_of_box(arguments[2]);
  if (!gaps.empty()) std::printf("(On this machine nothing limits %sonly time.)\n", gaps.c_str());
} catch (const std::exception& error) {
  std::fprintf(stderr, "%s\n", error.what());
  return 1;
}
