// Lesson 6: masks.
//
// Attention lets every position look at every other. There are two times when that is wrong:
//
// - padding: texts of one batch have different lengths, so the short ones are filled up with
//   positions that mean nothing (lesson 11). Nobody should listen to them.
// - the future: a model that predicts the next word must not see it. Position t may look at
//   positions 0 … t only; a mask that says so is called causal.
//
// A mask says which keys a query may look at. The others take no part in softmax:
//
//   scores  = query keyᵀ / √d                                [B, T, T]
//   weights = e^score / Σ e^score over the allowed keys      [B, T, T], 0 where not allowed
//   out     = weights value                                  [B, T, D]
//
// for B texts of T positions with D numbers each; here d = D. "Has little influence" is not the
// promise. The promise is: none, to the last bit. This lesson tests it by changing what must not be
// seen.
//
// Sources: Vaswani et al. 2017, sections 3.1 and 3.2.3 (the causal mask of the decoder); Chollet,
// Deep Learning with Python, 2nd edition, sections 11.3.3 (padding) and 11.5.3 (causal). Runs in an
// instant on two cores.

#include <gradus/gradus.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <limits>
#include <type_traits>
#include <vector>

using namespace gradus;

constexpr Index T = 4, D = 4;

// ## Attention with a mask
//
// Here each word is its own query, key and value; the matrices of lesson 1 would change nothing
// about who sees whom. x is [B, T, D].
Tensor scores_of(const Tensor& x) {
  return matmul(x, x, {.transpose_b = true}) / std::sqrt(Scalar(D));  // [B, T, T]
}

Tensor attend(const Tensor& x, const Mask& mask) {
  const Tensor weights = masked_softmax(scores_of(x), mask);  // [B, T, T]
  return matmul(weights, x);                                  // [B, T, D]
}

// What main prints with; the definitions stand below it.
void print_mask(const char* title, const Mask& mask, Index text);
void print_changed(const char* title, const Tensor& a, const Tensor& b, Index text, Index count);
Tensor replaced(const Tensor& x, Index text, Index t);
void compare(const Tensor& x, Index text, Index t, const Mask& mask);
int count_nan(const Tensor& x);

int main() try {
  // ## True means "may look"
  //
  // Half of the world writes true for "allowed" (Keras' attention_mask, PyTorch's
  // scaled_dot_product_attention), the other half for "hidden" (PyTorch's MultiheadAttention). Take
  // one for the other, and no compiler notices; the model trains on all the same. In Gradus a
  // mask is a type of its own with one meaning, and a tensor of zeros and ones does not become one:
  static_assert(!std::is_convertible_v<Tensor, Mask>);

  // Two texts, of 4 and of 2 words. Each word has a number, its id (lesson 11); id 0 is padding.
  const Mask padding = Mask::padding_of(Ids({2, T}, {7, 3, 9, 2, 5, 8, 0, 0}));
  print_mask("causal", Mask::causal(), 0);
  print_mask("padding, text 1 (ids 5 8 0 0)", padding, 1);

  // ## The future
  //
  // We replace the last of 4 words. Without a mask everybody's output changes: a model that is to
  // predict word 3 from words 0 … 2 would simply copy it, have a wonderful loss, and be of no use
  // the day there is no word 3 yet. With the mask only position 3 changes, which may see itself.
  Random random(1);
  const Tensor text = Tensor::uniform({1, T, D}, -1, 1, random);  // [B, T, D]
  std::printf("\nThe last word replaced: numbers that change at positions 0, 1, 2, 3\n");
  compare(text, 0, 3, Mask::causal());

  // The weights say why. Row t holds the shares of query t; what is above the diagonal is not small
  // but 0. Row 0 sees itself alone, so its weight is 1 whatever its score.
  const Tensor causal = masked_softmax(scores_of(text), Mask::causal());  // [1, T, T]
  print("\nWeights with the causal mask", causal);
  write_file(
      "build/lesson06_causal.svg",
      attention_svg("Weights with the causal mask", {"query 0", "query 1", "query 2", "query 3"},
                    {"key 0", "key 1", "key 2", "key 3"}, causal));

  // ## Padding
  //
  // Now the batch of two, with other numbers in a padded position of text 1. Without a mask its two
  // real words change: it matters what the filler is. With the mask they do not. Position 3 itself
  // still does: a padding mask hides keys, not queries, so the filler goes on computing something
  // out of itself. Nobody must use that; a mean over words leaves it out (lesson 11).
  const Tensor batch = Tensor::uniform({2, T, D}, -1, 1, random);  // [B, T, D]
  std::printf("\nPadded position 3 of text 1 replaced: numbers that change at 0, 1, 2, 3\n");
  compare(batch, 1, 3, padding);

  // The strongest form of the promise: the text gives the same in the batch as all by itself.
  const Tensor alone = slice(slice(batch, 0, 1, 2), 1, 0, 2);    // [1, 2, D]
  const Tensor free = slice(attend(batch, {}), 0, 1, 2);         // [1, T, D]
  const Tensor masked = slice(attend(batch, padding), 0, 1, 2);  // [1, T, D]
  std::printf("\nText 1 by itself or in the batch: numbers that differ at positions 0, 1\n");
  print_changed("no mask", free, attend(alone, {}), 0, 2);
  print_changed("mask", masked, attend(alone, {}), 0, 2);

  // ## A query that may look at nothing
  //
  // Pad at the front, add the causal mask (`&` allows what both allow), and the first query sees
  // one key, itself, which is padding. Σ e^score is then a sum over nothing, and 0 / 0 is not a
  // number. The only honest answer is "I heard nothing": zeros, and no gradient. (Row 1 passes none
  // to its scores either, for another reason: with one key the weight is 1 whatever the score.)
  // backward() of more than one number must be told the gradient that arrives from what follows.
  // Nothing follows here, so random numbers stand for it.
  const Mask both = Mask::padding_of(Ids({1, T}, {0, 7, 3, 9})) & Mask::causal();
  print_mask("padding in front and causal (ids 0 7 3 9)", both, 0);
  const Tensor scores = scores_of(text).requires_grad(true);  // [1, T, T]
  const Tensor weights = masked_softmax(scores, both);        // [1, T, T]
  weights.backward(Tensor::uniform({1, T, T}, -1, 1, random));
  print("weights", weights);
  write_file(
      "build/lesson06_both.svg",
      attention_svg("Padding in front, and causal", {"padding", "query 1", "query 2", "query 3"},
                    {"padding", "key 1", "key 2", "key 3"}, weights));
  print("gradient of the scores", scores.grad());

  // ## What the usual trick does
  //
  // Many programs add a large negative number to the scores that are not allowed, and call the
  // ordinary softmax. Where something is allowed this works: e^(-10⁹) is 0. In row 0 it fails:
  //
  // - Adding -10⁹, nearly 2³⁰: of 24 bits, the last of a float is 2³⁰ / 2²⁴ = 64 there, and
  //   a score of 0.3 is rounded away. All keys have the same score, and the query that may look at
  //   nothing takes the mean of everything, padding and future. This makes no noise at all.
  // - Adding -∞: softmax subtracts the largest score first, and -∞ - (-∞) is NaN. Backward it
  //   spoils the gradient of every key that row 0 scored, and so whatever made x and would be
  //   moved by its gradient.
  const Scalar numbers[] = {0, Scalar(-1e9), -std::numeric_limits<Scalar>::infinity()};
  const char* const ways[] = {"masked_softmax", "softmax, - 1e9", "softmax, - infinity"};
  std::printf("\n%-19s%14s%18s  %s\n", "NaN in", "weights", "gradient of x", "weights of query 0");
  for (int way = 0; way < 3; ++way) {
    std::vector<Scalar> added;
    for (Index i = 0; i < T * T; ++i)
      added.push_back(both.allows(0, 0, i / T, i % T) ? 0 : numbers[way]);
    // detach() (lesson 4): the same numbers anew for each way, with no gradient yet.
    Tensor x = text.detach().requires_grad(true);  // [1, T, D]
    // Way 0 obeys the mask; the others hide keys by what they add to scores, and need none.
    const Tensor trick = softmax(scores_of(x) + Tensor::from({1, T, T}, added));  // [1, T, T]
    const Tensor w = way == 0 ? masked_softmax(scores_of(x), both) : trick;       // [1, T, T]
    sum(matmul(w, x)).backward();
    std::printf("%-19s%8d of %d%12d of %d %s", ways[way], count_nan(w), int(T * T),
                count_nan(x.grad()), int(T * D),
                count_nan(w) ? " not a number\n" : to_string(slice(w, 1, 0, 1)).c_str());
  }
} catch (const Error& error) {
  std::fprintf(stderr, "%s\n", error.what());
  return 1;
}

// One row for each query, one column for each key; 1 where the query may look. (The 0 is the head:
// lesson 7 has several. Here there is one.)
void print_mask(const char* title, const Mask& mask, Index text) {
  std::printf("\n%s\n", title);
  for (Index query = 0; query < T; ++query) {
    std::printf("  query %d: ", int(query));
    for (Index key = 0; key < T; ++key) std::printf(" %d", mask.allows(text, 0, query, key));
    std::printf("\n");
  }
}

// How many of the D numbers at each of the first `count` positions of a text are not the same in a
// and b. (NaN, "not a number", is never the same, not even as itself.)
void print_changed(const char* title, const Tensor& a, const Tensor& b, Index text, Index count) {
  std::printf("  %-22s", title);
  for (Index t = 0; t < count; ++t) {
    int changed = 0;
    for (Index d = 0; d < D; ++d) changed += a.at({text, t, d}) != b.at({text, t, d});
    std::printf("  %d of %d", changed, int(D));
  }
  std::printf("\n");
}

// x [B, T, D] with other numbers in position t of a text.
Tensor replaced(const Tensor& x, Index text, Index t) {
  Tensor other = Tensor::from(x.shape(), x.values());
  for (Index d = 0; d < D; ++d) other.mutable_data()[(text * T + t) * D + d] += 2;
  return other;
}

// Whose output changes with position t, without a mask, with it, and in the one fast operation of
// the library (lesson 17), which takes the same mask? `{}` is an empty mask: all is allowed.
void compare(const Tensor& x, Index text, Index t, const Mask& mask) {
  const Tensor y = replaced(x, text, t);
  print_changed("no mask", attend(x, {}), attend(y, {}), text, T);
  print_changed("mask", attend(x, mask), attend(y, mask), text, T);
  print_changed("mask, fast operation", scaled_dot_product_attention(x, x, x, {.mask = mask}),
                scaled_dot_product_attention(y, y, y, {.mask = mask}), text, T);
}

int count_nan(const Tensor& x) {
  return static_cast<int>(
      std::count_if(x.data(), x.data() + x.size(), [](Scalar value) { return std::isnan(value); }));
}

// ## In the debugger
//
// `break gradus::kernels::masked_softmax` and `continue` three times: the first two stops are
// without a mask (`{}`), the third has the causal one. `up` to its caller and `print/d allowed`:
// the picture above, one row after the other. `down`, and `next` through the kernel: a key that is
// not allowed is never read. For the NaN, `delete` that breakpoint, `break 06_masks.cpp:N if way ==
// 2` where N is the line of sum(matmul(w, x)).backward(), `continue`, and say `backward-step`. The
// third is the step of matmul: row 0 of the weights is NaN, and x gets it. The fourth, softmax,
// gives NaN to row 0 of the scores. The seventh is the other matmul, and by then x has nothing but
// NaN.
//
// ## Exercises
//
// 1. Replace word 0 instead of word 3 under the causal mask. Whose output changes? Why must it?
// 2. Invert the causal mask (true where causal() says false): fill a std::vector<bool> of T · T
//    values, row by row, and give it to Mask::from({T, T}, values). Which query may look at nothing
//    now, and what does it give? This is what happens when true is taken to mean "hidden".
// 3. Replace -1e9 by -10, -50, -100 and -1000. Which of them leaves no weight at all on the keys
//    that are not allowed, in the rows that have allowed ones? (Print single weights with %g.)
// 4. By Mask::from, let query 3 see words 0 and 3 only. What does its output no longer depend on?
// 5. Put two attentions in a row, each with the causal mask, and replace word 2. Do both together
//    keep the promise?
// 6. Write a mask, and the softmax that obeys it, yourself: make exercise-07 judges them.
