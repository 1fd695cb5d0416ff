// Lesson 3: gradients.
//
// A model is a formula with thousands of numbers in it, its parameters. To make its loss smaller we
// must know, for every parameter, how much the loss changes when that parameter changes a little:
// the slope of the loss. All the slopes together are the gradient. The chain rule finds them in one
// walk through the computation, from the loss back to the parameters.
//
// The chain rule has two halves. Along a path, slopes multiply: if v moves u at slope 2 and u moves
// the loss at slope 3, then v moves the loss at slope 6. Where paths meet, they add:
//
//   d loss / dv  =  Σ over every use u of v:  d loss / du · du / dv
//
// Every mistake below is a mistake about this Σ. Everything here but the last section is a single
// number (shape []); for tensors the rule is the same, value by value. Source: Rumelhart, Hinton
// and Williams 1986, "Learning representations by back-propagating errors"; Chollet, Deep Learning
// with Python, section 2.4. It runs in less than a second.

#include <gradus/gradus.h>

#include <algorithm>
#include <cstdio>
#include <memory>

using namespace gradus;

// ## A graph on paper
//
// A model with one weight, w x + b, shall give t. With w = 3, x = 2, b = 1, t = 5 it gives 7, and
// the loss is the square of the error:
//
//   w=3 ─┐
//   x=2 ─┴ product=6 ─┐
//   b=1 ──────────────┴ sum=7 ─┐
//   t=5 ───────────────────────┴ error=2 ── loss=4
//
// Backward, each line from the one above it:
//
//   d loss / d loss    = 1                  by definition
//   d loss / d error   = 1 · 2 error = 4    because the slope of e² is 2e
//   d loss / d sum     = 4 · 1 = 4          error = sum - t
//   d loss / d product = 4 · 1 = 4,         d loss / db = 4
//   d loss / dw        = 4 · x = 8,         d loss / dx = 4 · w = 12
//
// At w the slope is 8: raise w by 0.01 and the loss rises by about 0.08. To learn, lower it.
//
// ## An autograd in forty lines
//
// Now a program that does the same for any formula. A Value remembers its inputs and, for each of
// them, the slope of this one step, which is known as soon as the step is computed.
struct Value {
  std::string name;
  Scalar value = 0;
  std::vector<std::pair<std::shared_ptr<Value>, Scalar>> inputs = {};  // and d this / d input
  Scalar grad = 0;                                                     // d loss / d this
};
using Handle = std::shared_ptr<Value>;

Handle leaf(const char* name, Scalar x) {
  return std::make_shared<Value>(Value{name, x});
}
Handle add(const char* name, Handle a, Handle b) {
  return std::make_shared<Value>(Value{name, a->value + b->value, {{a, 1}, {b, 1}}});
}
Handle multiply(const char* name, Handle a, Handle b) {
  return std::make_shared<Value>(Value{name, a->value * b->value, {{a, b->value}, {b, a->value}}});
}
Handle square(const char* name, Handle a) {
  return std::make_shared<Value>(Value{name, a->value * a->value, {{a, 2 * a->value}}});
}

// Inputs before what is computed from them, each node once: a topological order. Reversed, every
// node comes after all its uses, so its sum is complete when its turn comes.
void collect(const Handle& node, std::vector<Handle>& order) {
  if (std::find(order.begin(), order.end(), node) != order.end()) return;
  for (const auto& [input, slope] : node->inputs) collect(input, order);
  order.push_back(node);
}

void backward(const Handle& loss, bool show = false) {
  std::vector<Handle> order;
  collect(loss, order);
  loss->grad = 1;
  for (std::size_t i = order.size(); i-- > 0;) {
    const Value& out = *order[i];
    if (show)
      std::printf("%-8s value %5.1f   gradient %5.1f", out.name.c_str(), out.value, out.grad);
    for (const auto& [input, slope] : out.inputs) {
      input->grad += slope * out.grad;  // slopes multiply along a path, paths add
      if (show) std::printf("   %s += %.1f * %.1f", input->name.c_str(), slope, out.grad);
    }
    if (show) std::printf("\n");
  }
}

// ## Three shortcuts
//
// Sorting looks like a lot of ceremony. Why not hand the gradient on at once, by recursion?
void hand_on(const Handle& node) {
  for (const auto& [input, slope] : node->inputs) {
    input->grad += slope * node->grad;
    hand_on(input);
  }
}
void recursion_at_every_use(const Handle& loss) {
  loss->grad = 1;
  hand_on(loss);
}

// A node that is used twice is visited twice, and the second visit hands on the share of the first
// once more. So visit each node only once?
void hand_on_once(const Handle& node, std::vector<Handle>& seen) {
  if (std::find(seen.begin(), seen.end(), node) != seen.end()) return;
  seen.push_back(node);
  for (const auto& [input, slope] : node->inputs) {
    input->grad += slope * node->grad;
    hand_on_once(input, seen);
  }
}
void recursion_only_once(const Handle& loss) {
  std::vector<Handle> seen;
  loss->grad = 1;
  hand_on_once(loss, seen);
}

// Now the visit comes before the sum is complete. And the classic of all slips, in the right order:
void assign_instead_of_add(const Handle& loss) {
  std::vector<Handle> order;
  collect(loss, order);
  loss->grad = 1;
  for (std::size_t i = order.size(); i-- > 0;)
    for (const auto& [input, slope] : order[i]->inputs) input->grad = slope * order[i]->grad;
}

// A recursion that is right: hand on only this path's share, never the sum. It walks every path.
long long paths = 0;
void every_path(const Handle& node, Scalar share) {
  ++paths;
  node->grad += share;
  for (const auto& [input, slope] : node->inputs) every_path(input, slope * share);
}

// The graphs to try them on. Each returns its loss and sets `of` to the leaf that is asked about.
Handle on_paper(Handle& of) {
  of = leaf("w", 3);
  const Handle sum = add("sum", multiply("product", of, leaf("x", 2)), leaf("b", 1));
  return square("loss", add("error", sum, leaf("-t", -5)));
}
// b = a + a, then c = b + b = 4a.
Handle doubling(Handle& of) {
  of = leaf("a", 1);
  const Handle b = add("b", of, of);
  return add("c", b, b);
}
// x + f(x), the way round every layer of a Transformer: x = 2a, y = x + 3x = 8a.
Handle residual(Handle& of) {
  of = leaf("a", 1);
  const Handle x = multiply("x", of, leaf("two", 2));
  return add("y", x, multiply("f", x, leaf("three", 3)));
}

void try_out(const char* name, void (*method)(const Handle&)) {
  std::printf("%-26s", name);
  for (Handle (*graph)(Handle&) : {on_paper, doubling, residual}) {
    Handle of;
    method(graph(of));
    std::printf("%10.1f", of->grad);
  }
  std::printf("\n");
}

// The library says in which order it goes if one looks on.
struct Order : Watcher {
  void before_backward(const Tensor& out) override {
    std::printf("%-8s value %5.1f   gradient %5.1f\n", out.label(), out.item(), out.grad().item());
  }
};

int main() try {
  // ## The walk backward
  //
  // Each line is a node, in reverse topological order, and what it adds to its inputs. They are the
  // numbers from the paper. (Ours cannot subtract, so it adds -t.)
  Handle w;
  backward(on_paper(w), true);

  // ## The shortcuts, tried
  //
  // On paper's graph every node is used once: the sum has one term, and all four agree. That is why
  // such a mistake can live long. In the other two a computed node is used twice, and no two of the
  // four agree. A Transformer has such a node in front of every attention and feed-forward layer.
  std::printf("\n%-26s%10s%10s%10s\n", "", "on paper", "a+a, b+b", "x + f(x)");
  try_out("the right way", [](const Handle& loss) { backward(loss); });
  try_out("recursion at every use", recursion_at_every_use);
  try_out("recursion, each node once", recursion_only_once);
  try_out("= instead of +=", assign_instead_of_add);

  // Walking every path is right, and hopeless: each doubling doubles the number of paths.
  std::printf("\n");
  for (const int doublings : {2, 10, 20}) {
    const Handle a = leaf("a", 1);
    Handle c = a;
    for (int i = 0; i < doublings; ++i) c = add("c", c, c);
    paths = 0;
    every_path(c, 1);
    std::printf("%2d doublings: gradient %9.1f, %7lld visits on all paths, %2d in order\n",
                doublings, a->grad, paths, doublings + 1);
  }

  // ## The library
  //
  // The same graph out of tensors of shape [], watched. Tensors that do not require a gradient, x,
  // b and t here, are left out of the walk; ours gave them one anyway.
  std::printf("\n");
  Tensor weight = Tensor::scalar(3).requires_grad(true).named("w");
  Tensor product = weight * 2;                  // []
  Tensor total = product.named("product") + 1;  // []
  Tensor error = total.named("sum") - 5;        // []
  Tensor loss = pow(error.named("error"), 2);   // []
  Order order;
  add_watcher(order);
  loss.named("loss").backward();
  remove_watcher(order);
  std::printf("%-8s value %5.1f   gradient %5.1f\n", "w", weight.item(), weight.grad().item());

  Tensor a = Tensor::scalar(1).requires_grad(true);
  const Tensor b = a + a;
  (b + b).backward();
  std::printf("a+a, b+b: %.1f", a.grad().item());
  a.clear_grad();  // without this the next gradient would be added to it
  const Tensor x = (a.named("a") * 2).named("x");
  const Tensor y = x + (x * 3).named("f(x)");
  y.backward();
  std::printf("   x + f(x): %.1f\n", a.grad().item());
  make_folder("build");
  write_file("build/lesson03_graph.svg", graph_svg("x + f(x), and the way of its gradient", y));
  std::printf("Picture of x + f(x): build/lesson03_graph.svg; open it in a browser.\n");

  // ## Is a gradient right?
  //
  // Move x by h to both sides and look what f does: (f(x+h) - f(x-h)) / 2h, a central difference.
  // Two errors pull at h. Truncation: f is no straight line, and what the line misses here is
  // h² f'''/6, for f = x³ exactly h². Rounding: float32 has 24 bits, so each f is off by up to
  // f 2^-23 (two products, half a last bit each), and the difference is divided by the small h. The
  // sum h² + r/h is least at h = ∛(r/2): for f up to 1.5³ that is near 0.006, no smaller. With a
  // difference to one side only the line misses h f''/2 = 3xh, and even the best h is worse.
  //
  // The table has the largest errors over a thousand x between 0.5 and 1.5, against backward().
  Random random(3);
  Tensor points = Tensor::uniform({1000}, Scalar(0.5), Scalar(1.5), random);  // [1000]
  points.requires_grad(true);
  const auto f = [](const Tensor& p) { return p * p * p; };
  sum(f(points)).backward();
  const Tensor p = points.detach();    // [1000], without a graph
  const Tensor slope = points.grad();  // [1000]
  const auto largest = [](const Tensor& d) { return max(sqrt(d * d)).item(); };  // max |d|
  std::printf("\nbackward against 3x²: at most %.1e apart\n", largest(slope - 3 * p * p));
  std::printf("h        one side  central   h²        1.5³ 2^-23 / h   right digits, 8 = each\n");
  Scalar best = 1, best_step = 0;
  for (const Scalar h : {Scalar(1e-1), Scalar(3e-2), Scalar(1e-2), Scalar(6e-3), Scalar(3e-3),
                         Scalar(1e-3), Scalar(1e-4), Scalar(1e-5), Scalar(1e-6), Scalar(1e-7)}) {
    // x + h is rounded too, which would be a third error; so divide by the step that was made.
    const Tensor above = p + h;  // [1000]
    const Tensor below = p - h;
    const Tensor one_side = (f(above) - f(p)) / (above - p);
    const Tensor central = (f(above) - f(below)) / (above - below);
    const Scalar off = largest(central - slope);
    std::printf("%.0e    %.1e   %.1e   %.1e   %.1e          ", h, largest(one_side - slope), off,
                h * h, Scalar(3.375) / 8388608 / h);
    const Scalar digits = -log(Tensor::scalar(off)).item() / Scalar(2.302585);  // -log10
    for (int mark = 0; mark < static_cast<int>(digits * 8); ++mark) std::printf("=");
    std::printf("\n");
    if (off < best) best = off, best_step = h;
  }
  std::printf("best: h = %.0e, off by %.1e\n", best_step, best);

  // So a difference in float32 is right to four or five digits at best, and backward() to nearly
  // seven: differences are for finding mistakes. The library's check_gradients does it for whole
  // tensors with h = 0.01; built in double (make MODE=double) it sees about ten digits.
  const Tensor scores = Tensor::uniform({2, 3}, Scalar(-1), Scalar(1), random).named("scores");
  const auto normalised = [](const std::vector<Tensor>& in) { return softmax(in[0]); };  // [2, 3]
  const GradientReport report = check_gradients(normalised, {scores});
  std::printf("\nsoftmax: %s, off by %.1e of its size at most\n", report.passed ? "right" : "wrong",
              report.worst);
} catch (const Error& error) {
  std::fprintf(stderr, "%s\n", error.what());
  return 1;
}

// ## In the debugger
//
// `break backward` and run: step through the loop for the graph on paper and print *order[i] at
// each turn. Then set a breakpoint at gradus::backward_step, where the library takes each of its
// steps, and look at made_by.inputs; the order itself is made by topological_order in
// src/backward.cpp, with a stack of its own where ours is recursive.
//
// ## Exercises
//
// 1. Add divide() to the autograd: what are the slopes of a / b in a and in b? Check them with
//    central differences.
// 2. Write a graph for w · w + w at w = 3. Predict all four rows of the table before you run it.
// 3. Call backward() twice on one graph of Values. Which gradients are wrong, and why? What does
// the
//    library promise for this case (tensor.h)?
// 4. (8 (f(x+h) - f(x-h)) - (f(x+2h) - f(x-2h))) / 12h misses only terms with h⁴. Try it on x⁵: at
//    which h is it best, and how many digits does it get?
// 5. Make a chain of a million additions of Values. What breaks first, and what must be written
//    without recursion to repair it? (There are two places, and one is not in this file.)
