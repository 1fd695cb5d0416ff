#include "item.h"

#include <algorithm>
#include <cstdlib>
#include <sstream>

namespace gradus {

namespace {

std::string replaced(std::string text, char old, char fresh) {
  std::replace(text.begin(), text.end(), old, fresh);
  return text;
}

template <class Values>
Item filled(const std::string& kind, const std::string& name, const Shape& shape,
            const Values& values, int line = 0) {
  Item item = {.kind = kind, .name = name, .line = line};
  for (int axis = 0; axis < shape.rank(); ++axis) item.sizes.push_back(shape[axis]);
  for (const auto value : values) item.numbers.push_back(static_cast<float>(value));
  return item;
}

// Not by >>, which does not know "nan" and "inf".
std::vector<float> numbers_of(const std::string& line) {
  std::vector<float> numbers;
  const char* at = line.c_str();
  for (char* end = nullptr;; at = end) {
    const float number = std::strtof(at, &end);
    if (end == at) return numbers;
    numbers.push_back(number);
  }
}

// The first line of an item. Errors: it is none.
Item head_of(const std::string& line, const Where& where) {
  Item item;
  std::istringstream words(line);
  int rank = 0;
  words >> item.kind >> item.line >> rank;
  item.is_text = rank == -1;
  item.sizes.resize(static_cast<std::size_t>(std::clamp(rank, 0, 8)));
  for (Index& size : item.sizes) words >> size;
  if (!words || rank < -1 || rank > 8) fail("item", where, "no head of an item: " + line);
  words.get();
  std::getline(words, item.name);
  return item;
}

}  // namespace

Item item_of(const std::string& kind, const std::string& name, const Tensor& value) {
  return filled(kind, name, value.shape(), value.values(), value.where().line);
}
Item item_of(const std::string& kind, const std::string& name, const Ids& value) {
  return filled(kind, name, value.shape, value.values);
}
Item item_of(const std::string& kind, const std::string& name, const std::vector<double>& values) {
  Item item = filled(kind, name, {}, values);
  item.sizes = {static_cast<Index>(values.size())};
  return item;
}
Item item_of(const std::string& kind, const std::string& name, const std::string& text) {
  return {.kind = kind, .name = name, .text = text, .is_text = true};
}
Item item_of(const std::string& kind, const std::string& name,
             const std::vector<std::string>& lines) {
  std::string text;
  for (const std::string& line : lines) text += line + "\n";
  return item_of(kind, name, text);
}

std::string to_text(const std::vector<Item>& items) {
  std::ostringstream text;
  text.precision(9);
  for (const Item& item : items) {
    text << item.kind << ' ' << item.line << ' '
         << (item.is_text ? -1 : static_cast<int>(item.sizes.size()));
    for (const Index size : item.sizes) text << ' ' << size;
    text << ' ' << replaced(item.name, '\n', '\v') << '\n' << replaced(item.text, '\n', '\v');
    for (const float number : item.numbers) text << number << ' ';
    text << '\n';
  }
  return text.str();
}

std::vector<Item> items_of(const std::string& text, Where where) {
  std::vector<Item> items;
  std::istringstream lines(text);
  std::string head, body;
  while (std::getline(lines, head)) {
    if (!std::getline(lines, body)) fail("item", where, "the last one has no second line");
    Item item = head_of(head, where);
    if (item.is_text) item.text = replaced(body, '\v', '\n');
    if (!item.is_text) item.numbers = numbers_of(body);
    double size = 1;
    for (const Index axis : item.sizes) size *= axis < 0 ? -1e30 : static_cast<double>(axis);
    if (!item.is_text && size != static_cast<double>(item.numbers.size()))
      fail("item", where, item.name + " has not as many numbers as its sizes say");
    items.push_back(item);
  }
  return items;
}

std::vector<Item> of_kind(const std::string& kind, const std::vector<Item>& items) {
  std::vector<Item> found;
  std::copy_if(items.begin(), items.end(), std::back_inserter(found),
               [&](const Item& item) { return item.kind == kind; });
  return found;
}

}  // namespace gradus
