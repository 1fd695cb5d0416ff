// Lesson 5: masks.
//
// Attention lets every position look at every other. There are two times when that is wrong:
//
//   padding   texts of one batch have different lengths, so the short ones are filled up with
//             positions that mean nothing (lesson 9). Nobody should listen to them.
//   the future   a model that predicts the next word must not see it. Position t may look at
//             positions 0 … t only: a "causal" mask.
//
// A mask says which key a query may look at. The scores that it forbids take no part in softmax:
//
//   scores  = query keyᵀ / √D                                   [B, T, T]
//   weights = e^score / Σ e^score over the allowed keys         [B, T, T], 0 where not allowed
//   out     = weights value                                     [B, T, D]
//
// "Has little influence" is not the promise. The promise is: none, to the last bit. This lesson
// tests it by changing what must not be seen and comparing every bit of every output.
//
// Sources: Vaswani et al. 2017, sections 3.1 (the causal mask of the decoder) and 3.2.3; Chollet,
// Deep Learning with Python, 2nd edition, sections 11.3.3 (padding) and 11.5.3 (causal). Runs in an
// instant.

#include <gradus/gradus.h>

#include <bit>
#include <cmath>
#include <cstdio>
#include <limits>
#include <type_traits>
#include <utility>
#include <vector>

using namespace gradus;

constexpr Index D = 4;  // numbers for a word

// ## Attention with a mask
//
// Here each word is its own query, key and value (the matrices of lesson 1 would change nothing
// about who sees whom): x [B, T, D] gives [B, T, D].
Tensor scores_of(const Tensor& x) {
  return matmul(x, x, {.transpose_b = true}) / std::sqrt(Scalar(D));  // [B, T, T]
}

Tensor attend(const Tensor& x, const Mask& mask) {
  const Tensor weights = masked_softmax(scores_of(x), mask);  // [B, T, T]
  return matmul(weights, x);                                  // [B, T, D]
}

// ## Tools: a mask as a picture, and a comparison of bits
//
// One row for each query, one column for each key; 1 where the query may look.
void print_mask(const char* title, const Mask& mask, Index batch, Index T) {
  std::printf("%s\n", title);
  for (Index query = 0; query < T; ++query) {
    std::printf("  query %d: ", static_cast<int>(query));
    for (Index key = 0; key < T; ++key) std::printf(" %d", mask.allows(batch, 0, query, key));
    std::printf("\n");
  }
}

// How many of the D numbers at one position have other bits in b than in a.
int changed(const Tensor& a, const Tensor& b, Index batch, Index t) {
  int count = 0;
  for (Index d = 0; d < D; ++d)
    count += std::bit_cast<std::uint32_t>(static_cast<float>(a.at({batch, t, d}))) !=
             std::bit_cast<std::uint32_t>(static_cast<float>(b.at({batch, t, d})));
  return count;
}

// x with one word replaced by another.
Tensor with_word(const Tensor& x, Index batch, Index t, Scalar value) {
  Tensor other = Tensor::from(x.shape(), x.values());
  for (Index d = 0; d < D; ++d)
    other.mutable_data()[(batch * x.shape()[1] + t) * D + d] = value + static_cast<Scalar>(d);
  return other;
}

int count_nan(const Tensor& x) {
  int count = 0;
  for (const Scalar value : x.values()) count += std::isnan(value);
  return count;
}

int main() try {
  Random random(1);

  // ## True means "may look"
  //
  // Half of the world writes true for "allowed" (Keras' attention_mask, PyTorch's
  // scaled_dot_product_attention), the other half for "hidden" (PyTorch's MultiheadAttention). Both
  // are rows of truth values, so no compiler notices when one is given for the other; the model
  // trains on, a little worse. In Gradus a mask is a type of its own with one meaning: true = may
  // attend. A tensor of zeros and ones does not turn into one:
  static_assert(!std::is_convertible_v<Tensor, Mask>);

  // Two texts in a batch, of 4 and of 2 words; id 0 is padding. `&` allows what both masks allow.
  const Ids ids({2, 4}, {7, 3, 9, 2, 5, 8, 0, 0});
  const Mask padding = Mask::padding_of(ids);
  print_mask("causal", Mask::causal(), 0, 4);
  print_mask("padding, text 1 (ids 5 8 0 0)", padding, 1, 4);
  print_mask("both, text 1", padding & Mask::causal(), 1, 4);

  // ## The future
  //
  // A text of 4 words. We replace the last one and see whose output changes. Without a mask
  // everybody's does: a model trained to predict word 3 from words 0 … 2 would simply copy it, have
  // a wonderful loss, and be of no use the day there is no word 3 yet. With the mask positions 0 to
  // 2 keep every bit, and only position 3, which may look at itself, changes.
  const Tensor text = Tensor::uniform({1, 4, D}, -1, 1, random);  // [B, T, D]
  const Tensor other_end = with_word(text, 0, 3, 2);
  const auto compare = [](const Tensor& a, const Tensor& b, const Mask& mask, Index batch) {
    const Tensor free_a = attend(a, {}), free_b = attend(b, {});
    const Tensor masked_a = attend(a, mask), masked_b = attend(b, mask);
    std::printf("  position    without mask    with mask\n");
    for (Index t = 0; t < a.shape()[1]; ++t)
      std::printf("  %8d    %7d of %d    %4d of %d\n", static_cast<int>(t),
                  changed(free_a, free_b, batch, t), static_cast<int>(D),
                  changed(masked_a, masked_b, batch, t), static_cast<int>(D));
  };
  std::printf("\nThe last word of 4 replaced: outputs that change\n");
  compare(text, other_end, Mask::causal(), 0);

  // The weights say why. Row t holds the shares of query t; what is above the diagonal is not small
  // but 0. Row 0 can only look at itself, so its weight is 1 whatever its score.
  print("\nWeights with the causal mask", masked_softmax(scores_of(text), Mask::causal()));

  // ## Padding
  //
  // Now the batch of two. We put something else into a padded position of text 1 (a library with
  // another value for padding would do just that). Without a mask its two real words change their
  // meaning: it matters what the filler is, and how much of it the longest text of the batch calls
  // for. With the mask they do not. Position 3 itself still changes: a padding mask hides keys, not
  // queries, so the padded position goes on computing something out of itself as query. Nobody must
  // use it; pooling and loss leave it out (lesson 9).
  const Tensor batch = Tensor::uniform({2, 4, D}, -1, 1, random);  // [B, T, D]
  const Tensor other_padding = with_word(batch, 1, 3, 2);
  std::printf("\nA padded position (3) of text 1 replaced: outputs of text 1 that change\n");
  compare(batch, other_padding, padding, 1);

  // The strongest form of the promise: the text gives the same in the batch as all by itself.
  const Tensor alone = slice(slice(batch, 0, 1, 2), 1, 0, 2);  // [1, 2, D]
  const Tensor from_alone = attend(alone, {});                 // [1, 2, D]
  for (const bool masked : {false, true}) {
    const Tensor from_batch =
        slice(slice(attend(batch, masked ? padding : Mask()), 0, 1, 2), 1, 0, 2);  // [1, 2, D]
    std::printf("text 1 alone or in the batch, %s: %d of %d numbers differ\n",
                masked ? "with mask   " : "without mask",
                changed(from_alone, from_batch, 0, 0) + changed(from_alone, from_batch, 0, 1),
                static_cast<int>(2 * D));
  }

  // ## A query that may look at nothing
  //
  // Pad at the front instead of the end, add the causal mask, and the first query sees one key,
  // itself, which is padding: no key is left. Then Σ e^score is a sum over nothing, and 0 / 0 is
  // not a number. The only honest answer is "I heard nothing": zeros, and no gradient. (The
  // gradient of row 1 is zero as well, for another reason: with one key the weight is 1 whatever
  // the score.)
  const Ids front({1, 4}, {0, 7, 3, 9});
  const Mask both = Mask::padding_of(front) & Mask::causal();
  print_mask("\npadding in front, causal", both, 0, 4);
  Tensor scores = scores_of(text).detach().requires_grad(true);   // [1, 4, 4]
  const Tensor weights = masked_softmax(scores, both);            // [1, 4, 4]
  const Tensor seed = Tensor::uniform({1, 4, 4}, -1, 1, random);  // any gradient from above
  weights.backward(seed);
  print("weights", weights);
  print("gradient of the scores", scores.grad());

  // ## What the usual trick does
  //
  // Many programs have no masked softmax. They add a large negative number to the scores that are
  // not allowed, and call the ordinary one. For rows with something allowed this works: e^(-10⁹) is
  // 0. For the row without, it fails in one of two ways.
  //
  // Adding -10⁹: a float has 24 bits, near 10⁹ its neighbours are 64 apart, and so a score of 0.3
  // is rounded away. All four keys end up with the same score and the weight 1/4. The query that
  // may look at nothing takes the plain mean of everything: the padding and the whole future. This
  // makes no noise at all.
  //
  // Adding -∞: softmax subtracts the largest score first, and -∞ - (-∞) is not a number. The row is
  // lost, and in the backward pass it poisons the gradient of every key that it might have looked
  // at, allowed or not, so that after one step of the optimiser the whole model is NaN.
  std::vector<Scalar> large_values, infinite_values, hidden_values;
  for (Index query = 0; query < 4; ++query)
    for (Index key = 0; key < 4; ++key) {
      const bool allowed = both.allows(0, 0, query, key);
      large_values.push_back(allowed ? 0 : Scalar(-1e9));
      infinite_values.push_back(allowed ? 0 : -std::numeric_limits<Scalar>::infinity());
      hidden_values.push_back(allowed ? 0 : 1);
    }
  const Tensor large = Tensor::from({1, 4, 4}, large_values);
  const Tensor infinite = Tensor::from({1, 4, 4}, infinite_values);
  const Tensor hidden = Tensor::from({1, 4, 4}, hidden_values);
  print("\nsoftmax(scores - 1e9 where not allowed)", softmax(scores + large));

  // The three ways side by side. The last column is the weight that query 0 gives to keys that it
  // must not look at (NaN counts as all four lost, and is not printed as a number).
  std::printf("\n%-22s%16s%22s%26s\n", "", "NaN in weights", "NaN in gradient of x",
              "weight on hidden keys");
  for (const char* way : {"masked_softmax", "softmax, - 1e9", "softmax, - infinity"}) {
    Tensor x = text.detach().requires_grad(true);  // [1, 4, D]
    const Tensor s = scores_of(x);                 // [1, 4, 4]
    const Tensor w = way[0] == 'm'    ? masked_softmax(s, both)
                     : way[10] == '1' ? softmax(s + large)
                                      : softmax(s + infinite);
    sum(matmul(w, x)).backward();
    const double lost = static_cast<double>(sum(slice(w * hidden, 1, 0, 1)).item());
    char text_of_lost[32];
    std::snprintf(text_of_lost, sizeof text_of_lost, "%.4f", lost);
    std::printf("%-22s%10d of 16%16d of 16%26s\n", way, count_nan(w), count_nan(x.grad()),
                std::isnan(lost) ? "not a number" : text_of_lost);
  }

  // ## The fast operation
  //
  // The layers use scaled_dot_product_attention, which never holds the matrix of weights (lesson
  // 15). It takes the same Mask and keeps the same promises.
  Tensor x = text.detach().requires_grad(true);                              // [1, 4, D]
  const Tensor out = scaled_dot_product_attention(x, x, x, {.mask = both});  // [1, 4, D]
  const Tensor out_2 =
      scaled_dot_product_attention(other_end, other_end, other_end, {.mask = both});  // [1, 4, D]
  sum(out).backward();
  print("\nfast attention, padding in front and causal", out);
  std::printf("last word replaced: outputs that change: %d %d %d %d of %d; NaN in gradient: %d\n",
              changed(out, out_2, 0, 0), changed(out, out_2, 0, 1), changed(out, out_2, 0, 2),
              changed(out, out_2, 0, 3), static_cast<int>(D), count_nan(x.grad()));
} catch (const Error& error) {
  std::fprintf(stderr, "%s\n", error.what());
  return 1;
}

// ## In the debugger
//
// Stop in masked_softmax (src/operations/softmax.cpp) and step until `allowed` is filled: it is the
// picture above, row by row. Then go on into kernels::masked_softmax and see that a key that is not
// allowed is never read. For the NaN, break at gradus::backward_step in the third of the three ways
// and print the gradient of each operation: the first one that is not a number is of softmax.
//
// ## Exercises
//
// 1. Replace word 0 instead of word 3 under the causal mask. Whose output changes? Why must it?
// 2. Invert the causal mask with Mask::from (true where causal() says false). Which query may look
//    at nothing now, and what does it give? This is what a mask of the wrong polarity does.
// 3. Replace -1e9 by -1e4 and by -10. From where on does a key that is not allowed get some weight
//    in the rows that have allowed keys? (Print the weights with eight digits.)
// 4. Give query 3 a mask of its own: words 0 and 3 only. What does its output no longer depend on?
// 5. Put two attentions in a row, each with the causal mask, and replace word 2. Is the promise
// kept
//    by both together?
