// Lesson 3: descent.
//
// New here: the gradients of whole tensors (of a product, a sum that broadcasts, a softmax with its
// loss), where lesson 2 had single numbers, and what one does with them. They say, for each
// parameter, how fast the loss grows with it. So one goes a little the other way,
//
//   w ← w - rate · d loss / dw
//
// again and again: gradient descent. `rate` is the learning rate. Momentum, RMSprop and Adam choose
// the step better, in a line or two more. Sources: Polyak 1964 (momentum); Hinton 2012, lecture 6e
// (RMSprop); Kingma and Ba 2015, algorithm 1 (Adam); Chollet 2021, section 2.4. Runs in an instant.

#include <gradus/gradus.h>

#include <cmath>
#include <cstdio>
#include <utility>
#include <vector>

using namespace gradus;

// ## A valley
//
// The loss (w₁² + 25 w₂²) / 2 is a narrow valley: its slope is w₁ along it and 25 w₂ across, 25
// times as steep, which makes it hard. The bottom is (0, 0); we start from (1, 1): loss 13.
Tensor valley(const Tensor& w) {  // [2] to []
  return sum(Tensor::vector({1, 25}) * w * w) / 2;
}

// ## The rules, by hand
//
// One number w with gradient g, and what the rule remembers from step to step: m (where momentum
// keeps its v) and s, which begin at 0. (1e-7 only keeps 0 from being divided by 0.)
struct Memory {
  Scalar m = 0, s = 0;
  Scalar faded_m = 1, faded_s = 1;  // 0.9ᵗ and 0.999ᵗ, for Adam
};

using Rule = void(Scalar& w, Scalar g, Scalar rate, Memory& of);

void plain(Scalar& w, Scalar g, Scalar rate, Memory&) {
  w -= rate * g;
}

// v ← 0.9 v + g,  w ← w - rate v: a ball that rolls on. Across the valley the gradients change sign
// and cancel out in v, along it they add up.
void momentum(Scalar& w, Scalar g, Scalar rate, Memory& of) {
  of.m = Scalar(0.9) * of.m + g;
  w -= rate * of.m;
}

// s ← 0.9 s + 0.1 g²,  w ← w - rate g / √s: s is a running mean of g², in which older ones fade, so
// √s is about as large as g of late, and each number makes steps of about one length, steep or not.
void rmsprop(Scalar& w, Scalar g, Scalar rate, Memory& of) {
  of.s = Scalar(0.9) * of.s + Scalar(0.1) * g * g;
  w -= rate * g / (std::sqrt(of.s) + Scalar(1e-7));
}

// m ← 0.9 m + 0.1 g,  s ← 0.999 s + 0.001 g²,  w ← w - rate m̂ / √ŝ: both at once. As m and s begin
// at 0 they are too small at first, by the factors 1 - 0.9ᵗ and 1 - 0.999ᵗ at step t (exactly, if g
// stays the same): divided by these they are m̂ and ŝ.
void adam(Scalar& w, Scalar g, Scalar rate, Memory& of) {
  of.faded_m *= Scalar(0.9);
  of.faded_s *= Scalar(0.999);
  of.m = Scalar(0.9) * of.m + Scalar(0.1) * g;
  of.s = Scalar(0.999) * of.s + Scalar(0.001) * g * g;
  const Scalar m_hat = of.m / (1 - of.faded_m), s_hat = of.s / (1 - of.faded_s);
  w -= rate * m_hat / (std::sqrt(s_hat) + Scalar(1e-7));
}

// Fifty steps down the valley by one of these rules.
Tensor by_hand(Rule* rule, Scalar rate, bool clear = true) {
  Tensor w = Tensor::vector({1, 1}).requires_grad(true);
  std::vector<Memory> memory(2);
  for (int step = 0; step < 50; ++step) {
    if (clear) w.clear_grad();
    valley(w).backward();
    for (std::size_t i = 0; i < 2; ++i)
      rule(w.mutable_values()[i], w.grad().values()[i], rate, memory[i]);
  }
  return w;
}

// The same by the library: the loss before each step and at the end, and how far apart both are.
Curve compare(const char* name, Rule* rule, Scalar rate, Optimizer& optimizer, const Tensor& w) {
  Curve curve{name, {}};
  for (int step = 0; step < 50; ++step) {
    const Tensor loss = valley(w);
    curve.values.push_back(loss.item());
    loss.backward();
    optimizer.step();
    optimizer.clear_grad();
  }
  curve.values.push_back(valley(w).item());
  std::printf("%-9s", name);
  for (const auto step : {0u, 1u, 5u, 10u, 20u, 50u}) std::printf(" %9.4f", curve.values[step]);
  const Tensor apart = by_hand(rule, rate) - w;
  std::printf("   %.4f\n", std::sqrt(sum(apart * apart).item()));
  return curve;
}

int main() try {
  // ## 1. The gradient of a product
  //
  // C = A B means C_ij = Σ_k A_ik B_kj. A_ik is used in row i of C, once for each column j, each
  // time with slope B_kj. By the Σ of lesson 2 its gradient is Σ_j dC_ij B_kj: row i of dC times
  // row k of B: the product dC Bᵀ. In the same way dB = Aᵀ dC. (backward() must be told dC.)
  const Tensor a = Tensor::matrix({{1, 2}}).requires_grad(true);  // [1, 2]
  const Tensor b = Tensor::matrix({{3, 0, 1}, {4, 1, 0}});        // [2, 3]
  const Tensor arriving = Tensor::matrix({{1, 10, 100}});         // dC, [1, 3]
  matmul(a, b).backward(arriving);
  std::printf("1. d(A B)/dA by hand: 1*3 + 10*0 + 100*1 = 103, 1*4 + 10*1 + 100*0 = 14\n");
  print("   by backward()", a.grad(), 0);

  // ## 2. The gradient of a broadcast
  //
  // x + bias adds one bias to every row, so bias_j is used once in each row, with slope 1: its
  // gradient is the sum of column j of what arrives. Every broadcast is of this kind.
  const Tensor x = Tensor::matrix({{1, 2}, {3, 4}, {5, 6}});       // [3, 2]
  const Tensor bias = Tensor::vector({5, 6}).requires_grad(true);  // [2]
  (x + bias).backward(Tensor::matrix({{1, 2}, {10, 20}, {100, 200}}));
  std::printf("\n2. d(x + bias)/d bias by hand: 1 + 10 + 100 = 111, 2 + 20 + 200 = 222\n");
  print("   by backward()", bias.grad(), 0);

  // ## 3. The gradient of softmax
  //
  // p_i = e^(s_i) / Z with Z = Σ_j e^(s_j). If s_j rises by a little h, e^(s_j) rises to 1 + h
  // times what it was, and Z to 1 + p_j h times; p_j itself to nearly 1 + h - p_j h times, which is
  // p_j (1 - p_j) h more, and every other p_i shrinks by p_i p_j h: what one gains the others lose.
  // If g arrives at p, then
  //
  //   ds_j = Σ_i g_i dp_i/ds_j = p_j g_j - p_j Σ_i g_i p_i = p_j (g_j - Σ_i g_i p_i)
  //
  // log undoes e^x (it is also written ln): scores (0, log 2, log 5) have p = (1, 2, 5) / 8. Let g
  // be (8, 0, 0): the mean Σ g p is 1, and ds = (1/8 · 7, 2/8 · -1, 5/8 · -1).
  Tensor scores = log(Tensor::vector({1, 2, 5})).requires_grad(true);  // [3]
  const Tensor p = softmax(scores);                                    // [3]
  p.backward(Tensor::vector({8, 0, 0}));
  std::printf("\n3. d softmax by hand: 0.875, -0.25, -0.625\n");
  print("   by backward()", scores.grad(), 3);

  // ## 4. Softmax with cross-entropy: p - one-hot
  //
  // The scores that go into the last softmax are called logits, and the loss of a classifier is the
  // cross-entropy, -log of the p of the right answer, here the last. As log p rises by a little h,
  // p rises by p h (section 3): the slope of log p is 1/p, and what arrives at p is g = (0, 0,
  // -1/p₃). Σ g p is -1, so ds is p for the wrong answers and p₃ - 1 for the right one: p - one-hot
  // (1 at the right answer, 0 elsewhere). A step lowers each wrong logit by rate · p and raises
  // the right one by rate · (1 - p₃). (The loss 1 - p₃ would give p₃ (p₃ - 1): near 0 with p₃.)
  scores.clear_grad();
  cross_entropy(reshape(scores, {1, 3}), {2}).backward();
  std::printf("\n4. p - one-hot by hand: 0.125, 0.25, 0.625 - 1 = -0.375\n");
  print("   by backward()", scores.grad(), 3);
  const auto loss_of = [](const auto& s) { return cross_entropy(reshape(s[0], {1, 3}), {2}); };
  std::printf("   by differences (lesson 2): %s\n",
              check_gradients(loss_of, {scores}).passed ? "right" : "WRONG");

  // This is why the loss takes logits. For (0, 200) and the first answer it is 200 and a little; no
  // e^(-200) is needed, which a float rounds to 0. In two operations p is 0, and log 0 is -∞.
  const Tensor far = Tensor::matrix({{0, 200}});  // [1, 2]
  std::printf("   loss of logits (0, 200): %.1f; by log(softmax): %.1f\n",
              cross_entropy(far, {0}).item(), -log(softmax(far)).at({0, 0}));

  // ## 5. Down the valley
  //
  // Plain descent multiplies w₁ by 1 - rate and w₂ by 1 - 25 rate at each step. With rate 0.04 w₂
  // is 0 at once, and w₁ is still 0.96⁵⁰ = 0.1299 after fifty steps. Above 2/25 = 0.08 the factor
  // of w₂ is below -1: it jumps across the valley and lands higher each time. And if nobody clears
  // the gradient, backward() adds each to all those before (lesson 2): momentum with 1 for 0.9, a
  // ball without friction, which across the valley is as far from the bottom as at first.
  std::printf("\n5. w after 50 steps of plain descent from (1, 1)\n");
  for (const Scalar rate : {Scalar(0.01), Scalar(0.04), Scalar(0.079), Scalar(0.081)})
    for (const bool clear : {true, false}) {
      if (!clear && rate != Scalar(0.04)) continue;
      const Tensor w = by_hand(plain, rate, clear);  // [2]
      std::printf("   rate %.3f%-30s %9.4f %9.4f\n", rate, clear ? "" : ", gradient never cleared",
                  w.at({0}), w.at({1}));
    }

  // ## 6. Momentum, RMSprop, Adam
  //
  // The first step from (1, 1), where the gradient is (1, 25), on paper, with rate 0.1 for all:
  //
  //   momentum   v = (1, 25):                  w falls by (0.1, 2.5)
  //   RMSprop    s = 0.1 g², g / √s = 1/√0.1:  w falls by (0.316, 0.316)
  //   Adam       m̂ = g, ŝ = g²:                w falls by (0.1, 0.1), steep or flat
  //
  // Adam's second g is 0.9 times its first: along, m̂ = (0.09 + 0.09) / 0.19 = 0.947 and ŝ =
  // 0.001809 / 0.001999 = 0.905, so w falls by 0.1 · 0.947 / √0.905 = 0.0996; across, m̂ and √ŝ are
  // both 25 times that. (Momentum is past the bottom there, and turns.)
  std::printf("\n6. At rate 0.1 w falls by  in the first step    the second\n");
  for (const auto& [name, rule] : std::vector<std::pair<const char*, Rule*>>{
           {"momentum", momentum}, {"RMSprop", rmsprop}, {"Adam", adam}}) {
    Scalar w[] = {1, 1};
    Memory memory[2];
    std::printf("   %-20s", name);
    for (const int k : {0, 1, 0, 1}) {  // along, across, and again
      const Scalar before = w[k];
      rule(w[k], k == 0 ? w[k] : 25 * w[k], Scalar(0.1), memory[k]);
      std::printf("%s %7.4f", k == 0 ? "  " : "", before - w[k]);
    }
    std::printf("\n");
  }
  // Then fifty steps by the library, whose optimisers hold the rule for all parameters of a model;
  // "apart" is how far our own rules end from it. Momentum runs past the bottom and comes back (8.2
  // after 5 steps, 2.0 after 20): here plain descent is ahead of it. So does Adam with its m (0.08
  // after 10, 0.96 after 20). RMSprop and Adam divide the factor of 25 out (a larger: exercise 5).
  std::printf("\nrate 0.04 (Adam's 0.1)\n");
  std::printf("loss after     0         1         5        10        20        50   apart\n");
  std::vector<Tensor> w;
  for (int i = 0; i < 4; ++i) w.push_back(Tensor::vector({1, 1}).requires_grad(true));  // [2]
  Sgd sgd({{"w", w[0]}}, {.learning_rate = Scalar(0.04)});
  Sgd rolling({{"w", w[1]}}, {.learning_rate = Scalar(0.04), .momentum = Scalar(0.9)});
  RMSprop scaled({{"w", w[2]}}, {.learning_rate = Scalar(0.04)});
  Adam both({{"w", w[3]}}, {.learning_rate = Scalar(0.1)});
  const std::vector<Curve> curves = {compare("plain", plain, Scalar(0.04), sgd, w[0]),
                                     compare("momentum", momentum, Scalar(0.04), rolling, w[1]),
                                     compare("RMSprop", rmsprop, Scalar(0.04), scaled, w[2]),
                                     compare("Adam", adam, Scalar(0.1), both, w[3])};
  write_file("build/lesson03_descent.svg", curves_svg("Loss before each step", curves, 0, "step"));
  std::printf("Picture: build/lesson03_descent.svg; open it in a browser.\n");
} catch (const Error& error) {
  std::fprintf(stderr, "%s\n", error.what());
  return 1;
}

// ## In the debugger
//
// `break compare`, `continue`, `next` over optimizer.step(): `print w` before and after.
// `backward-step` shows the gradients of sections 1 to 4; in 4 one step does log and softmax.
//
// ## Exercises
//
// 1. Derive dB = Aᵀ dC as section 1 does dA, and check it with b. (Judged: make exercise-03.)
// 2. Multiply by bias instead of adding it. What is its gradient now? (make exercise-02 judges.)
// 3. Which rate is best for plain descent? Try that at which |1 - rate| and |1 - 25 rate| agree.
// 4. Leave out the two divisions that make m̂ and ŝ in `adam`. How long is the first step?
// 5. Write 2500 for the 25 in valley(), and print each w[i] at the end: which end where they did?
// 6. Write softmax, cross-entropy and AdamW yourself: make exercise-04, 05 and 14 judge them. AdamW
//    is Adam that also takes rate · λ w off w, λ being 0.01 or so: weight decay keeps w small.
