// Lesson 5: attention that learns.
//
// In lesson 1 the matrices W_q, W_k and W_v were written by hand. New here: they start as random
// numbers and learn one thing, to look something up (associative recall). The network is shown L
// pairs of a letter (the key) and a digit (the value), then one of the letters, and must say the
// digit that stood beside it:
//
//   D=2  A=5  H=0  C=7  …   A?   ->   5
//
// Letters and digits are paired anew in every example, so the matrices cannot hold the answer; they
// can only hold how to find it.
//
// A pair enters as 2L numbers, all 0 but two: a 1 for its letter and a 1 for its digit. The
// question has a 1 for its letter only. Order plays no part: the pairs are a set. B examples, a
// batch, go through the network at once:
//   pairs [B, L, 2L]   question [B, 1, 2L]   W_q, W_k [2L, d]   W_v [2L, L]
//   query   = question W_q                   [B, 1, d]
//   key     = pairs W_k                      [B, L, d]
//   value   = pairs W_v                      [B, L, L]   a number for each digit
//   weights = softmax(query keyᵀ / √d)       [B, 1, L]   a share for each pair
//   logits  = weights value                  [B, 1, L]   again a number for each digit
//   loss    = the mean of -ln p, where p is what softmax(logits) gives the right digit
//
// Giving each of L digits the probability 1/L costs -ln(1/L) = ln L; to be sure and right, nothing.
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

constexpr Index L = 8;   // letters A … H, digits 0 … 7, and pairs in an example
constexpr Index d = 16;  // numbers in a query or key

// ## The data
//
// In every example the L letters stand in a random order, each with a digit that is drawn by
// itself, so that some digits come twice and some not at all.
struct Examples {
  Tensor pairs;     // [B, L, 2L]
  Tensor question;  // [B, 1, 2L]
  Ids answers;      // [B, 1]; Ids hold whole numbers
};

Examples random_examples(Index B, Random& random) {
  Examples examples{Tensor::zeros({B, L, 2 * L}), Tensor::zeros({B, 1, 2 * L}), {}};
  Scalar* pair = examples.pairs.mutable_data();
  Scalar* question = examples.question.mutable_data();
  std::vector<int> answers;
  for (Index b = 0; b < B; ++b, question += 2 * L) {
    std::vector<Index> letters = {0, 1, 2, 3, 4, 5, 6, 7};
    random.shuffle(letters);
    const Index asked = letters[static_cast<std::size_t>(random.below(L))];
    for (const Index letter : letters) {
      const Index digit = random.below(L);
      pair[letter] = pair[L + digit] = 1;
      pair += 2 * L;
      if (letter == asked) answers.push_back(static_cast<int>(digit));
    }
    question[asked] = 1;
  }
  examples.answers = Ids({B, 1}, answers);
  return examples;
}

// ## The network
//
// Attention, nothing else; the matrices start with small random numbers, uniform in ± √(6 / (rows
// + columns)) by glorot_uniform(). A Module is a model or a part of one; what add() is told belongs
// to it, and parameters() lists all that for an optimiser. With attend = false every pair gets the
// weight 1/L, whatever is asked: the same network without its eyes, to compare.
struct Recall : Module {
  Recall(Random& random, bool attend_to_pairs = true)
      : Module("Recall"),
        w_query(glorot_uniform({2 * L, d}, 2 * L, d, random)),
        w_key(glorot_uniform({2 * L, d}, 2 * L, d, random)),
        w_value(glorot_uniform({2 * L, L}, 2 * L, L, random)),
        attend(attend_to_pairs) {
    add("w_query", w_query);
    add("w_key", w_key);
    add("w_value", w_value);
  }

  Tensor operator()(const Examples& examples) {
    const Tensor query = matmul(examples.question, w_query).named("query");  // [B, 1, d]
    const Tensor key = matmul(examples.pairs, w_key).named("key");           // [B, L, d]
    const Tensor value = matmul(examples.pairs, w_value).named("value");     // [B, L, L]
    const Tensor products = matmul(query, key, {.transpose_b = true});       // [B, 1, L]
    const Scalar scale = attend ? 1 / std::sqrt(Scalar(d)) : 0;
    weights = softmax(products * scale).named("weights");  // [B, 1, L]
    return matmul(weights, value).named("logits");         // [B, 1, L]
  }

  Tensor w_query, w_key, w_value;
  Tensor weights;  // of the last call
  bool attend;
};

// ## Training
//
// Every step sees 64 new examples, computes the gradient of their loss (lesson 2) and lets Adam
// (lesson 3) move each matrix a little against it. Nothing tells the network which pair to look at:
// all it gets is that gradient. Graph::free gives the graph's memory back on the way, as nobody
// looks at it later; clear_grad() empties the gradients, to which the next backward() adds.
void train(Recall& model, int steps, bool verbose) {
  Random random(3);
  Adam optimizer(model.parameters(), {.learning_rate = Scalar(0.02)});
  for (int step = 0; step < steps; ++step) {
    const Examples batch = random_examples(64, random);
    const Tensor loss = cross_entropy(model(batch), batch.answers);
    const double value = loss.item();
    if (verbose && (step % 25 == 0 || step + 1 == steps))
      std::printf("  step %3d  loss %.4f %s\n", step, value,
                  std::string(static_cast<std::size_t>(value * 20), '#').c_str());
    loss.backward(Graph::free);
    optimizer.step();
    optimizer.clear_grad();
  }
}

// What main prints with; the definitions stand below it.
void show(const char* name, Recall& model, const Examples& one);
void evaluate(const char* name, Recall& model, const Examples& examples);

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
  std::printf("ln L = ln %d = %.4f\n", int(L), log(Tensor::scalar(Scalar(L))).item());
  show("Before", model, one);
  std::printf("\nTraining\n");
  train(model, steps, true);
  show("After", model, one);
  show("Another", model, another);

  // ## What was learned
  //
  // A row with a single 1 picks a row of the matrix that it is multiplied by. So the score of "A?"
  // against a pair with the letter B is row A of W_q times row B of W_k, or row A, column B of W_q
  // W_kᵀ / √d (in the order A … H). It is large on the diagonal only: a letter looks for itself.
  // The pair's digit adds something, too (the question against the last L rows of W_k): it should
  // be nothing, and is below 0.8. In the rows for digits W_v says the same of these: a pair with
  // the digit 3 raises the logit of 3, and its letter adds little. Recalling is comparing and
  // copying.
  const Tensor scores =
      matmul(model.w_query, model.w_key, {.transpose_b = true}) / std::sqrt(Scalar(d));  // [2L, 2L]
  const Tensor of_pairs = slice(slice(scores, 0, 0, L), 1, 0, L);                        // [L, L]
  print("\nW_q W_kᵀ / √d for letters", of_pairs, 2);
  write_file("build/lesson05_scores.svg",
             attention_svg("The score of each question with each letter",
                           {"A?", "B?", "C?", "D?", "E?", "F?", "G?", "H?"},
                           {"A", "B", "C", "D", "E", "F", "G", "H"}, of_pairs));
  const auto range = [](const char* of, const Tensor& x) {
    std::printf("what a %s adds: from %.2f to %.2f\n", of, -max(-x).item(), max(x).item());
  };
  range("digit", slice(slice(scores, 0, 0, L), 1, L, 2 * L));
  print("W_v for digits", slice(model.w_value, 0, L, 2 * L), 2);
  range("letter", slice(model.w_value, 0, 0, L));

  // ## Is it attention that does it?
  //
  // The network without eyes has the same start and the same training. It sees how often each digit
  // occurs and can bet on the most frequent one, but cannot know which stands beside the letter.
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

// One example: the weight of each pair, and the probability of the right answer. `predictions()`
// says where the largest number of each row is: here, the 1 of a letter or digit.
void show(const char* name, Recall& model, const Examples& one) {
  const NoGrad no_grad;  // while this lives, nothing is recorded for a backward()
  const Tensor probabilities = softmax(model(one));  // [1, 1, L]
  const std::vector<int> letters = predictions(slice(one.pairs, 2, 0, L));
  const std::vector<int> digits = predictions(slice(one.pairs, 2, L, 2 * L));
  std::printf("\n%-16s", name);
  for (std::size_t i = 0; i < letters.size(); ++i)
    std::printf("     %c=%d", 'A' + letters[i], digits[i]);
  std::printf("\n  weights for %c?", 'A' + predictions(one.question)[0]);
  for (const Scalar weight : model.weights.values()) std::printf("%8.4f", weight);
  const int answer = one.answers.values[0];
  std::printf("\n  probability of the right answer, %d: %.4f\n", answer,
              probabilities.at({0, 0, answer}));
}

// Loss and right answers on examples that the network was not trained on.
void evaluate(const char* name, Recall& model, const Examples& examples) {
  const NoGrad no_grad;
  const Tensor logits = model(examples);               // [B, 1, L]
  const std::vector<int> given = predictions(logits);  // the digit with the largest logit
  int right = 0;
  for (std::size_t i = 0; i < given.size(); ++i) right += given[i] == examples.answers.values[i];
  std::printf("%-20s loss %.4f, %4d of %zu right\n", name,
              cross_entropy(logits, examples.answers).item(), right, given.size());
}

// ## In the debugger
//
// Stop in Recall::operator() and look at `weights` before and after training. To see who teaches
// W_q where to look, break at gradus::backward_step in the first training step and follow the
// gradient from the loss through the logits and the weights to the scores. After Softmax::backward
// some scores have a negative gradient, and the step will raise these: those of pairs whose value
// would lower the loss more than the mean of all values does.
//
// ## Exercises
//
// 1. Print at every tenth step up to 80 the loss and the means of two diagonals, that of W_q
//    W_kᵀ / √d for letters and that of W_v for digits. Which of them has begun to grow at step 20?
//    What does the network know then (see the one without eyes), and why must it come first?
// 2. Make d smaller: 8, 4, 2, 1. How few numbers are enough to tell eight letters apart? (Think
//    of the directions on a clock.)
// 3. Let train() alone see examples in which every digit occurs once: in a copy of
//    random_examples(), shuffle 0 … 7 for the digits, too. From this start the network finds
//    another way to the answer. Look at the weights: which pair does it leave out? Why is that
//    enough there, and why not on `test`, where digits repeat?
// 4. Give the letter and its digit as two separate rows, as a text would: "D2A5H0…". Attention
//    sees a set of rows (lesson 8): what is lost, however many attentions follow each other? Then
//    let each row also have a 1 for its place in the text. Why can one head still not do it?
//    (Olsson et al. 2022, "In-context learning and induction heads": with places, two in a row do.)
