// oracle write FILE.mistakes SEED: writes the case file to standard output.
// oracle prove FILE.mistakes: each wrong answer must have its own message, and all right ones full
// points.

#include "judging.h"
#include "source.h"

#include <cstdio>
#include <cstdlib>
#include <filesystem>

using namespace gradus;

// Of the file that `author variants` writes: answer() of the solution, of the exercise that is not
// solved, and of each variant in the order of the .mistakes file; and the solution's cases().
extern const std::vector<Answer> every_answer;
void make_cases(Cases& into);

namespace {

// What every answer gives in each case, and the case file that is made of it: notes, and for each
// case its name and group, inputs, "right" and its answers, "wrong" and those of each wrong answer.
struct Trial {
  Trial(const Mistakes& mistakes, std::uint64_t seed) : outcomes(every_answer.size()) {
    Cases cases(seed);
    make_cases(cases);
    file = mistakes.notes;
    for (const Variant& variant : mistakes.variants)
      if (!variant.right) file.push_back(item_of("mistake", variant.see, variant.message));
    for (const Case& given : cases.all) {
      file.push_back(item_of("case", given.name, std::vector{given.tolerance, given.points * 1.0}));
      file.back().text = given.group;
      file.insert(file.end(), given.inputs.begin(), given.inputs.end());
      for (std::size_t i = 0; i < every_answer.size(); ++i) {
        outcomes[i].push_back(outcome_of(every_answer[i], given));
        if (i == 0) add("right", outcomes[i].back());
        if (i > 1 && !mistakes.variants[i - 2].right) add("wrong", outcomes[i].back());
      }
    }
  }

  void add(const std::string& kind, const Outcome& outcome) {
    file.push_back(item_of(kind, "", ""));
    for (const Item& item : outcome)  // of the steps only the right ones are compared
      if (item.kind != "trace" || kind == "right") file.push_back(item);
  }

  std::vector<std::vector<Outcome>> outcomes;
  std::vector<Item> file;
};

// What must not be; `own` is the number of a wrong answer's message. The public cases are those of
// seed 1; with other seeds, as in grading, points are what matters.
std::string problem_of(const CaseFile& file, const Variant& variant, const Verdict& verdict,
                       std::size_t own, std::uint64_t seed) {
  const std::string with = "seed " + std::to_string(seed) + ": ";
  if (variant.right && verdict.points < verdict.most)
    return with + "this right answer fails in case " + std::to_string(verdict.first_wrong + 1);
  if (!variant.right && verdict.points == verdict.most)
    return with + "this wrong answer gets all points: add a case";
  if (variant.right || seed > 1) return "";
  if (verdict.mistakes.empty()) return "does not get its own message";
  for (const std::size_t other : verdict.mistakes)
    if (other != own)
      return "the same numbers in every case as \"" + of_kind("mistake", file.notes)[other].text +
             "\": add a case";
  return "";
}

bool is_proven(const Mistakes& mistakes) {
  std::printf("%-20s ", std::filesystem::path(mistakes.path).stem().c_str());
  bool proven = !of_kind("hint", mistakes.notes).empty();
  if (!proven) std::printf("no hints  ");
  std::size_t wrongs = 0;
  for (std::uint64_t seed = 1; seed <= 8; ++seed) {
    const Trial trial(mistakes, seed);
    const CaseFile file = case_file_of(to_text(trial.file));
    const Verdict solution = verdict_of(file, trial.outcomes[0]);
    const int most = solution.most, stub = verdict_of(file, trial.outcomes[1]).points;
    if (seed == 1) std::printf("stub %d/%d  solution %d/%d", stub, most, solution.points, most);
    proven = proven && stub == 0 && solution.points == most;
    wrongs = 0;
    for (std::size_t i = 0; i < mistakes.variants.size(); ++i) {
      const Variant& variant = mistakes.variants[i];
      const Verdict verdict = verdict_of(file, trial.outcomes[i + 2]);
      const std::string problem = problem_of(file, variant, verdict, wrongs, seed);
      wrongs += !variant.right;
      if (problem.empty()) continue;
      std::printf("\n  line %d, \"%s\": %s", variant.line, variant.message.c_str(),
                  problem.c_str());
      proven = false;
    }
  }
  std::printf("  %zu other right  %zu wrong: %s\n", mistakes.variants.size() - wrongs, wrongs,
              proven ? "each its own message" : "NOT PROVEN");
  return proven;
}

}  // namespace

int main(int, char** arguments) try {
  const Mistakes mistakes = read_mistakes(arguments[2]);
  if (std::string(arguments[1]) == "prove") return is_proven(mistakes) ? 0 : 1;
  const std::uint64_t seed = std::strtoull(arguments[3], nullptr, 10);
  std::printf("%s", to_text(Trial(mistakes, seed).file).c_str());
} catch (const std::exception& error) {
  std::fprintf(stderr, "%s\n", error.what());
  return 1;
}
