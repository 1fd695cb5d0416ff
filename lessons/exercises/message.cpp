#include "message.h"

#include <algorithm>
#include <cmath>
#include <cstdio>

namespace gradus {

namespace {

std::string digits(double number) {
  char text[32];
  std::snprintf(text, sizeof text, "%.5g", number);
  return text;
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

// The sums along the last axis.
std::vector<double> row_sums(const Item& item) {
  std::vector<double> sums;
  const std::size_t row = item.sizes.empty() ? 1 : static_cast<std::size_t>(item.sizes.back());
  for (std::size_t i = 0; i < item.numbers.size(); ++i) {
    if (i % row == 0) sums.push_back(0);
    sums.back() += static_cast<double>(item.numbers[i]);
  }
  return sums;
}

bool close(double a, double b) {
  return std::abs(a - b) <= 1e-3 * std::max(1.0, std::abs(b));
}

// The number q with yours = q · right everywhere, or yours = right + q; 0 if there is none.
double common(const Item& yours, const Item& right, bool factor) {
  double found = 0;
  bool first = true;
  for (std::size_t i = 0; i < yours.numbers.size(); ++i) {
    const double a = static_cast<double>(yours.numbers[i]),
                 b = static_cast<double>(right.numbers[i]);
    if (factor && close(a, 0) && close(b, 0)) continue;
    const double here = factor ? a / b : a - b;
    if (!first && !(std::abs(here - found) <= 1e-3 * std::abs(found))) return 0;
    found = here;
    first = false;
  }
  return std::isfinite(found) ? found : 0;
}

std::string oddity_of_numbers(const Item& yours, const Item& right) {
  const auto not_finite = [](float x) { return !std::isfinite(x); };
  const auto bad = std::find_if(yours.numbers.begin(), yours.numbers.end(), not_finite);
  const std::size_t place = static_cast<std::size_t>(bad - yours.numbers.begin());
  if (bad != yours.numbers.end() && std::isfinite(right.numbers[place]))
    return digits(static_cast<double>(*bad)) + " at " + position_text(place, yours.sizes);
  if (std::all_of(yours.numbers.begin(), yours.numbers.end(), [](float x) { return x == 0; }))
    return "0 everywhere";
  const std::vector<double> sums = row_sums(yours), ones = row_sums(right);
  const auto other = [](double sum) { return !close(sum, 1); };
  if (right.sizes.size() > 0 && std::none_of(ones.begin(), ones.end(), other))
    if (const auto odd = std::find_if(sums.begin(), sums.end(), other); odd != sums.end())
      return "a row has the sum " + digits(*odd) + ", not 1";
  const double factor = common(yours, right, true), step = common(yours, right, false);
  if (right.numbers.size() > 1 && factor != 0) return digits(factor) + " times the right numbers";
  if (right.numbers.size() > 1 && step != 0) return digits(step) + " more than the right numbers";
  std::vector<float> mine = yours.numbers, others = right.numbers;
  std::sort(mine.begin(), mine.end());
  std::sort(others.begin(), others.end());
  if (std::equal(mine.begin(), mine.end(), others.begin(), [](float a, float b) {
        return close(static_cast<double>(a), static_cast<double>(b));
      }))
    return "the right numbers in another order";
  return "";
}

// In one line if there is room, otherwise each in its own.
std::string lines_of_parts(const std::string& indent, const std::vector<std::string>& parts) {
  std::string one, many;
  for (const std::string& part : parts) {
    one += (one.empty() ? indent : "   ") + part;
    many += (many.empty() ? indent : "    ") + part + "\n";
  }
  return one.size() <= 100 ? one + "\n" : many;
}

std::string compared(const Item& yours, const Item& right, const std::string& source) {
  std::vector<std::string> parts = {yours.name, "yours " + brief(yours), "right " + brief(right)};
  if (yours.line > 0) parts.push_back(source + ":" + std::to_string(yours.line));
  return lines_of_parts("  ", parts);
}

std::string known_text(const CaseFile& file, const Verdict& verdict) {
  std::string text;
  for (const int mistake : verdict.mistakes) {
    const KnownMistake& known = file.mistakes[static_cast<std::size_t>(mistake)];
    text += (text.empty() ? "" : "Or: ") + known.message +
            (known.see.empty() ? "" : "  (See " + known.see + ".)") + "\n";
  }
  return text;
}

std::string inputs_text(const Case& given) {
  std::vector<std::string> parts;
  for (const Item& input : given.inputs) parts.push_back(input.name + " " + brief(input));
  return lines_of_parts("    ", parts);
}

}  // namespace

std::string brief(const Item& item) {
  if (item.is_text) return '"' + item.text.substr(0, 200) + '"';
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
  const std::string odd = oddity_of_numbers(yours, right);
  if (!odd.empty() || right.numbers.size() < 2) return odd;
  for (std::size_t i = 0; i < right.numbers.size(); ++i) {
    Item a = yours, b = right;
    a.sizes = b.sizes = {};
    a.numbers = {yours.numbers[i]};
    b.numbers = {right.numbers[i]};
    if (!same(a, b, tolerance))
      return digits(static_cast<double>(a.numbers[0])) + " instead of " +
             digits(static_cast<double>(b.numbers[0])) + " at " + position_text(i, right.sizes);
  }
  return "";
}

Difference first_difference(const Outcome& yours, const Outcome& right, double tolerance) {
  std::vector<std::string> seen;  // "trace scores", as often as it was there
  for (const Item& mine : yours) {
    if (mine.kind == "error") break;
    const std::string key = mine.kind + " " + mine.name;
    auto skip = std::count(seen.begin(), seen.end(), key);
    seen.push_back(key);
    for (const Item& other : right)
      if (other.kind == mine.kind && other.name == mine.name && skip-- == 0 &&
          !same(mine, other, tolerance))
        return {&mine, &other};
  }
  return {};
}

std::string message_of(const CaseFile& file, const std::vector<Outcome>& yours,
                       const Verdict& verdict, const std::string& source) {
  if (verdict.first_wrong < 0) return "";
  const std::size_t first = static_cast<std::size_t>(verdict.first_wrong);
  const Question& question = file.questions[first];
  const double tolerance = question.given.tolerance;
  const std::string error = error_of(yours[first]);
  const Difference found = first_difference(yours[first], question.right, tolerance);
  std::string text = known_text(file, verdict);
  if (error == "not written yet")
    return text + "Case " + std::to_string(first + 1) + ": not written yet\n";
  if (!error.empty())
    text += "Case " + std::to_string(first + 1) + ": " + error +
            (first > 0 ? "; the earlier ones are right\n" : "\n");
  else if (text.empty())
    text = "No known mistake.\n";
  text += inputs_text(question.given);
  if (!found.yours) return text;
  text += compared(*found.yours, *found.right, source);
  const std::string odd = oddity(*found.yours, *found.right, tolerance);
  if (!odd.empty()) text += "  " + found.yours->name + ": " + odd + "\n";
  for (const Item& mine : items_of_kind(yours[first], "answer"))
    for (const Item& other : items_of_kind(question.right, "answer"))
      if (found.yours->kind == "trace" && mine.name == other.name &&
          mine.name != found.yours->name && !same(mine, other, tolerance))
        text += compared(mine, other, source);
  return text;
}

}  // namespace gradus
