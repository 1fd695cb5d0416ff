// How an exercise is written.
//
// NN_name.cpp holds the task as a comment, the solution between marks, and two functions:
//
//   Tensor attention(const Tensor& query, const Tensor& key, const Tensor& value) {
//     //> yours  todo(query, key, value);
//     ...the solution...
//     //<
//   }
//
//   void answer(const Case& given, Answers& answers) {       calls it with what a case gives
//     const Tensor query = given.variable("query"), ...;
//     answers.add("out", attention(query, key, value));
//   }
//
//   void cases(Cases& cases) {                               makes the cases, smallest first
//     cases.group("small", 2);                               2 points if all that follow are right
//     cases.add("1 word").give("query", cases.whole({1, 2})).give(...);
//   }
//
// In the hand-out stands between the marks what follows "//> yours", here todo(...); nothing for a
// region of helpers. There may be several regions. todo() fits any result type, and names the
// parameters only so that nobody warns of unused ones. What a student may not use, such as the
// library's own version, is named in the .mistakes file. A function of the exercise must not have
// the name of one of the library (a call would be ambiguous).
//
// Where the solution names its steps (`.named("scores")`), and the task asks for the same names, a
// wrong answer that nobody foresaw is told the first of them that differs, with the student's line.
// answer() runs in the student's program: it may compute anything, call the student's function
// several times, run an optimiser, add several answers (named tensors, ids, numbers, texts), but
// must not know what is right. It is also seen by the student: it is the example of a call.
//
// Cases. Smallest first: the first that fails is what the student is shown, and should be checkable
// on paper: whole numbers, one or two words. Then different sizes on every axis. Draw all numbers
// from `cases` (whole, normal, ids, size, random), for a teacher grades with another seed; the name
// of a case says what is special about it and holds for each seed. The usual groups are "small",
// "edges" (masks, empty texts, large numbers, ...) and "gradient". A gradient starts from random
// upstream values that are an input of the case, as in 06_attention.cpp, never from ones. Sizes
// drawn with size(low, high) are others when it is graded. Keep a case below about 2,000 numbers,
// an exercise at 5 to 10 cases, and each to milliseconds (the limit is 2 s).
//
// NN_name.mistakes, one directive a line, # begins a comment:
//
//   hint     What brings the variance of a score back to 1? Lesson 4.       from weak to strong
//   without  scaled_dot_product_attention attention_weights                 names not to be used
//   right    the query is scaled instead                                    another right answer
//   - matmul(query, key, {.transpose_b = true}) / std::sqrt(d)
//   + matmul(query / std::sqrt(d), key, {.transpose_b = true})
//   wrong    The scores are not divided by √d.                   its message
//   see      lesson 4
//   - / std::sqrt(d)
//   +
//
// Lines of `-` are one piece of text that must occur exactly once in the regions (how it is broken
// into lines does not matter), the lines of `+` after them what stands there instead. A variant may
// have several such pairs. Or lines of `=`: they replace a whole region (the first; after an empty
// line the second, and so on). Wrong answers must compile, end, and differ from the right one and
// from each other in some case: `make prove` checks that.
#pragma once

#include "item.h"

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

// What stands in place of an answer until it is written.
struct NotWritten : std::runtime_error {
  NotWritten() : std::runtime_error("not written yet") {}
};
template <class... Unused>
[[noreturn]] void todo(const Unused&...) {
  throw NotWritten();
}

// The inputs of one question.
class Case {
 public:
  // For answer(). Errors: the case has no input of this name and kind.
  Tensor tensor(const std::string& name, Where where = here()) const;    // has this name as label
  Tensor variable(const std::string& name, Where where = here()) const;  // and wants a gradient
  Ids ids(const std::string& name, Where where = here()) const;
  double number(const std::string& name, Where where = here()) const;
  Index count(const std::string& name, Where where = here()) const;  // a number that is whole
  std::string text(const std::string& name, Where where = here()) const;
  std::vector<std::string> lines(const std::string& name, Where where = here()) const;
  bool has(const std::string& name) const;

  // For cases(). The value is a tensor, Ids, a number, a text, or several lines of text; the case
  // is returned, so that calls can follow on each other.
  template <class Value>
  Case& give(const std::string& called, const Value& value) {
    inputs.push_back(item_of("input", called, value));
    return *this;
  }
  // How far a number may be off, as a share of the largest of its tensor; 1e-4 unless it is set.
  Case& tolerate(double share);

  std::string name, group;
  int points = 0;  // of the whole group
  double tolerance = 1e-4;
  std::vector<Item> inputs;

 private:
  const Item& find(const std::string& name, bool text, const Where& where) const;
};

// The cases of an exercise, in order.
class Cases {
 public:
  explicit Cases(std::uint64_t seed) : random(seed) {}
  void group(const std::string& name, int points);  // of the cases that follow
  Case& add(const std::string& name);

  // Whole numbers from low to high, but not 0, which hides mistakes.
  Tensor whole(const Shape& shape, int low = -3, int high = 3);
  Tensor normal(const Shape& shape);  // mean 0, deviation 1
  Ids ids(const Shape& shape, int low, int high);
  Index size(Index low, Index high);
  Random random;

  std::deque<Case> all;

 private:
  std::string group_;
  int points_ = 0;
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
