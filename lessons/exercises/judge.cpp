// judge CASES PROGRAM SOURCE FOLDER [WHY]: judges one exercise, says how it went, and leaves in
// FOLDER what other programs read: NN_name.text, what it said; NN_name.case and NN_name.stop, for
// the debugger the inputs of the case that failed and the line; NN_name.unforeseen, a mark of wrong
// answers that nobody foresaw. CASES may be -, standard input, so that no file of the machine holds
// the answers while the student's program runs. With a WHY it gets 0 points without a trial.

#include "box.h"
#include "judging.h"
#include "source.h"

#include <cstdio>
#include <iostream>
#include <iterator>

#ifdef __linux__
#include <sys/prctl.h>
#endif

using namespace gradus;

namespace {

Outcome error_outcome(const std::string& error) {
  return {item_of("error", "", error)};
}

// Each case is a process of its own; after one without an end the rest are not tried.
std::vector<Outcome> ask_all(const CaseFile& file, const std::string& program,
                             std::string& printed) {
  std::vector<Outcome> outcomes;
  bool ends = true;
  for (const Question& question : file.questions) {
    if (!ends) {
      outcomes.push_back(error_outcome("not tried, as an earlier one did not end"));
      continue;
    }
    const Ran ran = run_boxed(program, to_text(question.given.inputs));
    if (printed.empty()) printed = ran.printed;
    try {
      outcomes.push_back(ran.problem.empty() ? items_of(ran.answers) : error_outcome(ran.problem));
    } catch (const Error&) {
      outcomes.push_back(error_outcome("what it wrote is no answer"));
    }
    ends = ran.problem.rfind("no answer", 0) != 0;
  }
  return outcomes;
}

// Why the exercise is not tried: it uses a name that it is to do without; "" if it does not.
std::string refusal(const CaseFile& file, const std::string& path) {
  const Source source = read_source(path);
  for (const Item& without : of_kind("without", file.notes))
    for (const Region& region : source.regions)
      if (uses(without_comments(region.text), without.name))
        return "it uses " + without.name + ", which this exercise is to do without";
  return "";
}

std::string list_of(const CaseFile& file, const Verdict& verdict,
                    const std::vector<Outcome>& outcomes) {
  std::string text;
  for (std::size_t i = 0; i < verdict.right.size(); ++i) {
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
  std::uint64_t hash = 0;
  for (const Outcome& outcome : outcomes)
    for (const Item& item : of_kind("answer", outcome))
      for (const char c : item.name + brief(item))
        hash = random_bits(hash, static_cast<unsigned char>(c));
  return std::to_string(hash);
}

void judge(const CaseFile& file, const std::string& program, const std::string& path,
           const std::string& folder, std::string why) {
  std::string printed, text = "exercise " + file.name + "\n";
  if (why.empty()) why = refusal(file, path);
  std::vector<Outcome> outcomes(file.questions.size(), error_outcome(why));
  if (why.empty()) outcomes = ask_all(file, program, printed);
  const Verdict verdict = verdict_of(file, outcomes);
  if (why.empty() && error_of(outcomes[0]) != "not written yet")
    text += list_of(file, verdict, outcomes);
  text += why.empty() ? message_of(file, outcomes, verdict, path.substr(path.rfind('/') + 1))
                      : why + "\n";
  if (!printed.empty()) text += "It printed: " + printed + "\n";
  text += std::to_string(verdict.points) + " of " + std::to_string(file.points()) + " points\n";
  std::printf("%s", text.c_str());

  std::string inputs, line, unforeseen;
  if (verdict.first_wrong >= 0 && why.empty()) {
    const std::size_t first = static_cast<std::size_t>(verdict.first_wrong);
    const Question& question = file.questions[first];
    inputs = to_text(question.given.inputs);
    const Item* yours =
        first_difference(outcomes[first], question.right, question.given.tolerance).yours;
    if (yours && yours->line > 0) line = std::to_string(yours->line);
    if (verdict.mistakes.empty()) unforeseen = fingerprint(outcomes);
  }
  const std::string stem = folder + "/" + file.name;
  write_file(stem + ".text", text);
  write_file(stem + ".case", inputs);
  write_file(stem + ".stop", line);
  write_file(stem + ".unforeseen", unforeseen);
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
  const std::string gaps = count > 5 ? "" : gaps_of_box(program);
  if (!gaps.empty()) std::printf("(On this machine nothing limits %sonly time.)\n", gaps.c_str());
} catch (const std::exception& error) {
  std::fprintf(stderr, "%s\n", error.what());
  return 1;
}
