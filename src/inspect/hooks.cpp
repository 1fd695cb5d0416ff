#include <gradus/hooks.h>

#include <algorithm>

namespace gradus {

struct Hook::Work {
  std::string name;
  Change forward, backward;
  Where where;
  int calls = 0;
  std::vector<Tensor> seen = {};  // whose gradient is to be changed
  int owners = 1;                 // as of all that is Shared

  static void free(Work* work) noexcept { delete work; }

  Tensor changed(const Change& change, const Tensor& x) {
    ++calls;
    const Tensor result = change(x);
    if (!result.exists() || result.shape() != x.shape())
      fail("Hook", where, "it must return a tensor of the shape of ", describe(x), ", it returned ",
           result.exists() ? to_string(result.shape()) : "none");
    return result;
  }
  bool saw(const Tensor& x) const {
    return std::any_of(seen.begin(), seen.end(),
                       [&](const Tensor& other) { return other.node() == x.node(); });
  }
};

Hook::Hook(std::string name, Change forward, Change backward, Where where)
    : work_(new Work{std::move(name), std::move(forward), std::move(backward), where}) {
  add_watcher(*this);
}

Hook::~Hook() = default;

int Hook::calls() const {
  return work_->calls;
}

void Hook::named(Tensor& tensor) {
  const Shared<Work> work = work_;  // what is called may destroy the hook
  const char* label = tensor.label();
  if (work->name != label) return;
  if (work->forward) tensor = work->changed(work->forward, tensor);
  tensor.node()->label = label;
  if (!work->backward || work->saw(tensor)) return;
  std::erase_if(work->seen, [](const Tensor& x) { return x.node()->owners == 1; });  // only here
  work->seen.push_back(tensor);
}

// A tensor that was seen may have another name by now, and one that was not computed, such as a
// parameter, may have got its name before there was a hook.
void Hook::complete_gradient(const Tensor& tensor) {
  const Shared<Work> work = work_;
  const bool ours = !tensor.node()->made_by && work->name == tensor.label();
  if (!work->backward || !(ours || work->saw(tensor))) return;
  const Tensor gradient = work->changed(work->backward, tensor.grad());
  tensor.node()->gradient = Tensor();
  tensor.add_grad(gradient, work->where);
}

}  // namespace gradus
