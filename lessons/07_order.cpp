// Lesson 7: order.
//
// Attention is a sum over words, and a sum does not care who comes first. Let P be a permutation
// matrix, so that P X are the words X [T, D] in another order. Queries, keys and values are made
// word by word, so they are permuted alike, the scores become P S Pᵀ, softmax works row by row, and
//
//   attention(P X) = softmax(P S Pᵀ) P V = P softmax(S) PᵀP V = P attention(X)
//
// because PᵀP = 1: each word gets exactly what it got before, wherever it stands. "Dog bites man"
// and "man bites dog" are the same to it. So each word must carry its position in its vector:
//
//   learned:     x_t + p_t, with p [max_length, D] trained like any other weight
//   sinusoidal:  x_t + s_t, with s_t[2i] = sin(t ω_i), s_t[2i+1] = cos(t ω_i), ω_i = 10000^(-2i/D)
//
// Sources: Vaswani et al. 2017, section 3.5; Chollet, Deep Learning with Python, section 11.4.3. It
// takes about two seconds on two cores. STEPS=n in the environment trains for n steps only.

#include <gradus/gradus.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdio>
#include <cstdlib>

using namespace gradus;

// ## Comparing to the bit
//
// How many values of two tensors are the same float, bit by bit, and how far the others are apart.
struct Comparison {
  long long same = 0, count = 0;
  double largest = 0;
  void add(const Tensor& a, const Tensor& b) {
    for (Index i = 0; i < a.size(); ++i) {
      const float x = static_cast<float>(a.data()[i]);
      const float y = static_cast<float>(b.data()[i]);
      same += std::bit_cast<std::uint32_t>(x) == std::bit_cast<std::uint32_t>(y);
      largest = std::max(largest, std::abs(static_cast<double>(x) - static_cast<double>(y)));
      ++count;
    }
  }
  void print(const char* title) const {
    std::printf("%-38s %6lld of %6lld values the same to the bit, largest difference %.1e\n", title,
                same, count, largest);
  }
};

// The rows of x in the order given: P x.
Tensor permuted(const Tensor& x, const std::vector<int>& order) {
  return embedding(x, Ids({static_cast<Index>(order.size())}, order));  // [T, D]
}

// Every value rounded down to a whole multiple of 1 / steps.
Tensor on_grid(const Tensor& x, Scalar steps) {
  Tensor rounded = Tensor::from(x.shape(), x.values());
  for (Scalar& value : rounded.mutable_values()) value = std::floor(value * steps) / steps;
  return rounded;
}

// One head of self-attention: x [T, D] to [T, D].
struct Head {
  explicit Head(Index size, Random& random)
      : query(Tensor::normal({size, size}, 0, Scalar(0.5), random)),
        key(Tensor::normal({size, size}, 0, Scalar(0.5), random)),
        value(Tensor::normal({size, size}, 0, Scalar(0.5), random)) {}

  Tensor operator()(const Tensor& query_words, const Tensor& words) const {
    return scaled_dot_product_attention(matmul(query_words, query), matmul(words, key),
                                        matmul(words, value));
  }

  // The same on a grid. e^score is at most 1 and in steps of 2^-10, values are in steps of 2^-8; so
  // every product is a whole multiple of 2^-18. The 24 bits of a float hold such multiples exactly
  // up to 2^6 = 64, which six values below 10 cannot exceed. Nothing is rounded in the sums.
  Tensor exact(const Tensor& words) const {
    const Tensor keys = matmul(words, key);                                           // [T, D]
    const Tensor scores = matmul(matmul(words, query), keys, {.transpose_b = true});  // [T, T]
    const Scalar scale = 1 / std::sqrt(static_cast<Scalar>(words.shape()[1]));
    const Tensor e = on_grid(exp((scores - max(scores, -1, true)) * scale), 1024);  // [T, T]
    const Tensor v = on_grid(matmul(words, value), 256);                            // [T, D]
    return matmul(e, v) / sum(e, -1, true);                                         // [T, D]
  }

  Tensor query, key, value;  // [D, D]
};

// ## A task that is all order
//
// A text has ten words: two that are marked, A and B, and eight fillers out of seventeen others.
// The question: did A come first? A text and its twin with A and B swapped have the same words and
// opposite answers, so whoever sees only which words there are gets exactly one of the two right.
constexpr Index length = 10;
constexpr int vocabulary = 20, word_a = 1, word_b = 2;  // 0 is padding; fillers are from 3 on

struct Texts {
  Ids ids;         // [B, T]
  Tensor answers;  // [B, 1], 1 if A comes first
};

// `pairs` texts, each followed by its twin.
Texts make_texts(Index pairs, Random& random) {
  std::vector<int> ids;
  std::vector<Scalar> answers;
  for (Index n = 0; n < pairs; ++n) {
    std::vector<int> text(length);
    for (int& word : text) word = 3 + static_cast<int>(random.below(vocabulary - 3));
    const std::size_t first = static_cast<std::size_t>(random.below(length));
    const std::size_t other = static_cast<std::size_t>(random.below(length - 1));
    const std::size_t second = other + (other >= first);  // any place but `first`
    for (const bool twin : {false, true}) {
      text[first] = twin ? word_b : word_a;
      text[second] = twin ? word_a : word_b;
      ids.insert(ids.end(), text.begin(), text.end());
      answers.push_back(twin == (second < first) ? 1 : 0);
    }
  }
  return {Ids({2 * pairs, length}, ids), Tensor::from({2 * pairs, 1}, answers)};
}

enum class Positions { none, learned, sinusoidal };

struct Model : Module {
  Model(Positions kind, Random& random)
      : Module("Model"),
        words(vocabulary, 16, random),
        encoder(16, 32, 2, random),
        logit(16, 1, random) {
    add("words", words);
    add("encoder", encoder);
    add("pooling", pooling);
    add("logit", logit);
    if (kind == Positions::learned)
      positions =
          add("positions", Tensor::uniform({length, 16}, Scalar(-0.05), Scalar(0.05), random));
    if (kind == Positions::sinusoidal) positions = sinusoidal_positions(length, 16);
  }

  Tensor operator()(const Ids& ids) {
    Tensor x = words(ids);                      // [B, T, 16]
    if (positions.exists()) x = x + positions;  // [T, 16] is added to every text
    return logit(pooling(encoder(x)));          // [B, T, 16] to [B, 16] to [B, 1]
  }

  Embedding words;
  TransformerEncoder encoder;
  GlobalMaxPooling pooling;
  Dense logit;
  Tensor positions;  // [T, 16], or none
};

void train_and_test(const char* name, Positions kind, int steps) {
  Random random(7);
  Model model(kind, random);
  Adam optimizer(model.parameters(), {.learning_rate = Scalar(3e-3)});
  Random texts(8);
  std::printf("%-11s", name);
  for (int step = 1; step <= steps; ++step) {
    const Texts batch = make_texts(16, texts);
    const Tensor loss = binary_cross_entropy(model(batch.ids), batch.answers);
    loss.backward(Graph::free);
    optimizer.step();
    optimizer.clear_grad();
    if (step % std::max(1, steps / 5) == 0) std::printf("%8.4f", loss.item());
  }
  const NoGrad no_grad;
  const Texts test = make_texts(500, texts);
  const std::vector<int> predicted = predictions(model(test.ids));
  int correct = 0, both = 0;
  for (std::size_t i = 0; i < predicted.size(); i += 2) {
    const bool one = predicted[i] == static_cast<int>(test.answers.data()[i]);
    const bool twin = predicted[i + 1] == static_cast<int>(test.answers.data()[i + 1]);
    correct += one + twin;
    both += one && twin;
  }
  const std::size_t count = predicted.size();
  std::printf("   %4d of %zu = %.4f   %4d of %zu\n", correct, count,
              correct / static_cast<double>(count), both, count / 2);
}

int main() try {
  // ## The words in every order
  //
  // Six words have 720 orders. For each, the output of the permuted words is compared with the
  // permuted output of the words.
  const Index size = 8;
  Random random(1);
  const Head head(size, random);
  const Tensor words = Tensor::normal({6, size}, 0, 1, random);  // [T, D]
  const Tensor waves = sinusoidal_positions(6, size);            // [T, D]
  std::vector<int> order = {0, 1, 2, 3, 4, 5};
  Comparison queries, all, exact, placed;
  do {
    const Tensor moved = permuted(words, order);
    queries.add(head(moved, words), permuted(head(words, words), order));
    all.add(head(moved, moved), permuted(head(words, words), order));
    exact.add(head.exact(moved), permuted(head.exact(words), order));
    const Tensor before = words + waves, after = moved + waves;  // [T, D]
    placed.add(head(after, after), permuted(head(before, before), order));
  } while (std::next_permutation(order.begin(), order.end()));
  queries.print("queries permuted, keys left");
  all.print("all words permuted");
  exact.print("all words permuted, exact sums");
  placed.print("all words permuted, with positions");

  // Queries: a row of the output depends on its own query and on all keys, so it is computed from
  // the same numbers in the same order. Not one bit changes.
  //
  // All words: the formula says "the same", the machine nearly. The sum over the keys is now taken
  // in another order, and float addition depends on the order, in the last bit:
  const Scalar tiny = Scalar(1) / 16777216;  // 2^-24, half of the last bit of 1
  std::printf("\n(1 + 2^-24) + 2^-24 = 1 + %.1e\n1 + (2^-24 + 2^-24) = 1 + %.1e\n",
              (1 + tiny) + tiny - 1, 1 + (tiny + tiny) - 1);

  // Exact sums: where no sum is rounded, every bit is the same again. So what changed above was
  // rounding and nothing else: attention itself does not see the order.
  //
  // With positions the words are different vectors in different places, and the outputs are far
  // apart. The same to the bit is only the order that changes nothing, one of 720: 6 · 8 values.
  //
  // ## Positions as waves
  //
  // Each pair of columns is the hand of a clock, sine and cosine of one angle. From word
  // to word the first of these four turns by 1, the next by 0.1, 0.01 and 0.001.
  std::printf("\n");
  print("sinusoidal positions", sinusoidal_positions(6, 8), 3);

  // The sines of 32 clocks: a row for each position, dark for -1, bright for 1. The left columns
  // tell neighbours apart, those further right tell the beginning of a long text from its end.
  const Tensor map = sinusoidal_positions(24, 64);  // [24, 64]
  const char* shades = " .:-=+*#%@";
  std::printf("\n");
  for (Index t = 0; t < map.shape()[0]; ++t) {
    std::printf("%2d ", static_cast<int>(t));
    for (Index i = 0; i < map.shape()[1]; i += 2) {
      const char shade = shades[std::min(9, static_cast<int>((map.at({t, i}) + 1) * 5))];
      std::printf("%c%c", shade, shade);
    }
    std::printf("\n");
  }

  // Why clocks? The dot product of the positions t and t + k is Σ sin sin + cos cos = Σ cos(k ω_i):
  // t has vanished. Attention, which compares by dot products, can see how far two words are apart.
  const Tensor far = sinusoidal_positions(64, 64);  // [64, 64]
  std::printf("\nwords apart        0        1        2        4        8       16\n");
  for (const Index t : {0, 10, 40}) {
    std::printf("from word %2d", static_cast<int>(t));
    const Tensor start = slice(far, 0, t, t + 1);  // [1, 64]
    for (const Index k : {0, 1, 2, 4, 8, 16})
      std::printf("%9.4f", sum(start * slice(far, 0, t + k, t + k + 1)).item());
    std::printf("\n");
  }

  // ## The task, trained
  //
  // The same model three times, from the same first weights and on the same texts; 1000 new texts,
  // 500 pairs of twins, are the test. Without positions the loss stays at log 2 = 0.6931, that of a
  // coin, and each pair has exactly one right answer: this is no failure to learn, there is nothing
  // to be seen. With either kind of position the task is easy.
  const char* steps_wanted = std::getenv("STEPS");
  const int steps = steps_wanted ? std::atoi(steps_wanted) : 500;
  std::printf("\n%-12s %-39s %-24s %s\n", "positions", "loss on the way", "right",
              "both twins right");
  train_and_test("none", Positions::none, steps);
  train_and_test("learned", Positions::learned, steps);
  train_and_test("sinusoidal", Positions::sinusoidal, steps);
} catch (const Error& error) {
  std::fprintf(stderr, "%s\n", error.what());
  return 1;
}

// ## In the debugger
//
// Break at Head::operator() and compare the rows of the scores for two orders. Break at
// PositionalEmbedding::operator() in lesson 10: it is the two lines of Model::operator() here. The
// waves are made by sinusoidal_positions in src/layers/layers.cpp.
//
// ## Exercises
//
// 1. In Head::exact, change 1024 to 16777216. How many values are still the same, and why?
// 2. Words start within ±0.05, waves reach ±1. Vaswani et al. (section 3.4) multiply the words by
//    sqrt(D) before they add the waves. Print how large both are, and try it.
// 3. Give the model without positions a causal mask: encoder(x, Mask::causal()). Does it still not
//    see the order? Guess, train it, and then look for the reason (Haviv et al. 2022, "Transformer
//    Language Models without Positional Encodings Still Learn Positional Information").
// 4. Make the positions for 20 words, train on texts of 10, and test on texts of 20. Which of the
//    two kinds carries over better, and which rows of the learned table were never trained?
