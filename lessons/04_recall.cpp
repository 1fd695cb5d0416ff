// Lesson 4: attention that learns.
//
// In lesson 1 the matrices W_q, W_k and W_v were written by hand. Here they start as random numbers
// and learn one thing, to look something up. The network is shown K pairs of a letter (the key) and
// a digit (the value), then one of the letters, and must say the digit that stood beside it:
//
//   D=2  A=5  H=0  C=7  …   A?   ->   5
//
// This is called associative recall. Letters and digits are paired anew in every example, so the
// weights of the network cannot hold the answer; they can only hold how to find it. Giving each of
// K digits the same probability costs -ln(1/K) = ln K; whoever finds the pair comes near 0.
//
// A pair enters as 2K numbers, all 0 but two: a 1 for its letter and a 1 for its digit. The
// question has a 1 for its letter only. Order plays no part: the pairs are a set.
//
//   pairs [B, K, 2K]   question [B, 1, 2K]   W_q, W_k [2K, d]   W_v [2K, K]
//   query   = question W_q                   [B, 1, d]
//   key     = pairs W_k                      [B, K, d]
//   value   = pairs W_v                      [B, K, K]   a number for each digit
//   weights = softmax(query keyᵀ / √d)       [B, 1, K]   a share for each pair
//   logits  = weights value                  [B, 1, K]   again a number for each digit
//   loss    = the mean of -ln softmax(logits)[answer]
//
// Sources: the task is in Graves et al. 2014, "Neural Turing Machines", section 4.3, and with
// letters and digits in Ba et al. 2016, "Using fast weights to attend to the recent past",
// section 4.1. Runs in about a second on two cores; STEPS=n trains for n steps only.

#include <gradus/gradus.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

using namespace gradus;

constexpr Index K = 8;   // letters A … H, digits 0 … 7, and pairs in an example
constexpr Index d = 16;  // numbers in a query or key

// ## The data
//
// One example: which letters stand in which order, the digit beside each, and which is asked for.
struct Puzzle {
  std::vector<Index> letters;  // all K, in a random order
  std::vector<Index> digits;   // the digit of each of them
  std::size_t asked = 0;       // the position of the pair that answers
};

// Digits are drawn one by one, so some come twice and some not at all; or, with each_digit_once,
// they are all K digits in a random order. That seems to be a detail; the end of the lesson shows
// that it is not.
Puzzle random_puzzle(Random& random, bool each_digit_once = false) {
  Puzzle puzzle;
  for (Index i = 0; i < K; ++i) {
    puzzle.letters.push_back(i);
    puzzle.digits.push_back(each_digit_once ? i : random.below(K));
  }
  random.shuffle(puzzle.letters);
  random.shuffle(puzzle.digits);
  puzzle.asked = static_cast<std::size_t>(random.below(K));
  return puzzle;
}

// Examples as the network sees them.
struct Encoded {
  Tensor pairs;     // [B, K, 2K]
  Tensor question;  // [B, 1, 2K]
  Ids answers;      // [B, 1]
};

Encoded encode(const std::vector<Puzzle>& puzzles) {
  const Index B = static_cast<Index>(puzzles.size());
  Encoded batch{Tensor::zeros({B, K, 2 * K}), Tensor::zeros({B, 1, 2 * K}), {}};
  Scalar* pair = batch.pairs.mutable_data();
  Scalar* question = batch.question.mutable_data();
  std::vector<int> answers;
  for (const Puzzle& puzzle : puzzles) {
    for (std::size_t i = 0; i < puzzle.letters.size(); ++i, pair += 2 * K)
      pair[puzzle.letters[i]] = pair[K + puzzle.digits[i]] = 1;
    question[puzzle.letters[puzzle.asked]] = 1;
    question += 2 * K;
    answers.push_back(static_cast<int>(puzzle.digits[puzzle.asked]));
  }
  batch.answers = Ids({B, 1}, answers);
  return batch;
}

Encoded random_batch(Index size, Random& random, bool each_digit_once = false) {
  std::vector<Puzzle> puzzles;
  for (Index i = 0; i < size; ++i) puzzles.push_back(random_puzzle(random, each_digit_once));
  return encode(puzzles);
}

// ## The network
//
// One head and nothing else. With attend_to_pairs = false every pair gets the weight 1/K, whatever
// is asked: the same network without its eyes, to compare with.
struct Recall : Module {
  Recall(Random& random, bool attend_to_pairs = true)
      : Module("Recall"),
        w_query(add("w_query", glorot_uniform({2 * K, d}, 2 * K, d, random))),
        w_key(add("w_key", glorot_uniform({2 * K, d}, 2 * K, d, random))),
        w_value(add("w_value", glorot_uniform({2 * K, K}, 2 * K, K, random))),
        attend(attend_to_pairs) {}

  Tensor operator()(const Encoded& batch) {
    const Tensor query = matmul(batch.question, w_query).named("query");  // [B, 1, d]
    const Tensor key = matmul(batch.pairs, w_key).named("key");           // [B, K, d]
    const Tensor value = matmul(batch.pairs, w_value).named("value");     // [B, K, K]
    const Tensor products =
        matmul(query, key, {.transpose_b = true}).named("products");           // [B, 1, K]
    const Tensor scores = products * (attend ? 1 / std::sqrt(Scalar(d)) : 0);  // [B, 1, K]
    weights = softmax(scores).named("weights");                                // [B, 1, K]
    return done(matmul(weights, value));                                       // [B, 1, K]
  }

  Tensor w_query, w_key, w_value;
  Tensor weights;  // of the last call
  bool attend;
};

// ## What is printed
//
// Loss and right answers over examples that the network was not trained on.
void evaluate(const char* name, Recall& model, const Encoded& examples) {
  const NoGrad no_grad;
  const Tensor logits = model(examples);  // [B, 1, K]
  const std::size_t count = examples.answers.values.size();
  std::size_t right = 0;
  for (std::size_t i = 0; i < count; ++i) {
    const Scalar* row = logits.data() + static_cast<Index>(i) * K;
    if (std::max_element(row, row + K) - row == examples.answers.values[i]) ++right;
  }
  std::printf("%-28s loss %.4f, %4zu of %zu right\n", name,
              static_cast<double>(cross_entropy(logits, examples.answers).item()), right, count);
}

// One example: the weight of each pair, and the probability of the right answer.
void show(const char* name, Recall& model, const Puzzle& puzzle) {
  const NoGrad no_grad;
  const Tensor answer = softmax(model(encode({puzzle})));  // [1, 1, K]
  const auto letter = [](Index i) { return static_cast<char>('A' + i); };
  std::printf("\n%-16s", name);
  for (std::size_t i = 0; i < puzzle.letters.size(); ++i)
    std::printf("     %c=%d", letter(puzzle.letters[i]), static_cast<int>(puzzle.digits[i]));
  std::printf("\n  weights for %c? ", letter(puzzle.letters[puzzle.asked]));
  for (const Scalar weight : model.weights.values())
    std::printf("  %.4f", static_cast<double>(weight));
  const Index digit = puzzle.digits[puzzle.asked];
  std::printf("\n  probability of the right answer, %d: %.4f\n", static_cast<int>(digit),
              static_cast<double>(answer.at({0, 0, digit})));
}

// Every step sees 64 new examples. Nothing tells the network which pair to look at: all it gets is
// the gradient of the loss.
void train(Recall& model, int steps, bool verbose, bool each_digit_once = false) {
  Random random(3);
  Adam optimizer(model.parameters(), {.learning_rate = Scalar(0.02)});
  for (int step = 0; step < steps; ++step) {
    const Encoded batch = random_batch(64, random, each_digit_once);
    const Tensor loss = cross_entropy(model(batch), batch.answers);
    const double value = static_cast<double>(loss.item());
    if (verbose && (step % 25 == 0 || step + 1 == steps))
      std::printf("  step %3d  loss %.4f %s\n", step, value,
                  std::string(static_cast<std::size_t>(value * 20), '#').c_str());
    loss.backward(Graph::free);
    optimizer.step();
    optimizer.clear_grad();
  }
}

int main() try {
  const char* given = std::getenv("STEPS");
  const int steps = given ? std::atoi(given) : 400;
  Random start(1), fresh(2);
  Recall model(start);
  const Encoded test = random_batch(1000, fresh);
  const Puzzle puzzle = random_puzzle(fresh, true);

  // ## Before and after
  //
  // At the start every pair has a weight near 1/8 = 0.125, the right answer a probability near 1/8,
  // and the loss is near ln 8. After training nearly all weight is on the pair with the letter that
  // was asked for. "Other digits" is the same example with the digits moved on by one: the network
  // was not touched in between, and gives the other answer.
  std::printf("ln K = ln %d = %.4f\n", static_cast<int>(K),
              static_cast<double>(log(Tensor::scalar(Scalar(K))).item()));
  show("Before", model, puzzle);
  std::printf("\nTraining\n");
  train(model, steps, true);
  show("After", model, puzzle);
  Puzzle changed = puzzle;
  std::rotate(changed.digits.begin(), changed.digits.begin() + 1, changed.digits.end());
  show("Other digits", model, changed);

  // ## What was learned
  //
  // The score of the question "A?" against a pair with the letter B is row A, column B of
  // W_q W_kᵀ / √d (rows and columns in the order A … H). It is large on the diagonal only: a letter
  // looks for itself. W_v, in the rows for the digits, says the same of digits: a pair with the
  // digit 3 raises the logit of 3. Comparing and copying is all that there is to recall.
  const Tensor scores =
      matmul(model.w_query, model.w_key, {.transpose_b = true}) / std::sqrt(Scalar(d));  // [2K, 2K]
  std::printf("\n");
  print("W_q W_kᵀ / √d for letters", slice(slice(scores, 0, 0, K), 1, 0, K), 2);
  print("W_v for digits", slice(model.w_value, 0, K, 2 * K), 2);

  // ## Is it attention that does it?
  //
  // The network without eyes has the same matrices, the same start and the same training. It sees
  // how often each digit occurs, and can bet on the most frequent one; it cannot know which of them
  // stands beside the letter.
  Random same_start(1);
  Recall blind(same_start, false);
  train(blind, steps, false);
  std::printf("\nOn 1000 new examples\n");
  evaluate("  attention", model, test);
  evaluate("  every weight 1/8", blind, test);

  // ## A shortcut
  //
  // Now train where every digit occurs exactly once. Then there is a second way to the answer: look
  // at all pairs but the one that was asked for, let each of them lower the logit of its digit, and
  // name the digit that is left. Of the two starts below one ends there: look at its weights. It
  // answers well as long as every digit occurs once, and fails where digits repeat. A network
  // learns what makes the loss smaller, which need not be what we had in mind.
  const Encoded test_once = random_batch(1000, fresh, true);
  for (const std::uint64_t seed : {1u, 2u}) {
    Random other_start(seed);
    Recall other(other_start);
    train(other, steps, false, true);
    show(("Start " + std::to_string(seed)).c_str(), other, puzzle);
    evaluate("  each digit once", other, test_once);
    evaluate("  digits repeat", other, test);
  }
} catch (const Error& error) {
  std::fprintf(stderr, "%s\n", error.what());
  return 1;
}

// ## In the debugger
//
// Stop in Recall::operator() and look at `weights` before and after training. To see who teaches
// W_q where to look, break at gradus::backward_step in the first training step and follow the
// gradient from the loss through the logits and the weights to the scores. After Softmax::backward
// the gradient of a score is negative, so that the step will raise it, where the value of the pair
// serves the loss better than the weighted mean of all values does.
//
// ## Exercises
//
// 1. Try the starts 3 to 12 where every digit occurs once. How many take the shortcut? Print W_v of
//    one that does: how does it differ from the one above?
// 2. Print the loss of every step from 30 to 80. It falls slowly, then fast. Which of the matrices
//    must know something before the others can learn?
// 3. Make d smaller: 8, 4, 2, 1. How few numbers are enough to tell eight letters apart? (Think of
//    the directions on a clock.)
// 4. Ask for two letters at once (a question with two ones). What do the weights do, and why?
// 5. Give the letter and its digit as two separate rows, as a text would: "D2A5H0…". Why can one
//    head no longer do it? (Olsson et al. 2022, "In-context learning and induction heads": it takes
//    two layers.)
