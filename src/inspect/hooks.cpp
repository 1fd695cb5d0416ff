#include <gradus/hooks.h>

#include <utility>

namespace gradus {

Hook::Hook(std::string name, Change forward, Change backward, Where where)
    : name_(std::move(name)),
      forward_(std::move(forward)),
      backward_(std::move(backward)),
      where_(where) {
  add_watcher(*this);
}

Hook::~Hook() {
  remove_watcher(*this);
}

Tensor Hook::changed(const Change& change, const Tensor& x) const {
  const Tensor result = change(x);
  if (!result.exists() || result.shape() != x.shape())
    fail("Hook", where_,
         "it must return a tensor of the shape of " + describe(x) + ", it returned " +
             (result.exists() ? to_string(result.shape()) : "none"));
  return result;
}

void Hook::named(Tensor& tensor) {
  const char* label = tensor.label();
  if (name_ != label) return;
  ++calls_;
  if (forward_) tensor = changed(forward_, tensor);
  tensor.node()->label = label;
  if (backward_) seen_.push_back(tensor);
}

void Hook::complete_gradient(const Tensor& tensor) {
  for (const Tensor& x : seen_)
    if (x.node() == tensor.node()) tensor.node()->gradient = changed(backward_, tensor.grad());
}

}  // namespace gradus
