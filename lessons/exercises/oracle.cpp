// oracle write FILE.mistakes SEED: writes the case file to standard output.
// oracle prove FILE.mistakes: each wrong answer must have its own message, and all right ones full
// points.

#include "judging.h"
#include "mistakes.h"

#include <cstdio>
#include <cstdlib>
#include <filesystem>

using namespace gradus;

// Of the file that `author variants` writes: answer() of the solution, of the exercise that is not
// solved, and of each variant in the order of the .mistakes file; and the solution's cases().
extern const std::vector<Answer> every_answer;
void make_cases(Cases& into);

namespace {

CaseFile make_file(const Mistakes& mistakes, std::uint64_t seed) {
  CaseFile file;
  file.name = std::filesystem::path(mistakes.path).stem();
  file.notes = mistakes.notes;
  for (const Variant& variant : mistakes.variants)
    if (!variant.right) file.notes.push_back(item_of("mistake", variant.see, variant.message));
  Cases cases(seed);
  make_cases(cases);
  for (const Case& given : cases.all) {
    Question& question = file.questions.emplace_back();
    question.given = given;
    question.right = outcome_of(every_answer[0], given);
    for (std::size_t i = 0; i < mistakes.variants.size(); ++i)
      if (!mistakes.variants[i].right)
        question.wrong.push_back(outcome_of(every_answer[i + 2], given));
  }
  return file;
}

// What `prove` counts and complains of.
struct Proof {
  const Mistakes& mistakes;
  int rights = 0, wrongs = 0, problems = 0;

  static Verdict judge(Answer answer, const CaseFile& file) {
    std::vector<Outcome> outcomes;
    for (const Question& question : file.questions)
      outcomes.push_back(outcome_of(answer, question.given));
    return verdict_of(file, outcomes);
  }

  void complain(const Variant& variant, const std::string& problem) {
    std::printf("  line %d, \"%s\": %s\n", variant.line, variant.message.c_str(), problem.c_str());
    ++problems;
  }

  // With the public cases, those of seed 1. `own` is the number of its message.
  void check_message(const CaseFile& file, std::size_t own, const Variant& variant,
                     const Verdict& verdict) {
    if (verdict.first_wrong < 0) return complain(variant, "every case is right: add a case");
    if (verdict.mistakes.empty()) complain(variant, "does not get its own message");
    for (const std::size_t other : verdict.mistakes)
      if (other != own)
        complain(variant, "the same numbers in every case as \"" +
                              of_kind("mistake", file.notes)[other].text + "\": add a case");
  }

  // With other seeds, as in grading, points are what matters.
  void try_all(std::uint64_t seed) {
    const CaseFile file = make_file(mistakes, seed);
    const int all = file.points();
    const int stub = judge(every_answer[1], file).points;
    const int solution = judge(every_answer[0], file).points;
    if (seed == 1)
      std::printf("%-20s stub %d/%d  solution %d/%d", file.name.c_str(), stub, all, solution, all);
    problems += stub != 0 || solution != all;
    const std::string with = "seed " + std::to_string(seed) + ": ";
    rights = wrongs = 0;
    for (std::size_t i = 0; i < mistakes.variants.size(); ++i) {
      const Variant& variant = mistakes.variants[i];
      const Verdict verdict = judge(every_answer[i + 2], file);
      if (variant.right && verdict.points < all)
        complain(variant, with + "this right answer fails in case " +
                              std::to_string(verdict.first_wrong + 1));
      if (!variant.right && verdict.points == all)
        complain(variant, with + "this wrong answer gets all points");
      if (!variant.right && seed == 1)
        check_message(file, static_cast<std::size_t>(wrongs), variant, verdict);
      (variant.right ? rights : wrongs) += 1;
    }
  }
};

int prove(const Mistakes& mistakes) {
  Proof proof{mistakes};
  for (std::uint64_t seed = 1; seed <= 8; ++seed) proof.try_all(seed);
  const bool hints = !of_kind("hint", mistakes.notes).empty();
  if (!hints) std::printf("  no hints");
  std::printf("  %d other right  %d wrong: %s\n", proof.rights, proof.wrongs,
              proof.problems || !hints ? "NOT PROVEN" : "each its own message");
  return proof.problems || !hints;
}

}  // namespace

int main(int, char** arguments) try {
  const Mistakes mistakes = read_mistakes(arguments[2]);
  if (std::string(arguments[1]) == "prove") return prove(mistakes);
  const std::uint64_t seed = std::strtoull(arguments[3], nullptr, 10);
  std::printf("%s", to_text(make_file(mistakes, seed)).c_str());
} catch (const std::exception& error) {
  std::fprintf(stderr, "%s\n", error.what());
  return 1;
}
