// Lesson 8: the encoder block.
//
// Attention (lesson 6) mixes the words of a text. The encoder block puts three plain things around
// it, and these three are why one can stack dozens of blocks and still train them:
//
//   a residual       y = x + f(x): the way round f carries the gradient past it unchanged
//   LayerNorm        y = γ (x - mean) / sqrt(variance + ε) + β, row by row: no row grows or fades
//   a feed-forward   y = relu(x W1 + b1) W2 + b2, for every word by itself
//
// One block, as in the book (B texts of T words, D numbers a word, F hidden units):
//
//   middle = norm_1(x + attention(x))             [B, T, D]
//   out    = norm_2(middle + feed_forward(middle)) [B, T, D], inside it [B, T, F]
//
// This is "post-norm": the norm comes after the sum. "Pre-norm" is x + f(norm(x)), and section 5
// measures what the difference does in a deep stack.
//
// Sources: He et al. 2016 (residuals); Ba, Kiros and Hinton 2016 (LayerNorm); Vaswani et al. 2017,
// sections 3.1 and 3.3; Xiong et al. 2020 (pre- against post-norm); Chollet, Deep Learning with
// Python, 2nd ed., listing 11.21. It takes about two seconds on two cores; STEPS=n in the
// environment makes the training at the end n steps long.

#include <gradus/gradus.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <vector>

using namespace gradus;

// sqrt(Σ x²): one number that says how large a tensor is.
double norm(const Tensor& x) {
  return std::sqrt(static_cast<double>(sum(x * x).item()));
}

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

// ## The same function with four ways round it
//
// What a stack of feed-forward parts does to x [N, D], with and without the two helpers.
enum class Way { plain, residual, post_norm, pre_norm };

struct FeedForward {
  explicit FeedForward(Random& random)
      : dense_1(16, 32, random, Activation::relu), dense_2(32, 16, random), layer_norm(16) {}

  Tensor operator()(const Tensor& x, Way way) {
    if (way == Way::plain) return dense_2(dense_1(x));                      // f(x)
    if (way == Way::residual) return x + dense_2(dense_1(x));               // x + f(x)
    if (way == Way::post_norm) return layer_norm(x + dense_2(dense_1(x)));  // norm(x + f(x))
    return x + dense_2(dense_1(layer_norm(x)));                             // x + f(norm(x))
  }

  Dense dense_1, dense_2;
  LayerNorm layer_norm;
};

// The gradient that arrives at the input of `depth` such parts when one of size 1 is sent into
// their output.
double gradient_at_layer_1(int depth, Way way) {
  Random random(8);
  const Tensor input = Tensor::normal({64, 16}, 0, 1, random).requires_grad(true);
  const Tensor upstream = Tensor::normal({64, 16}, 0, 1, random);
  std::vector<std::unique_ptr<FeedForward>> layers;
  Tensor x = input;  // [64, 16]
  for (int i = 0; i < depth; ++i) {
    layers.push_back(std::make_unique<FeedForward>(random));
    x = (*layers.back())(x, way);
  }
  x.backward(upstream / Scalar(norm(upstream)));
  return norm(input.grad());
}

// ## A deep encoder
//
// Twelve blocks, the mean over the words, and one logit. A pre-norm stack needs one norm more at
// its end, because nothing has normalised the last sum.
struct Deep : Module {
  Deep(bool pre_norm, Random& random)
      : Module("Deep"), pre(pre_norm), last_norm(16), logit(16, 1, random) {
    for (int i = 0; i < 12; ++i) {
      blocks.push_back(std::make_unique<TransformerEncoder>(
          16, 32, 2, random, EncoderOptions{.key_dim = 8, .pre_norm = pre}));
      add("block_" + std::to_string(i + 1), *blocks.back());
    }
    if (pre) add("last_norm", last_norm);
    add("logit", logit);
  }

  Tensor operator()(Tensor x) {  // [B, T, 16]
    for (const auto& block : blocks) x = (*block)(x);
    return logit(mean_pooling(pre ? last_norm(x) : x));  // [B, 1]
  }

  bool pre;
  std::vector<std::unique_ptr<TransformerEncoder>> blocks;
  LayerNorm last_norm;
  Dense logit;
};

int main() try {
  // ## 1. LayerNorm by hand
  //
  // The row (1, 3, 3, 9) has mean 4; its values differ from it by (-3, -1, -1, 5), the squares of
  // which are 9, 1, 1, 25 with mean 9. So the deviation is s = 3, and the normalised row is
  // n = (-1, -1/3, -1/3, 5/3). (ε is 0 here so that the arithmetic comes out even; LayerNorm's own
  // 0.001 keeps a row of equal values from being divided by zero.)
  const Scalar x[4] = {1, 3, 3, 9};
  const Scalar gamma[4] = {1, 2, 1, 1}, beta[4] = {0, 0, 1, 0};
  Scalar mean_x = 0, variance = 0, n[4], y[4];
  for (int i = 0; i < 4; ++i) mean_x += x[i] / 4;
  for (int i = 0; i < 4; ++i) variance += (x[i] - mean_x) * (x[i] - mean_x) / 4;
  const Scalar s = std::sqrt(variance);
  for (int i = 0; i < 4; ++i) {
    n[i] = (x[i] - mean_x) / s;
    y[i] = gamma[i] * n[i] + beta[i];
  }
  std::printf("1. LayerNorm of (1, 3, 3, 9): mean %.4f, variance %.4f\n", double(mean_x),
              double(variance));
  const Tensor x_row = Tensor::from({1, 4}, x).requires_grad(true);
  const Tensor y_row = layer_norm(x_row, Tensor::from({4}, gamma), Tensor::from({4}, beta), 0);

  // Its gradient. Let dy be what arrives, and g = γ dy what arrives at n = d / s, d = x - mean.
  //   straight through d:  each d_i gets g_i / s
  //   through s:           s gets Σ g_j (-d_j / s²) = -Σ g_j n_j / s. As s² is the mean of d²,
  //                        s changes with d_i by d_i / (4 s) = n_i / 4. So each d_i gets
  //                        -n_i mean(g n) / s
  //   through the mean:    moving one x_i moves every d by -1/4, so the mean of what all d got
  //                        is taken away; mean(n) is 0, which leaves mean(g) / s
  // Together:  dx_i = (g_i - mean(g) - n_i mean(g n)) / s.
  const Scalar dy[4] = {1, 0, 0, 1};
  Scalar mean_g = 0, mean_gn = 0, dx[4];
  for (int i = 0; i < 4; ++i) {
    mean_g += gamma[i] * dy[i] / 4;
    mean_gn += gamma[i] * dy[i] * n[i] / 4;
  }
  for (int i = 0; i < 4; ++i) dx[i] = (gamma[i] * dy[i] - mean_g - n[i] * mean_gn) / s;
  y_row.backward(Tensor::from({1, 4}, dy));
  std::printf("   i       x       n  y by hand  library  dx by hand  library\n");
  for (Index i = 0; i < 4; ++i)
    std::printf("   %d %7.4f %7.4f %10.4f %8.4f %11.4f %8.4f\n", static_cast<int>(i), double(x[i]),
                double(n[i]), double(y[i]), double(y_row.at({0, i})), double(dx[i]),
                double(x_row.grad().at({0, i})));

  // Adding a number to the whole row, or multiplying it, changes nothing in n; so the gradient must
  // not point that way: Σ dx and Σ dx n are zero.
  const double along_shift = std::fabs(double(sum(x_row.grad()).item()));
  const double along_scale = std::fabs(double(sum(x_row.grad() * Tensor::from({4}, n)).item()));
  std::printf("   sum of dx %.4f, sum of dx n %.4f\n\n", along_shift, along_scale);

  // ## 2. The block from its parts
  //
  // TransformerEncoder computes the two lines above, nothing else.
  Random random(8);
  TransformerEncoder block(16, 32, 2, random);
  const Tensor text = Tensor::normal({1, 4, 16}, 0, 1, random);  // [B, T, D]
  const auto feed_forward = [&](const Tensor& words) {
    return block.dense_2(relu(linear(words, block.dense_1.kernel, block.dense_1.bias)));
  };
  const Tensor middle = block.norm_1(text + block.attention(text));  // [1, 4, 16]
  const Tensor out = block.norm_2(middle + feed_forward(middle));    // [1, 4, 16]
  std::printf("2. The block from its parts and TransformerEncoder differ by %.4f\n",
              norm(out - block(text)));

  // Change the third word: the feed-forward part gives another answer for that word alone, the
  // block, through attention, for all.
  Tensor changed = Tensor::from({1, 4, 16}, text.values());
  for (Index i = 2 * 16; i < 3 * 16; ++i) changed.mutable_values()[static_cast<std::size_t>(i)] = 0;
  const Tensor fed = feed_forward(changed) - feed_forward(text);
  const Tensor encoded = block(changed) - block(text);
  std::printf("                   word 1   word 2   word 3   word 4, change when word 3 changes\n");
  std::printf("   feed-forward");
  for (Index t = 0; t < 4; ++t) std::printf("  %7.4f", norm(slice(fed, 1, t, t + 1)));
  std::printf("\n   block       ");
  for (Index t = 0; t < 4; ++t) std::printf("  %7.4f", norm(slice(encoded, 1, t, t + 1)));

  // ## 3. What arrives at layer 1
  //
  // The gradient of x + f(x) is dy + f'ᵀ dy: whatever f does, dy itself gets through. Without the
  // residual every layer multiplies what is left, and at depth 32 less than a millionth of it
  // arrives. With the residual alone it grows instead, and so do the values. A norm as well keeps
  // it within a small factor of the 1 that was sent, whatever the depth:
  std::printf("\n\n3. Gradient norm that arrives at layer 1\n");
  std::printf("   depth      f(x)  x + f(x)  norm(x + f(x))  x + f(norm(x))\n");
  for (const int depth : {1, 2, 4, 8, 16, 32})
    std::printf("   %5d  %.2e  %.2e        %.2e        %.2e\n", depth,
                gradient_at_layer_1(depth, Way::plain), gradient_at_layer_1(depth, Way::residual),
                gradient_at_layer_1(depth, Way::post_norm),
                gradient_at_layer_1(depth, Way::pre_norm));

  // ## 4. Parameters, counted by hand
  //
  // A Dense layer from D to N has D N weights and N biases. In the book key_dim equals embed_dim
  // D, so queries, keys and values of H heads are each H D wide.
  const Index D = 256, F = 32, H = 2;
  TransformerEncoder book(D, F, H, random);
  book(Tensor::zeros({1, 3, D}));  // so that the summary knows the shapes
  const Index qkv = 3 * (D * H * D + H * D), output = H * D * D + D;
  const Index dense = (D * F + F) + (F * D + D), two_norms = 2 * (D + D);
  std::printf("\n4. TransformerEncoder(256, 32, 2), the book's: D = 256, F = 32, H = 2\n");
  std::printf("   query, key, value  3 (D H D + H D)      %7lld\n", static_cast<long long>(qkv));
  std::printf("   output             H D D + D            %7lld\n", static_cast<long long>(output));
  std::printf("   feed-forward       D F + F + F D + D    %7lld\n", static_cast<long long>(dense));
  std::printf("   two norms          2 (D + D)            %7lld\n",
              static_cast<long long>(two_norms));
  std::printf("   by hand %lld, by the program %lld\n%s",
              static_cast<long long>(qkv + output + dense + two_norms),
              static_cast<long long>(book.parameter_count()), book.summary().c_str());

  // ## 5. Pre-norm against post-norm
  //
  // Twelve blocks must learn 16 random texts by heart, by plain gradient descent without warm-up,
  // from five different starts; the medians are shown. In the pre-norm stack the sums x + f(...)
  // grow from block to block and the last norm divides them again, so the gradients get smaller the
  // higher the block; in the post-norm stack they are largest at the top. At the small rate the
  // larger gradients even help: post-norm is ahead. At five times that rate pre-norm learns faster
  // and smoothly, and post-norm swings to and fro. This is why post-norm wants a warm-up, a start
  // with small steps (lesson 10 has one), and why deep models today are mostly pre-norm.
  const Tensor batch = Tensor::normal({16, 6, 16}, 0, 1, random);  // [B, T, D]
  std::vector<Scalar> answers;
  for (int i = 0; i < 16; ++i) answers.push_back(Scalar(i % 2));
  const Tensor targets = Tensor::from({16, 1}, answers);  // [B, 1]
  const char* steps = std::getenv("STEPS");
  const int count = steps ? std::atoi(steps) : 60;
  std::printf("\n5. Twelve blocks\n");
  for (const bool pre_norm : {false, true})
    for (const Scalar rate : {Scalar(0.02), Scalar(0.1)}) {
      std::vector<std::vector<double>> norms(12), losses(static_cast<std::size_t>(count / 10 + 1));
      for (std::uint64_t seed = 1; seed <= 5; ++seed) {
        Random start(seed);
        Deep deep(pre_norm, start);
        Sgd optimizer(deep.parameters(), {.learning_rate = rate});
        for (int step = 0; step <= count; ++step) {
          const Tensor loss = binary_cross_entropy(deep(batch), targets);
          if (step % 10 == 0)
            losses[static_cast<std::size_t>(step / 10)].push_back(double(loss.item()));
          loss.backward();
          for (std::size_t i = 0; step == 0 && i < 12; ++i)
            norms[i].push_back(norm(deep.blocks[i]->dense_1.kernel.grad()));
          optimizer.step();
          optimizer.clear_grad();
        }
      }
      if (rate < Scalar(0.05)) {
        std::printf(
            "   %s: gradient norm of dense_1 in block 1, 2 ... 12 before the first step\n  ",
            pre_norm ? "pre-norm" : "post-norm");
        for (const auto& values : norms) std::printf(" %.4f", median(values));
      }
      std::printf("\n   loss after 0, 10, 20 ... steps at rate %.2f\n  ", double(rate));
      for (const auto& values : losses) std::printf(" %.4f", median(values));
      if (rate > Scalar(0.05)) std::printf("\n");
    }
} catch (const Error& error) {
  std::fprintf(stderr, "%s\n", error.what());
  return 1;
}

// ## In the debugger
//
// Break at TransformerEncoder::operator() and step through one block. Then break at the backward of
// LayerNormalization (src/operations/normalize.cpp) and compare its line with the formula in
// section 1; and in section 3 stop at Add::backward: both inputs of a residual receive the same
// gradient.

// ## Exercises
//
// 1. Give LayerNorm the row (2, 2, 2, 2), with ε 0 and with 0.001. What comes out, and why?
// 2. Start the second Dense of every FeedForward at zero. What does the residual column show now,
//    and what does the first column show?
// 3. Take the last_norm out of Deep and run section 5 again. What do the pre-norm gradients do?
// 4. Count the parameters of TransformerEncoder(32, 64, 2) with key_dim = 16 by hand; check.
// 5. Raise the rate of the post-norm stack in a straight line from 0 to 0.1 over 60 steps. Does it
//    still swing?
