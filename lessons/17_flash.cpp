// Lesson 17: attention without the matrix.
//
// Attention of T words over T words (lesson 1), with queries, keys and values of d numbers, is
// written with a matrix of T × T weights:
//
//   scores  = query keyᵀ / √d      [T, d] times [d, T] gives [T, T]
//   weights = softmax(scores)      [T, T], each row by itself
//   out     = weights value        [T, T] times [T, d] gives [T, d]
//
// What goes in and comes out has T rows of d numbers; only what lies between has T². Twice the
// words, four times the memory: 65,536 words would need 16 GiB for one matrix of one head. Yet each
// row of `out` is a weighted mean, and a mean can be taken in passing: look at a few keys, update a
// running result, forget the scores, go on. What stands in the way is the softmax, which subtracts
// the largest score of all keys (so that nothing overflows) and divides by a sum over all keys.
// Both are known only at the end. Step 1 shows the way out.
//
// Sources: Milakov and Gimelshein 2018, "Online normalizer calculation for softmax" (algorithm 3,
// the running maximum and sum); Dao et al. 2022, "FlashAttention" (section 3.1: with the weighted
// values, in blocks, and the recomputation in backward).
//
// It takes about half a second on two cores. TIMES=1 in the environment adds the time of forward
// and backward, the one thing that differs from run to run, and takes two seconds.

#include <gradus/gradus.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstdlib>

using namespace gradus;

// ## Step 1: a softmax in passing
//
// One query has the scores x₀, x₁, … for its keys, and each key has a value, here a single number.
// Let m be the largest score so far, and
//
//   s = Σ e^(x − m)           the sum that softmax divides by, so far
//   o = Σ e^(x − m) value     the weighted values, not divided yet
//
// Then o / s is the answer for the keys so far. A new block of keys may hold a larger score m'. All
// that was added up before was relative to m and must become relative to m'; but
//
//   e^(x − m') = e^(x − m) · e^(m − m')
//
// and the last factor is the same for every key. So s and o are multiplied once by e^(m − m'), and
// the scores they were made from need not be seen again. At the start m = −∞ and the factor is
// e^−∞ = 0, which suits s = o = 0. If the maximum stays, the factor is e⁰ = 1.
struct Running {
  Scalar m = -INFINITY, s = 0, o = 0;
};

Scalar add_block(Running& r, const Tensor& scores, const Tensor& values) {
  const Scalar m = std::max(r.m, max(scores).item());         // m'
  const Scalar factor = exp(Tensor::scalar(r.m - m)).item();  // e^(m − m')
  const Tensor powers = exp(scores - m);                      // [block]
  r.s = r.s * factor + sum(powers).item();
  r.o = r.o * factor + sum(powers * values).item();
  r.m = m;
  return factor;
}

// Twelve keys in three blocks; the second brings a larger score, the third does not. At the end of
// each line stands what softmax gives for all keys so far at once: it must be o / s.
Running show_blocks(const Tensor& scores, const Tensor& values) {
  Running r;
  for (Index first = 0; first < 12; first += 4) {
    const Index end = first + 4;
    const Scalar factor = add_block(r, slice(scores, 0, first, end), slice(values, 0, first, end));
    const Tensor weights = softmax(slice(scores, 0, 0, end));        // [end]
    const Tensor at_once = sum(weights * slice(values, 0, 0, end));  // one number
    std::printf("  factor %.4f   m %5.1f   s %.4f   o %.4f   o / s %.4f   at once %.4f\n", factor,
                r.m, r.s, r.o, r.o / r.s, at_once.item());
  }
  return r;
}

// ## Step 2: the two ways
//
// The composed way is the formula at the top, line by line. The fused way is one operation of the
// library: step 1 for 96 queries and 128 keys at a time, where o is a vector of d numbers
// (src/kernels/attention.cpp).
Tensor composed(const Tensor& query, const Tensor& key, const Tensor& value) {
  const Scalar scale = 1 / std::sqrt(static_cast<Scalar>(query.shape()[-1]));
  const Tensor scores = matmul(query, key, {.transpose_b = true}) * scale;  // [T, T]
  const Tensor weights = softmax(scores);                                   // [T, T]
  return matmul(weights, value);                                            // [T, d]
}
Tensor fused(const Tensor& query, const Tensor& key, const Tensor& value) {
  return scaled_dot_product_attention(query, key, value);  // [T, d]
}
using Attention = Tensor (*)(const Tensor&, const Tensor&, const Tensor&);

struct Sequence {
  Sequence(Index T, Random& random)
      : query(Tensor::normal({T, 64}, 0, 1, random).requires_grad(true)),
        key(Tensor::normal({T, 64}, 0, 1, random).requires_grad(true)),
        value(Tensor::normal({T, 64}, 0, 1, random).requires_grad(true)),
        arriving(Tensor::normal({T, 64}, 0, 1, random)) {}
  Tensor query, key, value;  // d = 64
  Tensor arriving;           // the gradient that arrives at the output, as from a loss
};

// What an attention gives, and how many numbers are in memory (live_values()) besides its inputs,
// its output and the gradients of these: after forward what the graph keeps for backward, after
// backward also the gradients of that. (Training frees both as it goes; here all is kept to be
// counted.)
struct Result {
  Tensor out;        // [T, d]
  Tensor gradients;  // of query, key and value, one below the other: [3 T, 64]
  Index after_forward = 0, after_backward = 0;
};

Result run(Attention attention, Sequence& in) {
  Result r;
  const Index before = live_values();  // the inputs and what arrives
  r.out = attention(in.query, in.key, in.value);
  r.after_forward = live_values() - before - r.out.size();
  r.out.backward(in.arriving);
  r.after_backward = live_values() - before - 4 * r.out.size();  // out and three gradients
  r.gradients = concatenate({in.query.grad(), in.key.grad(), in.value.grad()}, 0);
  for (Tensor* x : {&in.query, &in.key, &in.value}) x->clear_grad();
  return r;
}

// The largest |x|, where |x| = relu(x) + relu(-x).
Scalar largest(const Tensor& x) {
  return max(relu(x) + relu(-x)).item();
}

double milliseconds(Attention attention, Sequence& in) {
  double best = 1e9;
  for (int repeat = 0; repeat < 5; ++repeat) {
    const auto start = std::chrono::steady_clock::now();
    attention(in.query, in.key, in.value).backward(in.arriving, Graph::free);
    const std::chrono::duration<double, std::milli> took = std::chrono::steady_clock::now() - start;
    best = std::min(best, took.count());
  }
  return best;
}

int main() try {
  const Tensor scores = Tensor::vector({1, 3, 2, 0, 2, 5, 4, 1, 3, 0, 5, 2});  // [12]
  const Tensor values = Tensor::vector({8, 1, 4, 2, 6, 3, 5, 9, 1, 7, 2, 4});  // [12]
  std::printf("One query, twelve keys, four at a time:\n");
  const Running r = show_blocks(scores, values);

  // All scores 100 larger: the weights are the same, since each e^(x − m) is. Without the maximum
  // the sum would be Σ e^x, and float32 ends at 3.4e38, which is about e^88.7.
  std::printf("\nAll scores 100 larger:\n");
  show_blocks(scores + 100, values);
  std::printf("  the sum without a maximum: %.4f\n", sum(exp(scores + 100)).item());

  // ## Step 3: backward computes the weights again
  //
  // The gradient of a softmax needs the weights (lesson 3), which nobody kept. But the weight of
  // key j is
  //
  //   p = e^(x − m) / s = e^(x − m − log s) = e^(x − l)   with   l = m + log s
  //
  // so one number a query, l, gives each weight back from its score, and the score is a product of
  // two inputs that are there anyway. With dx, dp, dout for the gradients of x, p and out, dx = p
  // (dp − Σ p dp) (lesson 3, section 3): another sum over all keys. As out = Σ p value, dp is dout
  // · value of its key (lesson 3, section 1), so that sum is dout · Σ p value = dout · out, one
  // number a query. With these two backward goes through the blocks one by one.
  //
  // The price. Forward has two matrix products, query keyᵀ and weights value. Backward has two for
  // each of them (lesson 3, section 1): weightsᵀ dout and dout valueᵀ, which are the gradients of
  // value and weights; dx key and dxᵀ query (over √d), those of query and key. And a fifth: query
  // keyᵀ again.
  const Scalar l = r.m + log(Tensor::scalar(r.s)).item();
  std::printf("\nl = m + log s = %.4f\n", l);
  print("weights by softmax", softmax(scores), 3);
  print("weights as e^(x - l)", exp(scores - l), 3);

  // ## Step 4: the same result, the memory, the time
  //
  // Not the same bits, as the sums are taken in another order; but no number differs by a
  // millionth. Float32 rounds a number near 1 by up to 0.00000006, and each of these is a sum of
  // hundreds.
  //
  // The composed way keeps three matrices, the scores before and after scaling and the weights, and
  // gets as many gradients: 3 T², then 6 T². The fused way keeps l: T numbers. At four bytes a
  // number and T = 2048 that is, after forward, 48 MiB against 8 KiB. (Not counted: while it runs,
  // src/kernels also copies its inputs and holds scores of one block of keys, at most 2 T × 128;
  // these grow with T and are gone at the end.)
  //
  // Both take time that grows with T²: every score is computed either way. (TIMES=1 prints it. Dao
  // et al. saved it on GPUs, where to write and read the matrix takes longer than to compute it.)
  Random random(1);
  std::vector<Curve> kept{{"composed", {}}, {"fused", {}}};
  std::printf("\n        largest  difference of            numbers kept after forward, backward\n");
  std::printf("     T  |out|    out         gradients    composed            fused\n");
  for (const Index T : {128, 256, 512, 1024, 2048}) {
    Sequence in(T, random);
    const Result c = run(composed, in), f = run(fused, in);
    std::printf("%6d  %.4f   %.8f  %.8f   %.3f T², %.3f T²  %.3f T, %.3f T", int(T), largest(c.out),
                largest(c.out - f.out), largest(c.gradients - f.gradients),
                double(c.after_forward) / double(T * T), double(c.after_backward) / double(T * T),
                double(f.after_forward) / double(T), double(f.after_backward) / double(T));
    if (std::getenv("TIMES"))
      std::printf("  %.2f ms, %.2f ms", milliseconds(composed, in), milliseconds(fused, in));
    std::printf("\n");
    kept[0].values.push_back(double(c.after_forward) / (1 << 18));  // 4 bytes a number
    kept[1].values.push_back(double(f.after_forward) / (1 << 18));
  }
  write_file("build/lesson17_memory.svg",
             curves_svg("MiB kept after forward", kept, 0, "n, for T = 64 · 2ⁿ:"));
} catch (const Error& error) {
  std::fprintf(stderr, "%s\n", error.what());
  return 1;
}

// ## In the debugger
//
// Step into `add_block` above and watch `factor`. The kernel does the same for 96 queries: see
// `add_block` in src/kernels/attention.cpp. It is optimised in every build (the Makefile says why),
// so a debugger jumps about in it. Look on from its caller instead: `break
// gradus::kernels::attention_forward`, `continue`, `finish`, and `print log_sum_exp` shows l, a
// number for each query and all that is kept. `break gradus::kernels::attention_backward` stops
// where it is used.
//
// ## Exercises
//
// 1. Shuffle the three blocks of step 1. Which numbers change on the way, and which at the end?
// 2. Give two `Running`s two halves of the keys and write the function that merges them into one.
//    Now several threads, or machines, could share one row.
// 3. Find a row of scores for which the factor of the second block is 0.0000. What does that say
//    about the keys of the first block?
// 4. Scale the query instead of the scores in `composed`. How many T × T matrices are kept now
//    (and the scaled query, 64 T numbers)? Which of them does the gradient of softmax use
//    (src/operations/softmax.cpp)?
// 5. Add `.mask = Mask::causal()` to the fused way and measure with TIMES=1. How much of the time
//    should be saved, and how much is?
// 6. Write the pass over the blocks yourself: make exercise-19 judges it.
