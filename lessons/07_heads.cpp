// Lesson 7: several heads.
//
// A head gives each key one weight, so it looks with one pair of eyes: what comes out is one
// mixture of the values. Multi-head attention has H heads, each with query, key and value matrices
// of its own to a smaller width d, and one more matrix that puts their results together:
//
//   head_h = softmax(query_h key_hᵀ / √d) value_h,   query_h = x W_q,h  and so on   [B, T, d]
//   out    = [head_1, head_2, …, head_H] W_o                                        [B, T, D]
//
// H heads of width d have as many parameters as one of width H·d, and cost as much arithmetic in
// the matrices. But each has weights of its own.
//
// The task is that of lesson 5 with a question of two letters: "which digit stands beside C, and
// which beside A?" One head must share its weight, s for the first place and t for the second, and
// both answers are read off one mixture. W_v and W_o are matrices: a digit x adds its share times a
// number M_xy to the logit of the second answer y (and the letters add what no digit changes). Let
// that answer be right for the digits ab (a beside the first letter), ba, aa and bb. For ab the
// logit of b is above that of a, for ba the other way round; added, (s - t)(M_ab + M_ba - M_aa -
// M_bb) > 0. For aa and bb it is (s + t)(M_aa + M_bb - M_ab - M_ba) > 0. So t > s; but the first
// answer wants s > t. Not both, unless shares depend on digits, too: it takes a second head, or
// something behind the one that is not linear, such as relu. B examples, L letters, V digits:
//
//   pairs [B, L, D]   question [B, 1, D]   out [B, 1, D]   D = 3L + V
//   a pair: a 1 for its letter, a 1 for its digit; a question: a 1 for the first letter that is
//   asked for and a 1, among L other numbers, for the second
//
// Sources: Vaswani et al. 2017, section 3.2.2 and table 3, rows (A); Chollet 2021, section 11.4.2.
// Half a second on two cores; STEPS=n trains n steps only.

#include <gradus/gradus.h>

#include <cstdio>
#include <tuple>
#include <vector>

using namespace gradus;

constexpr Index L = 8;          // letters A … H, and pairs in an example
constexpr Index V = 4;          // digits 0 … 3
constexpr Index D = 3 * L + V;  // letter of a pair, first and second letter asked for, digit

// ## The data
//
// Letters stand in a random order, digits are drawn one by one; the two letters that are asked for
// are different, their digits need not be.
struct Puzzles {
  Tensor pairs;     // [B, L, D]
  Tensor question;  // [B, 1, D]
  Ids answers;      // [B, 2]: the first digit, the second digit
};

Puzzles random_puzzles(Index B, Random& random) {
  Puzzles puzzles{Tensor::zeros({B, L, D}), Tensor::zeros({B, 1, D}), {}};
  Scalar* pair = puzzles.pairs.mutable_data();
  Scalar* question = puzzles.question.mutable_data();
  std::vector<int> answers;
  for (Index b = 0; b < B; ++b, question += D) {
    std::vector<Index> letters = {0, 1, 2, 3, 4, 5, 6, 7}, digits;
    random.shuffle(letters);
    const auto first = std::size_t(random.below(L));  // positions, not letters
    const auto second = (first + 1 + std::size_t(random.below(L - 1))) % L;  // any but the first
    for (const Index letter : letters) {
      digits.push_back(random.below(V));
      pair[letter] = pair[3 * L + digits.back()] = 1;
      pair += D;
    }
    question[L + letters[first]] = question[2 * L + letters[second]] = 1;
    for (const std::size_t place : {first, second}) answers.push_back(int(digits[place]));
  }
  puzzles.answers = Ids({B, 2}, answers);
  return puzzles;
}

// ## The network
//
// Attention alone: of the D numbers that come out, the first V are the logits (lesson 3) of the
// first answer, the next V those of the second. Or, with_relu, behind it a relu, which makes 0 of
// what is below 0, and a Dense, one more learned matrix with a bias, that makes the 2V logits.
struct Finder : Module {
  Finder(int num_heads, bool with_relu, Random& random)
      : Module("Finder"),
        attention(D, num_heads, 16 / num_heads, random),
        last(D, 2 * V, random),
        bends(with_relu) {
    add("attention", attention);
    if (bends) add("last", last);
  }

  Tensor operator()(const Puzzles& puzzles) {
    const Tensor out = attention(puzzles.question, puzzles.pairs, puzzles.pairs);  // [B, 1, D]
    const Tensor logits = bends ? last(relu(out)) : slice(out, 2, 0, 2 * V);       // [B, 1, 2V]
    return reshape(logits, {out.shape()[0], 2, V});                                // [B, 2, V]
  }

  MultiHeadAttention attention;
  Dense last;
  bool bends;
};

void train(Finder& model, int steps) {
  Random random(3);
  Adam optimizer(model.parameters(), {.learning_rate = Scalar(0.01)});
  for (int step = 0; step < steps; ++step) {
    const Puzzles puzzles = random_puzzles(64, random);
    const Tensor loss = cross_entropy(model(puzzles), puzzles.answers);
    if (step % 100 == 0 || step + 1 == steps)
      std::printf("  step %3d  loss %.4f\n", step, loss.item());
    loss.backward(Graph::free);
    optimizer.step();
    optimizer.clear_grad();
  }
}

std::vector<std::string> report(Finder& model, const Puzzles& test, const Puzzles& one);  // below

int main() try {
  // ## Heads in memory
  //
  // No head has a matrix of its own in memory. One product makes the queries of all heads side by
  // side, [B, T, H·d]. Here B = 1, T = 3 positions, H = 2 heads of d = 2; each number says where it
  // belongs: hundreds are the position, tens the head, ones the place within the head.
  const Tensor merged = Tensor::from(
      {1, 3, 4}, {100, 101, 110, 111, 200, 201, 210, 211, 300, 301, 310, 311});  // [B, T, H·d]
  print("side by side [B, T, H·d]", merged, 0);

  // To split, give the last axis two sizes (nothing moves) and swap the axes T and H (now each head
  // has its positions together); to merge, go back. The swap is what costs: reshape() only counts
  // in another way, permute() copies every number: of queries, keys, values and result 4 B T H d.
  const Index before = live_values();
  const Tensor by_place = reshape(merged, {1, 3, 2, 2});  // [B, T, H, d]
  const Index after_reshape = live_values();
  const Tensor split = permute(by_place, {0, 2, 1, 3});  // [B, H, T, d]
  std::printf("new numbers in memory: %d by reshape, %d by permute\n", int(after_reshape - before),
              int(live_values() - after_reshape));
  print("split [B, H, T, d]: one matrix for each head", split, 0);
  const Tensor back = reshape(permute(split, {0, 2, 1, 3}), {1, 3, 4});  // [B, T, H·d]
  print("merged again", back, 0);

  // The mistake that everybody makes once: reshape to [B, H, T, d] at once. The shape is right and
  // no error comes, but "head 0" now holds position 1 of both heads and half of position 2.
  print("reshape without permute: wrong", reshape(merged, {1, 2, 3, 2}), 0);

  // The fast operation reads the heads where they lie, without a copy, and gives the same.
  Random random(5);
  const Tensor query = Tensor::uniform({1, 3, 4}, -1, 1, random);  // [B, T, H·d]
  const Tensor in_place = scaled_dot_product_attention(query, query, merged, {.num_heads = 2});
  const Tensor q = permute(reshape(query, {1, 3, 2, 2}), {0, 2, 1, 3});        // [B, H, T, d]
  const Tensor by_head = scaled_dot_product_attention(q, q, split);            // [B, H, T, d]
  const Tensor together = reshape(permute(by_head, {0, 2, 1, 3}), {1, 3, 4});  // [B, T, H·d]
  int different = 0;
  for (Index i = 0; i < 12; ++i) different += in_place.data()[i] != together.data()[i];
  std::printf("heads read in place or split first: %d of 12 numbers differ\n\n", different);

  // ## One head of 16, two heads of 8
  //
  // Same data, same training, one start, and attention has the same number of parameters; key_dim
  // is the d of a head. Guessing gives a digit with probability 1/4 and a loss of ln 4 = 1.3863.
  // One head looks at both places, and gives the first letter the larger share, which names the
  // first digit. The second is right wherever it is the same as the first, and elsewhere in 139 of
  // 762, fewer than guessing would be: the larger share wins again. With a relu, which can tell a
  // large share from a small one, one head is enough. Of two heads each looks at one place.
  const int steps = setting("STEPS", 400, 1, 100000);
  Random fresh(2);
  const Puzzles test = random_puzzles(1000, fresh);
  Puzzles one = random_puzzles(1, fresh);
  while (one.answers.values[0] == one.answers.values[1]) one = random_puzzles(1, fresh);
  for (const auto& [num_heads, with_relu, name] :
       {std::tuple{1, false, "1 head of key_dim 16"},
        std::tuple{1, true, "1 head of key_dim 16, relu and Dense"},
        std::tuple{2, false, "2 heads of key_dim 8"}}) {
    Random start(1);
    Finder model(num_heads, with_relu, start);
    std::printf("%s: %d parameters\n", name, int(model.parameter_count()));
    train(model, steps);
    const std::vector<std::string> pairs = report(model, test, one);
    if (num_heads == 2)
      write_file("build/lesson07_heads.svg",
                 attention_svg("Which pairs the two heads look at", {"head 1", "head 2"}, pairs,
                               reshape(model.attention.weights, {2, L})));
  }
} catch (const Error& error) {
  std::fprintf(stderr, "%s\n", error.what());
  return 1;
}

// Loss and right answers; then one example, and below its pairs the weights of each head.
std::vector<std::string> report(Finder& model, const Puzzles& test, const Puzzles& one) {
  const NoGrad no_grad;
  const Tensor logits = model(test);  // [B, 2, V]
  const std::vector<int> given = predictions(reshape(logits, {-1, V}));
  const std::vector<int>& wanted = test.answers.values;
  int first = 0, second[2] = {}, count[2] = {};  // [1]: where both digits are the same
  for (std::size_t i = 0; i < given.size(); i += 2) {
    const bool equal = wanted[i] == wanted[i + 1];
    first += given[i] == wanted[i];
    second[equal] += given[i + 1] == wanted[i + 1];
    ++count[equal];
  }
  std::printf("  on new examples: loss %.4f, first digit right %d/%d,\n",
              cross_entropy(logits, test.answers).item(), first, count[0] + count[1]);
  std::printf("  second digit right %d/%d where it differs from the first, %d/%d elsewhere\n",
              second[0], count[0], second[1], count[1]);

  model.attention.keep_weights();
  const std::vector<int> said = predictions(reshape(model(one), {2, V}));
  model.attention.keep_weights(false);
  const Tensor weights = reshape(model.attention.weights, {-1, L});  // [H, L]
  std::printf(" ");
  for (Index i = L; i < 3 * L; ++i)
    if (one.question.data()[i] > 0) std::printf(" %c?", int('A' + i % L));
  std::printf(" %d %d is right, %d %d is given\n               ", one.answers.values[0],
              one.answers.values[1], said[0], said[1]);
  const std::vector<int> letters = predictions(slice(one.pairs, 2, 0, L));  // where the 1 is
  const std::vector<int> digits = predictions(slice(one.pairs, 2, 3 * L, D));
  std::vector<std::string> pairs;
  for (std::size_t i = 0; i < L; ++i) {
    pairs.push_back({char('A' + letters[i]), '=', char('0' + digits[i])});
    std::printf("    %s", pairs.back().c_str());
  }
  for (Index h = 0; h < weights.shape()[0]; ++h) {
    std::printf("\n  head %d       ", int(h + 1));
    for (Index i = 0; i < L; ++i) std::printf(" %.4f", weights.at({h, i}));
  }
  std::printf("\n");
  return pairs;
}

// ## In the debugger
//
// `break gradus::MultiHeadAttention::operator()` and step: q [B, 1, H·d] holds the queries of all
// heads side by side. In report(), `print weights` has a row for each head.
//
// ## Exercises
//
// 1. Give each of the two heads a key_dim of 4, 2 and 1 (for 16 / num_heads), with STEPS=3000. How
//    few numbers tell eight letters apart and carry one of four digits? (Lesson 5, exercise 2.)
// 2. Try 4 heads of 4. Which heads look where? Is one of them superfluous?
// 3. In the question, let both letters stand in the first place. What can two heads not know now?
// 4. Ask for three letters (report() and the 2s above know of two). How many heads does it take?
// 5. Split and merge the heads yourself: make exercise-08 judges it.
