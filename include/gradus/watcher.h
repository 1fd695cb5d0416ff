// Looking on while a program computes: the profile (profile.h), the trace (trace.h) and hooks
// (hooks.h) are watchers.
#pragma once

#include <gradus/mask.h>
#include <gradus/operation.h>

#include <functional>

namespace gradus {

// Called around every operation, forward and backward, and where else something can be seen, while
// it is among the watchers: until it is removed or destroyed. It may compute: nobody looks on at
// that, nor at the tensors with which a gradient is computed.
class Watcher {
 public:
  Watcher() = default;
  Watcher(const Watcher&) = delete;
  Watcher& operator=(const Watcher&) = delete;
  virtual ~Watcher() { remove_watcher(*this); }
  virtual void before_forward() {}
  virtual void after_forward(const Tensor& /*out*/, std::span<const Edge> /*inputs*/) {}
  // The tensor has got its name; it may be replaced by another.
  virtual void named(Tensor& /*tensor*/) {}
  // No operation will add to the gradient of this tensor any more (in this call of backward()).
  virtual void complete_gradient(const Tensor& /*tensor*/) {}
  virtual void before_backward(const Tensor& /*out*/) {}
  // The inputs have received their share of the gradient.
  virtual void after_backward(const Tensor& /*out*/) {}
  // The line `where` has called backward(), or an optimiser's step().
  virtual void begin_backward(const Where& /*where*/) {}
  virtual void begin_step(const Where& /*where*/) {}
  // The optimiser is about to use a gradient that an earlier step has used already, and to which
  // backward() has added since.
  virtual void stale_gradient(const Tensor& /*parameter*/) {}
  // An operation at `where` uses the mask for attention [batch, heads, queries, keys].
  virtual void before_mask(const Mask& /*mask*/, const Shape& /*attention*/,
                           const char* /*operation*/, const Where& /*where*/) {}

 private:
  friend void add_watcher(Watcher& watcher);
  friend void remove_watcher(Watcher& watcher);
  friend void tell_each(const std::function<void(Watcher&)>& event);
  Watcher* next_ = nullptr;
};

// Watchers on this thread, in the order in which they were added. Requires: each is added once, and
// destroyed on its thread.
void add_watcher(Watcher& watcher);
void remove_watcher(Watcher& watcher);

// A list that runs through the watchers, and whether one of them, or a gradient, is at work.
struct LookingOn {
  Watcher* first = nullptr;
  bool at_work = false;
};
extern constinit thread_local LookingOn looking_on;

// While one of these lives nobody looks on.
struct AtWork {
  AtWork() : before(std::exchange(looking_on.at_work, true)) {}
  ~AtWork() { looking_on.at_work = before; }
  const bool before;
};

// Calls event(watcher) for each, if anyone looks on. What they do may add or remove some.
void tell_each(const std::function<void(Watcher&)>& event);
template <class Event>
void tell_watchers(const Event& event) {
  if (looking_on.first && !looking_on.at_work) tell_each(event);
}

}  // namespace gradus
