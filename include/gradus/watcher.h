// Looking on while a program computes: the profile and the trace are watchers.
#pragma once

#include <gradus/operation.h>

namespace gradus {

// Called around every operation, forward and backward, while it is among the watchers.
class Watcher {
 public:
  virtual ~Watcher() = default;
  virtual void before_forward() {}
  virtual void after_forward(const Tensor& /*out*/, const Tensor* const* /*inputs*/,
                             int /*count*/) {}
  virtual void before_backward(const Tensor& /*out*/) {}
  // `made_by.inputs` have received their share of the gradient.
  virtual void after_backward(const Tensor& /*out*/, const Operation& /*made_by*/) {}
};

// Watchers on this thread. Requires: what was added is removed before it is destroyed.
void add_watcher(Watcher& watcher);
void remove_watcher(Watcher& watcher);

// The watchers that the environment asks for, for a new thread: GRADUS_PROFILE, GRADUS_TRACE.
std::vector<Watcher*> watchers_at_start();

}  // namespace gradus
