// What an exercise is made of. NN_name.cpp holds the task, the solution between marks, and two
// functions that a student sees, too:
//
//   void answer(const Case& given, Answers& answers)    calls the solution with what a case gives
//   void cases(Cases& cases)                            makes the cases, smallest first
//
// How one is written is in teachers.md.
#pragma once

#include <gradus/gradus.h>

// Between the marks nobody can include anything: what an answer may want is here.
#include <algorithm>
#include <cmath>
#include <deque>
#include <functional>
#include <map>
#include <numeric>
#include <set>
#include <stdexcept>
#include <string>
#include <vector>

namespace gradus {

// What travels between the programs that judge an exercise: a list of items, as text, so that a
// case can be read by eye and what comes from a student's program cannot harm its reader:
//
//   input 0 "query" "" 2 1 2     kind, line of the student's file, name, text, rank, sizes
//   2 -1                         and numbers; what is a text has the rank -1 and none
struct Item {
  std::string kind = {}, name = {};
  std::string text = {};
  bool is_text = false;
  int line = 0;  // of the student's file; 0 is unknown
  std::vector<std::size_t> sizes = {};
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

// Stands in place of an answer until it is written, whatever type that has. It names parameters
// only so that nobody warns of unused ones.
template <class... Unused>
[[noreturn]] void todo(const Unused&...) {
  throw std::runtime_error("not written yet");
}

// The inputs of one question.
class Case {
 public:
  // For answer(). Errors: the case has no input of this name and kind.
  Tensor tensor(const std::string& called, Where where = here()) const;  // has this name as label
  Tensor variable(const std::string& called, Where where = here()) const {  // wants a gradient
    return tensor(called, where).requires_grad(true);
  }
  Ids ids(const std::string& called, Where where = here()) const;
  double number(const std::string& called, Where where = here()) const {
    return static_cast<double>(tensor(called, where).item());
  }
  Index count(const std::string& called, Where where = here()) const {  // a number that is whole
    return static_cast<Index>(number(called, where));
  }
  std::string text(const std::string& called, Where where = here()) const {
    return find(called, true, where).text;
  }
  std::vector<std::string> lines(const std::string& called, Where where = here()) const {
    return lines_of(text(called, where));
  }
  bool has(const std::string& called) const;

  // For cases(). The value is a tensor, Ids, a number, a text, or several lines of text; the case
  // is returned, so that calls can follow on each other.
  template <class Value>
  Case& give(const std::string& called, const Value& value) {
    inputs.push_back(item_of("input", called, value));
    return *this;
  }
  // How far a number may be off, as a share of the largest of its tensor; 1e-4 unless it is set.
  Case& tolerate(double share) {
    tolerance = share;
    return *this;
  }

  std::string name = {}, group = {};
  int points = 0;  // of the whole group
  double tolerance = 1e-4;
  std::vector<Item> inputs = {};

 private:
  const Item& find(const std::string& called, bool text, const Where& where) const;
};

// The cases of an exercise, in order.
class Cases {
 public:
  explicit Cases(std::uint64_t seed) : random(seed) {}
  void group(const std::string& name, int points) {  // of the cases that follow
    next_.group = name;
    next_.points = points;
  }
  Case& add(const std::string& name) {
    next_.name = name;
    return all.emplace_back(next_);
  }

  // Whole numbers from low to high, but not 0, which hides mistakes.
  Tensor whole(const Shape& shape, int low = -3, int high = 3);
  Tensor normal(const Shape& shape) { return Tensor::normal(shape, 0, 1, random); }
  Ids ids(const Shape& shape, int low, int high);
  Index size(Index low, Index high) { return low + random.below(high - low + 1); }
  Random random;

  std::deque<Case> all;

 private:
  Case next_;
};

// What the student's function found, each with a name that messages use: a tensor, Ids, a number,
// several numbers, or a text.
class Answers {
 public:
  template <class Value>
  void add(const std::string& name, const Value& value) {
    items.push_back(item_of("answer", name, value));
  }
  // "gradient of query". Errors: there is none.
  void add_gradient(const Tensor& of, Where where = here());

  std::vector<Item> items;
};

}  // namespace gradus
