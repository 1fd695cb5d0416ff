#include "outcome.h"

#include <algorithm>
#include <new>

namespace gradus {

namespace {

// Keeps what was computed and got a name; of a program that names without end the first thousand.
struct Names : Watcher {
  Names() { add_watcher(*this); }
  ~Names() override { remove_watcher(*this); }
  void named(Tensor& tensor) override {
    if (std::string(tensor.operation()) == "tensor" || items.size() == 1000) return;
    std::vector<Index> sizes;
    for (int axis = 0; axis < tensor.rank(); ++axis) sizes.push_back(tensor.shape()[axis]);
    std::vector<float> numbers;
    for (const Scalar value : tensor.values()) numbers.push_back(static_cast<float>(value));
    items.push_back(number_item("trace", tensor.label(), sizes, numbers, tensor.where().line));
  }
  std::vector<Item> items;
};

}  // namespace

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
  if (!error.empty()) outcome.push_back(text_item("error", "", error));
  return outcome;
}

std::vector<Item> items_of_kind(const std::vector<Item>& items, const std::string& kind) {
  std::vector<Item> found;
  std::copy_if(items.begin(), items.end(), std::back_inserter(found),
               [&](const Item& item) { return item.kind == kind; });
  return found;
}

std::string error_of(const Outcome& outcome) {
  const std::vector<Item> errors = items_of_kind(outcome, "error");
  return errors.empty() ? "" : errors.front().text;
}

}  // namespace gradus
