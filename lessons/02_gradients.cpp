// Lesson 2: gradients.
//
// A model is a formula with thousands of numbers in it, its parameters; its loss is one number that
// says how wrong it is. To make the loss smaller we must know, for each parameter, how much the
// loss changes when that parameter changes a little: the slope, written d loss / d parameter. All
// the slopes together are the gradient. The chain rule finds them in one walk through the
// computation, from the loss back to the parameters, and it has two halves. Along a path, slopes
// multiply: if v moves u at slope 2 and u moves the loss at slope 3, then v moves the loss at slope
// 2 · 3. Where paths meet, they add:
//
//   d loss / dv  =  Σ over every use u of v:  d loss / du · du / dv
//
// Both mistakes below are mistakes about this Σ. All but the last section works with single
// numbers; for tensors the rule is the same, value by value. Sources: Rumelhart, Hinton and
// Williams 1986, "Learning representations by back-propagating errors"; Chollet, Deep Learning with
// Python, 2nd edition, section 2.4. Runs in an instant on two cores.

#include <gradus/gradus.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <memory>
#include <vector>

using namespace gradus;

// ## A graph on paper
//
// A model, w x + b, should give t. With w = 3, x = 2, b = 1, t = 5 it gives 7, and the loss is the
// square of the error:
//
//   w=3 ─┐
//   x=2 ─┴ product=6 ─┐
//   b=1 ──────────────┴ output=7 ─┐
//   t=5 ──────────────────────────┴ error=2 ── loss=4
//
// Backward, each line from one above it:
//
//   d loss / d loss    = 1                    by definition
//   d loss / d error   = 1 · 2 error = 4      as (error + h)² = error² + 2 error h + h²
//   d loss / d output  = 4 · 1 = 4            d loss / dt = 4 · (-1) = -4
//   d loss / d product = 4 · 1 = 4            d loss / db = 4 · 1 = 4
//   d loss / dw        = 4 · x = 8            d loss / dx = 4 · w = 12
//
// At w the slope is 8: raise w by 0.01 and the loss rises by about 0.08. To learn, lower w.
//
// ## A program for any graph
//
// A Value remembers its inputs and, for each of them, the slope of this one step, which is known as
// soon as the step is computed.
struct Value;
using Handle = std::shared_ptr<Value>;

struct Input {
  Handle from;
  Scalar slope;  // d this / d from (a Scalar is a float)
};

struct Value {
  const char* name;
  Scalar value;
  std::vector<Input> inputs;
  Scalar grad = 0;  // d loss / d this
};

Handle node(const char* name, Scalar value, std::vector<Input> inputs = {}) {
  return std::make_shared<Value>(Value{name, value, inputs});
}

// The graph on paper, and a second one in which values are used twice: c = 4v.
Handle on_paper(Handle w) {
  const Handle x = node("x", 2), b = node("b", 1), t = node("t", 5);
  const Handle product = node("product", w->value * x->value, {{w, x->value}, {x, w->value}});
  const Handle output = node("output", product->value + b->value, {{product, 1}, {b, 1}});
  const Handle error = node("error", output->value - t->value, {{output, 1}, {t, -1}});
  return node("loss", error->value * error->value, {{error, 2 * error->value}});
}
Handle doubling(Handle v) {
  const Handle u = node("u", v->value + v->value, {{v, 1}, {v, 1}});
  return node("c", u->value + u->value, {{u, 1}, {u, 1}});
}

// Each node once, after all that was computed from it: reverse topological order. So the Σ of a
// node is complete when its turn comes.
std::vector<Handle> reverse_order(const Handle& out, std::vector<Handle> order = {}) {
  if (std::find(order.begin(), order.end(), out) != order.end()) return order;
  for (const Input& input : out->inputs) order = reverse_order(input.from, order);
  order.insert(order.begin(), out);
  return order;
}

// Whoever calls this has set loss->grad to 1; all others are 0.
void backpropagate(const Handle& loss) {
  for (const Handle& out : reverse_order(loss))
    for (const Input& input : out->inputs) input.from->grad += input.slope * out->grad;
}

// ## Two shortcuts
//
// Sorting looks like a lot of ceremony. Why not hand the gradient on at once, by recursion?
void recursion(const Handle& out) {
  for (const Input& input : out->inputs) {
    input.from->grad += input.slope * out->grad;
    recursion(input.from);
  }
}

// And the classic of all slips, `=` for `+=`:
void assign(const Handle& loss) {
  for (const Handle& out : reverse_order(loss))
    for (const Input& input : out->inputs) input.from->grad = input.slope * out->grad;
}

void try_out(const char* name, void (*method)(const Handle&)) {
  const Handle w = node("w", 3), v = node("v", 3);
  for (const Handle& loss : {on_paper(w), doubling(v)}) {
    loss->grad = 1;
    method(loss);
  }
  std::printf("%-16s%10.1f%15.1f\n", name, w->grad, v->grad);
}

int main() try {
  // ## The walk backward
  //
  // Each line is a node, in reverse topological order, and what it adds to its inputs: slope times
  // gradient. They are the numbers from the paper.
  const Handle top = on_paper(node("w", 3));
  top->grad = 1;
  backpropagate(top);
  for (const Handle& out : reverse_order(top)) {
    std::printf("%-8s value %.1f   gradient %4.1f", out->name, out->value, out->grad);
    for (const Input& input : out->inputs)
      std::printf("   %s += %.1f * %.1f", input.from->name, input.slope, out->grad);
    std::printf("\n");
  }

  // ## The shortcuts, tried
  //
  // In the graph on paper every node is used once: the Σ has one term, and all three agree. That is
  // why such a mistake can live long. In the other graph v and u are used twice:
  //
  // - Recursion: c gives u its first 1, and u hands 1 + 1 on to v at once. Then c gives u its
  //   second 1, and u, which has 2 now, hands 2 + 2 on. Together 6, not 4: the first 1 went twice.
  // - With `=` only the last use counts: u gets 1, and so does v.
  std::printf("\n%-16s%10s%15s\n", "", "on paper: w", "v+v, u+u: v");
  try_out("the right way", backpropagate);
  try_out("recursion", recursion);
  try_out("= instead of +=", assign);

  // ## The library
  //
  // The same graph out of tensors of shape [], no axes: single numbers. Only w asks for a gradient,
  // so backward() leaves x, b and t out; ours gave them one anyway. A second backward() would add
  // to the gradient that w has from the first, as `+=` does, until w.clear_grad() empties it.
  const Tensor w = Tensor::scalar(3).requires_grad(true).named("w");  // []
  const Tensor x = Tensor::scalar(2).named("x");                      // []
  const Tensor b = Tensor::scalar(1).named("b");                      // []
  const Tensor t = Tensor::scalar(5).named("t");                      // []
  const Tensor product = (w * x).named("product");                    // []
  const Tensor output = (product + b).named("output");                // []
  const Tensor error = (output - t).named("error");                   // []
  const Tensor loss = pow(error, 2).named("loss");                    // []
  loss.backward();
  std::printf("\nby the library\n");
  for (const Tensor& out : {loss, error, output, product, w})
    std::printf("%-8s value %.1f   gradient %4.1f\n", out.label(), out.item(), out.grad().item());
  write_file("build/lesson02_graph.svg", graph_svg("(w x + b - t)², there and back", loss));
  std::printf("Picture: build/lesson02_graph.svg; on its arrows stands what flows back.\n");

  // ## Is a gradient right?
  //
  // Move x by h to both sides and look what f does: (f(x+h) - f(x-h)) / 2h, a central difference.
  // How far is it off? Take f = x³, whose slope is 3x², and multiply out:
  //
  //   (x+h)³ = x³ + 3x² h + 3x h² + h³        (x-h)³ = x³ - 3x² h + 3x h² - h³
  //
  // Subtracted, x³ and 3x h² go and the other two are there twice; divided by 2h, that is 3x² + h².
  // So the result is too large by h². (Every smooth f is such a sum near x, its Taylor series: f(x
  // ± h) = f(x) ± a h + b h² ± c h³ + …, where a is the slope and b and c depend on f and x. That
  // gives a + c h² and smaller terms; for x³ c is 1.) Thus a small h is good.
  //
  // But there is rounding. A Scalar is a float32, with 24 binary digits: a product is off by up to
  // 2⁻²⁴ of its size, and x³, of two products, by up to r = 2 · x³ / 2²⁴. The difference of two of
  // them may be off by 2r; divided by 2h that is r / h. Thus a small h is bad.
  //
  // Which h makes the sum h² + r/h least? Raise h by a little k: h² rises by 2h k, as error² did
  // above, and r/h falls by r k / (h (h + k)), nearly r k / h². Where the one rises as much as the
  // other falls, the sum turns: 2h = r/h², so h = ∛(r/2) (Press et al., Numerical Recipes,
  // section 5.7). The table has the largest error over a thousand x and, beside it, h² + r/h at x
  // = 1.5, where it is worst. f(x) is summed, as backward() starts at one number.
  Random random(3);
  Tensor p = Tensor::uniform({1000}, Scalar(0.5), Scalar(1.5), random);  // [1000], the x
  p.requires_grad(true);
  const auto f = [](const Tensor& z) { return z * z * z; };
  const auto largest = [](const Tensor& z) { return max(sqrt(z * z)).item(); };  // max |z|
  sum(f(p)).backward();
  std::printf("\nbackward() against 3x²: off by %.1e\n", largest(p.grad() - 3 * p * p));
  const Scalar r = Scalar(3.375) / (1 << 23);
  std::printf("h        off by     h² + r/h\n");
  for (const Scalar h : {Scalar(1e-1), Scalar(3e-2), Scalar(1e-2), Scalar(6e-3), Scalar(3e-3),
                         Scalar(1e-3), Scalar(1e-4), Scalar(1e-5), Scalar(1e-6), Scalar(1e-7)}) {
    const Tensor above = p + h, below = p - h;  // [1000]
    // x + h and x - h are rounded, too: so divide by the distance that they have.
    const Tensor slopes = (f(above) - f(below)) / (above - below);  // [1000]
    std::printf("%.0e    %.1e    %.1e\n", h, largest(slopes - p.grad()), h * h + r / h);
  }
  std::printf("∛(r/2) = %.1e\n", std::cbrt(r / 2));

  // In float32 the best difference is right to four digits after the point, backward() to six.
  // Differences find mistakes: see check_gradients.h.
} catch (const Error& error) {
  std::fprintf(stderr, "%s\n", error.what());
  return 1;
}

// ## In the debugger
//
// `break backpropagate`, say `next` through the loop for the graph on paper (`step` would go into
// reverse_order, which calls itself), and `print *out` at each turn. `delete` the breakpoint; then
// `backward-step` stops at every step of loss.backward(). Their order is made by walk_below
// in src/backward.cpp, with a stack of its own where ours is recursive.
//
// ## Exercises
//
// 1. What are the slopes of a / b in a and in b? Check them in a graph and by differences. (Judged,
//    with the walk for any graph: make exercise-01.)
// 2. Try out x + f(x), the way round that deep networks have (lesson 9): x = 2v, f = 3x, y
//    with the inputs x and f, in this order. Predict what each of the three methods finds for v.
//    Then let y have f first: whose answer changes? At last v · v + v: why is recursion right
//    there?
// 3. Let recursion return at once where it has been before (a bool in Value remembers it). What
//    does its row say now, and why?
// 4. Call backpropagate twice on the graph on paper. Which gradients are wrong, and why? What does
//    the library promise for this case (tensor.h)?
// 5. With (f(x+h) - f(x)) / h, a difference to one side, what takes the place of h²? Which h is
//    best now, and how many digits does it get?
