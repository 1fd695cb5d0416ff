// What travels between the programs that judge an exercise: a list of items, each two lines of
// text, so that a case can be read by eye and what comes from a student's program cannot harm its
// reader.
//
//   input 0 2 1 2 query        kind, line of the student's file, rank, sizes, name
//   2 -1                       the numbers; of a text (rank -1) the text, with newlines as \n
#pragma once

#include <gradus/gradus.h>

#include <string>
#include <vector>

namespace gradus {

struct Item {
  std::string kind, name;
  std::string text;  // of an item without numbers
  bool is_text = false;
  int line = 0;  // of the student's file; 0 is unknown
  std::vector<Index> sizes;
  std::vector<float> numbers;
};

Item text_item(const std::string& kind, const std::string& name, const std::string& text);
Item number_item(const std::string& kind, const std::string& name, std::vector<Index> sizes,
                 std::vector<float> numbers, int line = 0);

std::string to_text(const Item& item);
// Errors: text that to_text() did not make.
std::vector<Item> items_of(const std::string& text, Where where = here());

}  // namespace gradus
