// How an operation is written: a struct that holds what its gradient needs and computes it, and
// below it the function that computes the values. Both fit on one screen.
//
//   struct Square {
//     Tensor x;
//     void backward(const Tensor& dy) const { x.add_grad(2 * x * dy); }  // d(x²)/dx = 2x
//   };
//
//   Tensor square(const Tensor& x, Where where) {
//     check_exists(x, where);
//     Tensor y = result_of("square", x.shape(), where);
//     std::span<Scalar> values = y.mutable_values();
//     for (std::size_t i = 0; i < values.size(); ++i) values[i] = x.values()[i] * x.values()[i];
//     return record(y, {x}, Square{x});
//   }
//
// The result owns the struct, and the struct the inputs. The result itself is never stored, so
// there is no cycle and everything is freed in time; a gradient that reads it is a backward(y, dy).
#pragma once

#include <gradus/tensor.h>

#include <array>

namespace gradus {

// Errors: x is no tensor, because nothing was assigned to it. Operations ask this first, so that
// the message has the caller's line.
void check_exists(const Tensor& x, const Where& where);

// Turns an axis of x that may count from the end into 0 … rank-1. Errors: x has no such axis.
int checked_axis(const Tensor& x, int axis, const char* operation, const Where& where);

// A new tensor for the result of an operation. Its values are not initialised, or are `shared`: in
// the same memory until one of its owners is changed in place. Errors: there is no memory for them.
Tensor result_of(const char* operation, const Shape& shape, const Where& where,
                 const Buffer& shared = {});
// The same for the gradient of x.
Tensor gradient_for(const Tensor& x);

// The two halves of record(): whether some input wants a gradient and recording is on; and the
// rest.
bool wants_grad(std::span<const Edge> inputs);
void finish(const Tensor& result, Shared<Operation> made_by, std::span<const Edge> inputs);

// A struct with a gradient, as part of the graph.
template <class Gradient, class Edges>
struct Recorded : Operation {
  Recorded(Gradient&& given, Edges&& from) : gradient(std::move(given)), edges(std::move(from)) {
    inputs = edges;
  }
  void backward(const Tensor& y, const Tensor& dy) const override {
    if constexpr (requires { gradient.backward(dy); })
      gradient.backward(dy);
    else
      gradient.backward(y, dy);
  }
  Gradient gradient;
  Edges edges;
};

// So many edges. (With a name that debuggers print as the compiler does.)
template <int count>
struct EdgeList : std::array<Edge, count> {};

template <class Gradient, class Edges>
Tensor record_all(const Tensor& result, Edges inputs, Gradient gradient) {
  if (!wants_grad(inputs)) {
    finish(result, {}, inputs);
    return result;
  }
  auto* made_by = new Recorded<Gradient, Edges>(std::move(gradient), std::move(inputs));
  finish(result, Shared<Operation>(made_by), made_by->inputs);
  return result;
}

// Completes `result` once its values are there: if some input wants a gradient, keeps the struct
// that computes it. {x} says that the gradient reads the values of x, so that backward() can refuse
// if they were overwritten meanwhile; {{x, false}} that it does not. The result must never be.
template <int count, class Gradient>
Tensor record(const Tensor& result, Edge (&&inputs)[count], Gradient gradient) {
  return record_all(result, EdgeList<count>{std::to_array(std::move(inputs))}, std::move(gradient));
}

// What lies below `root` and wants a gradient: all that was computed (and `root`), inputs before
// results; and what was not, such as parameters. Requires: root was computed, its graph not freed.
struct Walk {
  std::vector<Tensor> results, leaves;
};
Walk walk_below(const Tensor& root);

// Every step of every backward() is one call of this: the place for a breakpoint, in optimised
// programs too. `out` is the result, out.grad() the gradient that comes in, and a few `step`s
// further is the first line of the operation's own gradient. The debugger command `backward-step`
// of lessons/debugger stops here and shows all three.
void backward_step(const Operation& made_by, const Tensor& out);

}  // namespace gradus
