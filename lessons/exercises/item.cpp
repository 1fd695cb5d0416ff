#include "item.h"

#include <cstdio>
#include <cstdlib>
#include <sstream>

namespace gradus {

namespace {

std::string escaped(const std::string& text) {
  std::string result;
  for (const char c : text) {
    if (c == '\n') result += "\\n";
    if (c == '\\') result += "\\\\";
    if (c != '\n' && c != '\\') result += c;
  }
  return result;
}

std::string unescaped(const std::string& text) {
  std::string result;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool escape = text[i] == '\\' && i + 1 < text.size();
    result += !escape ? text[i] : text[++i] == 'n' ? '\n' : text[i];
  }
  return result;
}

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
  for (int i = 0; i < rank && i < 8; ++i) {
    item.sizes.push_back(0);
    words >> item.sizes.back();
  }
  if (!words || rank < -1 || rank > 8) fail("item", where, "no head of an item: " + line);
  words.get();
  std::getline(words, item.name);
  return item;
}

}  // namespace

Item text_item(const std::string& kind, const std::string& name, const std::string& text) {
  Item item;
  item.kind = kind;
  item.name = name;
  item.text = text;
  item.is_text = true;
  return item;
}

Item number_item(const std::string& kind, const std::string& name, std::vector<Index> sizes,
                 std::vector<float> numbers, int line) {
  Item item;
  item.kind = kind;
  item.name = name;
  item.line = line;
  item.sizes = std::move(sizes);
  item.numbers = std::move(numbers);
  return item;
}

std::string to_text(const Item& item) {
  std::string text = item.kind + " " + std::to_string(item.line) + " " +
                     std::to_string(item.is_text ? -1 : static_cast<int>(item.sizes.size()));
  for (const Index size : item.sizes) text += " " + std::to_string(size);
  text += " " + escaped(item.name) + "\n" + escaped(item.text);
  for (const float number : item.numbers) {
    char digits[32];
    std::snprintf(digits, sizeof digits, "%.9g ", static_cast<double>(number));
    text += digits;
  }
  return text + "\n";
}

std::vector<Item> items_of(const std::string& text, Where where) {
  std::vector<Item> items;
  std::istringstream lines(text);
  std::string head, body;
  while (std::getline(lines, head)) {
    if (!std::getline(lines, body)) fail("item", where, "the last one has no second line");
    Item item = head_of(head, where);
    item.name = unescaped(item.name);
    if (item.is_text) item.text = unescaped(body);
    if (!item.is_text) item.numbers = numbers_of(body);
    double size = 1;
    for (const Index axis : item.sizes) size *= axis < 0 ? -1e30 : static_cast<double>(axis);
    if (!item.is_text && size != static_cast<double>(item.numbers.size()))
      fail("item", where, item.name + " has not as many numbers as its sizes say");
    items.push_back(item);
  }
  return items;
}

}  // namespace gradus
