// Lesson 15: attention without the matrix.
//
// Attention of T words over T words (lesson 1) is written with a matrix of T × T weights:
//
//   scores  = query keyᵀ / √K      [T, K] times [K, T] gives [T, T]
//   weights = softmax(scores)      [T, T], each row by itself
//   out     = weights value        [T, T] times [T, V] gives [T, V]
//
// What goes in and comes out has T rows of K or V numbers; only what lies between has T². Twice the
// words, four times the memory: 65,536 words would need 16 GiB for one matrix of one head. Yet the
// matrix is a means to an end. Each row of `out` is a weighted mean, and a mean can be taken in
// passing: look at a few keys, update a running result, forget the scores, go on. What stands in
// the way is the softmax, which divides by a sum over all keys and, so that nothing overflows,
// subtracts the largest score of all keys first, and both are known only at the end. Step 1 shows
// the way out.
//
// Sources: Milakov and Gimelshein 2018, "Online normalizer calculation for softmax" (algorithm 3,
// the running maximum and sum); Dao et al. 2022, "FlashAttention" (section 3.1: with the weighted
// values, in blocks, and the recomputation in backward). Their gain in time is on GPUs, where
// reading and writing the matrix takes longer than computing it; here it is smaller.
//
// It takes about half a second on one core. TIMES=1 in the environment measures time as well, which
// is the one thing that differs from machine to machine.

#include <gradus/gradus.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <span>

using namespace gradus;

// e^x and log x of one number, with the library's own functions: the same on every machine.
Scalar exp_of(Scalar x) {
  return exp(Tensor::scalar(x)).item();
}
Scalar log_of(Scalar x) {
  return log(Tensor::scalar(x)).item();
}

// ## Step 1: a softmax in passing
//
// One query has the scores x₀, x₁, … for its keys, and each key has a value, here a single number.
// Let m be the largest score so far, and
//
//   s = Σ e^(x − m)           the sum that softmax divides by, so far
//   o = Σ e^(x − m) value     the weighted values, not divided yet
//
// Then o / s is the answer for the keys so far. A new block may hold a larger score m'. All that
// was added up before was relative to m and must become relative to m'; but
//
//   e^(x − m') = e^(x − m) · e^(m − m')
//
// and the last factor is the same for every key. So s and o are multiplied once by e^(m − m'), and
// the scores they were made from need not be seen again. At the start m = −∞ and the factor is
// e^−∞ = 0, which suits s = o = 0. If the maximum stays, the factor is e⁰ = 1.
struct Running {
  Scalar most = -INFINITY;  // m
  Scalar sum = 0;           // s
  Scalar out = 0;           // o
};

void add_block(Running& r, std::span<const Scalar> scores, std::span<const Scalar> values) {
  const Scalar most = std::max(r.most, *std::max_element(scores.begin(), scores.end()));
  const Scalar factor = exp_of(r.most - most);
  r.sum *= factor;
  r.out *= factor;
  for (std::size_t j = 0; j < scores.size(); ++j) {
    const Scalar e = exp_of(scores[j] - most);
    r.sum += e;
    r.out += e * values[j];
  }
  r.most = most;
  std::printf("  factor %.4f   m %6.1f   s %.4f   o %8.4f   o / s %.4f\n", factor, r.most, r.sum,
              r.out, r.out / r.sum);
}

// Twelve keys in three blocks. The second block brings a larger score, the third does not. Below
// each line of the running result stands what softmax says when it is given all keys so far.
Running show_blocks(const Tensor& scores, const Tensor& values) {
  Running r;
  for (Index first = 0; first < 12; first += 4) {
    add_block(r, scores.values().subspan(static_cast<std::size_t>(first), 4),
              values.values().subspan(static_cast<std::size_t>(first), 4));
    const Tensor weights = softmax(slice(scores, 0, 0, first + 4));  // [first + 4]
    std::printf("  %58s %.4f\n", "softmax of all so far · values",
                sum(weights * slice(values, 0, 0, first + 4)).item());
  }
  return r;
}

// ## Step 2: the two ways
//
// The composed way is the formula above, line by line. The fused way is one operation of
// the library, `scaled_dot_product_attention`: step 1 for 96 queries and 128 keys at a time, with
// vectors of V numbers for o (src/kernels/attention.cpp).
Tensor composed(const Tensor& query, const Tensor& key, const Tensor& value) {
  const Scalar scale = 1 / std::sqrt(static_cast<Scalar>(query.shape()[-1]));
  const Tensor scores = matmul(query, key, {.transpose_b = true}) * scale;  // [T, T]
  const Tensor weights = softmax(scores);                                   // [T, T]
  return matmul(weights, value);                                            // [T, V]
}
Tensor fused(const Tensor& query, const Tensor& key, const Tensor& value) {
  return scaled_dot_product_attention(query, key, value);  // [T, V]
}
using Attention = Tensor (*)(const Tensor&, const Tensor&, const Tensor&);

struct Sequence {
  Sequence(Index T, Random& random)
      : query(Tensor::normal({T, 64}, 0, 1, random).requires_grad(true)),
        key(Tensor::normal({T, 64}, 0, 1, random).requires_grad(true)),
        value(Tensor::normal({T, 64}, 0, 1, random).requires_grad(true)),
        seed(Tensor::normal({T, 64}, 0, 1, random)) {}
  void clear_grad() {
    for (Tensor* x : {&query, &key, &value}) x->clear_grad();
  }
  Tensor query, key, value;
  Tensor seed;  // the gradient that arrives at the output, as from a loss
};

void print_difference(const char* name, const Tensor& a, const Tensor& b) {
  Scalar largest = 0, difference = 0;
  for (Index i = 0; i < a.size(); ++i) {
    largest = std::max(largest, std::abs(a.data()[i]));
    difference = std::max(difference, std::abs(a.data()[i] - b.data()[i]));
  }
  std::printf("  %-18s largest value %.4f, largest difference %.8f\n", name, largest, difference);
}

// ## Step 3: what is kept
//
// After forward, everything that backward will ask for is still in memory. `live_values()` says how
// many numbers that is; inputs and output, which both ways have, are taken off.
Index kept_between(Attention attention, Sequence& in) {
  const Index before = live_values();
  const Tensor out = attention(in.query, in.key, in.value);
  return live_values() - before - out.size();
}

// After backward, the gradients of all that was kept are there too, in a graph that is kept whole
// to be looked at (training frees each part once it was used). The output and the gradients of the
// inputs are taken off; the gradient of the output is the seed itself.
Index kept_after_backward(Attention attention, Sequence& in) {
  const Index before = live_values();
  const Tensor out = attention(in.query, in.key, in.value);
  out.backward(in.seed);
  const Index both =
      out.size() + in.query.grad().size() + in.key.grad().size() + in.value.grad().size();
  const Index kept = live_values() - before - both;
  in.clear_grad();
  return kept;
}

double milliseconds(Attention attention, Sequence& in) {
  double best = 1e9;
  for (int repeat = 0; repeat < 5; ++repeat) {
    const auto start = std::chrono::steady_clock::now();
    attention(in.query, in.key, in.value).backward(in.seed, Graph::free);
    const std::chrono::duration<double, std::milli> took = std::chrono::steady_clock::now() - start;
    best = std::min(best, took.count());
    in.clear_grad();
  }
  return best;
}

int main() try {
  const Tensor scores = Tensor::vector({1, 3, 2, 0, 2, 5, 4, 1, 3, 0, 5, 2});
  const Tensor values = Tensor::vector({8, 1, 4, 2, 6, 3, 5, 9, 1, 7, 2, 4});
  std::printf("One query, twelve keys, four at a time:\n");
  const Running r = show_blocks(scores, values);

  // All scores 100 larger: the weights are the same, since each e^(x − m) is. Without the maximum
  // the sum would be Σ e^x, and float32 ends at 3.4e38, which is about e^88.7.
  std::printf("\nAll scores 100 larger:\n");
  show_blocks(scores + 100, values);
  std::printf("  the sum without a maximum: %.4f\n", sum(exp(scores + 100)).item());

  // ## Why backward can recompute
  //
  // The gradient of a softmax needs the weights (lesson 3), which nobody kept. But the weight of
  // key j is
  //
  //   p = e^(x − m) / s = e^(x − m − log s) = e^(x − l)   with   l = m + log s
  //
  // so one number a query, l, gives each weight back from its score, and the score is a product of
  // two inputs that are there anyway. The other sum over all keys in the gradient of the softmax,
  // Σ p dp, is one number a query as well: dp = dout · value, so Σ p dp = dout · Σ p value = dout ·
  // out. With l and dout · out, backward goes through blocks in any order, as forward did.
  //
  // The price: forward has two matrix products; backward four, and a fifth for the scores again.
  // Seven instead of six.
  const Scalar l = r.most + log_of(r.sum);
  std::printf("\nl = m + log s = %.4f\n  weights by softmax  ", l);
  const Tensor by_softmax = softmax(scores);
  for (const Scalar p : by_softmax.values()) std::printf(" %.4f", p);
  std::printf("\n  weights as e^(x - l)");
  for (const Scalar x : scores.values()) std::printf(" %.4f", exp_of(x - l));

  // The same numbers, forward and gradients? Not the same bits: sums are taken in another order.
  // But no number differs by a millionth: float32 rounds a number near 1 by up to 0.00000006, and
  // each of these is a sum of hundreds.
  Random random(1);
  std::printf("\n\nComposed against fused, T = 512, K = V = 64:\n");
  Sequence a(512, random);
  const Tensor out_a = composed(a.query, a.key, a.value);
  out_a.backward(a.seed);
  const Tensor dq = a.query.grad(), dk = a.key.grad(), dv = a.value.grad();
  a.clear_grad();
  const Tensor out_b = fused(a.query, a.key, a.value);
  out_b.backward(a.seed);
  print_difference("out", out_a, out_b);
  print_difference("gradient of query", dq, a.query.grad());
  print_difference("gradient of key", dk, a.key.grad());
  print_difference("gradient of value", dv, a.value.grad());

  // The composed way keeps three matrices: scores before and after scaling, and weights; and as
  // many gradients. The fused way keeps l: T numbers. At four bytes a number and T = 2048 that is,
  // after forward, 48 MiB against 8 KiB. (While it runs it also needs a copy of keys and values in
  // another order, and scores of one block: 96 × 128 a thread in forward, twice T × 128 in
  // backward. That grows with T, not with T², and is gone when it returns.)
  const bool times = std::getenv("TIMES");
  std::printf("\nNumbers in memory besides inputs, output and their gradients:\n");
  std::printf("%6s  %34s  %34s%s\n", "", "after forward", "after backward",
              times ? "     forward and backward, ms" : "");
  std::printf("%6s  %10s %12s %10s  %10s %12s %10s%s\n", "T", "composed", "= T² times", "fused",
              "composed", "= T² times", "fused", times ? "   composed       fused" : "");
  for (const Index T : {128, 256, 512, 1024, 2048}) {
    Sequence in(T, random);
    const double squared = static_cast<double>(T * T);
    const Index c = kept_between(composed, in), f = kept_between(fused, in);
    const Index cb = kept_after_backward(composed, in), fb = kept_after_backward(fused, in);
    std::printf("%6lld  %10lld %12.4f %10lld  %10lld %12.4f %10lld", static_cast<long long>(T),
                static_cast<long long>(c), static_cast<double>(c) / squared,
                static_cast<long long>(f), static_cast<long long>(cb),
                static_cast<double>(cb) / squared, static_cast<long long>(fb));
    if (times) std::printf(" %11.2f %11.2f", milliseconds(composed, in), milliseconds(fused, in));
    std::printf("\n");
  }
} catch (const Error& error) {
  std::fprintf(stderr, "%s\n", error.what());
  return 1;
}

// ## In the debugger
//
// Step into `add_block` above and watch `factor`; then set a breakpoint at
// `gradus::kernels::attention_forward` and go on to the `add_block` there: the same five lines for
// 96 queries at a time. A breakpoint at `ScaledDotProductAttention::backward` shows all that was
// kept: `print log_sum_exp.size()`.
//
// ## Exercises
//
// 1. Shuffle the three blocks of step 1. Which numbers change on the way, and which at the end?
// 2. Give two `Running`s two halves of the keys and write the function that merges them into one.
//    Now several threads, or machines, could share one row.
// 3. Find a row of scores for which the first factor after the first block is 0.0000. What does
//    that say about the keys of the first block?
// 4. Scale the query instead of the scores in `composed`. How many T × T matrices are kept now?
// Which of them does the gradient of softmax use (src/operations/softmax.cpp)?
// 5. Add `.mask = Mask::causal()` to the fused way and measure with TIMES=1. How much of the time
//    should be saved, and how much is?
