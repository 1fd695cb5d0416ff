// Exercise 1: backpropagation. It belongs to lesson 2.
//
// Write the walk backward for graphs of single numbers. A Value knows what made it and from which
// inputs; `grad` is for you to fill in. After backpropagate(loss), loss itself has gradient 1, and
// every value that the loss was computed from has d loss / d value. The slopes are yours, too:
//
//   a + b   a * b   a / b   exp a (eᵃ)
//
// A value may be used several times, also twice by the same step, as in x * x. And backpropagate()
// may be called again: whatever `grad` held before, what counts is the last call.

#include <gradus/gradus.h>

#include "exercise.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <memory>
#include <sstream>

using namespace gradus;

struct Value;
using Handle = std::shared_ptr<Value>;

struct Value {
  std::string made_by;         // "+", "*", "/", "exp"; "" if it was given
  std::vector<Handle> inputs;  // a and b, or a
  double value = 0;
  double grad = 0;
};

//> yours
// What d out / d input is, for each input.
std::vector<double> slopes(const Value& out) {
  if (out.inputs.empty()) return {};
  const double a = out.inputs.front()->value, b = out.inputs.back()->value;
  if (out.made_by == "+") return {1, 1};
  if (out.made_by == "*") return {b, a};
  if (out.made_by == "/") return {1 / b, -a / (b * b)};
  return {out.value};
}

// Each value once, after all that was computed from it.
void reverse_order(const Handle& out, std::vector<Handle>& order) {
  if (std::find(order.begin(), order.end(), out) != order.end()) return;
  for (const Handle& input : out->inputs) reverse_order(input, order);
  order.insert(order.begin(), out);
}
//<

void backpropagate(const Handle& loss) {
  //> yours  todo(loss);
  std::vector<Handle> order;
  reverse_order(loss, order);
  for (const Handle& value : order) value->grad = 0;
  loss->grad = 1;
  for (const Handle& out : order)
    for (std::size_t i = 0; i < out->inputs.size(); ++i)
      out->inputs[i]->grad += slopes(*out)[i] * out->grad;
  //<
}

// ## How it is asked
//
// A graph is written as text, "x = 3; y = x * x"; the last value is the loss. What is asked for is
// the gradient of every value.

Handle made(const std::string& by, const std::vector<Handle>& inputs) {
  const double a = inputs.front()->value, b = inputs.back()->value;
  const double value = by == "+" ? a + b : by == "*" ? a * b : by == "/" ? a / b : std::exp(a);
  return std::make_shared<Value>(Value{by, inputs, value});
}

void answer(const Case& given, Answers& answers) {
  std::istringstream graph(given.text("graph"));
  std::map<std::string, Handle> known;
  std::vector<std::string> names;  // the last first
  for (std::string step; std::getline(graph, step, ';');) {
    std::string name, equals, first, second, third;
    std::istringstream(step) >> name >> equals >> first >> second >> third;
    known[name] = first == "exp"   ? made("exp", {known.at(second)})
                  : second.empty() ? std::make_shared<Value>(Value{"", {}, std::stod(first)})
                                   : made(second, {known.at(first), known.at(third)});
    names.insert(names.begin(), name);
  }
  for (Index call = 0; call < given.count("calls"); ++call) backpropagate(known[names.front()]);
  for (const std::string& name : names) answers.add("gradient of " + name, known[name]->grad);
}

std::string digit(Cases& cases) {
  return std::to_string(2 + cases.random.below(4));
}

// A graph of values v0, v1, …, each of which is used by the next and again later.
std::string woven(Cases& cases, Index steps) {
  std::string text = "v0 = " + digit(cases);
  text += "; v1 = " + digit(cases);
  for (Index i = 2; i < steps; ++i) {
    const std::string mine = "v" + std::to_string(i), last = "v" + std::to_string(i - 1),
                      other = "v" + std::to_string(cases.random.below(i - 1));
    const char* const operation = i % 3 == 0 ? " / " : i % 3 == 1 ? " * " : " + ";
    text += "; " + mine + " = " + last + operation + (i % 3 == 0 ? "v0" : other);
  }
  return text;
}

void cases(Cases& cases) {
  const auto ask = [&](const char* name, const std::string& graph, int calls = 1) {
    cases.add(name).give("graph", graph).give("calls", calls);
  };
  const auto given = [&](const std::string& names) {
    std::string text;
    for (const char name : names) text += name + (" = " + digit(cases) + "; ");
    return text;
  };
  cases.group("small", 2);
  ask("a sum", given("ab") + "c = a + b");
  ask("a product", given("ab") + "c = a * b");
  ask("a quotient", given("ab") + "c = a / b");
  ask("a power of e", given("a") + "c = exp a");
  ask("two steps", given("ab") + "c = a * b; d = c * a");
  ask("the same value twice", given("x") + "y = x * x");
  cases.group("edges", 2);
  ask("the way round a step", given("vb") + "x = v * b; f = x * b; y = x + f");
  ask("used by a sum, and again later", given("v") + "u = v + v; c = u + u");
  ask("called twice", given("wx") + "y = w * x; z = y + w", 2);
  ask("many steps", woven(cases, cases.size(10, 14)));
}
