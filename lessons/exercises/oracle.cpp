// oracle write FILE.mistakes SEED: writes the case file to standard output.
// oracle prove FILE.mistakes: each wrong answer must have its own message, and all right ones full
// points.

#include "oracle.h"

#include "mistakes.h"

#include <cstdio>
#include <cstdlib>

using namespace gradus;

namespace {

CaseFile make_file(const Mistakes& mistakes, std::uint64_t seed) {
  CaseFile file;
  const std::size_t slash = mistakes.path.rfind('/') + 1;
  file.name = mistakes.path.substr(slash, mistakes.path.rfind('.') - slash);
  file.hints = mistakes.hints;
  file.without = mistakes.without;
  for (const Variant& variant : mistakes.variants)
    if (!variant.right) file.mistakes.push_back({variant.message, variant.see});
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

Verdict verdict_on(Answer answer, const CaseFile& file) {
  std::vector<Outcome> outcomes;
  for (const Question& question : file.questions)
    outcomes.push_back(outcome_of(answer, question.given));
  return verdict_of(file, outcomes);
}

int complain(const Variant& variant, const std::string& problem) {
  std::printf("  line %d, \"%s\": %s\n", variant.line, variant.message.c_str(), problem.c_str());
  return 1;
}

// How many things are wrong with a wrong answer's message.
int check_message(const Mistakes& mistakes, const CaseFile& file, int own, const Variant& variant,
                  const Verdict& verdict) {
  if (verdict.first_wrong < 0) return complain(variant, "every case is right: add a case");
  int problems = verdict.points == file.points();
  for (const int other : verdict.mistakes)
    if (other != own)
      problems += complain(variant, "the same numbers in every case as \"" +
                                        file.mistakes[static_cast<std::size_t>(other)].message +
                                        "\": add a case");
  if (verdict.mistakes.empty()) problems += complain(variant, "does not get its own message");
  if (mistakes.hints.empty()) problems += complain(variant, "the exercise has no hints");
  return problems;
}

// The matrix of answers against messages: seed 1 is that of the public cases; with others, as in
// grading, points are what matters.
int prove(const Mistakes& mistakes) {
  int problems = 0, rights = 0, wrongs = 0;
  for (std::uint64_t seed = 1; seed <= 8; ++seed) {
    const CaseFile file = make_file(mistakes, seed);
    const Verdict solution = verdict_on(every_answer[0], file),
                  stub = verdict_on(every_answer[1], file);
    if (seed == 1)
      std::printf("%-20s stub %d/%d  solution %d/%d", file.name.c_str(), stub.points, file.points(),
                  solution.points, file.points());
    problems += stub.points != 0 || solution.points != file.points();
    int own = 0;
    rights = wrongs = 0;
    for (std::size_t i = 0; i < mistakes.variants.size(); ++i) {
      const Variant& variant = mistakes.variants[i];
      const Verdict verdict = verdict_on(every_answer[i + 2], file);
      (variant.right ? rights : wrongs) += 1;
      const std::string with = "seed " + std::to_string(seed) + ": ";
      if (variant.right && verdict.first_wrong >= 0)
        problems += complain(
            variant, with + "this right answer fails in \"" +
                         file.questions[static_cast<std::size_t>(verdict.first_wrong)].given.name +
                         "\"");
      if (!variant.right && seed > 1 && verdict.points == file.points())
        problems += complain(variant, with + "this wrong answer gets all points");
      if (!variant.right && seed == 1)
        problems += check_message(mistakes, file, own, variant, verdict);
      own += !variant.right;
    }
  }
  std::printf("  %d other right  %d wrong: %s\n", rights, wrongs,
              problems ? "NOT PROVEN" : "each its own message");
  return problems > 0;
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
