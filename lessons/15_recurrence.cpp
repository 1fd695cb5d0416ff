// Lesson 15: attention against recurrence.
//
// Before Transformers, a text was read by a recurrent network: word after word, with a vector h,
// the state, which must hold all that matters later. The best known are the LSTM and its lighter
// sibling, the gated recurrent unit or GRU (Cho et al. 2014, section 2.3):
//
//   z = σ([x, h] Wz + bz)          update gate: what share of each number of h stays   [B, D]
//   r = σ([x, h] Wr + br)          reset gate: what share of each the candidate sees   [B, D]
//   c = tanh([x, r h] Wc + bc)     candidate, what could take the place of h           [B, D]
//   h = z h + (1 − z) c            the new state                                       [B, D]
//
// with x [B, D] the vectors of one word of each of B texts, [x, h] [B, 2D] the two side by side, r
// h, z h and (1 − z) c number by number, W [2D, D] and b [D] learned, σ(a) = 1 / (1 + e^-a), which
// is between 0 and 1, and tanh(a) = 2 σ(2a) - 1, the same curve between -1 and 1.
//
// For the last word to profit from the first, T words earlier, what that left in h must survive T
// rounds, and the gradient come back through as many; with attention the last word looks at the
// first directly. Here both are asked the same question over ever longer distances. Counted are the
// operations between (Vaswani et al. 2017, table 1), those that must wait for each other, and the
// products; measured are the gradient that arrives (Bengio, Simard and Frasconi 1994), whether the
// question is learned, and the time of a step. Six seconds on two cores; STEPS=n trains n steps.

#include <gradus/gradus.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <map>
#include <utility>

using namespace gradus;

// ## The question
//
// A text begins with one of four colours, goes on with random words, and ends with a question mark;
// the right answer is the colour. With the question mark `distance` words behind it there are T =
// distance + 1 words. B texts are given as T times [B], word t of each: the first are the answers.
constexpr int colours = 4, others = 8, question = colours + others, vocabulary = question + 1;
constexpr Index D = 16;  // numbers in the vector of a word, and in h

std::vector<Ids> make_texts(Index B, Index distance, Random& random) {
  std::vector<Ids> texts;
  for (Index t = 0; t <= distance; ++t) {
    std::vector<int> words;
    for (Index b = 0; b < B; ++b)
      words.push_back(int(t == 0         ? random.below(colours)
                          : t < distance ? colours + random.below(others)
                                         : question));
    texts.push_back(Ids({B}, words));
  }
  return texts;
}

// ## Two ways of reading
//
// A reader looks words up in a table, makes one vector of each text, the GRU's way or that of
// attention, and from it logits for the four colours.
enum Way { gru, gru_bias_5, attention };  // the GRU with 0 or 5 in bz
const char* const names[] = {"GRU", "GRU, bias 5", "attention"};

struct Reader : Module {
  Way way;
  Random random{1};
  Embedding embedding{vocabulary, D, random};
  Dense update{2 * D, D, random, Activation::sigmoid};  // σ([x, h] Wz + bz)
  Dense reset{2 * D, D, random, Activation::sigmoid};
  Dense candidate{2 * D, D, random, Activation::tanh};
  MultiHeadAttention self_attention{D, 1, D, random};  // one head
  Dense logits{D, colours, random};
  Tensor first;  // [B, D], the vectors of the first words in the last call

  explicit Reader(Way wanted) : Module("Reader"), way(wanted) {
    add("embedding", embedding);
    add("update", update);
    add("reset", reset);
    add("candidate", candidate);
    add("self_attention", self_attention);
    add("logits", logits);
    for (Scalar& b : update.bias.mutable_values()) b = way == gru_bias_5 ? 5 : 0;
  }

  Tensor operator()(const std::vector<Ids>& texts) {
    std::vector<Tensor> x;  // T times [B, D]
    for (const Ids& words : texts) x.push_back(embedding(words));
    first = x[0];
    return logits(way == attention ? attend(x) : recur(x));  // [B, D] to [B, 4]
  }

  Tensor recur(const std::vector<Tensor>& texts) {
    Tensor h = Tensor::zeros(texts[0].shape());  // [B, D]
    for (const Tensor& x : texts) {
      const Tensor x_and_h = concatenate({x, h}, 1);           // [B, 2D]
      const Tensor z = update(x_and_h);                        // [B, D]
      const Tensor r = reset(x_and_h);                         // [B, D]
      const Tensor c = candidate(concatenate({x, r * h}, 1));  // [B, D]
      h = z * h + (1 - z) * c;                                 // [B, D]
    }
    return h;
  }

  // What stands at the question mark afterwards is a weighted mean over all words (lesson 1).
  Tensor attend(const std::vector<Tensor>& texts) {
    const Index B = texts[0].shape()[0], T = Index(texts.size());
    const Tensor x = reshape(concatenate(texts, 1), {B, T, D});  // [B, T D] to [B, T, D]
    const Tensor y = self_attention(x);                          // [B, T, D]
    return reshape(slice(y, 1, T - 1, T), {B, D});               // [B, D]
  }
};

// ## What is measured
//
// The graph of a loss can be walked: a node (a result; lesson 18) knows the operation that made it,
// and that its inputs (Edges). The shortest way down to the first word is its distance from the
// loss in operations; the longest says how many must wait for each other (sums within one aside).
using Ways = std::pair<int, int>;  // the shortest, the longest

Ways ways_down(const Node* node, std::map<const Node*, Ways>& known) {
  if (known.count(node)) return known[node];
  Ways ways = {1000000, 0};  // no way yet
  if (node->made_by)
    for (const Edge& input : node->made_by->inputs) {
      const auto [shortest, longest] = ways_down(input.tensor.node(), known);
      ways = {std::min(ways.first, shortest + 1), std::max(ways.second, longest + 1)};
    }
  return known[node] = ways;
}

// The products for a text: a word's in three matrices, or four and 2D for each word it looks at.
Index products(Way way, Index T) {
  return T * (way == attention ? 4 * D * D + 2 * D * T : 3 * 2 * D * D);
}

// How many of 200 new texts are answered rightly after `steps` steps of 16; a step's milliseconds.
std::pair<int, double> train(Way way, Index distance, int steps) {
  Random random(2);
  Reader reader(way);
  Adam optimizer(reader.parameters(), {.learning_rate = Scalar(0.01)});
  const auto start = std::chrono::steady_clock::now();
  for (int step = 0; step < steps; ++step) {
    const std::vector<Ids> texts = make_texts(16, distance, random);
    cross_entropy(reader(texts), texts[0]).backward(Graph::free);
    optimizer.step();
    optimizer.clear_grad();
  }
  const std::chrono::duration<double, std::milli> took = std::chrono::steady_clock::now() - start;
  const NoGrad no_grad;
  const std::vector<Ids> texts = make_texts(200, distance, random);
  const std::vector<int> given = predictions(reader(texts));
  int right = 0;
  for (std::size_t i = 0; i < given.size(); ++i) right += given[i] == texts[0].values[i];
  return {right, took.count() / steps};
}

int main() try {
  // ## Before and after training
  //
  // The way of the GRU grows by two operations a word (the product z h and the sum), and nine of
  // each word must wait for those of the word before: [x, h], its matrix, σ, r h, [x, r h], its
  // matrix, tanh, (1 - z) c, the sum. With attention nothing grows: all T words go at once.
  //
  // The GRU's gradient shrinks with each word by a factor, because h = z h + … and z starts near
  // σ(0) = 1/2; more comes through gates and candidate, which see h too. From 128 to 256 words it
  // is divided by 9.3e-21 / 1.0e-39 = 9.3e18 = 1.407¹²⁸: the factor is 1/1.407 = 0.711, the
  // vanishing gradient. (Above 1 it would explode; clip_by_global_norm() shortens gradients that
  // are too long.) A bias bz of 5 makes z start near σ(5) = 0.993: a word forgets less than one
  // percent. (Tallec and Ollivier 2018 advise the logarithm of the distance: ln 150 is 5.) With
  // attention the first word shares the weight of 1 with T - 1 others: twice T, half the gradient.
  const int steps = setting("STEPS", 100, 1, 100000);
  const std::vector<int> distances = {8, 16, 32, 64, 128, 256};
  std::printf("                      operations       products  largest  right of 200\n");
  std::printf("            distance  between  in a row  a text  gradient  after %d steps\n", steps);
  std::vector<Curve> curves;
  for (const Way way : {gru, gru_bias_5, attention}) {
    curves.push_back({names[way], {}});
    for (const int distance : distances) {
      Random random(2);
      Reader reader(way);
      const std::vector<Ids> texts = make_texts(16, distance, random);
      const Tensor loss = cross_entropy(reader(texts), texts[0]);
      loss.backward();
      const Tensor gradient = reader.first.grad();  // [B, D]
      std::map<const Node*, Ways> known = {{reader.first.node(), {0, 0}}};
      const auto [shortest, longest] = ways_down(loss.node(), known);
      const Scalar largest = max(concatenate({gradient, -gradient}, 0)).item();
      std::printf("%-11s %8d %8d %9d %8d %9.1e %12d\n", names[way], distance, shortest, longest,
                  int(products(way, distance + 1)), largest, train(way, distance, steps).first);
      curves.back().values.push_back(std::log10(double(largest)));
    }
  }
  write_file("build/lesson15_gradient.svg", curves_svg("Largest gradient at the first word, log₁₀",
                                                       curves, 0, "n, over 4 · 2ⁿ words:"));

  // The GRU as it comes learns the question over 8 and 16 words; from 32 on it guesses. (One start;
  // 50 of 200 guesses are right, give or take two deviations of √(200 · 1/4 · 3/4) = 6: 38 to 62.)
  // With the bias it learns it, and so does attention: what counts is the factor, not the number of
  // steps. But a state that hardly changes takes hardly anything in (over 8 words its gradient is
  // the smallest), one must know beforehand over what distance to remember, and all that might be
  // asked must fit into D numbers (exercise 3). Attention decides when the question comes, with all
  // words at hand.

  // ## Time
  //
  // The price: all T words look at all T, so above T = 16 attention takes more products. But those
  // of the GRU stand in operations that wait for each other, each too small to share. Which takes
  // longer, and what does a second thread help? (Times differ: they go to standard error.)
  std::fprintf(stderr, "\nMilliseconds a step:     GRU               attention\n");
  std::fprintf(stderr, "distance    1 thread   2 threads    1 thread   2 threads");
  for (const int distance : distances) {
    std::fprintf(stderr, "\n%8d", distance);
    for (const Way way : {gru, attention})
      for (const int count : {1, 2}) {
        set_threads(count);
        std::fprintf(stderr, " %11.2f", train(way, distance, 10).second);
      }
  }
  std::fprintf(stderr, "\n");
} catch (const Error& error) {
  std::fprintf(stderr, "%s\n", error.what());
  return 1;
}

// ## In the debugger
//
// `break gradus::backward_step if out.node_.object_->operation[0] == 't'`, the first letter of its
// operation's name, stops at every tanh: in the GRU once a word, from the last to the first, and
// the gradient that `print out.grad()` shows shrinks.
//
// ## Exercises
//
// 1. Which biases of the update gate are enough for 32 words, and which for 256? Compare with ln T.
// 2. Write an LSTM as a third way (Hochreiter and Schmidhuber 1997; Gers et al. 2000). It has gates
//    f, i, o like z and r, each with its own W and b, c = tanh([x, h] Wc + bc), a memory s beside
//    h, and each word makes s = f s + i c and h = o tanh(s). Its parts go below `logits`: all draw
//    their first values from one `random`, in order, and so the other ways keep theirs.
// 3. Let a text begin with N pairs of a thing and its colour, each one token ("red house"), and end
//    with a thing as the question. How do the GRU with bias 5 and attention fare as N grows?
// 4. Attention has no positions here. Why does it not need them? Find a question that does.
// 5. Write a GRU yourself: make exercise-18 judges it.
