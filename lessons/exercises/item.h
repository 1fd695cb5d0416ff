// What travels between the programs that judge an exercise: a list of items, each two lines of
// text, so that a case can be read by eye and what comes from a student's program cannot harm its
// reader.
//
//   input 0 2 1 2 query        kind, line of the student's file, rank, sizes, name
//   2 -1                       the numbers; of a text (rank -1) the text, its newlines as \v
#pragma once

#include <gradus/gradus.h>

#include <string>
#include <vector>

namespace gradus {

struct Item {
  std::string kind = {}, name = {};
  std::string text = {};  // of an item without numbers
  bool is_text = false;
  int line = 0;  // of the student's file; 0 is unknown
  std::vector<Index> sizes = {};
  std::vector<float> numbers = {};
};

Item item_of(const std::string& kind, const std::string& name, const Tensor& value);
Item item_of(const std::string& kind, const std::string& name, const Ids& value);
Item item_of(const std::string& kind, const std::string& name, const std::vector<double>& values);
Item item_of(const std::string& kind, const std::string& name, const std::string& text);
Item item_of(const std::string& kind, const std::string& name,
             const std::vector<std::string>& lines);
template <Number N>
Item item_of(const std::string& kind, const std::string& name, N value) {
  return {.kind = kind, .name = name, .numbers = {static_cast<float>(value)}};
}

std::string to_text(const std::vector<Item>& items);
// Errors: text that to_text() did not make.
std::vector<Item> items_of(const std::string& text, Where where = here());
// All items of one kind.
std::vector<Item> of_kind(const std::string& kind, const std::vector<Item>& items);

}  // namespace gradus
