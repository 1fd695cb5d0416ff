// The trace: looks on while a program computes and says, once each, where something first went
// wrong. GRADUS_TRACE=1 prints it to standard error for any program; in code it lasts for a scope:
//
//   const TraceScope trace;
//   loss.backward();
//
// It reports
// - the first value that is not a number or infinite ("bad"): which operation computed it, on which
//   line, and from what inputs, so that one sees whether it was born there or came in with the
//   data. Minus infinity that was among the inputs already is let through: it is how a mask is
//   added to scores;
// - the first such gradient: which operation's backward computed it, and from what;
// - the first mask that hides all keys from every query, and the first that hides them from some;
// - the first step() with a gradient that holds more than the backward() since the last step: a
//   forgotten clear_grad(). Several backward() before one step add up, and are no mistake.
//
// It reads every value that is computed, so it costs about as much as the cheap operations do.
#pragma once

#include <gradus/watcher.h>

#include <cstdio>

namespace gradus {

class Trace : public Watcher {
 public:
  // Each report is written to `to` as soon as it is made, unless `to` is null.
  explicit Trace(std::FILE* to = stderr) : to_(to) {}
  const std::vector<std::string>& reports() const { return reports_; }

  void after_forward(const Tensor& out, std::span<const Edge> inputs) override;
  void after_backward(const Tensor& out) override;
  void begin_backward(const Where& where) override { backward_ = where; }
  void begin_step(const Where& where) override { step_ = where; }
  void stale_gradient(const Tensor& parameter) override;
  void before_mask(const Mask& mask, const Shape& attention, const char* operation,
                   const Where& where) override;

 private:
  void report(bool& said, const std::string& text);

  std::FILE* to_;
  std::vector<std::string> reports_;
  Where backward_, step_;  // the last calls
  // What has been reported.
  bool bad_value_ = false, bad_gradient_ = false, stale_ = false;
  bool all_hidden_ = false, some_hidden_ = false;
};

// A trace of everything that this thread computes while it lives.
class TraceScope : public Trace {
 public:
  explicit TraceScope(std::FILE* to = stderr) : Trace(to) { add_watcher(*this); }
};

// In every program: GRADUS_PROFILE=1 and GRADUS_TRACE=1 let a Profile and a Trace look on at what
// the main thread computes.
bool watch_if_asked();

}  // namespace gradus
