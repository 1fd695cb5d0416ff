#include "judging.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <map>

namespace gradus {

namespace {

std::string digits(double number) {
  char text[32];
  std::snprintf(text, sizeof text, "%.5g", number);
  return text;
}

// "a text"; of several lines each: "one" "two".
std::string quoted(const std::string& text) {
  std::string result = "\"";
  for (std::size_t i = 0; i < text.size(); ++i)
    if (text[i] != '\n')
      result += text[i];
    else if (i + 1 < text.size())
      result += "\" \"";
  return result + "\"";
}

std::string shape_text(const std::vector<Index>& sizes) {
  std::string text;
  for (const Index size : sizes) text += (text.empty() ? "" : ", ") + std::to_string(size);
  return "[" + text + "]";
}

std::string position_text(std::size_t place, const std::vector<Index>& sizes) {
  std::vector<Index> position = sizes;
  for (std::size_t axis = sizes.size(); axis-- > 0; place /= static_cast<std::size_t>(sizes[axis]))
    position[axis] = static_cast<Index>(place % static_cast<std::size_t>(sizes[axis]));
  return shape_text(position);
}

bool close(double a, double b) {
  return std::abs(a - b) <= 1e-3 * std::max(1.0, std::abs(b));
}

bool whole(const Item& item) {
  return std::all_of(item.numbers.begin(), item.numbers.end(),
                     [](float x) { return x == std::floor(x); });
}

// The first sum along the last axis that is not 1; 1 if all are.
double odd_row(const Item& item) {
  const std::size_t row = item.sizes.empty() ? 1 : static_cast<std::size_t>(item.sizes.back());
  double sum = 0;
  for (std::size_t i = 0; i < item.numbers.size(); ++i) {
    sum += static_cast<double>(item.numbers[i]);
    if ((i + 1) % row > 0) continue;
    if (!close(sum, 1)) return sum;
    sum = 0;
  }
  return 1;
}

// The number q with yours = q · right everywhere; 0 if there is none.
double common_factor(const Item& yours, const Item& right) {
  double found = 0;
  for (std::size_t i = 0; i < yours.numbers.size(); ++i) {
    const double a = static_cast<double>(yours.numbers[i]);
    const double b = static_cast<double>(right.numbers[i]);
    if (a == 0 && b == 0) continue;
    if (found == 0) found = a / b;
    if (!std::isfinite(found) || !(std::abs(a / b - found) < 1e-3 * std::abs(found))) return 0;
  }
  return found;
}

// "-3 instead of 2 at [0, 1]", of the first number for which `odd` holds; "" if there is none.
template <class Odd>
std::string first_odd(const Item& yours, const Item& right, const Odd& odd) {
  for (std::size_t i = 0; i < right.numbers.size(); ++i) {
    const double a = static_cast<double>(yours.numbers[i]);
    const double b = static_cast<double>(right.numbers[i]);
    if (odd(a, b))
      return digits(a) + " instead of " + digits(b) + " at " + position_text(i, right.sizes);
  }
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

// The first wrong case whose answers are not those of this mistake, nor missing; 0 if there is
// none.
std::size_t something_else(const CaseFile& file, const std::vector<Outcome>& yours,
                           std::size_t mistake) {
  for (std::size_t i = 0; i < yours.size(); ++i)
    if (const Question& asked = file.questions[i];
        error_of(yours[i]).empty() && !same(yours[i], asked.right, asked.given.tolerance) &&
        !same(yours[i], asked.wrong[mistake], asked.given.tolerance))
      return i;
  return 0;
}

std::string known_text(const CaseFile& file, const std::vector<Outcome>& yours,
                       const Verdict& verdict) {
  std::string text;
  const std::vector<Item> known = of_kind("mistake", file.notes);
  for (const std::size_t mistake : verdict.mistakes) {
    const Item& item = known.at(mistake);
    text += (text.empty() ? "" : "Or: ") + item.text;
    text += (item.name.empty() ? "" : "  (See " + item.name + ".)") + "\n";
    if (const std::size_t other = something_else(file, yours, mistake); other > 0)
      text += "Your answer to case " + std::to_string(other + 1) +
              " is not that of this mistake: it stands in two places, or there is another.\n";
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
      block *= static_cast<std::size_t>(item.sizes[axis]);
      if (i % block == 0) open += "[";
      if ((i + 1) % block == 0) shut += "]";
    }
    text += (i ? " " : "") + open + digits(static_cast<double>(item.numbers[i])) + shut;
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
  if (std::all_of(yours.numbers.begin(), yours.numbers.end(), [](float x) { return x == 0; }))
    return "0 everywhere";
  if (odd_row(right) == 1 && !whole(right) && odd_row(yours) != 1)
    return "a row has the sum " + digits(odd_row(yours)) + ", not 1";
  if (const double factor = common_factor(yours, right); factor != 0)
    return digits(factor) + " times the right numbers";
  const double most = may_be_off(right, tolerance);
  return first_odd(yours, right,
                   [&](double a, double b) { return a != b && !(std::abs(a - b) <= most); });
}

Difference first_difference(const Outcome& yours, const Outcome& right, double tolerance) {
  // A step, as often as it was there. Who does it more often (text by text, say) may have another
  // shape than the solution: that is no mistake, and then the steps are not compared.
  std::map<std::string, std::vector<const Item*>> steps[2];
  const auto key = [](const Item& item) { return item.kind + " " + item.name; };
  for (const Item& item : yours) steps[0][key(item)].push_back(&item);
  for (const Item& item : right) steps[1][key(item)].push_back(&item);
  std::map<std::string, std::size_t> seen;
  for (const Item& mine : yours) {
    const auto& others = steps[1][key(mine)];
    const std::size_t i = seen[key(mine)]++;
    if (mine.kind == "error" || i >= others.size() || same(mine, *others[i], tolerance)) continue;
    const bool more = steps[0][key(mine)].size() > others.size();
    if (!more || mine.sizes == others[i]->sizes) return {&mine, others[i]};
  }
  return {};
}

std::string message_of(const CaseFile& file, const std::vector<Outcome>& yours,
                       const Verdict& verdict, const std::string& source) {
  if (verdict.first_wrong < 0) return "";
  const std::size_t first = static_cast<std::size_t>(verdict.first_wrong);
  const auto& [given, right, wrong] = file.questions[first];
  const std::string error = error_of(yours[first]);
  std::string text = known_text(file, yours, verdict);
  if (!error.empty())
    text += "Case " + std::to_string(first + 1) + ": " + error +
            (first > 0 ? "; the earlier ones are right\n" : "\n");
  if (error == "not written yet") return text;
  if (text.empty()) text = "No known mistake.\n";
  text += inputs_text(given);
  const Difference found = first_difference(yours[first], right, given.tolerance);
  if (!found.yours) return text;
  text += compared(*found.yours, *found.right, source);
  const std::string odd = oddity(*found.yours, *found.right, given.tolerance);
  if (!odd.empty()) text += "  " + found.yours->name + ": " + odd + "\n";
  if (found.yours->kind != "trace") return text;
  const Outcome answers = of_kind("answer", yours[first]);
  const Difference out = first_difference(answers, right, given.tolerance);
  if (!out.yours || out.yours->name == found.yours->name) return text;
  return text + compared(*out.yours, *out.right, source);
}

}  // namespace gradus
