#include "judging.h"

#include <iomanip>
#include <new>
#include <sstream>

namespace gradus {

namespace {

template <class Values>
Item filled(const std::string& kind, const std::string& name, const Shape& shape,
            const Values& values, int line = 0) {
  Item item = {.kind = kind, .name = name, .line = line};
  for (int axis = 0; axis < shape.rank(); ++axis) item.sizes.push_back(std::size_t(shape[axis]));
  for (const auto value : values) item.numbers.push_back(static_cast<float>(value));
  return item;
}

// Reads the next item but for its kind. What does not fit leaves the stream failed.
void read_rest(std::istream& in, Item& item, std::size_t most) {
  int rank = -2;
  in >> item.line >> std::quoted(item.name) >> std::quoted(item.text) >> rank;
  item.is_text = rank == -1;
  item.sizes.resize(static_cast<std::size_t>(std::clamp(rank, 0, 8)));
  double count = item.is_text ? 0 : 1;
  for (std::size_t& size : item.sizes) {
    in >> size;
    count *= static_cast<double>(size);
  }
  if (rank < -1 || rank > 8 || count > static_cast<double>(most)) in.setstate(std::ios::failbit);
  std::string word;  // for >> does not know the numbers "nan" and "inf"
  for (double i = 0; i < count && in >> word; ++i)
    item.numbers.push_back(std::strtof(word.c_str(), nullptr));
}

Shape shape_of(const Item& item) {
  Shape shape;
  for (const std::size_t size : item.sizes) shape = shape.and_then(static_cast<Index>(size));
  return shape;
}

// Keeps what was computed and got a name; of a program that names without end the first thousand.
struct Names : Watcher {
  Names() { add_watcher(*this); }
  void named(Tensor& tensor) override {
    if (std::string(tensor.operation()) != "tensor" && items.size() < 1000)
      items.push_back(item_of("trace", tensor.label(), tensor));
  }
  Outcome items;
};

}  // namespace

Item item_of(const std::string& kind, const std::string& name, const Tensor& value) {
  return filled(kind, name, value.shape(), value.values(), value.where().line);
}
Item item_of(const std::string& kind, const std::string& name, const Ids& value) {
  return filled(kind, name, value.shape, value.values);
}
Item item_of(const std::string& kind, const std::string& name, const std::vector<double>& values) {
  Item item = filled(kind, name, {}, values);
  item.sizes = {values.size()};
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
  std::ostringstream out;
  out.precision(9);
  for (const Item& item : items) {
    out << item.kind << ' ' << item.line << ' ' << std::quoted(item.name) << ' '
        << std::quoted(item.text) << ' '
        << (item.is_text ? -1 : static_cast<int>(item.sizes.size()));
    for (const std::size_t size : item.sizes) out << ' ' << size;
    out << '\n';
    for (const float number : item.numbers) out << number << ' ';
    out << '\n';
  }
  return out.str();
}

std::vector<Item> items_of(const std::string& text, Where where) {
  std::vector<Item> items;
  std::istringstream in(text);
  for (Item item; in >> item.kind; item = {}) {
    read_rest(in, item, text.size());
    if (!in) fail("item", where, "number " + std::to_string(items.size()) + " is none");
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

const Item& Case::find(const std::string& called, bool text, const Where& where) const {
  for (const Item& item : inputs)
    if (item.name == called && item.is_text == text) return item;
  fail("Case", where, "it has no " + std::string(text ? "text " : "numbers ") + called);
}

bool Case::has(const std::string& called) const {
  return std::any_of(inputs.begin(), inputs.end(),
                     [&](const Item& item) { return item.name == called; });
}

Tensor Case::tensor(const std::string& called, Where where) const {
  const Item& item = find(called, false, where);
  const std::vector<Scalar> values(item.numbers.begin(), item.numbers.end());
  return Tensor::from(shape_of(item), values, where).named(called);
}

Ids Case::ids(const std::string& called, Where where) const {
  const Item& item = find(called, false, where);
  return Ids(shape_of(item), std::vector<int>(item.numbers.begin(), item.numbers.end()), where);
}

Tensor Cases::whole(const Shape& shape, int low, int high) {
  Tensor result = Tensor::zeros(shape);
  for (Scalar& value : result.mutable_values())
    while (value == 0) value = static_cast<Scalar>(low + random.below(high - low + 1));
  return result;
}

Ids Cases::ids(const Shape& shape, int low, int high) {
  std::vector<int> values(static_cast<std::size_t>(shape.size()));
  for (int& value : values) value = low + static_cast<int>(random.below(high - low + 1));
  return Ids(shape, values);
}

void Answers::add_gradient(const Tensor& of, Where where) {
  const std::string name = "gradient of " + std::string(of.label());
  if (!of.has_grad()) fail(name, where, "none has arrived");
  add(name, of.grad());
  items.back().line = 0;  // a gradient has no line of the student's
}

Outcome outcome_of(Answer answer, const Case& given) {
  Answers answers;
  Names names;
  std::string error;
  try {
    answer(given, answers);
  } catch (const std::bad_alloc&) {
    error = "more memory than there is; the limit is 512 MiB";
  } catch (const std::exception& thrown) {
    error = thrown.what();
  } catch (...) {
    error = "something was thrown that is no std::exception";
  }
  Outcome outcome = names.items;
  outcome.insert(outcome.end(), answers.items.begin(), answers.items.end());
  if (!error.empty()) outcome.push_back(item_of("error", "", error));
  return outcome;
}

std::string error_of(const Outcome& outcome) {
  const std::vector<Item> errors = of_kind("error", outcome);
  return errors.empty() ? "" : errors.front().text;
}

}  // namespace gradus
