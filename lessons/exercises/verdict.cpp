// The case file, and what is right of an outcome.

#include "judging.h"

#include <cmath>

namespace gradus {

namespace {

// "matmul" of "matmul at file:12: inner sizes differ".
std::string operation_of(const std::string& error) {
  return error.substr(0, error.find(" at "));
}

// How many cases are as this known mistake has them; 0 unless all are up to the first wrong one.
int fit(const CaseFile& file, const std::vector<Outcome>& yours, std::size_t mistake,
        std::size_t first) {
  int count = 0;
  for (std::size_t i = 0; i < yours.size(); ++i) {
    const Question& question = file.questions[i];
    const bool fits = same(yours[i], question.wrong[mistake], question.given.tolerance);
    if (!fits && i <= first) return 0;
    count += fits;
  }
  return count;
}

}  // namespace

CaseFile case_file_of(const std::string& text, Where where) {
  CaseFile file;
  std::vector<Item>* into = &file.notes;
  for (const Item& item : items_of(text, where)) {
    if (item.kind == "case") {
      Case& next = file.questions.emplace_back().given;
      next.name = item.name;
      next.group = item.text;
      next.tolerance = static_cast<double>(item.numbers.at(0));
      next.points = static_cast<int>(item.numbers.at(1));
      into = &next.inputs;
    } else if (item.kind == "right") {
      into = &file.questions.at(file.questions.size() - 1).right;
    } else if (item.kind == "wrong") {
      into = &file.questions.at(file.questions.size() - 1).wrong.emplace_back();
    } else {
      into->push_back(item);
    }
  }
  return file;
}

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
  std::map<std::string, int> groups;  // and what each gives
  for (std::size_t i = 0; i < yours.size(); ++i) {
    const auto& [given, right, wrong] = file.questions[i];
    const bool is_right = same(yours[i], right, given.tolerance);
    if (is_right && verdict.first_wrong == i) ++verdict.first_wrong;
    verdict.right.push_back(is_right);
    const auto [group, is_new] = groups.try_emplace(given.group, given.points);
    if (is_new) verdict.most += given.points;
    if (!is_right) group->second = 0;
  }
  for (const auto& [name, points] : groups) verdict.points += points;
  if (verdict.first_wrong == yours.size()) return verdict;
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
