// Lesson 22: a language model.
//
// A language model gives, after every beginning of a text, a probability to each token that may
// come next. It is a decoder with no encoder to look at: two blocks of lesson 10, with the norms in
// front (lesson 9), under the causal mask of lesson 6, trained to name at each position the token
// after it (lesson 19). One table reads and writes: the logit of a token is the dot product of its
// row with what comes out. (Shapes: B texts of T tokens out of V, with D numbers each.)
//
// The loss is the mean of -ln p, where p is what the token that came was given. The perplexity is
// e^loss: 3 if as unsure as among 3. Tokens: byte pairs (lesson 23), here words with their space.
//
// `make write` takes some 20 seconds on two cores; with DATA=/path/to/aclImdb, the real reviews of
// lesson 16, hours, and goes on when interrupted. REVIEWS=10000 TOKENS=2000 WIDTH=128 EPOCHS=12 in
// front make that 25 minutes of one core: perplexity 46.2 for a token of the test reviews and 3.34
// for a byte, where counting (the 3-gram below) has 55.8 and 3.55.
// Sources: Radford et al. 2018; Witten and Bell 1991; Press and Wolf 2017 (one table).

#include <gradus/gradus.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <map>

using namespace gradus;
using Text = std::vector<int>;
constexpr int start = 1, stop = 2;  // the tokens [START] and [END]

// ## The model
struct LanguageModel : SequenceModel {
  LanguageModel(Index length, Index vocabulary, Index width, EncoderOptions options, Random& random)
      : SequenceModel("LanguageModel"),
        embedding(length, vocabulary, width, random),
        block_1(width, 4 * width, 4, random, options),
        block_2(width, 4 * width, 4, random, options),
        norm(width) {
    add("embedding", embedding);
    add("block_1", block_1);
    add("block_2", block_2);
    add("norm", norm);
  }
  Tensor decode(const Batch& batch, const Tensor&, Where where) override {
    const Mask mask = Mask::causal() & batch.mask;
    // A table that gives logits begins with small numbers, too small for the blocks (Vaswani et al.
    // 2017, section 3.4). Without √D, perplexity was 65.2, not 59.6, after 4 of the 12 epochs.
    Tensor x = embedding(batch.ids, batch.first(), where) * std::sqrt(Scalar(norm.gamma.size()));
    x = block_1(x, mask, batch.cache, where);  // [B, T, D]
    x = block_2(x, mask, batch.cache, where);
    return embedding.tokens.logits(norm(x, where), where);  // with each row of the table: [B, T, V]
  }
  PositionalEmbedding embedding;
  TransformerEncoder block_1, block_2;
  LayerNorm norm;
};

// Reviews in tokens from [START] to [END], or to where they are cut.
struct Reviews {
  Reviews(const std::vector<Example>& reviews, const BytePairEncoding& tokens, std::size_t length) {
    for (const Example& review : reviews) {
      Text text = tokens.encode(review.text);
      text.insert(text.begin(), start);
      text.push_back(stop);
      text.resize(std::min(text.size(), length + 1));
      bytes += double(tokens.decode(text).size());
      samples.push_back(next_ids(text));
      texts.push_back(text);
    }
  }
  std::vector<Text> texts;
  std::vector<Sample> samples;
  double bytes = 0;
};

// ## Counting
//
// counts[the two, one or no tokens before][id]: how often id came after them. Id 0, padding, never
// comes; in its place stands the sum over all ids.
using Counts = std::map<Text, std::map<int, double>>;

Counts counted(const std::vector<Text>& texts) {
  Counts counts;
  for (const Text& text : texts)
    for (std::size_t t = 1; t < text.size(); ++t)
      for (std::size_t n = 0; n <= std::min<std::size_t>(2, t); ++n)
        for (const int id : {0, text[t]}) ++counts[Text(&text[t - n], &text[t])][id];
  return counts;
}

// How probable is text[t] after the n tokens before it? As often as it came after them in training;
// but what never came may come yet. If k different tokens came after them, in `total` places, then
// k / (total + k) of the probability is shared out by the same rule with one token less before, and
// with none before evenly, 1 / V each. With n = 0, 1 and 2: an (interpolated) 1-, 2- and 3-gram.
double probability(const Text& text, std::size_t t, std::size_t n, const Counts& counts, double V) {
  const double less = n == 0 ? 1 / V : probability(text, t, n - 1, counts, V);
  const auto after = n > t ? counts.end() : counts.find(Text(&text[t - n], &text[t]));
  if (after == counts.end()) return less;
  const double times = after->second.contains(text[t]) ? after->second.at(text[t]) : 0;
  const double total = after->second.at(0), k = double(after->second.size() - 1);
  return (times + k * less) / (total + k);
}

// How many tokens in a row stand in both texts.
std::ptrdiff_t in_common(const Text& a, const Text& b) {
  std::ptrdiff_t most = 0;
  for (auto i = a.begin(); i != a.end(); ++i)
    for (auto j = b.begin(); j != b.end(); ++j)
      most = std::max(most, std::mismatch(i, a.end(), j, b.end()).first - i);
  return most;
}

void print_lines(const std::string& text) {  // of at most 78 letters
  for (std::size_t column = 78; const std::string& word : split_words(text)) {
    column += 1 + word.size();
    std::printf("%s%s", column > 78 ? "\n" : " ", word.c_str());
    if (column > 78) column = word.size();
  }
}

int main(int argc, char** argv) try {
  // ## The reviews
  const std::string data = argc > 1 ? argv[1] : "";
  const bool real = !data.empty();
  std::vector<std::vector<Example>> parts;  // to learn from, to validate, to test
  for (const std::string name : {"train", "validation", "test", "held_out"})
    parts.push_back(read_tsv("lessons/data/" + name + ".tsv"));
  if (real) {
    const SplitExamples train = split_examples(read_review_folder(data + "/train"), 0.1, 1337);
    const SplitExamples test = split_examples(read_review_folder(data + "/test"), 0.1, 1337);
    parts = {train.first, train.second, test.second};
  }
  const auto most = std::size_t(setting("REVIEWS", 22500, 1, 22500));
  for (auto& part : parts) part.resize(std::min(part.size(), most));
  BytePairEncoding tokens({"[START]", "[END]"});
  tokens.train(texts_of(parts[0]), setting("TOKENS", real ? 8000 : 1000, 259, 60000));
  const int length = real ? 256 : 64, width = setting("WIDTH", real ? 256 : 64, 4, 4096);
  std::vector<Reviews> reviews;
  for (const auto& part : parts) reviews.emplace_back(part, tokens, std::size_t(length));

  // ## Training
  const int epochs = setting("EPOCHS", 5, 1, 1000);
  const Batches train(reviews[0].samples, {.size = real ? 8u : 32u}, 1);
  const Index steps = epochs * Index(train.count());
  Random random(1);
  LanguageModel model(length, tokens.size(), width,
                      {.key_dim = width / 4, .dropout = Scalar(0.1), .pre_norm = true}, random);
  Adam optimizer(model.parameters());
  const History history = fit(
      model, optimizer, train, Batches(reviews[1].samples, {.shuffle = false}),
      {.epochs = epochs,
       .schedule = Schedule::warmup_cosine(Scalar(2e-3), std::min<Index>(200, steps / 2), steps),
       .clip_norm = 1,
       .folder = real ? "build/language-real" : "build/language"});

  // ## Perplexity, of a token and of a byte
  //
  // That of a byte is e^(Σ -ln p of a text / its bytes), whatever its tokens; [END] has no byte.
  const Counts counts = counted(reviews[0].texts);
  Curve curves[] = {{"1-gram", {}}, {"2-gram", {}}, {"3-gram", {}}, {"model", {}}};
  for (const Epoch& epoch : history.epochs) curves[3].values.push_back(epoch.validation.loss());
  for (std::size_t s = 1; s < reviews.size(); ++s) {
    std::printf("\nperplexity, %s\n", s == 1 ? "validation" : s == 2 ? "test" : "new patterns");
    const Metric metric = evaluate(model, Batches(reviews[s].samples, {.shuffle = false}));
    for (std::size_t n = 0; n < 4; ++n) {
      double loss = n == 3 ? metric.loss_sum : 0;
      for (const Text& text : reviews[s].texts)
        for (std::size_t t = 1; n < 3 && t < text.size(); ++t)
          loss -= std::log(probability(text, t, n, counts, tokens.size()));
      const double mean = loss / double(metric.count);
      std::printf("  %-6s %6.2f a token, %.3f a byte\n", curves[n].name.c_str(), std::exp(mean),
                  std::exp(loss / reviews[s].bytes));
      if (s == 1 && n < 3) curves[n].values.assign(history.epochs.size(), mean);
    }
  }
  write_file("build/lesson22_loss.svg",
             curves_svg("Loss on validation reviews", {curves[1], curves[2], curves[3]}));
  std::printf("Picture: build/lesson22_loss.svg; open it in a browser.\n\n");

  // ## What it has learned
  //
  // The 3-gram sees two words. The model knows that what begins with "although" needs no "but".
  // But in these reviews what starts dull ends well, and what starts warm ends badly: that it does
  // not know. Lesson 12 learned it from labels, which ask for nothing else. Here it would save a
  // coin toss, ln 2 = 0.7, in some 20 tokens, which cost 17 together: the loss hardly asks for it.
  for (const std::string so_far : {"it starts dull", "although it starts dull",
                                   "it starts dull but it ends", "it starts warm but it ends"}) {
    const std::string word = so_far.ends_with("ends") ? " funny" : " but";
    Text text = tokens.encode(so_far);
    text.insert(text.begin(), start);
    Writer writer(model, {text}, {});
    writer.next();
    text.push_back(tokens.encode(word)[0]);
    std::printf("%s ...%s: 3-gram %.3f, model %.3f\n", so_far.c_str(), word.c_str(),
                probability(text, text.size() - 1, 2, counts, tokens.size()),
                double(softmax(writer.logits()).at({0, text.back()})));
  }

  // ## What it has by heart
  //
  // Five texts that it writes, each with the training review that has most of its tokens in a row:
  // at least 8 with [START] and [END], though none stands there whole. By heart? Exercise 2.
  Writer writer(model, std::vector<Text>(5, {start}),
                {.max_length = length, .stop = stop, .sampling = {.temperature = 1}, .seed = 1});
  while (writer.next()) continue;
  for (const Text& sample : writer.texts()) {
    const auto common = [&](const Text& text) { return in_common(text, sample); };
    const Text& nearest = *std::ranges::max_element(reviews[0].texts, {}, common);
    print_lines(tokens.decode(sample));
    std::printf("\n  %td of %zu tokens in a row are in", common(nearest), sample.size());
    print_lines(tokens.decode(nearest));
    std::printf("\n");
  }
} catch (const Error& error) {
  std::fprintf(stderr, "%s\n", error.what());
  return 1;
}

// ## In the debugger
//
// Break at LanguageModel::decode: `print batch.ids`, and `print x` after each block. Then `delete`,
// `break LanguageModel::decode if batch.cache != 0` and `continue` (REVIEWS=500 EPOCHS=1 in the
// shell make that soon): the four beginnings come whole, then one token each of the five texts.
//
// ## Exercises
//
// 1. Print -ln p of each token of a test review. Where is the model unsure, and would you know?
// 2. How many tokens in a row does a test review share with a training review (try five)? Train and
//    validate on 500 (parts[1] = parts[0]), 60 epochs: how many does it write by heart now?
// 3. Find two beginnings that end in the same three words and must not go on with the same.
// 4. Learn 300 tokens (TOKENS=300; length = 200). Compare the perplexity of a token, and of a byte.
// 5. Write the loss, the perplexities and a 2-gram yourself: make exercise-23 judges them.
