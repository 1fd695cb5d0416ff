// What the student is told.

#include "judging.h"

#include <cstdio>

namespace gradus {

namespace {

std::string digits(double number) {
  char text[32];
  std::snprintf(text, sizeof text, "%.5g", number);
  return text;
}

// "a text"; of several lines each: "one" "two".
std::string quoted(const std::string& text) {
  std::string result;
  for (const std::string& line : lines_of(text))
    result += (result.empty() ? "\"" : " \"") + line + "\"";
  return result.empty() ? "\"\"" : result;
}

std::string shape_text(const std::vector<std::size_t>& sizes) {
  std::string text;
  for (const std::size_t size : sizes) text += (text.empty() ? "" : ", ") + std::to_string(size);
  return "[" + text + "]";
}

std::string position_text(std::size_t place, std::vector<std::size_t> sizes) {
  for (std::size_t axis = sizes.size(); axis-- > 0;) {
    const std::size_t size = sizes[axis];
    sizes[axis] = place % size;
    place /= size;
  }
  return shape_text(sizes);
}

bool all(const Item& item, bool (*is)(float)) {
  return std::all_of(item.numbers.begin(), item.numbers.end(), is);
}

// The first sum along the last axis that is not 1; 1 if all are.
double odd_row(const Item& item) {
  const std::size_t row = item.sizes.empty() ? 1 : item.sizes.back();
  double sum = 0;
  for (std::size_t i = 0; i < item.numbers.size(); ++i) {
    sum = item.numbers[i] + (i % row ? sum : 0);
    if ((i + 1) % row == 0 && !(std::abs(sum - 1) <= 1e-3)) return sum;
  }
  return 1;
}

// The number q with yours = q · right everywhere; 0 if there is none.
double common_factor(const Item& yours, const Item& right) {
  double found = 0;
  for (std::size_t i = 0; i < yours.numbers.size(); ++i) {
    const double a = yours.numbers[i], b = right.numbers[i];
    if (a == 0 && b == 0) continue;
    if (found == 0) found = a / b;
    if (!std::isfinite(found) || !(std::abs(a / b - found) < 1e-3 * std::abs(found))) return 0;
  }
  return found;
}

// "-3 instead of 2 at [0, 1]", of the first number for which `odd` holds; "" if there is none.
template <class Odd>
std::string first_odd(const Item& yours, const Item& right, const Odd& odd) {
  for (std::size_t i = 0; i < right.numbers.size(); ++i)
    if (const double a = yours.numbers[i], b = right.numbers[i]; odd(a, b))
      return digits(a) + " instead of " + digits(b) + " at " + position_text(i, right.sizes);
  return "";
}

// In one line of 80 columns if there is room, otherwise each in its own.
std::string in_lines(const std::string& indent, const std::vector<std::string>& parts) {
  std::string one, many;
  for (const std::string& part : parts) {
    one += (one.empty() ? indent : "   ") + part;
    many += (many.empty() ? indent : "    ") + part + "\n";
  }
  return one.size() <= 80 ? one + "\n" : many;
}

std::string compared(const Item& yours, const Item& right, const std::string& source) {
  std::vector<std::string> parts = {yours.name, "yours " + brief(yours), "right " + brief(right)};
  if (yours.line > 0) parts.push_back(source + ":" + std::to_string(yours.line));
  return in_lines("  ", parts);
}

std::string inputs_text(const Case& given) {
  std::vector<std::string> parts;
  for (const Item& input : given.inputs) parts.push_back(input.name + " " + brief(input));
  return in_lines("    ", parts);
}

// What is said where a later wrong answer is another than this mistake's.
std::string something_else(const CaseFile& file, const std::vector<Outcome>& yours,
                           const Verdict& verdict, std::size_t mistake) {
  for (std::size_t i = 0; i < yours.size(); ++i)
    if (const Question& asked = file.questions[i];
        !verdict.right[i] && error_of(yours[i]).empty() &&
        !same(yours[i], asked.wrong[mistake], asked.given.tolerance))
      return "Your answer to case " + std::to_string(i + 1) +
             " is not that of this mistake: it stands in two places, or there is another.\n";
  return "";
}

std::string known_text(const CaseFile& file, const std::vector<Outcome>& yours,
                       const Verdict& verdict) {
  std::string text;
  const std::vector<Item> known = of_kind("mistake", file.notes);
  for (const std::size_t mistake : verdict.mistakes) {
    const std::string see = known.at(mistake).name;
    text += (text.empty() ? "" : "Or: ") + known.at(mistake).text;
    text += (see.empty() ? "" : "  (See " + see + ".)") + "\n";
    text += something_else(file, yours, verdict, mistake);
  }
  return text;
}

}  // namespace

std::string brief(const Item& item) {
  if (item.is_text) return quoted(item.text.substr(0, 400));
  if (item.numbers.size() > 24) return "of shape " + shape_text(item.sizes);
  if (item.numbers.empty()) return "nothing";
  std::string text;
  for (std::size_t i = 0; i < item.numbers.size(); ++i) {
    std::size_t block = 1;
    std::string open, shut;
    for (std::size_t axis = item.sizes.size(); axis-- > 0;) {
      block *= item.sizes[axis];
      if (i % block == 0) open += "[";
      if ((i + 1) % block == 0) shut += "]";
    }
    text += (i ? " " : "") + open + digits(item.numbers[i]) + shut;
  }
  return text;
}

std::string oddity(const Item& yours, const Item& right, double tolerance) {
  if (yours.is_text || right.is_text) return "";
  if (yours.sizes != right.sizes)
    return "its shape is " + shape_text(yours.sizes) + ", not " + shape_text(right.sizes);
  const std::string not_finite = first_odd(
      yours, right, [](double a, double b) { return !std::isfinite(a) && std::isfinite(b); });
  if (!not_finite.empty() || right.numbers.size() < 2) return not_finite;
  if (all(yours, [](float x) { return x == 0; })) return "0 everywhere";
  const bool whole = all(right, [](float x) { return x == std::floor(x); });
  if (!whole && odd_row(right) == 1 && odd_row(yours) != 1)
    return "a row has the sum " + digits(odd_row(yours)) + ", not 1";
  if (const double factor = common_factor(yours, right); factor != 0)
    return digits(factor) + " times the right numbers";
  const double most = may_be_off(right, tolerance);
  return first_odd(yours, right,
                   [&](double a, double b) { return a != b && !(std::abs(a - b) <= most); });
}

std::pair<const Item*, const Item*> first_difference(const Outcome& yours, const Outcome& right,
                                                     double tolerance) {
  std::map<std::string, std::deque<const Item*>> left;  // what is right of each step, in order
  std::map<std::string, int> more;                      // how much oftener yours has it
  const auto key = [](const Item& item) { return item.kind + " " + item.name; };
  for (const Item& item : right) {
    left[key(item)].push_back(&item);
    --more[key(item)];
  }
  for (const Item& item : yours) ++more[key(item)];
  for (const Item& mine : yours) {
    std::deque<const Item*>& others = left[key(mine)];
    if (mine.kind == "error" || others.empty()) continue;
    const Item* other = others.front();
    others.pop_front();
    // Who does a step more often (text by text, say) has it in another shape: that is no mistake.
    const bool comparable = more[key(mine)] <= 0 || mine.sizes == other->sizes;
    if (comparable && !same(mine, *other, tolerance)) return {&mine, other};
  }
  return {};
}

std::string message_of(const CaseFile& file, const std::vector<Outcome>& yours,
                       const Verdict& verdict, const std::string& source) {
  const std::size_t first = verdict.first_wrong;
  if (first == file.questions.size()) return "";
  const auto& [given, right, wrong] = file.questions[first];
  const std::string error = error_of(yours[first]);
  std::string text = known_text(file, yours, verdict);
  if (!error.empty())
    text += "Case " + std::to_string(first + 1) + ": " + error +
            (first > 0 ? "; the earlier ones are right\n" : "\n");
  if (error == "not written yet") return text;
  if (text.empty()) text = "No known mistake.\n";
  text += inputs_text(given);
  const auto [mine, other] = first_difference(yours[first], right, given.tolerance);
  if (!mine) return text;
  text += compared(*mine, *other, source);
  const std::string odd = oddity(*mine, *other, given.tolerance);
  if (!odd.empty()) text += "  " + mine->name + ": " + odd + "\n";
  if (mine->kind != "trace") return text;
  const Outcome answers = of_kind("answer", yours[first]);
  const auto [out, right_out] = first_difference(answers, right, given.tolerance);
  if (!out || out->name == mine->name) return text;
  return text + compared(*out, *right_out, source);
}

}  // namespace gradus
