// Lesson 5: attention that learns.
//
// In lesson 1 the matrices W_q, W_k and W_v were written by hand. Here they start as random numbers
// and learn one thing, to look something up. The network is shown K pairs of a letter (the key) and
// a digit (the value), then one of the letters, and must say the digit that stood beside it:
//
//   D=2  A=5  H=0  C=7  …   A?   ->   5
//
// This is called associative recall. Letters and digits are paired anew in every example, so the
// weights of the network cannot hold the answer; they can only hold how to find it.
//
// A pair enters as 2K numbers, all 0 but two: a 1 for its letter and a 1 for its digit. The
// question has a 1 for its letter only. Order plays no part: the pairs are a set. B examples, a
// batch, go through the network at once:
//
//   pairs [B, K, 2K]   question [B, 1, 2K]   W_q, W_k [2K, d]   W_v [2K, K]
//   query   = question W_q                   [B, 1, d]
//   key     = pairs W_k                      [B, K, d]
//   value   = pairs W_v                      [B, K, K]   a number for each digit
//   weights = softmax(query keyᵀ / √d)       [B, 1, K]   a share for each pair
//   logits  = weights value                  [B, 1, K]   again a number for each digit
//   loss    = the mean of -ln p, where p is what softmax(logits) gives the right digit
//
// Giving each of K digits the probability 1/K costs -ln(1/K) = ln K; to be sure and right, nothing.
//
// Sources: the task is in Graves et al. 2014, "Neural Turing Machines", section 4.3, and with
// letters and digits in Ba et al. 2016, "Using fast weights to attend to the recent past",
// section 4.1. Runs in half a second on two cores; STEPS=n trains for n steps only.

#include <gradus/gradus.h>

#include <cmath>
#include <cstdio>
#include <string>
#include <vector>

using namespace gradus;

constexpr Index K = 8;   // letters A … H, digits 0 … 7, and pairs in an example
constexpr Index d = 16;  // numbers in a query or key

// ## The data
//
// In every example the K letters stand in a random order, each with a digit that is drawn by
// itself, so that some digits come twice and some not at all.
struct Examples {
  Tensor pairs;     // [B, K, 2K]
  Tensor question;  // [B, 1, 2K]
  Ids answers;      // [B, 1]
};

Examples random_examples(Index B, Random& random) {
  Examples examples{Tensor::zeros({B, K, 2 * K}), Tensor::zeros({B, 1, 2 * K}), {}};
  Scalar* pair = examples.pairs.mutable_data();
  Scalar* question = examples.question.mutable_data();
  std::vector<int> answers;
  for (Index b = 0; b < B; ++b, question += 2 * K) {
    std::vector<Index> letters = {0, 1, 2, 3, 4, 5, 6, 7};
    random.shuffle(letters);
    const Index asked = letters[static_cast<std::size_t>(random.below(K))];
    for (const Index letter : letters) {
      const Index digit = random.below(K);
      pair[letter] = pair[K + digit] = 1;
      pair += 2 * K;
      if (letter == asked) answers.push_back(static_cast<int>(digit));
    }
    question[asked] = 1;
  }
  examples.answers = Ids({B, 1}, answers);
  return examples;
}

// ## The network
//
// One head and nothing else; the matrices start with small random numbers. With attend = false
// every pair gets the weight 1/K, whatever is asked: the same network without its eyes, to compare.
struct Recall : Module {
  Recall(Random& random, bool attend_to_pairs = true)
      : Module("Recall"),
        w_query(glorot_uniform({2 * K, d}, 2 * K, d, random)),
        w_key(glorot_uniform({2 * K, d}, 2 * K, d, random)),
        w_value(glorot_uniform({2 * K, K}, 2 * K, K, random)),
        attend(attend_to_pairs) {
    add("w_query", w_query);
    add("w_key", w_key);
    add("w_value", w_value);
  }

  Tensor operator()(const Examples& examples) {
    const Tensor query = matmul(examples.question, w_query).named("query");  // [B, 1, d]
    const Tensor key = matmul(examples.pairs, w_key).named("key");           // [B, K, d]
    const Tensor value = matmul(examples.pairs, w_value).named("value");     // [B, K, K]
    const Tensor products = matmul(query, key, {.transpose_b = true});       // [B, 1, K]
    const Scalar scale = attend ? 1 / std::sqrt(Scalar(d)) : 0;
    weights = softmax(products * scale).named("weights");  // [B, 1, K]
    return matmul(weights, value).named("logits");         // [B, 1, K]
  }

  Tensor w_query, w_key, w_value;
  Tensor weights;  // of the last call
  bool attend;
};

// ## Training
//
// Every step sees 64 new examples, computes the gradient of their loss (lesson 2) and lets an
// optimiser move each matrix a little against it. Adam (lesson 3) chooses how far for
// each number by itself. Nothing tells the network which pair to look at: all it gets is the
// gradient of the loss.
void train(Recall& model, int steps, bool verbose) {
  Random random(3);
  Adam optimizer(model.parameters(), {.learning_rate = Scalar(0.02)});
  for (int step = 0; step < steps; ++step) {
    const Examples batch = random_examples(64, random);
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

// One example: the weight of each pair, and the probability of the right answer. `predictions()`
// says where the largest number of each row is: here, the 1 of a letter or digit.
void show(const char* name, Recall& model, const Examples& one) {
  const NoGrad no_grad;
  const Tensor probabilities = softmax(model(one));  // [1, 1, K]
  const std::vector<int> letters = predictions(slice(one.pairs, 2, 0, K));
  const std::vector<int> digits = predictions(slice(one.pairs, 2, K, 2 * K));
  std::printf("\n%-16s", name);
  for (std::size_t i = 0; i < letters.size(); ++i)
    std::printf("     %c=%d", 'A' + letters[i], digits[i]);
  std::printf("\n  weights for %c? ", 'A' + predictions(one.question)[0]);
  for (const Scalar weight : model.weights.values())
    std::printf("  %.4f", static_cast<double>(weight));
  const int answer = one.answers.values[0];
  std::printf("\n  probability of the right answer, %d: %.4f\n", answer,
              static_cast<double>(probabilities.at({0, 0, answer})));
}

// Loss and right answers over examples that the network was not trained on.
void evaluate(const char* name, Recall& model, const Examples& examples) {
  const NoGrad no_grad;
  const Tensor logits = model(examples);               // [B, 1, K]
  const std::vector<int> given = predictions(logits);  // the digit with the largest logit
  int right = 0;
  for (std::size_t i = 0; i < given.size(); ++i) right += given[i] == examples.answers.values[i];
  std::printf("%-20s loss %.4f, %4d of %zu right\n", name,
              static_cast<double>(cross_entropy(logits, examples.answers).item()), right,
              given.size());
}

int main() try {
  const int steps = setting("STEPS", 400, 1, 100000);
  Random start(1), fresh(2);
  Recall model(start);
  const Examples test = random_examples(1000, fresh);
  const Examples one = random_examples(1, fresh), another = random_examples(1, fresh);

  // ## Before and after
  //
  // At the start every pair has a weight near 1/8 = 0.125, the right answer a probability near 1/8,
  // and the loss is near ln 8. After training nearly all weight is on the pair with the letter that
  // was asked for. With another example the same matrices look at another pair.
  std::printf("ln K = ln %d = %.4f\n", static_cast<int>(K),
              static_cast<double>(log(Tensor::scalar(Scalar(K))).item()));
  show("Before", model, one);
  std::printf("\nTraining\n");
  train(model, steps, true);
  show("After", model, one);
  show("Another", model, another);

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
// 1. Print the loss of every step from 30 to 80. It falls slowly, then fast. Which of the matrices
//    must know something before the others can learn?
// 2. Make d smaller: 8, 4, 2, 1. How few numbers are enough to tell eight letters apart? (Think of
//    the directions on a clock.)
// 3. Train where every digit occurs exactly once: shuffle 0 … 7 as the letters are.
//    Some starts, Random start(1) is one, now learn another way to the answer. Look at the weights:
//    which pair is left out? Why does it fail on examples in which digits repeat?
// 4. Give the letter and its digit as two separate rows, as a text would: "D2A5H0…". Why can one
//    head no longer do it? (Olsson et al. 2022, "In-context learning and induction heads": it takes
//    two layers.)
