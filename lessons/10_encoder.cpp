// Lesson 10: the encoder block.
//
// Attention (lessons 1 to 7) lets the words of a text look at each other. The encoder block adds
// the residuals and norms of lesson 9 and its feed-forward part, whose purpose is what is new here:
//
//   feed_forward(x) = relu(x W1 + b1) W2 + b2     for each word by itself
//
// One block, for B texts of T words with D numbers each:
//
//   middle = norm_1(x + attention(x))                [B, T, D]
//   out    = norm_2(middle + feed_forward(middle))   [B, T, D], between W1 and W2 [B, T, F]
//
// What goes in and what comes out have one shape, so that blocks can be stacked. Sources: Vaswani
// et al. 2017, sections 3.1 and 3.3; Chollet, Deep Learning with Python, 2nd edition,
// listing 11.21. About a second on two cores; STEPS=n trains n steps only.

#include <gradus/gradus.h>

#include <cmath>
#include <cstdio>
#include <vector>

using namespace gradus;

// √(Σ x²): how large a tensor is.
double length(const Tensor& x) {
  return std::sqrt(double(sum(x * x).item()));
}

// ## A network with and without a feed-forward part
//
// Each text is one word, a number x; the answer is |x|. The number becomes D = 8, a head of
// attention adds what it has to say, and a feed-forward part if there is one; then one number is
// read off. No norms here: the question is what these two can do by themselves.
struct Absolute : Module {
  Absolute(bool with_feed_forward, Random& random)
      : Module("Absolute"),
        in(1, 8, random),
        attention(8, 1, 8, random),
        dense_1(8, 16, random, Activation::relu),
        dense_2(16, 8, random),
        out(8, 1, random),
        feeds(with_feed_forward) {
    add("in", in);
    add("attention", attention);
    add("out", out);
    if (!feeds) return;
    add("dense_1", dense_1);
    add("dense_2", dense_2);
  }

  Tensor operator()(const Tensor& x) {  // [B, 1, 1] to the same
    Tensor word = in(x);                // [B, 1, D]
    word = word + attention(word);
    if (feeds) word = word + dense_2(dense_1(word));
    return out(word);
  }

  Dense in;
  MultiHeadAttention attention;
  Dense dense_1, dense_2, out;
  bool feeds;
};

// The loss after `steps` steps of Adam: the mean of (answer - |x|)² over 201 x from -1 to 1.
double error_of(bool with_feed_forward, int steps, Curve& answers) {
  Tensor x = Tensor::zeros({201, 1, 1});
  for (Index i = 0; i <= 200; ++i) x.mutable_data()[i] = Scalar(i - 100) / 100;
  const Tensor target = sqrt(x * x);
  Random random(10);
  Absolute model(with_feed_forward, random);
  Adam optimizer(model.parameters(), {.learning_rate = Scalar(0.01)});
  for (int step = 0; step < steps; ++step) {
    mean_squared_error(model(x), target).backward(Graph::free);
    optimizer.step();
    optimizer.clear_grad();
  }
  const Tensor learned = model(x);  // [201, 1, 1]
  answers.values.assign(learned.values().begin(), learned.values().end());
  return mean_squared_error(learned, target).item();
}

int main() try {
  // ## 1. The block from its parts
  //
  // TransformerEncoder computes the two lines of the introduction, and nothing else unless it is
  // given a dropout (lesson 12). And if word 2 changes, feed-forward answers differently for that
  // word alone; the block, by attention, for all. That it is attention shows a Hook: while it
  // lives, what the part called "attention" says is replaced, here by zeros.
  Random random(8);
  TransformerEncoder block(16, 32, 2, random);
  const auto feed_forward = [&](const Tensor& words) {  // [B, T, D] to the same
    return block.dense_2(block.dense_1(words));         // dense_1 ends with relu: [B, T, F]
  };
  const Tensor text = Tensor::normal({1, 4, 16}, 0, 1, random);      // [B, T, D]
  const Tensor middle = block.norm_1(text + block.attention(text));  // [B, T, D]
  const Tensor out = block.norm_2(middle + feed_forward(middle));    // [B, T, D]
  std::printf("1. The block from its parts and TransformerEncoder differ by %.4f\n",
              length(out - block(text)));
  const Tensor keep = Tensor::from({1, 4, 1}, std::vector<Scalar>{1, 1, 0, 1});
  const Tensor changed = text * keep;                             // [B, T, D], word 2 all zeros
  const Tensor fed = feed_forward(changed) - feed_forward(text);  // [B, T, D]
  const Tensor encoded = block(changed) - block(text);            // [B, T, D]
  Tensor silenced;                                                // [B, T, D]
  {
    const Hook silent("attention", [](const Tensor& x) { return x * 0; });
    silenced = block(changed) - block(text);
  }
  std::printf("   change when word 2 changes:  feed-forward   block  silenced\n");
  for (Index t = 0; t < 4; ++t)
    std::printf("                        word %d %13.4f %7.4f %9.4f\n", int(t),
                length(slice(fed, 1, t, t + 1)), length(slice(encoded, 1, t, t + 1)),
                length(slice(silenced, 1, t, t + 1)));

  // ## 2. What the feed-forward part is for
  //
  // Attention mixes words, but what it mixes are values, and a value is x W_v: a matrix makes it.
  // For a text of one word there is nothing to mix, its weight is 1, and the network is matrices
  // and biases in a row: from the number x it makes a x + b, whatever it learns. |x| is the same on
  // both sides of 0, so the best straight line from -1 to 1 is flat, at the mean m = 1/2, and wrong
  // by the mean of (|x| - m)² = x² - 2m|x| + m². The mean of x² is 1/3 (the area under x² from 0 to
  // 1) and that of |x| is m: 1/3 - 2m² + m² = 1/12 = 0.0833 (for our 201 points 0.0842). For one
  // word only the relu bends lines; with more, softmax does too (exercise 3). Still, in a block
  // attention says which words go together, and the feed-forward part computes with what was
  // brought together.
  const int steps = setting("STEPS", 500, 1, 100000);
  std::printf("\n2. Learning |x|, %d steps: mean squared error\n", steps);
  Curve alone{"attention alone", {}}, both{"attention and feed-forward", {}};
  std::printf("   attention alone            %.4f\n", error_of(false, steps, alone));
  std::printf("   attention and feed-forward %.4f\n", error_of(true, steps, both));
  write_file("build/lesson10_absolute.svg", curves_svg("What was learned of |x|", {alone, both}, 0,
                                                       "x from -1 to 1, in 201 steps:"));

  // ## 3. Parameters, counted by hand
  //
  // Dense from D to N has D N numbers in its matrix and N biases. In Chollet's book each of the H
  // heads is D wide, so queries, keys and values are H D wide. (dropout_1 and dropout_2 drop
  // nothing here: lesson 12.)
  const int D = 256, F = 32, H = 2;
  const int qkv = 3 * (D * H * D + H * D), output = H * D * D + D;
  const int dense = (D * F + F) + (F * D + D), norms = 2 * (D + D);
  std::printf(
      "\n3. By hand: query, key, value %d + output %d\n   + feed-forward %d + norms %d = %d\n", qkv,
      output, dense, norms, qkv + output + dense + norms);
  TransformerEncoder book(D, F, H, random);
  book(Tensor::zeros({1, 3, D}));  // so that the summary knows the shapes
  std::printf("%s", book.summary().c_str());

  // ## 4. Three questions before a long training
  //
  // A mistake rarely stops a training: the model learns, only worse. So three questions are asked
  // at the first step. Is the loss that of a guess? Up to 0.5 above ln 2 passes, as first weights
  // are no perfect guess. What do the parts of the model return, and how long are the gradients
  // that come back to them? The relu of `dense_1` makes half of its numbers 0; a part all of zeros
  // would be wrong, or gradients that die out from row to row. (Sums, such as text +
  // attention(text) above, have no row; `middle` is that of `norm_1`.) And does every parameter
  // move? The block stays as it is, and two Dense in a row on top of it (Sequential) shall tell two
  // kinds of text apart. But the optimiser was given the parameters of the first alone: see the
  // last lines.
  Sequential top;
  const Dense& hidden = top.add<Dense>("hidden", 16, 8, random, Activation::relu);
  top.add<Dense>("logits", 8, 2, random);
  Sgd optimizer(hidden.parameters());
  const MovementCheck check(top);
  const Tensor texts = Tensor::normal({64, 4, 16}, 0, 1, random);  // [B, T, D]
  std::vector<int> kinds;
  for (int i = 0; i < 64; ++i) kinds.push_back(i % 2);
  const Tensor logits = top(mean(block(texts), {1}));           // [B, 2]
  const Tensor loss = cross_entropy(logits, Ids({64}, kinds));  // []
  loss.backward();
  optimizer.step();
  std::printf("\n4. Before the first step, and after it\n%s\n\n%s\n%s",
              judge_first_loss(loss, 2).c_str(), layer_table(loss).c_str(),
              check.unmoved(optimizer).c_str());
} catch (const Error& error) {
  std::fprintf(stderr, "%s\n", error.what());
  return 1;
}

// ## In the debugger
//
// `break gradus::TransformerEncoder::block`, `next` to its last line and `print middle`; `finish`
// shows what the block returns. In section 2, `break Absolute::operator()`, `next` over its first
// two lines and `print word`: [0], of x = -1, and [200], of x = 1, are each other's negatives, as
// the biases are still 0.
//
// ## Exercises
//
// 1. Count the parameters of TransformerEncoder(32, 64, 2, random, {.key_dim = 16}) by hand, and
//    let summary() check.
// 2. Take the relu away (Activation::none for dense_1) in section 2. What is the error now, and
//    why does the second Dense not help?
// 3. Give the texts of section 2 two words, x and -x in an order drawn at random, and let the
//    answer be |x| again, read off the first (with slice()). Can attention do it now, without the
//    feed-forward part?
// 4. Multiply the logits of section 4 by 10. Which answers change? (The row "logits" is from before
//    that product.) Which of the two mistakes would a longer training undo?
// 5. Write the block yourself, with dropout (lesson 12 explains it): make exercise-11 judges it.
