#include "judging.h"

#include <algorithm>
#include <cmath>

namespace gradus {

namespace {

// "matmul" of "matmul at file:12: inner sizes differ".
std::string operation_of(const std::string& error) {
  return error.substr(0, error.find(" at "));
}

// How many cases are as this known mistake has them; 0 unless all are up to the first wrong one.
int fit(const CaseFile& file, const std::vector<Outcome>& yours, std::size_t mistake, int first) {
  int count = 0;
  for (std::size_t i = 0; i < yours.size(); ++i) {
    const Question& question = file.questions[i];
    const bool fits = same(yours[i], question.wrong[mistake], question.given.tolerance);
    if (!fits && static_cast<int>(i) <= first) return 0;
    count += fits;
  }
  return count;
}

int points_of(const CaseFile& file, const std::vector<bool>& right) {
  int points = file.points();
  std::string lost;
  for (std::size_t i = 0; i < right.size(); ++i) {
    const Case& given = file.questions[i].given;
    if (right[i] || lost == given.group) continue;
    points -= given.points;
    lost = given.group;
  }
  return points;
}

}  // namespace

double may_be_off(const Item& right, double tolerance) {
  double largest = 0.1;
  for (const float number : right.numbers)
    if (std::isfinite(number)) largest = std::max(largest, std::abs(static_cast<double>(number)));
  return tolerance * largest;
}

bool same(const Item& yours, const Item& right, double tolerance) {
  if (yours.name != right.name || yours.is_text != right.is_text || yours.sizes != right.sizes ||
      yours.text != right.text)
    return false;
  const double most = may_be_off(right, tolerance);
  return std::equal(right.numbers.begin(), right.numbers.end(), yours.numbers.begin(),
                    [&](float b, float a) {
                      if (std::isnan(a) || std::isnan(b) || a == b)
                        return std::isnan(a) == std::isnan(b);
                      return std::abs(static_cast<double>(a) - static_cast<double>(b)) <= most;
                    });
}

bool same(const Outcome& yours, const Outcome& right, double tolerance) {
  const std::vector<Item> a = of_kind("answer", yours), b = of_kind("answer", right);
  return operation_of(error_of(yours)) == operation_of(error_of(right)) &&
         std::equal(
             a.begin(), a.end(), b.begin(), b.end(),
             [&](const Item& mine, const Item& other) { return same(mine, other, tolerance); });
}

Verdict verdict_of(const CaseFile& file, const std::vector<Outcome>& yours) {
  Verdict verdict;
  for (std::size_t i = 0; i < yours.size(); ++i) {
    const Question& question = file.questions[i];
    verdict.right.push_back(same(yours[i], question.right, question.given.tolerance));
    if (!verdict.right.back() && verdict.first_wrong < 0) verdict.first_wrong = static_cast<int>(i);
  }
  verdict.points = points_of(file, verdict.right);
  if (verdict.first_wrong < 0) return verdict;
  int best = 1;
  for (std::size_t i = 0; i < file.questions[0].wrong.size(); ++i) {
    const int count = fit(file, yours, i, verdict.first_wrong);
    if (count > best) verdict.mistakes.clear();
    if (count >= best) verdict.mistakes.push_back(i);
    best = std::max(best, count);
  }
  return verdict;
}

}  // namespace gradus
