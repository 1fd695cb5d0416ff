// Lesson 9: depth.
//
// One attention mixes the words of a text once. A Transformer (Vaswani et al. 2017) is a stack of
// blocks, six, twelve or a hundred, each with an attention and two Dense layers, and such a stack
// fails for a reason that has nothing to do with attention: on its way back through many layers the
// gradient dies out, or grows without end. New here are two plain things that prevent it:
//
//   a residual   y = x + f(x): the way round f carries the gradient past it unchanged
//   LayerNorm    y = γ n + β, n = (x - mean) / √(variance + ε), over the numbers of each word:
//                whatever came before, n has mean 0 and variance 1
//
// γ and β are learned; ε is small. The layers f of the stacks below are feed-forward parts, two
// Dense layers with a relu between them (relu(z) is z above 0 and 0 below), and at the end whole
// blocks, attention and feed-forward, which lesson 10 takes apart.
//
// Where the norm stands makes a difference. Post-norm is norm(x + f(x)), pre-norm x + f(norm(x)).
// Sources: He et al. 2016 (residuals); Ba, Kiros and Hinton 2016 (LayerNorm); Vaswani et al. 2017,
// section 3.1; Xiong et al. 2020 (pre- against post-norm). About a second on two cores; STEPS=n
// trains n steps only.

#include <gradus/gradus.h>

#include <cmath>
#include <cstdio>
#include <deque>
#include <vector>

using namespace gradus;

// √(Σ x²), often called the norm: how large a tensor is. (Here a norm is a LayerNorm.)
double length(const Tensor& x) {
  return std::sqrt(double(sum(x * x).item()));
}

// ## A stack in four ways
//
// The length of what arrives at the input of `depth` feed-forward parts when a gradient of length 1
// is sent into their output.
enum class Way { plain, residual, post_norm, pre_norm };

double gradient_at_the_bottom(int depth, Way way) {
  Random random(8);
  const Tensor input = Tensor::normal({64, 16}, 0, 1, random).requires_grad(true);
  const Tensor arriving = Tensor::normal({64, 16}, 0, 1, random);
  Tensor x = input;  // [64, 16], and so it stays; between the two layers [64, 32]
  for (int i = 0; i < depth; ++i) {
    Dense dense_1(16, 32, random, Activation::relu), dense_2(32, 16, random);
    LayerNorm layer_norm(16);
    if (way == Way::plain) x = dense_2(dense_1(x));
    if (way == Way::residual) x = x + dense_2(dense_1(x));
    if (way == Way::post_norm) x = layer_norm(x + dense_2(dense_1(x)));
    if (way == Way::pre_norm) x = x + dense_2(dense_1(layer_norm(x)));
  }
  x.backward(arriving / Scalar(length(arriving)));
  return length(input.grad());
}

// ## A deep encoder
//
// Twelve blocks (D = 16, two heads, 32 numbers between the Dense layers) are followed by the mean
// over the words (mean_pooling) and one number, the logit, which is above 0 for yes. They must
// learn to say yes to the texts 1, 3, 5 … of 16, and no to the others, by plain gradient descent,
// at one rate or one that rises to it from 0; binary_cross_entropy is -log of the probability of
// the right answer (lesson 12). What is measured are the length of the gradient of every block's
// dense_1 (of its matrix, called kernel) before the first step, [12], and the loss after every
// tenth, [steps / 10 + 1]; both are means over five starts, so each adds a fifth.
struct Try {
  const char* name;
  bool pre_norm;
  Scalar rate;
  bool rising;
};

void train(const Try& one, std::uint64_t start, int steps, Tensor& gradients, Tensor& losses) {
  Random data(8), random(start);
  const Tensor texts = Tensor::normal({16, 6, 16}, 0, 1, data);  // [B, T, D]
  Tensor targets = Tensor::zeros({16, 1});                       // [B, 1]
  for (Index i = 1; i < 16; i += 2) targets.mutable_data()[i] = 1;

  Dense logit(16, 1, random);
  LayerNorm last_norm(16);  // pre-norm needs it: nothing has normalised the last sum
  std::deque<TransformerEncoder> blocks;
  std::vector<NamedTensor> parameters = logit.parameters();
  const auto add = [&](const Module& part) {
    for (const NamedTensor& parameter : part.parameters()) parameters.push_back(parameter);
  };
  if (one.pre_norm) add(last_norm);
  for (int i = 0; i < 12; ++i)
    add(blocks.emplace_back(16, 32, 2, random,
                            EncoderOptions{.key_dim = 8, .pre_norm = one.pre_norm}));

  Sgd optimizer(parameters, {.learning_rate = one.rate});
  for (int step = 0; step <= steps; ++step) {
    Tensor x = texts;  // [B, T, D]
    for (TransformerEncoder& block : blocks) x = block(x);
    if (one.pre_norm) x = last_norm(x);
    const Tensor loss = binary_cross_entropy(logit(mean_pooling(x)), targets);  // []
    loss.backward();
    if (step % 10 == 0) losses.mutable_data()[step / 10] += loss.item() / 5;
    for (int i = 0; step == 0 && i < 12; ++i)
      gradients.mutable_data()[i] +=
          Scalar(length(blocks[std::size_t(i)].dense_1.kernel.grad())) / 5;
    if (one.rising) optimizer.learning_rate = one.rate * Scalar(step) / Scalar(steps);
    optimizer.step();
    optimizer.clear_grad();
  }
}

int main() try {
  // ## 1. LayerNorm by hand
  //
  // The row (1, 3, 3, 9) has mean 4; its values differ from it by d = (-3, -1, -1, 5), the squares
  // of which have mean 9. So the deviation is s = 3, and n = d / s. (ε is 0 here so that it comes
  // out even; LayerNorm's own, 0.001, keeps a row of equal values from being divided by zero.)
  //
  // The gradient: let dy be what arrives at y, and g = γ dy what arrives at n.
  //
  //   through d      each d_i gets g_i / s
  //   through s      s gets -Σ g_j d_j / s² = -Σ g_j n_j / s, as the slope of 1/s is -1/s². What
  //                  does d_i do to s? A little h more of it raises d_i² by 2 d_i h, their mean s²
  //                  by 2 d_i h / 4, and s by that over 2s, the slope of s²: d_i / 4s, or n_i / 4.
  //                  So d_i gets -Σ g_j n_j / s · n_i / 4 = -n_i mean(g n) / s
  //   through mean   x_i moves d_i by 1 and, by way of the mean, every d_j by -1/4: it gets what
  //                  d_i got, less the mean of what all d got, mean(g) / s, as mean(n) is 0
  //   together       dx_i = (g_i - mean(g) - n_i mean(g n)) / s
  const Tensor x = Tensor::matrix({{1, 3, 3, 9}}).requires_grad(true);  // [1, 4]
  const Tensor gamma = Tensor::vector({1, 2, 1, 1});                    // [4]
  const Tensor beta = Tensor::vector({0, 0, 1, 0});                     // [4]
  const Tensor dy = Tensor::matrix({{0, 1, 0, 1}});                     // [1, 4]
  const Tensor d = x - mean(x);                                         // [1, 4]
  const Tensor s = sqrt(mean(d * d));                                   // []
  const Tensor n = d / s;                                               // [1, 4]
  const Tensor g = gamma * dy;                                          // [1, 4]
  const Tensor y = layer_norm(x, gamma, beta, 0);                       // [1, 4]
  y.backward(dy);
  std::printf("1. LayerNorm of (1, 3, 3, 9): mean %.4f, deviation %.4f\n", mean(x).item(),
              s.item());
  print("   y by hand", gamma * n + beta);
  print("   y by layer_norm", y);
  print("   dx by hand", (g - mean(g) - n * mean(g * n)) / s);
  print("   dx by backward()", x.grad());

  // Add a little h to every x: n stays, so the loss does; but the gradient says that it changes by
  // Σ dx_i h. So Σ dx is 0. Multiply x by 1 + h, which adds h x_i: n stays again, so Σ dx x is 0,
  // and as x = mean + s n, Σ dx n is 0 too. (fabs, as rounding may leave -0.0000.)
  std::printf("   sum of dx %.4f, sum of dx n %.4f\n", std::fabs(sum(x.grad()).item()),
              std::fabs(sum(x.grad() * n).item()));

  // ## 2. What arrives at the bottom
  //
  // The gradient of x + f(x) is dy plus what f passes back: whatever f does, dy itself gets
  // through. Without the residual every part multiplies what is left by less than 1, and less than
  // a millionth gets through 32 of them. With the residual alone it grows instead. With a norm as
  // well it stays within a small factor of the 1 that was sent. Post-norm stands on the way round,
  // too: what a part adds to the gradient, the next norm divides off again by its s (section 1).
  // Pre-norm leaves that way free; but as x grows from part to part, the norm in front of f divides
  // what f passes back by more and more.
  std::printf("\n2. Length of the gradient that arrives at the bottom\n");
  std::printf("%8s%10s%10s%16s%16s\n", "depth", "f(x)", "x + f(x)", "norm(x + f(x))",
              "x + f(norm(x))");
  for (const int depth : {1, 2, 4, 8, 16, 32}) {
    const auto at = [depth](Way way) { return gradient_at_the_bottom(depth, way); };
    std::printf("%8d%10.1e%10.1e%16.1e%16.1e\n", depth, at(Way::plain), at(Way::residual),
                at(Way::post_norm), at(Way::pre_norm));
  }
  std::vector<Curve> curves{
      {"f(x)", {}}, {"x + f(x)", {}}, {"norm(x + f(x))", {}}, {"x + f(norm(x))", {}}};
  for (int depth = 1; depth <= 32; ++depth)
    for (std::size_t way = 0; way < 4; ++way)
      curves[way].values.push_back(std::log10(gradient_at_the_bottom(depth, Way(way))));
  write_file("build/lesson09_depth.svg",
             curves_svg("The gradient at the bottom: log₁₀ of its length", curves, 0, "depth"));

  // ## 3. Pre-norm against post-norm
  //
  // In the post-norm stack the gradient is as large at the top as at the bottom, and steps at rate
  // 0.1 are too large: the loss falls slowly, and once it rises. With rate 0.02 it falls faster.
  // Xiong et al. find that post-norm needs small steps at first, and so a warm-up, a rate that
  // rises from near 0. Here that helps until the rate is near 0.1: the loss is 0.1896 after 50
  // steps and 0.2954 after 60.
  //
  // In the pre-norm stack the last norm divides by the size of the sum of all blocks, which makes
  // the gradients smaller (leave it out and see). That the bottom gets more than the top is the
  // residuals' doing: on its way down the gradient gathers what each block adds.
  const int steps = setting("STEPS", 60, 1, 100000);
  std::printf("\n3. Twelve blocks: length of each dense_1's gradient, loss every 10 steps\n");
  for (const Try& one : {Try{"post-norm, rate 0.1", false, Scalar(0.1), false},
                         Try{"post-norm, rate from 0 to 0.1", false, Scalar(0.1), true},
                         Try{"post-norm, rate 0.02", false, Scalar(0.02), false},
                         Try{"pre-norm, rate 0.1", true, Scalar(0.1), false}}) {
    Tensor gradients = Tensor::zeros({12}), losses = Tensor::zeros({steps / 10 + 1});
    for (std::uint64_t start = 1; start <= 5; ++start) train(one, start, steps, gradients, losses);
    std::printf("%s\n", one.name);
    if (one.rate == Scalar(0.1) && !one.rising) print("  gradients", gradients, 3);
    print("  losses", losses);
  }
} catch (const Error& error) {
  std::fprintf(stderr, "%s\n", error.what());
  return 1;
}

// ## In the debugger
//
// Break at Normalize::backward (src/operations/normalize.cpp) and compare its formula with
// that of section 1; and in section 2 at Add::backward: both inputs of a residual get the same
// gradient. At the first loss.backward() in `train`, `graph loss` shows how deep twelve blocks are.
//
// ## Exercises
//
// 1. Give layer_norm the row (2, 2, 2, 2), with ε 0 and with 0.001. What comes out, and why?
//    (With 0 it is 0/0; run it with GRADUS_TRACE=1 in the environment, which says where.)
// 2. Let γ and β ask for a gradient in section 1. Which one do you expect from y = γ n + β?
// 3. Start the second Dense of every part at zero (mutable_values() of its kernel). What do the
//    four columns of section 2 show, and why?
// 4. In section 3, let the rate of post-norm rise to other ends than 0.1, and let it fall from 0.1
//    to 0. Which helps, small steps at first, at the end or throughout?
// 5. Write LayerNorm and its gradient yourself: make exercise-10 judges them.
