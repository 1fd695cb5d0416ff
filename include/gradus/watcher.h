// Looking on while a program computes: the profile (profile.h) and the trace (trace.h) are
// watchers.
#pragma once

#include <gradus/mask.h>
#include <gradus/operation.h>

namespace gradus {

// Called around every operation, forward and backward, and where else something can be seen, while
// it is among the watchers.
class Watcher {
 public:
  virtual ~Watcher() = default;
  virtual void before_forward() {}
  virtual void after_forward(const Tensor& /*out*/, const Tensor* const* /*inputs*/,
                             int /*count*/) {}
  virtual void before_backward(const Tensor& /*out*/) {}
  // `made_by.inputs` have received their share of the gradient.
  virtual void after_backward(const Tensor& /*out*/, const Operation& /*made_by*/) {}
  // The line `where` has called backward(), or an optimiser's step().
  virtual void begin_backward(const Where& /*where*/) {}
  virtual void begin_step(const Where& /*where*/) {}
  // The optimiser is about to use a gradient that an earlier step has used already, and to which
  // backward() has added since.
  virtual void stale_gradient(const Tensor& /*parameter*/) {}
  // An operation at `where` uses the mask for attention [batch, heads, queries, keys].
  virtual void before_mask(const Mask& /*mask*/, const Shape& /*attention*/,
                           const char* /*operation*/, const Where& /*where*/) {}
};

// Watchers on this thread. Requires: what was added is removed before it is destroyed.
void add_watcher(Watcher& watcher);
void remove_watcher(Watcher& watcher);
const std::vector<Watcher*>& watchers();

// The watchers that the environment asks for, for a new thread: GRADUS_PROFILE, GRADUS_TRACE.
std::vector<Watcher*> watchers_at_start();

}  // namespace gradus
