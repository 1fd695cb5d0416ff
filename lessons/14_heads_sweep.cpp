// Lesson 14: how many heads.
//
// H heads compare and mix the words H times, each in d numbers, its key_dim. Two questions hide in
// "how many heads":
//
//   at fixed width     H d = 16: the same numbers in more, narrower heads, H = 1, 2, 4, 8
//   at fixed key_dim   d = 2: more heads of the same kind, hence more of everything, H = 1, 2, 4, 8
//
// What they cost in a model of width D, for B texts of T words:
//
//   parameters  query, key and value are D to H d, the output is H d to D:
//               3 (D H d + H d) + H d D + D        depends on the width H d, not on H alone
//   weights     [B, H, T, T] numbers of 4 bytes:   depends on H alone, not on d
//
// The weights here are those of attention, softmax(Q Kᵀ / √d). Their bytes are only computed
// (Gradus never holds them: lesson 17); a program that makes the matrix keeps it until backward is
// done.
//
// Accuracy has no formula. It is measured here, on the shipped reviews of 9 to 15 words, which are
// quick to train on; every model five times from different starts, because what one start gives is
// chance as well. The median is shown with the lowest and the highest: a difference that is
// smaller than that spread may be chance.
//
// Sources: Vaswani et al. 2017, table 3, rows A and B (heads at fixed width, and smaller key_dim);
// Michel, Levy and Neubig 2019, "Are Sixteen Heads Really Better than One?"; Chollet, Deep Learning
// with Python, 2nd ed., section 11.4. It takes about half a minute on two cores. EPOCHS=n in the
// environment trains for n epochs; TIMES=1 also prints how long a step took.

#include <gradus/gradus.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>

using namespace gradus;

constexpr Index D = 32;  // numbers of a word

// ## A classifier with heads to choose
//
// That of lesson 12 with H and d to choose, and without dropout: the trainings are short. `alone`
// takes attention away in effect: every word may look at itself only, to compare the others with.
struct Classifier : TextClassifier {
  Classifier(Index vocabulary, int num_heads, Index key_dim, bool look_alone, Random& random)
      : TextClassifier("Classifier"),
        embedding(40, vocabulary, D, random),
        encoder(D, 64, num_heads, random, {.key_dim = key_dim}),
        logit(D, 1, random),
        alone(look_alone) {
    add("embedding", embedding);
    add("encoder", encoder);
    add("pooling", pooling);
    add("logit", logit);
  }

  Tensor forward(const Ids& ids, const Mask& mask, Where where) override {
    const Index T = ids.shape[1];
    std::vector<bool> itself;  // [T, T]: true on the diagonal
    for (Index i = 0; i < T * T; ++i) itself.push_back(i / T == i % T);
    const Mask look = alone ? mask & Mask::from({T, T}, itself) : mask;
    const Tensor words = embedding(ids, where);           // [B, T, D]
    const Tensor encoded = encoder(words, look, where);   // [B, T, D]
    const Tensor review = pooling(encoded, mask, where);  // [B, D]
    return logit(review, where);                          // [B, 1]
  }

  PositionalEmbedding embedding;
  TransformerEncoder encoder;
  GlobalMaxPooling pooling;
  Dense logit;
  bool alone;
};

// The first `most` reviews of 9 to 15 words.
std::vector<Example> short_ones(const std::string& path, std::size_t most) {
  std::vector<Example> found;
  for (const Example& example : read_tsv(path)) {
    const std::size_t words = split_words(example.text).size();
    if (words >= 9 && words <= 15 && found.size() < most) found.push_back(example);
  }
  return found;
}

struct Outcome {
  double lowest, median, highest;
  std::vector<double> all;
};

// ## One row of the table
struct Sweep {
  const Batches& train;
  const Batches& validation;
  const Batches& test;
  Index vocabulary;
  int epochs;
  int seeds;

  Outcome row(int num_heads, Index key_dim, bool alone = false) const {
    std::vector<double> accuracies;
    Index parameters = 0;
    std::chrono::steady_clock::duration time{};
    for (int seed = 1; seed <= seeds; ++seed) {
      Random random(static_cast<std::uint64_t>(seed));
      Classifier model(vocabulary, num_heads, key_dim, alone, random);
      Adam optimizer(model.parameters());
      const std::int64_t steps = epochs * static_cast<std::int64_t>(train.count());
      const auto start = std::chrono::steady_clock::now();
      fit(model, optimizer, train, validation,
          {.epochs = epochs,
           .schedule = Schedule::warmup_cosine(Scalar(5e-3), 50, steps),
           .folder = "",
           .quiet = true});
      time += std::chrono::steady_clock::now() - start;
      accuracies.push_back(evaluate(model, test).accuracy());
      parameters = model.encoder.attention.parameter_count();
    }
    std::sort(accuracies.begin(), accuracies.end());
    const double median = accuracies[accuracies.size() / 2];

    // By hand, for a batch of 32 texts of 15 words.
    const Index width = num_heads * key_dim;
    const Index by_hand = 3 * (D * width + width) + width * D + D;
    const Index bytes = 4 * 32 * num_heads * 15 * 15;
    std::printf("  %5d %7d %5d  %5d = %5d  %8d   %.3f (%.3f to %.3f)", num_heads,
                static_cast<int>(key_dim), static_cast<int>(width), static_cast<int>(by_hand),
                static_cast<int>(parameters), static_cast<int>(bytes), median, accuracies.front(),
                accuracies.back());
    if (std::getenv("TIMES"))
      std::printf("  %.2f ms", std::chrono::duration<double, std::milli>(time).count() /
                                   (1.0 * seeds * epochs * static_cast<double>(train.count())));
    std::printf("\n");
    std::fflush(stdout);
    return {accuracies.front(), median, accuracies.back(), accuracies};
  }
};

int main() try {
  // ## 1. The data
  const std::vector<Example> training = short_ones("lessons/data/train.tsv", 3000);
  const std::vector<Example> validating = short_ones("lessons/data/validation.tsv", 3000);
  const std::vector<Example> testing = short_ones("lessons/data/test.tsv", 3000);
  TextVectorizer vectorizer({.max_tokens = 2000, .max_length = 40});
  vectorizer.adapt(texts_of(training));
  const Batches train(training, vectorizer, {.size = 32}, 1);
  const Batches validation(validating, vectorizer, {.shuffle = false});
  const Batches test(testing, vectorizer, {.shuffle = false});
  std::printf("%zu reviews of 9 to 15 words to learn from, %zu to validate, %zu to test\n",
              train.examples(), validation.examples(), test.examples());

  // ## 2. The sweep
  const Sweep sweep{train,
                    validation,
                    test,
                    static_cast<Index>(vectorizer.vocabulary().size()),
                    setting("EPOCHS", 9, 1, 10000),
                    setting("SEEDS", 5, 1, 1000)};
  std::printf("\n                        attention's  bytes of   test accuracy:\n");
  std::printf("  heads key_dim width   parameters   weights   median of %d (lowest to highest)\n",
              sweep.seeds);
  std::printf("  looking at itself only\n");
  const Outcome itself_only = sweep.row(1, 16, true);
  std::vector<Outcome> fixed_width, fixed_key_dim;
  std::printf("  fixed width\n");
  for (const int heads : {1, 2, 4, 8}) fixed_width.push_back(sweep.row(heads, 16 / heads));
  std::printf("  fixed key_dim; the last row above is the fourth of these\n");
  for (const int heads : {1, 2, 4}) fixed_key_dim.push_back(sweep.row(heads, 2));
  fixed_key_dim.push_back(fixed_width.back());
  std::vector<Curve> dots{{"looking at itself only", itself_only.all}};
  const char* const names[] = {"1 head of", "2 heads of", "4 heads of", "8 heads of"};
  for (std::size_t i = 0; i < 4; ++i)
    dots.push_back({names[i] + (" " + std::to_string(16 >> i)), fixed_width[i].all});
  for (std::size_t i = 0; i < 3; ++i)
    dots.push_back({names[i] + std::string(" 2"), fixed_key_dim[i].all});
  write_file("build/lesson14_spread.svg", dots_svg("Five starts of each", dots, "accuracy"));

  // ## 3. What follows
  //
  // The first row shows that the experiment can see a difference where there is one: a word that
  // looks at itself only sees neither the "not" before it nor the "but" between the clauses.
  //
  // At fixed width the medians lie closer together than the five starts of any single row, and
  // about as close as the test can tell (with 376 reviews a share of 0.88 has a deviation of √(0.88
  // · 0.12 / 376) = 0.017): the number of heads makes no difference that this experiment can show.
  // Yet 8 heads need eight times the bytes of 1 for their weights (TIMES=1 shows the time). At
  // fixed key_dim the medians rise up to 4 heads, by 0.062. That too is less than the spread of the
  // narrow rows, a hint at most; and it may be the width, for one head of 16 does as well as eight
  // of 2.
  //
  // The advice for texts and models like these: choose the width first; take few heads; and do not
  // believe a difference between two settings before having seen that between two seeds. A large
  // model on real sentences is another matter: in Vaswani et al., table 3, row A, one head loses
  // 0.9 of 100 points of BLEU (lesson 20) to the best number, and too many lose as well.
  const auto by_median = [](const Outcome& a, const Outcome& b) { return a.median < b.median; };
  const auto by_spread = [](const Outcome& a, const Outcome& b) {
    return a.highest - a.lowest < b.highest - b.lowest;
  };
  const auto [low, high] = std::minmax_element(fixed_width.begin(), fixed_width.end(), by_median);
  const Outcome steady = *std::min_element(fixed_width.begin(), fixed_width.end(), by_spread);
  std::printf("\nbest median less that of looking at itself only: %.3f\n",
              high->median - itself_only.median);
  std::printf("fixed width:   medians differ by %.3f; starts of one row by %.3f at least\n",
              high->median - low->median, steady.highest - steady.lowest);
  std::printf("fixed key_dim: medians     ");
  for (const Outcome& outcome : fixed_key_dim) std::printf(" %.3f", outcome.median);
  std::printf(" (1, 2, 4, 8 heads)\n               worst starts");
  for (const Outcome& outcome : fixed_key_dim) std::printf(" %.3f", outcome.lowest);
  std::printf("\n");
} catch (const Error& error) {
  std::fprintf(stderr, "%s\n", error.what());
  return 1;
}

// ## In the debugger
//
// `break gradus::MultiHeadAttention::operator()`: after the first line q, which the Dense `query`
// makes, has the shape [B, T, H d] whatever H is. Follow it into scaled_dot_product_attention; only
// there do the heads come apart, and only as a way of counting: head h reads the numbers h d to h d
// + d - 1 of each row.
//
// ## Exercises
//
// 1. How many bytes do the weights of a batch of 32 texts of 600 words take with 8 heads? With
//    2?
// 2. Train for 20 epochs (EPOCHS=20). Do the rows come closer together or move apart?
// 3. Run the row of 8 heads with ten other seeds: let the loop in row() go from 6 to 15. How much
//    does the median move?
// 4. The longer reviews hold more remarks. Take those of 20 to 30 words. Does a second head help?
// 5. Attention has about 4 D H d parameters. Keep their number and shift the width from
//    attention to the model and back: D = 16, 32 and 64 with two heads of key_dim 16, 8 and 4.
//    Which would you choose?
// 6. Count parameters and bytes yourself: make exercise-17 judges the numbers.
