// How an operation is written.
//
// An operation is a struct with what its gradient needs to know, and below it the function that
// computes it. Both fit on one screen:
//
//   struct Square : Operation {
//     void backward(const Tensor& out) override {
//       const Tensor& x = inputs[0];
//       x.add_grad(2 * x * out.grad());          // d(x²)/dx = 2x
//     }
//   };
//
//   Tensor square(const Tensor& x, Where where) {
//     Tensor out = result_of("square", x.shape(), where);
//     for (Index i = 0; i < x.size(); ++i) out.mutable_data()[i] = x.data()[i] * x.data()[i];
//     record<Square>(out, x);
//     return out;
//   }
//
// The result owns the struct and the struct owns the inputs. The result itself is passed to
// backward(), never stored, so there is no cycle and everything is freed in time.
#pragma once

#include <gradus/tensor.h>

#include <cstddef>
#include <cstdint>

namespace gradus {

// The inputs of an operation. Remembers the version of each one's values, so that backward() can
// tell when a value that it needs has been overwritten.
class Inputs {
 public:
  Inputs() = default;
  Inputs(const Tensor* const* tensors, int count);
  Inputs(Inputs&& other) noexcept : first_(other.first_), count_(other.count_) {
    other.first_ = nullptr;
    other.count_ = 0;
  }
  Inputs& operator=(Inputs&& other) noexcept;
  ~Inputs();

  int count() const { return count_; }
  const Tensor& operator[](int i) const { return first_[i].tensor; }
  int version(int i) const { return first_[i].version; }
  Tensor take(int i) { return std::move(first_[i].tensor); }

 private:
  struct Input {
    Tensor tensor;
    int version;
  };
  Input* first_ = nullptr;
  int count_ = 0;
};

struct Operation {
  Inputs inputs;

  Operation() = default;
  Operation(const Operation&) = delete;
  Operation& operator=(const Operation&) = delete;
  virtual ~Operation() = default;
  // Reads out.grad() and adds to the gradient of each input that wants one.
  virtual void backward(const Tensor& out) = 0;

  static void* operator new(std::size_t bytes) { return take_memory(bytes); }
  static void operator delete(void* memory, std::size_t bytes) { give_memory(memory, bytes); }
};

// What an optimiser has done with a gradient: nothing since it was cleared; a step with it; a step
// with it, and then backward() has added to it.
enum class GradientUse : std::uint8_t { fresh, used, stale };

// A point of the graph; everything that a Tensor is a handle to.
struct Node {
  std::atomic<int> owners{1};
  int version = 0;  // counts the changes in place
  bool requires_grad = false;
  bool freed = false;  // by backward(Graph::free)
  GradientUse gradient_use = GradientUse::fresh;
  Shape shape;
  Buffer values;
  Tensor gradient;
  Operation* made_by = nullptr;  // owned; null if there is nothing to differentiate
  const char* operation = "tensor";
  const char* label = "";
  Where where;
  bool hooked = false;      // a Hook waits for the gradient, see hooks.h
  Node* next = nullptr;     // in the list of nodes that are being freed
  std::uint64_t visit = 0;  // the last backward() that came by

  static void* operator new(std::size_t bytes) { return take_memory(bytes); }
  static void operator delete(void* memory, std::size_t bytes) { give_memory(memory, bytes); }
};

// Errors: x is no tensor, because nothing was assigned to it. Operations ask this first, so that
// the message has the caller's line.
void check_exists(const Tensor& x, const Where& where);

// Turns an axis of x that may count from the end into 0 … rank-1. Errors: x has no such axis.
int checked_axis(const Tensor& x, int axis, const char* operation, const Where& where);

// A new tensor for the result of an operation; its values are not initialised.
Tensor result_of(const char* operation, const Shape& shape, const Where& where);

// The second half of record(): true if some input wants a gradient and recording is on.
bool wants_grad(const Tensor* const* inputs, int count);
void finish(const Tensor& out, Operation* made_by, const Tensor* const* inputs, int count);

// Completes `out` after its values are there: if some input wants a gradient, creates the struct
// that knows how, and returns it so that its fields can be set. Returns null otherwise.
template <class Op, class... Tensors>
Op* record(const Tensor& out, const Tensors&... tensors) {
  const Tensor* const inputs[] = {&tensors...};
  Op* made_by = wants_grad(inputs, sizeof...(tensors)) ? new Op : nullptr;
  finish(out, made_by, inputs, sizeof...(tensors));
  return made_by;
}

// The same for a number of inputs that is only known when the program runs.
template <class Op>
Op* record_all(const Tensor& out, const std::vector<Tensor>& tensors) {
  std::vector<const Tensor*> inputs;
  inputs.reserve(tensors.size());
  for (const Tensor& tensor : tensors) inputs.push_back(&tensor);
  const int count = static_cast<int>(inputs.size());
  Op* made_by = wants_grad(inputs.data(), count) ? new Op : nullptr;
  finish(out, made_by, inputs.data(), count);
  return made_by;
}

// All tensors below `root` (and `root`) that were computed and want a gradient, inputs before
// results. Requires: root was computed, and its graph was not freed.
std::vector<Tensor> topological_order(const Tensor& root);

// Every step of every backward() is one call of this: the place for a breakpoint, in optimised
// programs too. `out` is the result, out.grad() the gradient that comes in, and one `step` further
// is the first line of the operation's own backward(). The debugger command `backward-step` of
// lessons/debugger stops here and shows all three.
void backward_step(Operation& made_by, const Tensor& out);
// The same, with the watchers of watcher.h looking on.
void watched_backward_step(Operation& made_by, const Tensor& out);

}  // namespace gradus
