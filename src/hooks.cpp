#include <gradus/hooks.h>
#include <gradus/operation.h>

#include <utility>

namespace gradus {

namespace {

thread_local std::vector<Hook*> hooks;

void check_shape(const Tensor& result, const Tensor& tensor, const Hook& hook) {
  if (!result.exists() || result.shape() != tensor.shape())
    fail("Hook", hook.where(),
         "it must return a tensor of the shape of " + describe(tensor) + ", it returned " +
             (result.exists() ? to_string(result.shape()) : "none"));
}

}  // namespace

Hook::Hook(std::string name, Forward forward, Backward backward, Where where)
    : name_(std::move(name)),
      forward_(std::move(forward)),
      backward_(std::move(backward)),
      where_(where) {
  hooks.push_back(this);
}

Hook::~Hook() {
  std::erase(hooks, this);
}

void run_hooks(Tensor& tensor) {
  if (hooks.empty()) return;
  const char* label = tensor.label();
  for (std::size_t i = 0; i < hooks.size(); ++i) {  // a hook may make others
    Hook& hook = *hooks[i];
    if (hook.name_ != label) continue;
    ++hook.calls_;
    if (hook.forward_) {
      Tensor result = hook.forward_(tensor);
      check_shape(result, tensor, hook);
      tensor = std::move(result);
      if (tensor.node()->label != label) tensor.node()->label = label;
    }
    if (hook.backward_) tensor.node()->hooked = true;
  }
}

void run_gradient_hook(const Tensor& tensor) {
  for (Hook* hook : hooks) {
    if (!hook->backward_ || hook->name_ != tensor.label() || !tensor.has_grad()) continue;
    Tensor result = hook->backward_(tensor.grad());
    check_shape(result, tensor, *hook);
    tensor.node()->gradient = std::move(result);
  }
}

}  // namespace gradus
