// Lesson 1: attention, with numbers that can be checked by hand.
//
// What does "bank" mean? In "bank beside the river" it is a place at the water, in "bank beside the
// money" it is a house with a safe. A word has one vector, which the program looks up in a table,
// so "bank" enters with the same four numbers in both sentences. Attention is how the vector of a
// word takes up what the words around it say:
//
//   1. similarity     scores  = query keyᵀ / √d      how well does each word fit what I look for?
//   2. softmax        weights = softmax(scores)      scores become shares, which sum to 1
//   3. weighted sum   context = weights value        what all words say, each with its share
//   4. output         output  = context W_o          back to the width of a word's vector
//
// Each word plays three parts, and each part is the word's vector times a matrix: the query is what
// the word looks for, the key is what others find it by, the value is what it hands over; keyᵀ is
// key with rows and columns exchanged. In a trained network the matrices W_q, W_k, W_v and W_o are
// learned (lesson 5). Here they are written by hand, so that every number has a meaning.
//
//   T = 4 words, D = 4 numbers for a word, d = 4 for a query or key, 2 for a value
//   x [T, D]: T rows of D   query [T, d]   key [T, d]   value [T, 2]   scores, weights [T, T]
//   context [T, 2]   output [T, D]
//
// Sources: Vaswani et al. 2017, "Attention is all you need", section 3.2.1, equation 1; Chollet,
// Deep Learning with Python, 2nd edition, section 11.4.1 (there without the matrices). Runs in an
// instant.

#include <gradus/gradus.h>

#include <algorithm>
#include <cstdio>
#include <string>
#include <vector>

using namespace gradus;
using Words = std::vector<std::string>;

const Words words = {"bank", "beside", "the", "river"};
const Words meanings = {"water", "money", "thing", "grammar"};

// What main prints with; the definitions stand below it.
double number(const Tensor& matrix, Index row, Index column);
void show(const char* title, const Tensor& matrix, const Words& rows, const Words& columns,
          const std::string& shades = "");
double largest_difference(const Tensor& a, const Tensor& b);

int main() try {
  // ## The sentence
  //
  // One row for each word. The four numbers say how much the word has to do with water, how much
  // with money, whether it names a thing, and whether it is there for the grammar only. "bank" has
  // as much of water as of money: alone, it is undecided. (named() is for pictures, errors and the
  // debugger; requires_grad is for the last section.)
  const Tensor x = Tensor::matrix({{1, 1, 2, 0}, {0, 0, 0, 2}, {0, 0, 0, 1}, {3, 0, 1, 0}})
                       .requires_grad(true)
                       .named("x");
  show("x", x, words, meanings);
  const Index bank = std::find(words.begin(), words.end(), "bank") - words.begin();  // its row

  // ## Query, key, value
  //
  // Row i of a matrix says what becomes of meaning i. W_q: a thing looks for water and money, since
  // these tell what kind of thing it is; a word of grammar looks for things.
  const Tensor w_query = Tensor::matrix({{0, 0, 0, 0},     // water
                                         {0, 0, 0, 0},     // money
                                         {1, 1, 0, 0},     // thing
                                         {0, 0, 1, 0}});   // grammar
  const Tensor query = matmul(x, w_query).named("query");  // [T, D] [D, d] = [T, d]
  show("query = x W_q", query, words, meanings);

  // W_k: a word is found by all that it is, except that it is grammar.
  const Tensor w_key = Tensor::matrix({{1, 0, 0, 0}, {0, 1, 0, 0}, {0, 0, 1, 0}, {0, 0, 0, 0}});
  const Tensor key = matmul(x, w_key).named("key");  // [T, D] [D, d] = [T, d]
  show("key = x W_k", key, words, meanings);

  // W_v: what a word hands over is its water and its money. Two numbers are enough for that.
  const Tensor w_value = Tensor::matrix({{1, 0}, {0, 1}, {0, 0}, {0, 0}});
  const Tensor value = matmul(x, w_value).named("value");  // [T, D] [D, 2] = [T, 2]
  show("value = x W_v", value, words, {"water", "money"});

  // ## Step 1: similarity
  //
  // How well a key fits a query is their dot product: multiply number by number and add up. For
  // the query of "bank" and the key of "river" that is 2·3 + 2·0 + 0·1 + 0·0 = 6. Row i of the
  // product query keyᵀ holds what word i has with every word; transpose_b is the ᵀ of the second
  // factor. It is not symmetric: "bank" finds 6 in "river", "river" finds 2 in "bank". This is why
  // there are two matrices, W_q and W_k.
  const Tensor products = matmul(query, key, {.transpose_b = true}).named("products");  // [T, T]
  show("query keyᵀ", products, words, words);

  // All are divided by √d = √4 = 2; lesson 4 shows what happens otherwise.
  const Tensor scores = (products / 2).named("scores");  // [T, T]
  show("scores = query keyᵀ / 2", scores, words, words);

  // ## Step 2: softmax
  //
  // Scores become shares: e to the power of each score, which is positive and grows fast, divided
  // by the sum of its row. For "bank": e² = 7.3891, e⁰ = 1, e⁰ = 1, e³ = 20.0855. In sum(), -1 is
  // the last of both axes, along a row; true keeps it, with size 1, for [T, T] to be divided by it.
  const Tensor powers = exp(scores);                        // [T, T]
  const Tensor row_sums = sum(powers, -1, true);            // [T, 1]
  const Tensor by_hand = powers / row_sums;                 // [T, T]: each row by its own sum
  const Tensor weights = softmax(scores).named("weights");  // [T, T]: the same in one step
  show("e^scores", powers, words, words);
  show("weights = softmax(scores)", weights, words, words);
  std::printf("largest difference of softmax(scores) from e^scores / row sum: %.6f\n",
              largest_difference(weights, by_hand));

  // softmax() first subtracts the largest score m of each row, so that no power is above e⁰ = 1
  // (e^1000 is more than a float can hold). No share changes: e^(s - m) is e^s / e^m, so the power
  // and the sum of its row are both divided by e^m, and in the quotient e^m cancels.
  const Tensor largest = max(scores, -1, true);  // [T, 1]
  std::printf("the same with the largest of each row subtracted first:        %.6f\n\n",
              largest_difference(softmax(scores - largest), weights));
  show("sum of the weights of each row", sum(weights, -1, true), words, {"sum"});

  // Two thirds of what "bank" takes up comes from "river". As a picture: who looks at whom.
  show("", weights, words, words, " .:-=+*#%@@");  // a shade for each tenth, and one for 1 itself
  write_file("build/lesson01_attention.svg",
             attention_svg("Who looks at whom", words, words, weights));

  // ## Step 3: the weighted sum
  //
  // Each value times its weight, added up; for the water of "bank":
  // 0.2507·1 + 0.0339·0 + 0.0339·0 + 0.6815·3 = 2.295 (the fourth digit needs longer weights).
  const Tensor context = matmul(weights, value).named("context");  // [T, T] [T, 2] = [T, 2]
  show("context = weights value", context, words, {"water", "money"});

  // ## Step 4: the output
  //
  // W_o puts the two numbers where water and money are in the vector of a word. What comes out has
  // the shape of x: attention can follow on attention, or be added to what was there (lesson 9).
  const Tensor w_output = Tensor::matrix({{1, 0, 0, 0}, {0, 1, 0, 0}});
  const Tensor output = matmul(context, w_output).named("output");  // [T, 2] [2, D] = [T, D]
  show("output = context W_o", output, words, meanings);
  std::printf("bank: water %.3f becomes %.3f, money %.3f becomes %.3f\n", number(x, bank, 0),
              number(output, bank, 0), number(x, bank, 1), number(output, bank, 1));

  // ## The same in one call, for another sentence
  //
  // Steps 1 to 3 are one operation of the library. It must give the same context. And with "money"
  // in the place of "river" the same "bank" must come out as the other kind of bank. "money" is to
  // money what "river" is to water, so exchanging these two columns of x makes the other sentence.
  const Tensor fused = scaled_dot_product_attention(query, key, value);  // [T, 2]
  std::printf("largest difference of scaled_dot_product_attention from the steps: %.6f\n",
              largest_difference(fused, context));

  const Tensor exchange = Tensor::matrix({{0, 1, 0, 0}, {1, 0, 0, 0}, {0, 0, 1, 0}, {0, 0, 0, 1}});
  const Tensor other = matmul(x, exchange);  // [T, D]: bank, beside, the, money
  const Tensor other_context = scaled_dot_product_attention(
      matmul(other, w_query), matmul(other, w_key), matmul(other, w_value));
  const Tensor other_output = matmul(other_context, w_output);
  std::printf("bank beside the river: water %.3f, money %.3f\n", number(output, bank, 0),
              number(output, bank, 1));
  std::printf("bank beside the money: water %.3f, money %.3f\n", number(other_output, bank, 0),
              number(other_output, bank, 1));

  // ## What the output depends on
  //
  // x was made with requires_grad(true), so every step was written down. backward() goes through
  // the steps in reverse (lesson 2), and says for each number of x how fast the water of "bank"
  // changes with it. Take "beside", money: 1 more of it raises the score that "bank" gives "beside"
  // by 1 (its query has 2 there, divided by 2). Raise that score by a little h: its power becomes
  // e^h, nearly 1 + h, times as large. Of the row's sum this power is the share w, its weight, so
  // the sum becomes 1 + w h times as large, and all shares shrink by that. The result gains w h ·
  // value and loses w h of what it was: it moves by w · (value - result) · h. (Lesson 3 has the
  // rule for all of softmax.) Here w is 0.03393, and w · (0 - 2.2951) = -0.0779: it takes share
  // from "river". "river", money: 0.6815 · (3 - 2.2951) = 0.48; its water is also handed over:
  // 0.6815 more. "bank", money: 0.2507 · (1 - 2.2951) = -0.32, as its 1 is less than the result;
  // its water: 0.2507 more. Its thing and grammar count in its query only. (slice() leaves its last
  // number out.)
  const Tensor row = slice(output, 0, bank, bank + 1);              // [1, D]
  const Tensor water = slice(row, 1, 0, 1).named("water of bank");  // [1, 1]
  water.backward();
  show("gradient of the water of bank", x.grad(), words, meanings);
  std::printf("Picture: build/lesson01_attention.svg; open it in a browser.\n");
} catch (const Error& error) {
  std::fprintf(stderr, "%s\n", error.what());
  return 1;
}

// A matrix with a word for each row and each column: as numbers, or as shades.
void show(const char* title, const Tensor& matrix, const Words& rows, const Words& columns,
          const std::string& shades) {
  if (shades.empty()) std::printf("%s %s\n", title, to_string(matrix.shape()).c_str());
  std::printf("%10s", "");
  for (const std::string& column : columns) std::printf("%10s", column.c_str());
  for (Index i = 0; i < Index(rows.size()); ++i) {
    std::printf("\n%10s", rows[std::size_t(i)].c_str());
    for (Index j = 0; j < Index(columns.size()); ++j) {
      const double x = number(matrix, i, j);
      if (shades.empty())
        std::printf("%10.4f", x);
      else
        std::printf("  %s", std::string(8, shades.at(std::size_t(10 * x))).c_str());
    }
  }
  std::printf("\n\n");
}

// One number of a matrix.
double number(const Tensor& matrix, Index row, Index column) {
  return static_cast<double>(matrix.at({row, column}));
}

// How far two tensors are apart at most.
double largest_difference(const Tensor& a, const Tensor& b) {
  return static_cast<double>(max(sqrt(pow(a - b, 2))).item());
}

// ## In the debugger
//
// `make debug-01` stops at the first line of main; go on with `next` (one for each line of a long
// statement). Look at a tensor with `print scores`: its shape, its label, the line of this file
// that made it, and its values; `graph water` shows all that made it, `heat weights` draws it. At
// softmax(scores), the seventh `step` is in kernels::softmax, which goes through the rows. A kernel
// (a loop over arrays) has pointers for tensors: `print *x@4` shows four numbers there (in lldb,
// `parray 4 x`). Everything else that the lessons say holds for both debuggers.
//
// From water.backward() on, `backward-step` goes from gradient to gradient, each with the values of
// its inputs and the gradient that comes in. The sixth is that of softmax: two `step`s from there
// is the first line of Softmax::backward, the fifth kernels::softmax_backward, which is the
// formula. Every operation is a call of gradus::backward_step, where a breakpoint of your own does
// the same.
//
// ## Exercises
//
// 1. Compute the row of "the" on paper, from its query to its output, and compare.
// 2. Swap the rows of "bank" and "river" in x and in `words`. What happens to the outputs? What
//    does attention know about the order of words?
// 3. Give W_q and W_k ones on the diagonal and zeros elsewhere, so that query and key are x itself.
//    Three words now look at themselves most; which does not? The products have become symmetric:
//    what can "beside" no longer look for?
// 4. Divide by 0.2 instead of 2, then by 20. What do the heatmaps look like, and the outputs? (The
//    one operation still divides by √d: the difference after it is no longer 0.)
// 5. Add "wet" as a fifth word, to `words` and, with numbers of your own, to x. What does "bank"
//    take from it? (A word without a row in x is an error that names the line.)
// 6. Write the four steps yourself: make exercise-06 judges them. (After lesson 3, make
//    exercise-04 judges softmax and its gradient.)
