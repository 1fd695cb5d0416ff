// Lesson 21: writing, one token at a time.
//
// A model that says which token (here: word) comes next (lesson 19) gives each of the V words of
// the vocabulary a logit, and softmax makes probabilities of these. To write is to choose one, add
// it to the text and ask again, until it is ⟨end⟩. How is it chosen?
//
//   greedy          always the likeliest
//   temperature t   by lot, with the probabilities softmax(logits / t)
//   top-k           by lot among the k likeliest
//   top-p           by lot among the likeliest, as few as have the probability p together
//   beam search     several texts at once, to find one that is likely as a whole
//
// Sources: Fan et al. 2018 (top-k); Holtzman et al. 2020 (top-p); Wu et al. 2016, section 7
// (beams); Chollet 2021, section 12.1. About two seconds on two cores; EPOCHS=n trains n epochs.

#include <gradus/gradus.h>

#include <algorithm>
#include <cstdio>
#include <functional>
#include <numeric>

using namespace gradus;
using Text = std::vector<int>;

constexpr Index D = 32, V = 223, most = 64;  // V words of the shipped reviews

// A decoder without a source: the block of lesson 10 under the causal mask of lesson 6.
struct LanguageModel : SequenceModel {
  LanguageModel() : SequenceModel("LanguageModel") {
    add("embedding", embedding);
    add("block", block);
    add("next_word", next_word);
  }
  Tensor decode(const Batch& batch, const Tensor&, Where where) override {
    const Tensor x = embedding(batch.ids, batch.first(), where);  // [B, T, D]
    const Mask mask = Mask::causal() & batch.mask;
    return next_word(block(x, mask, batch.cache, where), where);  // logits [B, T, V]
  }
  Random random{1};
  PositionalEmbedding embedding{most, V, D, random};
  TransformerEncoder block{D, 64, 2, random, {.key_dim = 16}};
  Dense next_word{D, V, random};
};

// Counts the multiplications in products of matrices and in attention while it lives (watcher.h).
struct Work : Watcher {
  Work() { add_watcher(*this); }
  void after_forward(const Tensor& out, std::span<const Edge> inputs) override {
    const Tensor& x = inputs[0].tensor;
    const std::string operation = out.operation();
    if (operation == "linear") multiplications += out.size() * x.shape()[-1];  // x W
    if (operation == "scaled_dot_product_attention")  // query keyᵀ and weights value
      multiplications += (x.size() + out.size()) * inputs[1].tensor.shape()[-2];
  }
  Index since_last_time() { return std::exchange(multiplications, 0); }
  Index multiplications = 0;
};

// These are below main.
std::vector<Sample> samples(const std::string& part, TextVectorizer& words);
Tensor what_is_left(const Tensor& logits, const Sampling& sampling);

int main() try {
  TextVectorizer words({.max_tokens = V});
  const Batches training(samples("train", words), {}, 1), validation(samples("validation", words));
  LanguageModel model;
  Adam optimizer(model.parameters(), {.learning_rate = Scalar(3e-3)});
  fit(model, optimizer, training, validation, {.epochs = setting("EPOCHS", 3, 1, 10000)});

  // ## 1. One call, one token
  //
  // A Writer has a text for each prompt, here one, and next() adds a token to it, by default
  // (temperature 0) the likeliest; logits() are those from which it was chosen. The probability of
  // a text is the product of those of its tokens: e to the power of the sum of their logarithms.
  const Text prompt = words.encode("⟨start⟩ what a film and how");
  const int end = words.encode("⟨end⟩")[0];
  const auto written = [&](const Text& text) {
    return words.decode(Text(text.begin() + std::ptrdiff_t(prompt.size()), text.end()));
  };
  std::printf("\n  what a film and how …\n  probability and sum of logarithms\n");
  Writer greedy(model, {prompt}, {.max_length = most, .stop = end});
  for (double sum = 0; greedy.next();) {
    const int token = greedy.texts()[0].back();
    const Tensor logs = log_softmax(greedy.logits());  // [1, V]
    sum += double(logs.at({0, token}));
    std::printf("%9.4f %9.4f   %s\n", double(exp(logs).at({0, token})), sum,
                words.decode({token}).c_str());
  }

  // ## 2. Temperature, top-k and top-p
  //
  // The ten likeliest words after the prompt. A temperature below 1 takes from the unlikely and
  // gives to the likely, one above 1 does the opposite. top-k cuts after k words, however sure the
  // model is; top-p cuts early where it is sure: the first three have 0.66 together, so for 0.7
  // three more are needed. The word that reaches p is kept: for 0.2, even for p = 0, "not" alone.
  // (Of equals the smaller id comes first; top-k cuts first.) What is left is divided by its sum.
  Writer first(model, {prompt}, {});
  first.next();
  const Tensor logits = first.logits();  // [1, V]
  const std::vector<std::pair<const char*, Sampling>> ways = {
      {"softmax", {.temperature = 1}},
      {"t = 0.5", {.temperature = Scalar(0.5)}},
      {"t = 2", {.temperature = 2}},
      {"top-k 3", {.temperature = 1, .top_k = 3}},
      {"top-p 0.7", {.temperature = 1, .top_p = Scalar(0.7)}},
      {"top-p 0.2", {.temperature = 1, .top_p = Scalar(0.2)}}};
  std::printf("\n");
  std::vector<std::string> names, likeliest;
  std::vector<Tensor> columns;  // [V] each: the probabilities in each way, the largest first
  for (const auto& [name, sampling] : ways) {
    names.push_back(name);
    columns.push_back(what_is_left(logits, sampling));
    std::printf("%11s", name);
  }
  Text order(words.vocabulary().size());  // the tokens, the likeliest first
  std::iota(order.begin(), order.end(), 0);
  std::ranges::stable_sort(order, std::greater<>(), [&](int id) { return logits.data()[id]; });
  for (std::size_t place = 0; place < 10; ++place) {
    likeliest.push_back(words.decode({order[place]}));
    std::printf("\n");
    for (const Tensor& column : columns) std::printf("%11.4f", column.data()[place]);
    std::printf("   %s", likeliest.back().c_str());
  }
  std::printf("\n");
  for (const Tensor& column : columns)
    std::printf("%11d", int(column.size() - std::ranges::count(column.values(), 0)));
  std::printf("   words left\n\n");
  const Tensor rows = reshape(concatenate(columns, 0), {Index(ways.size()), -1});  // [6, V]
  write_file(
      "build/lesson21_next_word.svg",
      attention_svg("What is left of the ten likeliest", names, likeliest, slice(rows, 1, 0, 10)));

  // So they write, at most ten words; by lot it depends on the Writer's .seed, here 0.
  for (const auto& [name, sampling] : ways) {
    Writer writer(model, {prompt}, {.max_length = 16, .stop = end, .sampling = sampling});
    while (writer.next()) continue;
    std::printf("%9s: %s\n", name, written(writer.texts()[0]).c_str());
  }

  // ## 3. Beam search
  //
  // Greedy takes the likeliest word, and may pay for it later. Beam search keeps several texts,
  // here three: each goes on with each of the V words, and the likeliest of these are kept. "not"
  // was the likeliest word, but many may follow; "anything" is followed by "but", nearly for sure.
  const auto search = [&](Index length, Scalar power) {
    std::printf("\n  sum of logs, score with length_power %.0f\n", double(power));
    const BeamOptions options{.beams = 3, .max_length = length, .stop = end, .length_power = power};
    for (const Beam& beam : beam_search(model, prompt, options))
      std::printf("%9.4f %8.4f  %s\n", beam.log_probability, beam.score,
                  written(beam.text).c_str());
  };
  for (const Index more : {1, 2, 3}) search(Index(prompt.size()) + more, 0);

  // To the end: a text that ends is put aside, and three end the search. It may miss a likelier
  // one: greedy's, with -6.3785, is ahead of the third. Each word makes a text less likely, so
  // short ones win. The score of n words is that sum of logs / n^length_power: with 1, the mean.
  search(most, 0);
  search(most, 1);

  // ## 4. The cache: what it saves, and what it must not change
  //
  // Under the causal mask later words change nothing of earlier ones. So attention keeps the keys
  // and values of these, and the model is given the new word alone. A word costs 4 · 32 · 32
  // (query, key, value, output) + 2 · 32 · 64 (feed-forward) + 32 · 223 (logits) = 15,328
  // multiplications in products, and 2 · 32 for each word it looks at. To write 7 words after
  // ⟨start⟩, 7 are computed, which look at 1 + 2 + … + 7 = 28: 7 · 15,328 + 28 · 64 = 109,088.
  // Without a cache call n computes n words, 28 in all, and counts n looks for each: 1 + 4 + … + 49
  // = 140, so 28 · 15,328 + 140 · 64 = 438,144. The logits are the same bits: sums in one order.
  std::printf(
      "\n       multiplications\ntokens    with   without   ratio   calls with the same logits\n");
  for (const Index T : {8, 16, 32, 64}) {
    Writer with(model, {{prompt[0]}}, {.max_length = T});
    Writer without(model, {{prompt[0]}}, {.max_length = T, .cache = false});
    Work work;
    Index few = 0, many = 0, same = 0;
    while (with.next()) {
      few += work.since_last_time();
      without.next();
      many += work.since_last_time();
      same += std::ranges::equal(with.logits().values(), without.logits().values());
    }
    std::printf("%6d %7d %9d %7.1f   %d of %d\n", int(T), int(few), int(many),
                double(many) / double(few), int(same), int(T - 1));
  }
} catch (const Error& error) {
  std::fprintf(stderr, "%s\n", error.what());
  return 1;
}

std::vector<Sample> samples(const std::string& part, TextVectorizer& words) {
  std::vector<std::string> texts;
  for (const Example& review : read_tsv("lessons/data/" + part + ".tsv"))
    texts.push_back("⟨start⟩ " + review.text + " ⟨end⟩");
  if (words.vocabulary().empty()) words.adapt(texts);
  std::vector<Sample> all;
  for (const std::string& text : texts) all.push_back(next_ids(words.encode(text)));
  return all;
}

// Those of softmax(logits / t) that top_k and then top_p leave, and zeros behind them.
Tensor what_is_left(const Tensor& logits, const Sampling& sampling) {
  const Tensor all = softmax(logits / sampling.temperature);
  std::vector<double> p(all.values().begin(), all.values().end());
  std::ranges::sort(p, std::greater<>());
  p.resize(std::min(p.size(), std::size_t(sampling.top_k)));
  const double wanted = double(sampling.top_p) * std::accumulate(p.begin(), p.end(), 0.0);
  double sum = p[0];
  std::size_t kept = 1;
  while (kept < p.size() && sum < wanted) sum += p[kept++];
  Tensor left = Tensor::zeros({logits.size()});
  for (std::size_t i = 0; i < kept; ++i) left.mutable_data()[i] = Scalar(p[i] / sum);
  return left;
}

// ## In the debugger
//
// `break gradus::choose if sampling.temperature > 0` and `continue`; then a breakpoint at the line
// where it computes `drawn`, `continue` and `next`: `print best` has, likeliest first, minus the
// logit and the token, `print up_to` the running sums of e^((logit - largest) / t), undivided.
//
// ## Exercises
//
// 1. Add t = 0.1 and t = 10 to `ways`. What do the texts come near to?
// 2. Let `prompt` be "⟨start⟩ my"; search to the end with 1, 3, 8, 16 beams. Which finds the best?
// 3. With length_power 1 the greedy text has a better score than the three beams: compute it from
//    section 1. Search for more and more words: after how many is it no longer shown?
// 4. Set model.next_word.bias.mutable_data()[2] = 9 between two calls of next(). What happens, why?
// 5. Write the choice of a token, and the loop, yourself: make exercise-22 judges them.
