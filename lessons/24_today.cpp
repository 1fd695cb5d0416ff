// Lesson 24: from 2017 to today.
//
// The block of lesson 10 is that of 2017. A model of today has it still, with the norms in front
// (lesson 9) and four of its parts exchanged:
//
//   part           2017                          today
//   norm           LayerNorm                     RMSNorm: no mean is subtracted
//   positions      a vector added to each word   rotary: queries and keys are turned
//   feed-forward   relu(x W_1) W_2               SwiGLU: (swish(x W_1) * (x V_1)) W_2
//   heads          keys and values for each      grouped queries: several heads share them
//
// Each takes a few lines, is shown on a small case, and takes its place in a language model.
// Sources: Zhang and Sennrich 2019 (RMSNorm); Su et al. 2021 (rotary), section 3.2.2; Shazeer 2020
// (SwiGLU); Ainslie et al. 2023; Touvron et al. 2023 (Llama 2). Half a minute; EPOCHS=n.

#include <gradus/gradus.h>

#include <algorithm>
#include <cstdio>

using namespace gradus;
using Curves = std::vector<Curve>;

// ## The four parts
//
// x [..., D] over the root of the mean of its squares, times a learned gain [D].
Tensor rms_norm(const Tensor& x, const Tensor& gain) {
  return x / sqrt(mean(x * x, -1, true) + Scalar(1e-6)) * gain;
}

// x [B, T, H, K], K the key_dim: number i of the first half of the K and number i of the second are
// a point of the plane. That of the word at position t is turned by the angle t ω_i: a clock's
// hand, as in lesson 8 (a point there are two neighbours). `first` is the position of word 0.
Tensor rotary(const Tensor& x, Index first = 0) {
  const Index T = x.shape()[1], half = x.shape()[3] / 2;
  const Tensor waves = reshape(sinusoidal_positions(T, 2 * half, first), {T, 1, half, 2});
  const Tensor sine = reshape(slice(waves, -1, 0, 1), {T, 1, half});
  const Tensor cosine = reshape(slice(waves, -1, 1, 2), {T, 1, half});
  const Tensor a = slice(x, -1, 0, half), b = slice(x, -1, half, 2 * half);  // [B, T, H, half]
  return concatenate({a * cosine - b * sine, a * sine + b * cosine}, -1);
}

// z where z is large, near 0 where it is far below 0: a relu with a round corner.
Tensor swish(const Tensor& z) {
  return z * sigmoid(z);
}

// Each of the G heads of x [B, T, G, K] `times` times: [B, T, G · times, K].
Tensor repeated(const Tensor& x, Index times) {
  const Index B = x.shape()[0], T = x.shape()[1], G = x.shape()[2], K = x.shape()[3];
  const std::vector<Tensor> copies(std::size_t(times), reshape(x, {B, T, G, 1, K}));
  return reshape(concatenate(copies, 3), {B, T, G * times, K});
}

// Style: which of the four a model has. measure() prints its row of the table in section 5.
struct Style {
  const char* name;
  bool rms = false, turned = false, gated = false;
  Index groups = 4;  // heads of keys and values, for 4 heads of queries
};
void measure(const Style& style, int seeds, Curves& losses, Curves& on_longer);

int main() try {
  // ## 1. RMSNorm
  //
  // The row (-1, 1, 3, 5) has mean 2 and variance 5. The mean of its squares is 9, so RMSNorm
  // divides by 3. Ten times the row gives the same with both norms, the row plus 4 with LayerNorm
  // only; Zhang and Sennrich claim that leaving the mean out loses nothing, and saves time.
  const Tensor rows = Tensor::matrix({{-1, 1, 3, 5}, {-10, 10, 30, 50}, {3, 5, 7, 9}});  // [3, 4]
  print("1. RMSNorm of x, 10 x and x + 4", rms_norm(rows, Tensor::full({4}, 1)));
  print("   LayerNorm", layer_norm(rows, Tensor::full({4}, 1), Tensor::zeros({4}), 0));

  // ## 2. Rotary positions
  //
  // Turning two points p and q of the plane by one angle changes no length, and the dot product is
  // made of lengths: 2 p·q = |p + q|² - |p|² - |q|². So it stays, as does the sum over all points.
  // The score of a query turned by s and a key turned by t is that of turning the key alone, by t -
  // s: it depends on how far apart they are, and in which direction. Below, at four positions (not
  // divided by √8): waves added (lesson 8), each pair has a score; turned, each diagonal, anywhere.
  Random random(1);
  const Tensor none = Tensor::zeros({1, 4, 1, 8});
  const Tensor q = Tensor::normal({8}, 0, 1, random) + none;  // [1, 4, 1, 8], four words alike
  const Tensor k = Tensor::normal({8}, 0, 1, random) + none;
  const Tensor waves = reshape(sinusoidal_positions(4, 8), none.shape());
  const auto scores = [](const Tensor& queries, const Tensor& keys) {  // [4, 4]
    return matmul(reshape(queries, {4, 8}), reshape(keys, {4, 8}), {.transpose_b = true});
  };
  print("\n2. scores, waves added", scores(q + waves, k + waves), 3);
  print("   scores, rotary", scores(rotary(q), rotary(k)), 3);
  print("   scores, rotary, from 1000 on", scores(rotary(q, 1000), rotary(k, 1000)), 3);

  // ## 3. SwiGLU
  //
  // A gated unit multiplies two things that it has read, swish of one with the other as it is. Two
  // such units multiply any a and b, as σ(a) + σ(-a) = 1: swish(a) b + swish(-a) (-b) = a σ(a) b +
  // a σ(-a) b = a b. A sum of relus is a plane between its bends, which a b nowhere is.
  const Tensor a = Tensor::vector({-2, -1, 1, 3}), b = Tensor::vector({3, 4, -1, 5});  // [4]
  print("\n3. a b", a * b);
  print("   by two gated units", swish(a) * b + swish(-a) * -b);

  // ## 4. Grouped queries
  //
  // Two heads of keys serve four heads of queries. This saves memory when a model writes: its cache
  // (lesson 21) holds, for each word and in each layer, a key and a value of K numbers a group.
  // Llama 2 with 64 heads of K = 128 in 80 layers has 8 groups. For 4096 words, 2 bytes a number:
  const Tensor two = Tensor::from({1, 1, 2, 3}, {1, 2, 3, 4, 5, 6});  // [B, T, G, K]
  print("\n4. two heads, each for two", reshape(repeated(two, 2), {4, 3}), 0);
  for (const int groups : {64, 8, 1})
    std::printf("   %2d groups: %5.2f GB\n", groups, 2.0 * 128 * groups * 80 * 2 * 4096 / 1e9);

  // ## 5. Each in the place of what it replaces
  //
  // All else is the same: data, order, steps, five seeds, norms in front, no biases. "cache" is how
  // many numbers a word leaves there. The models learn from reviews of 9 to 15 words. On such, all
  // five with SwiGLU have a lower loss than all five of 2017; the others overlap with 2017, two
  // groups hardly. On longer ones rotary is far ahead: a vector added at position 20 was never
  // trained, but a turn by 20 is as good as one by 5. Gains do not add up: all four, with an eighth
  // fewer parameters, are no better than 2017 on short reviews, and worse than rotary on long ones.
  // A small model and made-up reviews decide little: the way of comparing counts.
  const int seeds = setting("SEEDS", 5, 1, 1000);
  std::printf("\n5. loss on the next word: median of %d starts (lowest to highest)\n", seeds);
  std::printf("       parameters cache   9 to 15 words            22 words or more\n");
  Curves losses, on_longer;
  measure({.name = "2017"}, seeds, losses, on_longer);
  measure({.name = "RMSNorm", .rms = true}, seeds, losses, on_longer);
  measure({.name = "rotary", .turned = true}, seeds, losses, on_longer);
  measure({.name = "SwiGLU", .gated = true}, seeds, losses, on_longer);
  measure({.name = "2 groups", .groups = 2}, seeds, losses, on_longer);
  measure({"all four", true, true, true, 2}, seeds, losses, on_longer);
  write_file("build/lesson24_losses.svg", dots_svg("Reviews of 9 to 15 words", losses, "loss"));
  write_file("build/lesson24_longer.svg", dots_svg("Longer reviews", on_longer, "loss"));
} catch (const Error& error) {
  std::fprintf(stderr, "%s\n", error.what());
  return 1;
}

// ## The model: width 32, 4 heads of 8 numbers
struct LanguageModel : SequenceModel {
  LanguageModel(const Style& how, Index vocabulary, Random& random)
      : SequenceModel("LanguageModel"), style(how), words(vocabulary, 32, random) {
    add("words", words);
    const auto matrix = [&](const char* name, Tensor& w, Index in, Index out) {
      add(name, w = glorot_uniform({in, out}, in, out, random));
    };
    matrix("query", query, 32, 4 * 8);
    matrix("key", key, 32, style.groups * 8);
    matrix("value", value, 32, style.groups * 8);
    matrix("output", output, 4 * 8, 32);
    const Index hidden = style.gated ? 64 : 96;  // 3 · 32 · 64 = 2 · 32 · 96: as many parameters
    matrix("w_1", w_1, 32, hidden);
    matrix("w_2", w_2, hidden, 32);
    if (style.gated) matrix("v_1", v_1, 32, hidden);
    if (!style.turned)
      add("positions", positions = Tensor::normal({40, 32}, 0, Scalar(.03), random));
    for (int i = 0; i < 3; ++i) add("gain_" + std::to_string(i), gain[i] = Tensor::full({32}, 1));
    for (int i = 0; i < 3 && !style.rms; ++i)
      add("shift_" + std::to_string(i), shift[i] = Tensor::zeros({32}));
  }
  Tensor decode(const Batch& batch, const Tensor&, Where) override {
    Tensor x = words(batch.ids);  // [B, T, 32]
    if (!style.turned) x = x + slice(positions, 0, 0, x.shape()[1]);
    x = x + attend(norm(x, 0), Mask::causal() & batch.mask);
    const Tensor n = norm(x, 1), z = matmul(n, w_1);  // z: [B, T, 96], or 64
    x = x + matmul(style.gated ? swish(z) * matmul(n, v_1) : relu(z), w_2);
    return words.logits(norm(x, 2));  // [B, T, vocabulary]
  }
  Tensor norm(const Tensor& x, int i) {
    return style.rms ? rms_norm(x, gain[i]) : layer_norm(x, gain[i], shift[i]);
  }
  Tensor attend(const Tensor& x, const Mask& mask) {
    const auto heads = [&](const Tensor& w, bool turn) {  // [B, T, 32]
      const Tensor some = reshape(matmul(x, w), {x.shape()[0], x.shape()[1], -1, 8});
      return reshape(repeated(turn ? rotary(some) : some, 4 / some.shape()[2]), x.shape());
    };
    const Tensor q = heads(query, style.turned), k = heads(key, style.turned);
    const Tensor v = heads(value, false);
    return matmul(scaled_dot_product_attention(q, k, v, {.mask = mask, .num_heads = 4}), output);
  }
  Style style;
  Embedding words;
  Tensor query, key, value, output, w_1, v_1, w_2, positions, gain[3], shift[3];
};

// ## Five starts
void measure(const Style& style, int seeds, Curves& losses, Curves& on_longer) {
  TextVectorizer vectorizer({.max_tokens = 2000, .max_length = 40});
  vectorizer.adapt(texts_of(read_tsv("lessons/data/train.tsv")));
  const auto reviews = [&](const char* path, std::size_t least, std::size_t most) {
    std::vector<Sample> found;
    for (const Example& example : read_tsv(path)) {
      const std::vector<int> ids = vectorizer.encode(example.text);
      if (ids.size() >= least && ids.size() <= most) found.push_back(next_ids(ids));
    }
    return Batches(found);
  };
  const Batches train = reviews("lessons/data/train.tsv", 9, 15);
  const Batches validation = reviews("lessons/data/validation.tsv", 9, 15);
  const Batches test = reviews("lessons/data/test.tsv", 9, 15);
  const Batches longer = reviews("lessons/data/test.tsv", 22, 40);
  const int epochs = setting("EPOCHS", 3, 1, 1000);
  const auto schedule = Schedule::warmup_cosine(Scalar(0.01), 50, epochs * Index(train.count()));
  std::vector<double>& a = losses.emplace_back(Curve{style.name, {}}).values;
  std::vector<double>& b = on_longer.emplace_back(Curve{style.name, {}}).values;
  for (int seed = 1; seed <= seeds; ++seed) {
    Random random{std::uint64_t(seed)};
    LanguageModel model(style, Index(vectorizer.vocabulary().size()), random);
    Adam adam(model.parameters());
    fit(model, adam, train, validation, {.epochs = epochs, .schedule = schedule, .quiet = true});
    a.push_back(evaluate(model, test).loss());
    b.push_back(evaluate(model, longer).loss());
    if (seed == 1) std::printf("%-9s%8d", style.name, int(model.parameter_count()));
  }
  for (std::vector<double>* list : {&a, &b}) std::sort(list->begin(), list->end());
  std::printf("%6d   %.3f (%.3f to %.3f)   %.3f (%.3f to %.3f)\n", int(2 * 8 * style.groups),
              a[a.size() / 2], a[0], a.back(), b[b.size() / 2], b[0], b.back());
}

// ## In the debugger
//
// Break at rotary and go to its last line: `print a`, `print b`; in gdb `finish` shows the result.
// Word 0 is turned by 0 and comes out as it went in; of the others each pair has kept its length.
//
// ## Exercises
//
// 1. Take 1 group for 4 heads (Shazeer 2019). Does the loss change by more than the spread?
// 2. Turn the queries only, in section 2. What do the scores depend on now?
// 3. Is it the gate or the round corner? Try swish(z) for relu(z), and z for swish(z) in the gate.
// 4. Give 2017 the waves of lesson 8, without add(), or they are trained. Why is the loss higher?
// 5. Take nine starts (SEEDS=9): which statements of section 5 hold?
// 6. Write the turn, with a cache of keys, yourself: make exercise-25 judges them.
