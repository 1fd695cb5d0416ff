// Lesson 18: who keeps what alive.
//
// The backward pass needs what the forward pass computed, so a result must keep its inputs, and
// those theirs: the whole graph. When the step is over all of it must go: not earlier, or freed
// memory is read; not never, or each step leaks its graph. C++ has no collector that would sort it
// out. An object goes when its last owner goes, so the question is always: who owns whom?
//
//   Tensor    a handle: it owns a node. Copying the handle makes one owner more, no second node
//   Node      owns its values, its gradient, and the operation that made it
//   Operation owns its inputs (as Tensors). It does not own its result
//
// All owning leads from a result to what it was computed from, never back (and a gradient owns no
// graph), so no way leads round in a ring. Sources: Collins 1960 (counting owners) and McBeth 1963
// (the ring), both in Communications of the ACM. Runs in a second.

#include <gradus/gradus.h>

#include <algorithm>
#include <cstdio>
#include <functional>
#include <memory>

using namespace gradus;

void count(const char* when) {
  std::printf("%-44s%4lld nodes%8lld numbers\n", when, (long long)live_nodes(),
              (long long)live_values());
}

// ## The closure that holds its own result
//
// A small engine, as many begin: a value keeps its inputs and a function that hands its gradient on
// to them, all in std::shared_ptr, which frees what has no owner left. Can anything leak?
using Handle = std::shared_ptr<struct Value>;

struct Value {
  explicit Value(Scalar of_value) : value(of_value) { ++alive; }
  ~Value() { --alive; }
  Value(const Value&) = delete;

  Scalar value, grad = 0;
  std::vector<Handle> inputs;
  std::function<void(const Value& self)> backward;
  static inline int alive = 0;
};

// The function needs the gradient of y, so it captures y. But y owns the function: y owns y.
Handle square_captured(const Handle& x) {
  const Handle y = std::make_shared<Value>(x->value * x->value);
  y->inputs = {x};
  y->backward = [x, y](const Value&) { x->grad += 2 * x->value * y->grad; };
  return y;
}

// The same, but y is not captured; whoever calls the function hands it in.
Handle square_handed_in(const Handle& x) {
  const Handle y = std::make_shared<Value>(x->value * x->value);
  y->inputs = {x};
  y->backward = [x](const Value& self) { x->grad += 2 * x->value * self.grad; };
  return y;
}

// x⁸ for x = 1.5, and its slope.
Handle one_step(Handle (*square)(const Handle&), Scalar& slope) {
  const Handle x = std::make_shared<Value>(Scalar(1.5));
  const Handle a = square(x), b = square(a), c = square(b);
  c->grad = 1;
  for (const Handle& out : {c, b, a}) out->backward(*out);
  slope = x->grad;
  return c;
}

// ## Deep graphs
//
// A chain in which each link owns the one before. When the last goes, the one before loses its only
// owner and goes too, inside the destructor of the last, and so on. `deepest` counts nested calls.
struct Link {
  std::shared_ptr<Link> before;
  ~Link() {
    deepest = std::max(deepest, ++depth);
    before.reset();
    --depth;
  }
  static inline int depth = 0, deepest = 0;
};

std::shared_ptr<Link> chain(int length) {
  std::shared_ptr<Link> last;
  for (int i = 0; i < length; ++i) last = std::shared_ptr<Link>(new Link{last});
  return last;
}

// A loop in place of the nested calls: first take over what a link owns, then let the link go.
void free_by_loop(std::shared_ptr<Link> last) {
  while (last) last = std::move(last->before);
}

// The loss of a model with one weight matrix on random data.
Tensor loss_of(const Tensor& w, Random& random) {
  const Tensor x = Tensor::normal({32, 16}, 0, 1, random);  // [32, 16]
  return mean(pow(matmul(x, w), 2));                        // []
}

int main() try {
  // ## Owners of a graph
  //
  // live_nodes() counts the nodes that exist, live_values() the numbers in their memory. y = Σ w²
  // makes three nodes: the product, the same numbers as one row [1, 100], in the same memory, and
  // their sum. All handles but y are dropped at once, and the nodes stay, for y owns the row, and
  // that the product. backward() leaves a gradient in each of the four, which is a tensor too.
  // Without the last handle to y all goes but w, which has an owner here, and w's gradient.
  Tensor w = Tensor::full({10, 10}, 1).requires_grad(true).named("w");  // [10, 10]
  count("w");
  Tensor y = sum(w * w);  // []
  count("y = sum(w * w)");
  y.backward();
  count("after backward()");
  Tensor copy = y;
  y = Tensor();
  count("y is dropped; the copy is another owner");
  copy = Tensor();
  count("the copy, too");
  w.clear_grad();

  // ## Run, and counted
  //
  // 100 times x⁸ with the little engine. Both ways compute the same slope, 8 · 1.5⁷, and no test of
  // a gradient sees a difference. But of the first, nothing ever goes: y has an owner as long as
  // its function is there, and the function is there as long as y is. shared_ptr cannot see such a
  // ring. Whoever still has a handle can break it: without its function, y is an ordinary value.
  std::printf("\n%-24s%12s%14s%18s\n", "", "slope", "alive after", "ring broken");
  for (const bool captured : {true, false}) {
    std::vector<std::weak_ptr<Value>> seen;  // these own nothing; here to break the ring with
    Scalar slope = 0;
    for (int step = 0; step < 100; ++step)
      for (Handle v = one_step(captured ? square_captured : square_handed_in, slope); v;
           v = v->inputs.empty() ? Handle() : v->inputs[0])
        seen.push_back(v);
    const int alive = Value::alive;
    for (const std::weak_ptr<Value>& value : seen)
      if (const Handle still_there = value.lock()) still_there->backward = {};
    std::printf("%-24s%12.4f%14d%18d\n", captured ? "y captured" : "y handed in", slope, alive,
                Value::alive);
  }

  // In the library an operation is a struct with named members (src/operations), and its backward
  // is handed the result: there is no closure in which a handle could hide.

  // ## How deep is the stack?
  //
  // A chain of 1000 is freed in 1000 nested calls, and each takes some of the stack, which often
  // has 8 MiB (`ulimit -s`). When it is full the program crashes without a message; exercise 3
  // finds when.
  chain(1000).reset();
  std::printf("\nnested destructors for a chain of 1000: %d", Link::deepest);
  Link::deepest = 0;
  free_by_loop(chain(1000));
  std::printf(", by the loop: %d\n", Link::deepest);

  // In a graph a node may own several others, so Node::free (src/tensor.cpp) keeps a list of those
  // that wait; it takes no memory, for each node has room for the next. The order of backward() is
  // found with a stack in a vector (walk_below in src/backward.cpp), where reverse_order() of
  // lesson 2 called itself. So only memory limits the depth. Here total = v + v + … + v.
  {
    const Tensor v = Tensor::scalar(1).requires_grad(true);  // []
    Tensor total = v;                                        // []
    for (int i = 1; i < 100000; ++i) total = total + v;
    total.backward(Graph::free);
    std::printf("a sum of 100000 terms: value %.0f, slope %.0f\n\n", total.item(), v.grad().item());
  }

  // ## What a step holds
  //
  // Graph::keep leaves all gradients to be looked at. Graph::free lets each node go as soon as it
  // has been used; training uses it. (w is still there, and counted.)
  Random random(1);
  Tensor weight = Tensor::normal({16, 8}, 0, 1, random).requires_grad(true);  // [16, 8]
  count("before the step");
  for (const Graph graph : {Graph::keep, Graph::free}) {
    const Tensor loss = loss_of(weight, random);
    count("forward");
    loss.backward(graph);
    count(graph == Graph::keep ? "backward(Graph::keep)" : "backward(Graph::free)");
    weight.clear_grad();
  }

  // ## A leak without a ring
  //
  // To print the mean loss one sums the losses up. If the sum is a Tensor, it owns the graph of
  // every step: no ring, and memory grows all the same, by six nodes a step: x, the product, its
  // square, the two of the mean (as of the sum above), and the new total. item() owns nothing. (The
  // step's own five are there, too; with w, weight, the total and its first zero they make nine.)
  Curve tensors{"total + loss", {}}, numbers{"total + loss.item()", {}};
  for (Curve* curve : {&tensors, &numbers}) {
    Tensor total = Tensor::scalar(0);  // []
    for (int step = 0; step < 50; ++step) {
      const Tensor loss = loss_of(weight, random);  // []
      total = total + (curve == &tensors ? loss : Tensor::scalar(loss.item()));
      curve->values.push_back(static_cast<double>(live_nodes()));
    }
  }
  std::printf("\n%-24s%16s%16s\n", "nodes alive", "after 1 step", "after 50");
  for (const Curve& curve : {tensors, numbers})
    std::printf("%-24s%16.0f%16.0f\n", curve.name.c_str(), curve.values[0], curve.values[49]);
  write_file("build/lesson18_alive.svg", curves_svg("Nodes alive after each step, with a graph",
                                                    {tensors, numbers}, 0, "step"));
  std::printf("Picture: build/lesson18_alive.svg; open it in a browser.\n");
} catch (const Error& error) {
  std::fprintf(stderr, "%s\n", error.what());
  return 1;
}

// ## In the debugger
//
// Run to the line `copy = Tensor();` with `advance LINE`, break at gradus::Node::free and continue.
// `print *node` shows an operation and its owners (0 by now); `next` through the while loop frees
// one node a turn, `print waiting` shows the rest. What the deleted node owned comes to the same
// breakpoint from `delete first`: `bt` shows that the calls stay few, `finish` leads back.
//
// ## Exercises
//
// 1. Capture a raw pointer, `Value* out = y.get()`, in square_captured. Why does nothing leak, and
//    who must stay alive for the function to be safe? Do the same with a std::weak_ptr.
// 2. Take out the loop over `seen`, which breaks the ring. What does `make lesson-18 MODE=asan`
//    say?
// 3. At what length of the chain does freeing it crash the program, with MODE=debug and release?
// 4. In the training of lesson 5, keep the loss of the best step in a `Tensor best`, and print
//    live_nodes() after each step. How much does it hold with Graph::free, and with Graph::keep?
// 5. Say w.mutable_values()[0] = 7 between sum(w * w) and backward(). Who notices (see `version`)?
