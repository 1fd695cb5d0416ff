// judge CASES PROGRAM SOURCE FOLDER [WHY]: judges one exercise, says how it went, and leaves in
// FOLDER what other programs read: NN_name.text, what it said; NN_name.case, for the debugger the
// inputs of the case that failed; NN_name.unforeseen, a mark of wrong answers that nobody foresaw.
// CASES may be -, standard input, so that no file of the machine holds the answers while the
// student's program runs. With a WHY it gets 0 points without a trial.

#include "judging.h"
#include "source.h"

#include <cstdio>
#include <filesystem>
#include <iostream>
#include <iterator>
#include <sstream>

#ifdef __linux__
#include <sys/prctl.h>
#endif

using namespace gradus;

namespace {

Outcome error_outcome(const std::string& error) {
  return {item_of("error", "", error)};
}

// Each case is a process of its own; after one without an end the rest are not tried.
std::vector<Outcome> ask_all(const CaseFile& file, const std::string& program, Ran& last) {
  std::vector<Outcome> outcomes(file.questions.size(),
                                error_outcome("not tried, as an earlier one did not end"));
  for (std::size_t i = 0; i < outcomes.size(); ++i) {
    Ran ran = run_boxed(program, to_text(file.questions[i].given.inputs));
    if (!last.printed.empty()) ran.printed = last.printed;  // the first that it printed is shown
    last = ran;
    try {
      outcomes[i] = ran.problem.empty() ? items_of(ran.answers) : error_outcome(ran.problem);
    } catch (const Error&) {
      outcomes[i] = error_outcome("what it wrote is no answer");
    }
    if (ran.problem.rfind("no answer", 0) == 0) break;
  }
  return outcomes;
}

// Why the exercise is not tried: it uses a name that it is to do without; "" if it does not.
std::string refusal(const CaseFile& file, const std::string& path) {
  const Source source = read_source(path);
  for (const Item& without : of_kind("without", file.notes)) {
    std::istringstream names(without.text);
    for (std::string name; names >> name;)
      for (std::size_t i = 1; i < source.parts.size(); i += 2)
        if (uses(source.parts[i], name))
          return "it uses " + name + ", which this exercise is to do without";
  }
  return "";
}

std::string list_of(const CaseFile& file, const Verdict& verdict,
                    const std::vector<Outcome>& outcomes) {
  std::string text;
  for (std::size_t i = 0; i < outcomes.size(); ++i) {
    char line[200];
    const char* wrong = error_of(outcomes[i]).empty() ? "WRONG" : "no answer";
    std::snprintf(line, sizeof line, "  case %-2zu %-50s %s\n", i + 1,
                  file.questions[i].given.name.c_str(), verdict.right[i] ? "right" : wrong);
    text += line;
  }
  return text;
}

// The numbers of all answers, to a few digits: what two submissions have in common.
std::string fingerprint(const std::vector<Outcome>& outcomes) {
  std::string all;
  for (const Outcome& outcome : outcomes)
    for (const Item& item : of_kind("answer", outcome)) all += item.name + brief(item);
  return std::to_string(std::hash<std::string>()(all));
}

void judge(const CaseFile& file, const std::string& program, const std::string& path,
           const std::string& folder, std::string why) {
  const std::string name = std::filesystem::path(path).stem().string();
  std::string text = "exercise " + name + "\n", inputs, unforeseen;
  Ran last;
  if (why.empty()) why = refusal(file, path);
  std::vector<Outcome> outcomes(file.questions.size(), error_outcome(why));
  if (why.empty()) outcomes = ask_all(file, program, last);
  const Verdict verdict = verdict_of(file, outcomes);
  const std::size_t first = verdict.first_wrong;
  if (!why.empty()) {
    text += why + "\n";
  } else {
    if (error_of(outcomes[0]) != "not written yet") text += list_of(file, verdict, outcomes);
    text += message_of(file, outcomes, verdict, name + ".cpp");
    if (first < outcomes.size()) inputs = to_text(file.questions[first].given.inputs);
    if (first < outcomes.size() && verdict.mistakes.empty() && error_of(outcomes[first]).empty())
      unforeseen = fingerprint(outcomes);
  }
  if (!last.printed.empty()) text += "It printed: " + last.printed + "\n";
  text += std::to_string(verdict.points) + " of " + std::to_string(verdict.most) + " points\n";
  std::printf("%s", text.c_str());
  if (!last.gaps.empty())
    std::printf("(On this machine nothing limits %sonly time.)\n", last.gaps.c_str());
  write_file(folder + "/" + name + ".text", text);
  write_file(folder + "/" + name + ".case", inputs);
  write_file(folder + "/" + name + ".unforeseen", unforeseen);
}

}  // namespace

int main(int count, char** arguments) try {
#ifdef __linux__
  prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);  // nobody reads the answers out of this program
#endif
  const std::string cases = arguments[1], program = arguments[2];
  const CaseFile file =
      case_file_of(cases == "-" ? std::string(std::istreambuf_iterator<char>(std::cin), {})
                                : read_file(cases, 1 << 28));
  judge(file, program, arguments[3], arguments[4], count > 5 ? arguments[5] : "");
} catch (const std::exception& error) {
  std::fprintf(stderr, "%s\n", error.what());
  return 1;
}
