// Lesson 8: order.
//
// Attention is a sum over words, and a sum does not care who comes first. Let P be a permutation
// matrix, so that P X are the words X [T, D] in another order. Queries Q, keys K and values V are
// made word by word, so they are permuted alike: the scores S = Q Kᵀ / √D become P Q (P K)ᵀ / √D =
// P S Pᵀ, as (A B)ᵀ is Bᵀ Aᵀ. Softmax works row by row, whatever the order in a row, and
//
//   attention(P X) = softmax(P S Pᵀ) P V = P softmax(S) Pᵀ P V = P attention(X)
//
// because Pᵀ undoes what P does (PᵀP is the identity): each word gets exactly what it got before.
// With two words a and b, exchanged: S has the rows (aa, ab) and (ba, bb), where ab says how well b
// fits a; P S Pᵀ has (bb, ba) and (ab, aa). The row of a has moved, and in it the score of b has
// moved to where b is now; so a mixes the same values in the same shares. "Dog bites man" and "man
// bites dog" are the same to attention. So each word must carry its position t in its vector x_t:
//
//   learned:     x_t + p_t, with p [T, D] trained like any other parameter
//   sinusoidal:  x_t + s_t, with s_t[2i] = sin(t ω_i), s_t[2i+1] = cos(t ω_i), ω_i = 10000^(-2i/D)
//
// The waves need no training and go on for ever. Learned positions can become whatever the task
// needs, such as a first place unlike all others; they cost T D parameters, and there are none for
// places that training never saw. Vaswani et al. measured no difference; Chollet learns them.
//
// Sources: Vaswani et al. 2017, section 3.5; Chollet 2021, section 11.4.3. STEPS=n trains n steps.

#include <gradus/gradus.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstring>

using namespace gradus;

// ## A head that can be exact
//
// The formula says "the same", but a computer rounds every sum, and the last bit depends on the
// order: in float (1 + 2^-24) + 2^-24 = 1, but 1 + (2^-24 + 2^-24) is more. So the head can also
// work on a grid: it rounds numbers before it adds them, so coarsely that no sum needs rounding.
// e^(score - largest), which is at most 1, becomes a multiple of 2^-10, a value one of 2^-8.
// Their products are multiples of 2^-18, which a float's 24 bits hold exactly up to 2^24 · 2^-18 =
// 64, and six of them, with values below 10, sum to less than 60.
Tensor on_grid(const Tensor& x, Scalar steps) {  // every value down to a multiple of 1 / steps
  Tensor rounded = Tensor::from(x.shape(), x.values());
  for (Scalar& value : rounded.mutable_values()) value = std::floor(value * steps) / steps;
  return rounded;
}

struct Head {
  Tensor w_query, w_key, w_value;  // [D, D]

  Tensor operator()(const Tensor& x, bool exact) const {
    const Tensor query = matmul(x, w_query), key = matmul(x, w_key), value = matmul(x, w_value);
    const Scalar root = std::sqrt(static_cast<Scalar>(x.shape()[1]));        // √D
    const Tensor scores = matmul(query, key, {.transpose_b = true}) / root;  // [T, T]
    const Tensor e = exp(scores - max(scores, -1, true));                    // [T, T]
    if (!exact) return matmul(e, value) / sum(e, -1, true);                  // [T, D]
    const Tensor e_on_grid = on_grid(e, 1024);                               // [T, T]
    return matmul(e_on_grid, on_grid(value, 256)) / sum(e_on_grid, -1, true);
  }
};

// For each of the 720 orders of six words: is head(P X + s), the output of the permuted words, the
// same as P head(X + s), the permuted output? Here s [T, D] are positions, or zeros.
void compare(const char* title, const Head& head, const Tensor& x, const Tensor& s, bool exact) {
  const Tensor output = head(x + s, exact);  // [T, D]
  int same = 0, count = 0;
  Scalar largest = 0;
  std::vector<int> order = {0, 1, 2, 3, 4, 5};
  do {
    const Ids rows({6}, order);                            // embedding(X, rows) is P X
    const Tensor a = head(embedding(x, rows) + s, exact);  // [T, D]
    const Tensor b = embedding(output, rows);              // [T, D]
    for (Index i = 0; i < a.size(); ++i, ++count) {
      same += std::memcmp(a.data() + i, b.data() + i, sizeof(Scalar)) == 0;
      largest = std::max(largest, std::abs(a.data()[i] - b.data()[i]));
    }
  } while (std::next_permutation(order.begin(), order.end()));
  std::printf("%-21s %5d/%d same to the bit, largest difference %.1e\n", title, same, count,
              static_cast<double>(largest));
}

// ## A task that is all order
//
// A text has ten words: two that are marked, A and B, and eight fillers out of seventeen others.
// The question: did A come first? A text and its twin with A and B swapped have the same words and
// opposite answers, so whoever sees only which words there are gets exactly one of the two right.
constexpr Index length = 10;                            // T
constexpr int vocabulary = 20, word_a = 1, word_b = 2;  // 0 is padding; fillers are from 3 on

struct Texts {
  Ids ids;                   // [B, T]
  std::vector<int> answers;  // B of them, 1 if A comes first
};

// `pairs` texts, each followed by its twin.
Texts make_texts(Index pairs, Random& random) {
  std::vector<int> ids, answers;
  for (Index n = 0; n < pairs; ++n) {
    std::vector<int> text(length);
    for (int& word : text) word = 3 + static_cast<int>(random.below(vocabulary - 3));
    const Index first = random.below(length);
    const Index second = (first + 1 + random.below(length - 1)) % length;  // any place but `first`
    for (const bool twin : {false, true}) {
      text[static_cast<std::size_t>(first)] = twin ? word_b : word_a;
      text[static_cast<std::size_t>(second)] = twin ? word_a : word_b;
      ids.insert(ids.end(), text.begin(), text.end());
      answers.push_back(twin == (second < first));
    }
  }
  return {Ids({2 * pairs, length}, ids), answers};
}

// A table with a learned vector for each word (Embedding, lesson 11), positions, an encoder block
// (attention and more, lesson 10), the largest of each number over all words, and from these, by a
// learned matrix (Dense), one logit: above 0 says "A came first", which is how predictions() reads
// rows of one number. What counts here: the model is the same three times.
struct Model : Module {
  Model(const Tensor& start_positions, bool learned, Random& random)
      : Module("Model"),
        words(vocabulary, 16, random),
        encoder(16, 32, 2, random),
        logit(16, 1, random),
        positions(start_positions) {
    add("words", words);
    add("encoder", encoder);
    add("logit", logit);
    if (learned) add("positions", positions);
  }

  Tensor operator()(const Ids& ids) {
    const Tensor x = words(ids) + positions;  // [B, T, 16] + [T, 16], added to every text
    return logit(max(encoder(x), 1));         // [B, T, 16] to [B, 16] to [B, 1]
  }

  Embedding words;
  TransformerEncoder encoder;
  Dense logit;
  Tensor positions;  // [T, 16]
};

void train_and_test(const char* name, const Tensor& positions, bool learned, int steps) {
  Random start(7), random(8);
  Model model(positions, learned, start);
  Adam optimizer(model.parameters(), {.learning_rate = Scalar(3e-3)});
  std::printf("%-11s", name);
  for (int step = 1; step <= steps; ++step) {
    const Texts batch = make_texts(16, random);
    const Tensor loss = classification_loss(model(batch.ids), batch.answers);
    loss.backward(Graph::free);
    optimizer.step();
    optimizer.clear_grad();
    if (step % std::max(1, steps / 5) == 0) std::printf("%8.4f", static_cast<double>(loss.item()));
  }
  const NoGrad no_grad;
  const Texts test = make_texts(500, random);
  const std::vector<int> given = predictions(model(test.ids));
  int right = 0;
  for (std::size_t i = 0; i < given.size(); ++i) right += given[i] == test.answers[i];
  std::printf("   %4d of %zu right\n", right, given.size());
}

int main() try {
  // ## The words in every order
  //
  // Computed as usual, some values are the same to the bit, and the others differ by less than
  // 10^-6. On the grid all are the same: attention itself does not see the order. With positions
  // the outputs are far apart. The same is only what the order that changes nothing gives, one of
  // the 720, with its 6 · 8 values.
  Random random(1);
  const Index T = 6, D = 8;
  const Head head{Tensor::normal({D, D}, 0, Scalar(0.5), random),
                  Tensor::normal({D, D}, 0, Scalar(0.5), random),
                  Tensor::normal({D, D}, 0, Scalar(0.5), random)};
  const Tensor words = Tensor::normal({T, D}, 0, 1, random);
  const Tensor waves = sinusoidal_positions(T, D), zeros = Tensor::zeros({T, D});
  compare("words permuted", head, words, zeros, false);
  compare("the same on the grid", head, words, zeros, true);
  compare("positions added", head, words, waves, false);

  // ## Positions as waves
  //
  // Each pair of columns is the hand of a clock, sine and cosine of one angle. From word to word
  // the first of these four turns by ω_0 = 1, the next by 0.1, 0.01 and 0.001: the first tell
  // neighbours apart, the last the beginning of a long text from its end.
  std::printf("\n");
  print("sinusoidal positions", waves, 3);

  // Why clocks? cos a cos b + sin a sin b is cos(a - b). So the dot product of the positions t and
  // t + k is Σ cos(k ω_i): t has vanished, and each diagonal of the matrix of all products holds
  // one number. Attention, which compares by dot products, can see how far two words are apart. Not
  // who comes first, for cos(-k ω) is cos(k ω). But W_q may turn all hands of the query by a
  // quarter (`turn`): sin and cos become cos and -sin, and the products Σ sin(k ω_i), above 0 for
  // the next words and below 0 for those just before.
  const Tensor products = matmul(waves, waves, {.transpose_b = true});  // [T, T]
  print("dot products of the positions", products, 3);
  const std::vector<std::string> positions{"0", "1", "2", "3", "4", "5"};
  write_file("build/lesson08_products.svg",
             attention_svg("Dot products of the positions", positions, positions, products));
  Tensor turn = Tensor::zeros({D, D});
  for (Index i = 0; i < D; i += 2) {
    turn.mutable_data()[(i + 1) * D + i] = 1;  // cos becomes the first of the pair
    turn.mutable_data()[i * D + i + 1] = -1;   // and -sin the second
  }
  print("with the first turned", matmul(matmul(waves, turn), waves, {.transpose_b = true}), 3);

  // ## The task, trained
  //
  // The same model three times, from the same first values and on the same texts; 500 new texts and
  // their twins are the test. The losses are those after each fifth of the steps. Without positions
  // the loss stays near ln 2 = 0.6931, that of a coin, and exactly half of the answers are right,
  // one of each pair of twins: there is nothing to be seen. With either kind of position the task
  // is easy; from this start the waves are quicker.
  const int steps = setting("STEPS", 500, 1, 100000);
  std::printf("\n%-12s loss on the way, and on new texts\n", "positions");
  const Tensor small = Tensor::uniform({length, 16}, Scalar(-0.05), Scalar(0.05), random);
  train_and_test("none", Tensor::zeros({length, 16}), false, steps);
  train_and_test("learned", small, true, steps);
  train_and_test("sinusoidal", sinusoidal_positions(length, 16), false, steps);
} catch (const Error& error) {
  std::fprintf(stderr, "%s\n", error.what());
  return 1;
}

// ## In the debugger
//
// Break at Head::operator() and compare `heat scores` for two orders: rows and columns move. Break
// at PositionalEmbedding::operator() in lesson 12: it is the first line of Model::operator() here.
//
// ## Exercises
//
// 1. In Head, change 1024 to 16777216 = 2^24. How many values are still the same, and why?
// 2. Words start within ±0.05, waves reach ±1. Vaswani et al. (section 3.4) multiply the words by
//    √D = 4 before they add the waves: do so in Model::operator(). Print √mean(x²) of both there,
//    before and after. In which row of the table does the loss fall faster now?
// 3. Give the model without positions a causal mask: encoder(x, Mask::causal()). Does it still not
//    see the order? Guess, train it, and then look for the reason (Haviv et al. 2022, "Transformer
//    Language Models without Positional Encodings Still Learn Positional Information").
// 4. Make the positions for 20 words, train on texts of 10 (slice(positions, 0, 0, 10)), and test
//    on texts of 20. Which rows of the learned table did not learn? The waves go on: does it help?
// 5. Write the waves yourself: make exercise-09 judges them.
