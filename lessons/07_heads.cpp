// Lesson 7: several heads.
//
// A head gives each key one weight, so it looks with one pair of eyes: what comes out is one
// mixture of the values. Who needs two different things from two different places needs two heads.
// Multi-head attention has H of them, each with query, key and value matrices of its own to a
// smaller width d, and one more matrix that puts their results together:
//
//   head_h = softmax(query_h key_hᵀ / √d) value_h,   query_h = x W_q,h  and so on   [B, T, d]
//   out    = [head_1, head_2, …, head_H] W_o                                        [B, T, D]
//
// H heads of width d have as many parameters as one of width H·d, and cost as much arithmetic in
// the matrices. What differs is only who may look where.
//
// The task is that of lesson 5 with a question of two letters: "which digit stands beside C, and
// which beside A?" The answer has an order. One head can share its weight between the two places,
// but then both answers are read off the same mixture, and which digit came from where is lost.
// With B examples at once, K letters and V digits:
//
//   pairs [B, K, D]   question [B, 1, D]   out [B, 1, D]   D = 3K + V
//   a pair: a 1 for its letter, a 1 for its digit; a question: a 1 for the first letter that is
//   asked for and a 1, among K other numbers, for the second
//
// Sources: Vaswani et al. 2017, section 3.2.2 and table 3, rows (A); Chollet, Deep Learning with
// Python, 2nd edition, section 11.4.2. Half a second on two cores; STEPS=n trains n steps only.

#include <gradus/gradus.h>

#include <algorithm>
#include <cstdio>
#include <vector>

using namespace gradus;

constexpr Index K = 8;          // letters A … H, and pairs in an example
constexpr Index V = 4;          // digits 0 … 3
constexpr Index D = 3 * K + V;  // letter of a pair, first and second letter asked for, digit

// ## The data
//
// Letters stand in a random order, digits are drawn one by one; the two letters that are asked for
// are different, their digits need not be.
struct Puzzles {
  Tensor pairs;                // [B, K, D]
  Tensor question;             // [B, 1, D]
  Ids answers;                 // [B, 2]: the first digit, the second digit
  std::vector<Index> letters;  // [B, K], and
  std::vector<Index> digits;   // [B, K]: what the pairs are, for printing
};

Puzzles random_puzzles(Index B, Random& random) {
  Puzzles puzzles{Tensor::zeros({B, K, D}), Tensor::zeros({B, 1, D}), {}, {}, {}};
  Scalar* pair = puzzles.pairs.mutable_data();
  Scalar* question = puzzles.question.mutable_data();
  std::vector<int> answers;
  for (Index b = 0; b < B; ++b, question += D) {
    std::vector<Index> letters;
    for (Index i = 0; i < K; ++i) letters.push_back(i);
    random.shuffle(letters);
    const Index first = random.below(K);                         // positions, not letters
    const Index second = (first + 1 + random.below(K - 1)) % K;  // any but the first
    for (Index i = 0; i < K; ++i, pair += D) {
      const Index letter = letters[static_cast<std::size_t>(i)];
      puzzles.letters.push_back(letter);
      puzzles.digits.push_back(random.below(V));
      pair[letter] = pair[3 * K + puzzles.digits.back()] = 1;
      if (i == first) question[K + letter] = 1;
      if (i == second) question[2 * K + letter] = 1;
    }
    answers.push_back(static_cast<int>(puzzles.digits[static_cast<std::size_t>(b * K + first)]));
    answers.push_back(static_cast<int>(puzzles.digits[static_cast<std::size_t>(b * K + second)]));
  }
  puzzles.answers = Ids({B, 2}, answers);
  return puzzles;
}

// ## The network
//
// Attention and nothing else. Of the D numbers that come out, the first V are the logits of the
// first answer and the next V those of the second.
Tensor logits_of(MultiHeadAttention& attention, const Puzzles& puzzles) {
  const Tensor out = attention(puzzles.question, puzzles.pairs, puzzles.pairs);  // [B, 1, D]
  return reshape(slice(out, 2, 0, 2 * V), {out.shape()[0], 2, V});               // [B, 2, V]
}

void train(MultiHeadAttention& attention, int steps) {
  Random random(3);
  Adam optimizer(attention.parameters(), {.learning_rate = Scalar(0.01)});
  for (int step = 0; step < steps; ++step) {
    const Puzzles puzzles = random_puzzles(64, random);
    const Tensor loss = cross_entropy(logits_of(attention, puzzles), puzzles.answers);
    if (step % 100 == 0 || step + 1 == steps)
      std::printf("  step %3d  loss %.4f\n", step, static_cast<double>(loss.item()));
    loss.backward(Graph::free);
    optimizer.step();
    optimizer.clear_grad();
  }
}

// ## What is printed
void evaluate(MultiHeadAttention& attention, const Puzzles& test) {
  const NoGrad no_grad;
  const Tensor logits = logits_of(attention, test);  // [B, 2, V]
  const Index B = logits.shape()[0];
  int right[2] = {}, both = 0;
  for (Index b = 0; b < B; ++b) {
    bool answer_right[2] = {};
    for (Index a = 0; a < 2; ++a) {
      const Scalar* row = logits.data() + (b * 2 + a) * V;
      answer_right[a] = std::max_element(row, row + V) - row ==
                        test.answers.values[static_cast<std::size_t>(b * 2 + a)];
      right[a] += answer_right[a];
    }
    both += answer_right[0] && answer_right[1];
  }
  const int count = static_cast<int>(B);
  std::printf("  loss %.4f; first digit right %d of %d, second %d of %d, both %d of %d\n",
              static_cast<double>(cross_entropy(logits, test.answers).item()), right[0], count,
              right[1], count, both, count);
}

// The weights of each head for one example, above them the pairs.
void show(MultiHeadAttention& attention, const Puzzles& one) {
  const NoGrad no_grad;
  attention.keep_weights();
  logits_of(attention, one);
  attention.keep_weights(false);
  const Scalar* question = one.question.data();
  const auto asked = [](const Scalar* from) {
    return static_cast<char>('A' + (std::max_element(from, from + K) - from));
  };
  std::printf("  %c? %c? -> %d %d ", asked(question + K), asked(question + 2 * K),
              one.answers.values[0], one.answers.values[1]);
  for (std::size_t i = 0; i < one.letters.size(); ++i)
    std::printf("    %c=%d", static_cast<char>('A' + one.letters[i]),
                static_cast<int>(one.digits[i]));
  for (Index h = 0; h < attention.weights.shape()[1]; ++h) {  // weights [1, H, 1, K]
    std::printf("\n  head %d       ", static_cast<int>(h + 1));
    for (Index i = 0; i < K; ++i)
      std::printf(" %.4f", static_cast<double>(attention.weights.at({0, h, 0, i})));
  }
  std::printf("\n");
}

int main() try {
  // ## Heads in memory
  //
  // No head has a matrix of its own in memory. One product makes the queries of all heads side by
  // side, [B, T, H·d]. Here B = 1, T = 3 positions, H = 2 heads of d = 2; each number says where it
  // belongs: hundreds are the position, tens the head, ones the place within the head.
  const Tensor merged =
      Tensor::from({1, 3, 4}, std::vector<Scalar>{100, 101, 110, 111, 200, 201, 210, 211, 300, 301,
                                                  310, 311});  // [B, T, H·d]
  print("side by side [B, T, H·d]", merged, 0);

  // To split, give the last axis two sizes (nothing moves) and swap the axes T and H (now each head
  // has its positions together). To merge, go back the same way.
  const Tensor split = permute(reshape(merged, {1, 3, 2, 2}), {0, 2, 1, 3});  // [B, H, T, d]
  print("split [B, H, T, d]: one matrix for each head", split, 0);
  const Tensor back = reshape(permute(split, {0, 2, 1, 3}), {1, 3, 4});  // [B, T, H·d]
  print("merged again", back, 0);

  // The mistake that everybody makes once: reshape to [B, H, T, d] at once. The shape is right and
  // no error comes, but "head 0" now holds position 1 of both heads and half of position 2.
  print("reshape without permute: wrong", reshape(merged, {1, 2, 3, 2}), 0);

  // The fast operation reads the heads where they lie. It gives the same as the split heads do.
  Random random(5);
  const Tensor query = Tensor::uniform({1, 3, 4}, -1, 1, random);  // [B, T, H·d]
  const Tensor in_place = scaled_dot_product_attention(query, query, merged, {.num_heads = 2});
  const auto heads = [](const Tensor& x) {
    return permute(reshape(x, {1, 3, 2, 2}), {0, 2, 1, 3});  // [B, H, T, d]
  };
  const Tensor by_head =
      scaled_dot_product_attention(heads(query), heads(query), split);         // [B, H, T, d]
  const Tensor together = reshape(permute(by_head, {0, 2, 1, 3}), {1, 3, 4});  // [B, T, H·d]
  int different = 0;
  for (Index i = 0; i < 12; ++i) different += in_place.data()[i] != together.data()[i];
  std::printf("heads read in place or split first: %d of 12 numbers differ\n\n", different);

  // ## One head of 16 against two heads of 8
  //
  // Same data, same number of parameters, same training. Guessing gives a digit with probability
  // 1/4 and a loss of ln 4 = 1.3863.
  //
  // One head looks at both places, and to say which is which it has only the size of the shares. It
  // gives the first letter the larger one, which names the first digit; the second is right 377
  // times, guessing would be 250. Of two heads each looks at one place, and both answers are right.
  const int steps = setting("STEPS", 400, 1, 100000);
  Random fresh(2);
  const Puzzles test = random_puzzles(1000, fresh);
  const Puzzles one = random_puzzles(1, fresh);
  for (const int num_heads : {1, 2}) {
    Random start(1);
    MultiHeadAttention attention(D, num_heads, 16 / num_heads, start);
    std::printf("%d head%s of key_dim %d: %d parameters\n", num_heads, num_heads > 1 ? "s" : "",
                16 / num_heads, static_cast<int>(attention.parameter_count()));
    train(attention, steps);
    evaluate(attention, test);
    show(attention, one);
  }
} catch (const Error& error) {
  std::fprintf(stderr, "%s\n", error.what());
  return 1;
}

// ## In the debugger
//
// Break at MultiHeadAttention::operator() and step: q [B, 1, H·d] holds the queries of all heads
// side by side. In show(), `print attention.weights` has a row for each head.
//
// ## Exercises
//
// 1. Give each of the two heads a key_dim of 4, then 2. How many numbers does it take to find one
//    of eight letters, and to carry one of four digits?
// 2. Try 4 heads of 4. Which heads look where? Is one of them superfluous?
// 3. In the question, give the second letter the numbers of the first (a question with two ones and
//    no order). What do two heads do, and what can they no longer know?
// 4. Ask for three letters. How many heads does it take?
