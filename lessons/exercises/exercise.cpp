#include "exercise.h"

#include <algorithm>
#include <sstream>

namespace gradus {

namespace {

Shape shape_of(const Item& item) {
  Shape shape;
  for (const Index size : item.sizes) shape = shape.and_then(size);
  return shape;
}

}  // namespace

const Item& Case::find(const std::string& wanted, bool text, const Where& where) const {
  for (const Item& item : inputs)
    if (item.name == wanted && item.is_text == text) return item;
  fail("Case", where, "it has no " + std::string(text ? "text " : "numbers ") + wanted);
}

bool Case::has(const std::string& wanted) const {
  return std::any_of(inputs.begin(), inputs.end(),
                     [&](const Item& item) { return item.name == wanted; });
}

Tensor Case::tensor(const std::string& wanted, Where where) const {
  const Item& item = find(wanted, false, where);
  const std::vector<Scalar> values(item.numbers.begin(), item.numbers.end());
  return Tensor::from(shape_of(item), values, where).named(wanted);
}

Tensor Case::variable(const std::string& wanted, Where where) const {
  return tensor(wanted, where).requires_grad(true);
}

Ids Case::ids(const std::string& wanted, Where where) const {
  const Item& item = find(wanted, false, where);
  std::vector<int> values;
  for (const float number : item.numbers) values.push_back(static_cast<int>(number));
  return Ids(shape_of(item), values, where);
}

double Case::number(const std::string& wanted, Where where) const {
  return static_cast<double>(tensor(wanted, where).item());
}

Index Case::count(const std::string& wanted, Where where) const {
  return static_cast<Index>(number(wanted, where));
}

std::string Case::text(const std::string& wanted, Where where) const {
  return find(wanted, true, where).text;
}

std::vector<std::string> Case::lines(const std::string& wanted, Where where) const {
  std::vector<std::string> result;
  std::istringstream text(find(wanted, true, where).text);
  for (std::string line; std::getline(text, line);) result.push_back(line);
  return result;
}

Case& Case::tolerate(double share) {
  tolerance = share;
  return *this;
}

void Cases::group(const std::string& name, int points) {
  group_ = name;
  points_ = points;
}

Case& Cases::add(const std::string& name) {
  Case& added = all.emplace_back();
  added.name = name;
  added.group = group_;
  added.points = points_;
  return added;
}

Tensor Cases::whole(const Shape& shape, int low, int high) {
  Tensor result = Tensor::zeros(shape);
  for (Scalar& value : result.mutable_values())
    while (value == 0) value = static_cast<Scalar>(low + random.below(high - low + 1));
  return result;
}

Tensor Cases::normal(const Shape& shape) {
  return Tensor::normal(shape, 0, 1, random);
}

Ids Cases::ids(const Shape& shape, int low, int high) {
  std::vector<int> values(static_cast<std::size_t>(shape.size()));
  for (int& value : values) value = low + static_cast<int>(random.below(high - low + 1));
  return Ids(shape, values);
}

Index Cases::size(Index low, Index high) {
  return low + random.below(high - low + 1);
}

void Answers::add_gradient(const Tensor& of, Where where) {
  const std::string name = "gradient of " + std::string(of.label());
  if (!of.has_grad()) fail(name, where, "none has arrived");
  add(name, of.grad());
  items.back().line = 0;  // a gradient has no line of the student's
}

}  // namespace gradus
