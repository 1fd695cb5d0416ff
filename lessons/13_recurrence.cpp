// Lesson 13: attention against recurrence.
//
// Before Transformers, a text was read by a recurrent network: word after word, with a vector h,
// the state, in which everything must be kept that matters later. The best known are the LSTM and
// its lighter sibling, the gated recurrent unit or GRU (Cho et al. 2014, section 2.3):
//
//   z = σ([x, h] Wz + bz)            update gate: how much of the state stays      [B, D]
//   r = σ([x, h] Wr + br)            reset gate: how much of it the candidate sees [B, D]
//   c = tanh([x, r h] Wc + bc)       candidate, what could take its place          [B, D]
//   h = z h + (1 − z) c              the new state                                 [B, D]
//
// with x [B, D] the vectors of one word of each of B texts and [x, h] [B, 2D] the two side by side.
//
// For the last word to profit from the first, T words earlier, what the first left in h must
// survive T rounds of this, and in training the gradient must come back through as many. With
// attention the last word looks at the first directly. This lesson sends the same question over
// longer and longer distances through both and measures: how many operations lie between, how much
// gradient arrives at the first word, and whether it is learned. Vaswani et al. 2017, section 4 and
// table 1, argue with the first of these; Bengio, Simard and Frasconi 1994, "Learning long-term
// dependencies with gradient descent is difficult", with the second.
//
// It takes about eight seconds on one core. STEPS=n in the environment trains for n steps only;
// TIMES=1 also measures time, the one thing that differs from machine to machine.

#include <gradus/gradus.h>

#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <set>

using namespace gradus;

// ## The question
//
// A text begins with one of four colours, goes on with random words of no meaning, and ends with a
// question mark. The right answer is the colour. Guessing is right once in four times. `distance`
// is how far the question mark stands from the colour, so T = distance + 1.
constexpr int colours = 4, others = 8, question = colours + others, vocabulary = question + 1;
constexpr Index width = 16;  // D

struct Texts {
  Ids ids;      // [B, T]
  Ids answers;  // [B]
};

Texts make_texts(Index B, Index distance, Random& random) {
  std::vector<int> ids, answers;
  for (Index b = 0; b < B; ++b) {
    answers.push_back(static_cast<int>(random.below(colours)));
    ids.push_back(answers.back());
    for (Index t = 1; t < distance; ++t)
      ids.push_back(colours + static_cast<int>(random.below(others)));
    ids.push_back(question);
  }
  return {Ids({B, distance + 1}, ids), Ids({B}, answers)};
}

// ## The two readers
//
// Both give logits [B, 4] for the colours, and keep the tensor that holds the vectors of the first
// words, so that its gradient can be looked at.
struct Reader : Module {
  using Module::Module;
  virtual Tensor operator()(const Ids& ids) = 0;
  Tensor holds_first;  // [B, D] or [B, T, D]
};

struct Gru : Reader {
  Gru(Scalar update_bias, Random& random)
      : Reader("Gru"),
        embedding(vocabulary, width, random),
        update(2 * width, width, random, Activation::sigmoid),
        reset(2 * width, width, random, Activation::sigmoid),
        candidate(2 * width, width, random, Activation::tanh),
        logits(width, colours, random) {
    add("embedding", embedding);
    add("update", update);
    add("reset", reset);
    add("candidate", candidate);
    add("logits", logits);
    for (Scalar& b : update.bias.mutable_values()) b = update_bias;
  }

  Tensor operator()(const Ids& ids) override {
    const Index B = ids.shape[0], T = ids.shape[1];
    Tensor h = Tensor::zeros({B, width});
    for (Index t = 0; t < T; ++t) {
      std::vector<int> words;  // word t of each text
      for (Index b = 0; b < B; ++b)
        words.push_back(ids.values[static_cast<std::size_t>(b * T + t)]);
      const Tensor x = embedding(Ids({B}, words));             // [B, D]
      const Tensor x_and_h = concatenate({x, h}, 1);           // [B, 2D]
      const Tensor z = update(x_and_h);                        // [B, D]
      const Tensor r = reset(x_and_h);                         // [B, D]
      const Tensor c = candidate(concatenate({x, r * h}, 1));  // [B, D]
      h = z * h + (1 - z) * c;                                 // [B, D]
      if (t == 0) holds_first = x;
    }
    return logits(h);  // [B, 4]
  }

  Embedding embedding;
  Dense update, reset, candidate, logits;
};

// One layer of self-attention with one head and nothing else: what stands at the question mark
// afterwards is a weighted mean over all words (lesson 1), from which the logits are computed.
struct Attention : Reader {
  explicit Attention(Random& random)
      : Reader("Attention"),
        embedding(257, vocabulary, width, random),
        attention(width, 1, width, random),
        logits(width, colours, random) {
    add("embedding", embedding);
    add("attention", attention);
    add("logits", logits);
  }

  Tensor operator()(const Ids& ids) override {
    const Index B = ids.shape[0], T = ids.shape[1];
    holds_first = embedding(ids);               // [B, T, D]
    const Tensor y = attention(holds_first);    // [B, T, D]
    const Tensor last = slice(y, 1, T - 1, T);  // [B, 1, D]
    return logits(reshape(last, {B, width}));   // [B, 4]
  }

  PositionalEmbedding embedding;
  MultiHeadAttention attention;
  Dense logits;
};

// ## What is measured
//
// The graph that a loss leaves behind can be walked: each node knows the operation that made it and
// its inputs. Level by level from the loss (breadth first), the level at which the tensor of the
// first word appears is the length of the shortest way between them.
struct Way {
  Index length = 0;      // operations on the shortest way from the first word to the loss
  Index operations = 0;  // in the whole graph
};

Way way_between(const Tensor& loss, const Tensor& first) {
  Way way;
  std::set<const Node*> seen{loss.node()};
  std::vector<const Node*> level{loss.node()};
  for (Index depth = 0; !level.empty(); ++depth) {
    std::vector<const Node*> next;
    for (const Node* node : level) {
      if (node == first.node()) way.length = depth;
      if (!node->made_by) continue;
      ++way.operations;
      const Inputs& inputs = node->made_by->inputs;
      for (int i = 0; i < inputs.count(); ++i)
        if (seen.insert(inputs[i].node()).second) next.push_back(inputs[i].node());
    }
    level = next;
  }
  return way;
}

// The norm √(Σ g²) of the gradient g that arrives at the vectors of the first words.
double norm_at_first(const Tensor& gradient) {
  const Index B = gradient.shape()[0], stride = gradient.size() / B;
  double squares = 0;
  for (Index b = 0; b < B; ++b)
    for (Index d = 0; d < width; ++d) {
      const double g = gradient.data()[b * stride + d];
      squares += g * g;
    }
  return std::sqrt(squares);
}

Tensor loss_of(Reader& reader, const Texts& texts) {
  return cross_entropy(reader(texts.ids), texts.answers);
}

void training_step(Reader& reader, Optimizer& optimizer, const Texts& texts) {
  loss_of(reader, texts).backward(Graph::free);
  clip_by_global_norm(reader.parameters(), 1);
  optimizer.step();
  optimizer.clear_grad();
}

// How many of 500 new texts are answered rightly after `steps` steps of 32 texts each.
int right_after_training(Reader& reader, Index distance, int steps) {
  Random random(2);
  Adam optimizer(reader.parameters(), {.learning_rate = Scalar(0.01)});
  for (int step = 0; step < steps; ++step)
    training_step(reader, optimizer, make_texts(32, distance, random));
  const NoGrad no_grad;
  const Texts test = make_texts(500, distance, random);
  const std::vector<int> answers = predictions(reader(test.ids));
  int right = 0;
  for (std::size_t i = 0; i < answers.size(); ++i) right += answers[i] == test.answers.values[i];
  return right;
}

// The three that compete: the GRU as it comes, with biases of zero; the GRU with an update gate
// that starts nearly closed to the new, of which more below; attention. Made anew for each
// measurement from the same random numbers.
constexpr int readers = 3;
const char* const names[readers] = {"GRU", "GRU, bias 5", "attention"};
std::unique_ptr<Reader> make(int number) {
  Random random(1);
  if (number == 2) return std::make_unique<Attention>(random);
  return std::make_unique<Gru>(number == 1 ? Scalar(5) : Scalar(0), random);
}

double milliseconds_per_step(int number, Index distance) {
  const std::unique_ptr<Reader> reader = make(number);
  Adam optimizer(reader->parameters());
  Random random(2);
  double best = 1e9;
  for (int repeat = 0; repeat < 10; ++repeat) {
    const Texts texts = make_texts(32, distance, random);
    const auto start = std::chrono::steady_clock::now();
    training_step(*reader, optimizer, texts);
    const std::chrono::duration<double, std::milli> took = std::chrono::steady_clock::now() - start;
    best = std::min(best, took.count());
  }
  return best;
}

int main() try {
  // ## Before training
  //
  // The way of the GRU grows by two operations a word (the product z h and the sum), that of
  // attention not at all. Nor can the operations of the GRU be done at the same time: each state
  // waits for the one before it, while attention does a few operations, each for all words.
  //
  // The gradient shrinks with each word by a factor, because h = z h + … and z starts near σ(0) =
  // 1/2; what comes through the candidate and the gates makes it somewhat more. A constant factor
  // to the power of the distance: this is the vanishing gradient. With attention the first word is
  // one of T that share the weight of 1, so its gradient falls like 1 / T: halved for twice the
  // distance, where that of the GRU is divided by a number with twenty digits.
  //
  // A bias of 5 makes z start near σ(5) = 0.993, and the GRU forgets less than one percent a word.
  // (Tallec and Ollivier 2018, "Can recurrent neural networks warp time?", advise the logarithm of
  // the distances that matter, and log 150 is about 5. The LSTM's gate starts with a bias of 1 in
  // Keras for the same reason.)
  std::printf("Before training:\n%8s  %22s  %22s  %34s\n", "", "operations on the way",
              "operations in all", "norm of the gradient at word 0");
  std::printf("%8s  %10s %11s  %10s %11s  %10s %11s %11s\n", "distance", "GRU", "attention", "GRU",
              "attention", names[0], names[1], names[2]);
  double norm_128[readers] = {}, norm_256[readers] = {};
  for (const Index distance : {8, 16, 32, 64, 128, 256}) {
    Way ways[readers];
    double norms[readers];
    for (int n = 0; n < readers; ++n) {
      const std::unique_ptr<Reader> reader = make(n);
      Random random(2);
      const Tensor loss = loss_of(*reader, make_texts(32, distance, random));
      loss.backward();
      ways[n] = way_between(loss, reader->holds_first);
      norms[n] = norm_at_first(reader->holds_first.grad());
      if (distance == 128) norm_128[n] = norms[n];
      if (distance == 256) norm_256[n] = norms[n];
    }
    std::printf("%8lld  %10lld %11lld  %10lld %11lld  %10.1e %11.1e %11.1e\n",
                static_cast<long long>(distance), static_cast<long long>(ways[0].length),
                static_cast<long long>(ways[2].length), static_cast<long long>(ways[0].operations),
                static_cast<long long>(ways[2].operations), norms[0], norms[1], norms[2]);
  }

  // Twice the distance, from 128 to 256: by what is the gradient divided, and for the GRU, what is
  // the factor of a single word? The 128th root, which is seven square roots.
  std::printf("%-56s", "from 128 to 256 divided by");
  for (int n = 0; n < readers; ++n) std::printf(" %11.1e", norm_128[n] / norm_256[n]);
  std::printf("\n%-56s", "factor a word");
  for (int n = 0; n < 2; ++n) {
    double factor = norm_256[n] / norm_128[n];
    for (int i = 0; i < 7; ++i) factor = std::sqrt(factor);
    std::printf(" %11.4f", factor);
  }

  // ## After training
  //
  // The GRU as it comes learns the question over 8 words and not over 32: it is still guessing. The
  // one with the bias learns it, and so does attention.
  //
  // So a long way is not the end of recurrence: what counts is the factor, not the number of steps.
  // The remedy has a price, though. A state that hardly changes hardly takes anything in (over 8
  // words the gradient with the bias is the smallest of the three), one has to know beforehand over
  // what distance to remember, and all that might be asked must fit into D numbers. Attention
  // decides when the question comes, with all words still at hand; its price is that all T words
  // look at all T words, the T² of lesson 15.
  const char* const wanted = std::getenv("STEPS");
  const int steps = wanted ? std::atoi(wanted) : 300;
  std::printf("\n\nRight answers after %d steps (guessing: 125/500):\n%8s", steps, "distance");
  for (const char* name : names) std::printf("  %18s", name);
  for (const Index distance : {8, 32, 128}) {
    std::printf("\n%8lld", static_cast<long long>(distance));
    for (int n = 0; n < readers; ++n) {
      const int right = right_after_training(*make(n), distance, steps);
      std::printf("  %7d/500 = %.3f", right, right / 500.0);
    }
  }
  std::printf("\n%-8s", "weights");
  for (int n = 0; n < readers; ++n)
    std::printf("  %18lld", static_cast<long long>(make(n)->parameter_count()));
  std::printf("\n");

  // ## Time
  //
  // A second core helps where there is work to share. The GRU has many small operations that wait
  // for each other; attention has few and large ones.
  if (!std::getenv("TIMES")) return 0;
  std::printf("\nMilliseconds a step:\n%8s  %23s  %23s\n", "", "GRU", "attention");
  std::printf("%8s  %11s %11s  %11s %11s\n", "distance", "1 thread", "2 threads", "1 thread",
              "2 threads");
  for (const Index distance : {8, 16, 32, 64, 128, 256}) {
    std::printf("%8lld", static_cast<long long>(distance));
    for (const int number : {0, 2})
      for (const int count : {1, 2}) {
        set_threads(count);
        std::printf(count == 1 ? "  %11.2f" : " %11.2f", milliseconds_per_step(number, distance));
      }
    std::printf("\n");
  }
} catch (const Error& error) {
  std::fprintf(stderr, "%s\n", error.what());
  return 1;
}

// ## In the debugger
//
// Set a breakpoint at `gradus::backward_step` and continue: in the GRU the same operations come by
// again and again, from the last word to the first; `print out.grad().data()[0]` at each `tanh`
// shows the gradient shrink. In `way_between`, `print node->operation` names the nodes of a level.
//
// ## Exercises
//
// 1. Print the gradient's norm at the last word too. Adam divides by the size of the gradient; why
//    does that not help the GRU over 32 words?
// 2. Which biases of the update gate are enough for 32 words, and which for 128? Compare with log
// T.
// 3. Write an LSTM (Hochreiter and Schmidhuber 1997; with the forget gate of Gers, Schmidhuber and
//    Cummins 2000) as a third reader.
// 4. Let each text name N things with a colour each, one word for each pair, and the last word name
//    one of the things. How does the accuracy of the GRU with bias 5 fall with N, and that of
//    attention?
// 5. Leave the positions out of `Attention`. Does this question need them? Find one that does.
