// Lesson 26: what can be learned from few labels.
//
// A network with more parameters than examples could learn all of them by heart (lesson 12, section
// 3). How well it does on others depends on habits of training, each of which has a knob. Here each
// knob is turned alone, against one and the same baseline, from three starts:
//
//   width          how many numbers a word has
//   dropout        numbers set to 0 in training: of the review's vector, of the words' vectors, or
//                  all numbers of a word at once (Iyyer et al. 2015, "Deep Unordered Composition")
//   pooling        the maximum over the words, the mean, or both side by side
//   weight decay   each step shrinks every parameter a little (AdamW, lesson 3)
//   smoothing      the right answer shall have the probability 0.9, not 1 (Szegedy et al. 2016)
//   averaging      judged are means of the parameters over late steps (Polyak and Juditsky 1992)
//   schedule       the rate rises and falls again along a cosine, instead of staying as it is
//   pairs          words and pairs of neighbours have a say of their own beside the Transformer
//
// A difference is marked if it is larger than that between starts: all three above, or all below,
// all three of the baseline. Of a knob that does nothing this is true by chance in 1 of 20 cases
// each, 3! 3! / 6!, so of a dozen rows one may be marked for nothing. What is kept is chosen by
// validation; the test only reports.
//
// The shipped reviews, with 1,000 labels, take some 30 seconds. `make labels DATA=/path/to/aclImdb`
// takes the real ones of lesson 16, with 20,000, and what was chosen for them: see below main. It
// can be interrupted at any moment, and goes on. EPOCHS=n and STARTS=n make it shorter or longer.

#include <gradus/gradus.h>

#include <algorithm>
#include <cstdio>
#include <functional>
#include <tuple>

using namespace gradus;

struct Knobs {
  Index width = 32;
  Scalar dropout = 0, in_words = 0, whole_words = 0;  // rates of three kinds of dropout
  bool maximum = true, average = false;               // pooling
  Scalar decay = 0, smoothing = 0, memory = 0;
  bool cosine = false, pairs = false, transformer = true;
};

// ## From reviews to numbers
//
// Of the shipped ones those in which nothing is negated, so that short trainings get somewhere.
std::vector<Example> reviews(const std::string& data, const std::string& part) {
  if (data.empty()) {
    std::vector<Example> all = read_tsv("lessons/data/" + part + ".tsv");
    std::erase_if(all, [](const Example& e) {
      return e.text.find(" not") != e.text.npos || e.text.find("anything") != e.text.npos;
    });
    return all;
  }
  if (part == "test") return read_review_folder(data + "/test");
  const SplitExamples parts = split_examples(read_review_folder(data + "/train"), 0.2, 1337);
  return part == "train" ? parts.first : parts.second;
}

// Of a longer text the first 64 words and the last 192; as source, each word and pair once.
std::vector<Sample> samples(const std::vector<Example>& examples, const TextVectorizer& words,
                            const TextVectorizer& pairs) {
  std::vector<Sample> all;
  for (const Example& example : examples) {
    std::vector<int> ids = words.encode(example.text), source = pairs.encode(example.text);
    if (ids.size() > 256) ids.erase(ids.begin() + 64, ids.end() - 192);
    std::ranges::sort(source);
    source.erase(std::unique(source.begin(), source.end()), source.end());
    all.push_back({ids, {example.label}, source});
  }
  return all;
}

Tensor votes_of(const std::vector<Sample>& train, std::size_t terms) {
  std::vector<Scalar> count[2] = {std::vector<Scalar>(terms, 1), std::vector<Scalar>(terms, 1)};
  for (const Sample& sample : train)
    for (const int term : sample.source) ++count[sample.labels[0]][std::size_t(term)];
  const Shape column{Index(terms), 1};
  return log(Tensor::from(column, count[1]) / Tensor::from(column, count[0]));
}

// ## The model
//
// With averaging every parameter p has a shadow s, which follows it by s = m s + (1 - m) p after
// each step, with m, the memory, such as 0.98: that is about the last 1 / (1 - m) steps. (At first
// m is smaller, so that a shadow soon forgets where it began.) To be judged, the model takes the
// shadows in place of the parameters. They are parameters themselves, so that they are saved with
// the others, but want no gradient.
//
// With pairs, each word and pair of neighbours that occurs in a text, its source, votes with
// log(good / bad), where it is in so many good and bad reviews to learn from; how much the vote
// weighs is learned (Wang and Manning 2012, "Baselines and Bigrams"). The logit is the mean vote,
// times a number, beside what the Transformer says. A weight begins at 1/40 and is multiplied by
// 40: Adam moves all parameters about as far, and so this one 40 times as fast.
struct Classifier : SequenceModel {
  Classifier(const Knobs& knobs, Index vocabulary, const Tensor& votes, Random& random)
      : SequenceModel("Classifier"),
        knob(knobs),
        vote(votes),
        weight(Tensor::full(votes.shape(), Scalar(1) / 40)),
        embedding(256, vocabulary, knob.width, random),
        in_words(knob.in_words, random),
        whole_words(knob.whole_words, random),
        encoder(knob.width, 2 * knob.width, 2, random, {.key_dim = knob.width / 2}),
        dropout(knob.dropout, random),
        logit(knob.width * (knob.maximum + knob.average), 1, random) {
    add("embedding", embedding);
    add("in_words", in_words);
    add("whole_words", whole_words);
    add("encoder", encoder);
    add("dropout", dropout);
    add("logit", logit);
    if (knob.pairs) add("weight", weight);
    add("steps", steps);
    followed = parameters();
    shadows.resize(knob.memory > 0 ? followed.size() : 0);
    for (std::size_t i = 0; i < shadows.size(); ++i) {
      shadows[i] = Tensor::from(followed[i].tensor.shape(), followed[i].tensor.values());
      add("shadow_" + std::to_string(i), shadows[i]);
      shadows[i].requires_grad(false);
    }
  }

  Tensor decode(const Batch& batch, const Tensor&, Where where) override {
    training() ? follow() : swap();
    Tensor result = knob.transformer ? read(batch, where) : Tensor::zeros({batch.ids.shape[0], 1});
    if (knob.pairs) {
      const Tensor votes = gradus::embedding(weight * vote, batch.source, where);  // [B, S, 1]
      result += 600 * mean_pooling(votes, batch.source_mask);
    }
    if (!training()) swap();
    return result;  // [B, 1]
  }

  Tensor read(const Batch& batch, Where where) {
    const Tensor ones = Tensor::full({batch.ids.shape[0], batch.ids.shape[1], 1}, 1);
    const Tensor words = in_words(embedding(batch.ids, where)) * whole_words(ones);  // [B, T, D]
    const Tensor x = encoder(words, batch.mask, where);
    std::vector<Tensor> pooled;
    if (knob.maximum) pooled.push_back(max_pooling(x, batch.mask));
    if (knob.average) pooled.push_back(mean_pooling(x, batch.mask));
    return logit(dropout(concatenate(pooled, 1)), where);
  }

  Tensor loss(const Tensor& logits, const Batch& batch, Where where) const override {
    if (!training() || knob.smoothing == 0) return SequenceModel::loss(logits, batch, where);
    Tensor targets = Tensor::full(logits.shape(), knob.smoothing);
    for (std::size_t i = 0; i < batch.labels.size(); ++i)
      if (batch.labels[i] == 1) targets.mutable_values()[i] = 1 - knob.smoothing;
    return binary_cross_entropy(logits, targets, where);
  }

  void follow() {
    const Scalar m = std::min(knob.memory, Scalar(steps) / Scalar(steps + 10));
    ++steps;
    for (std::size_t i = 0; i < shadows.size(); ++i) {
      Scalar* s = shadows[i].mutable_data();
      const std::span<const Scalar> p = followed[i].tensor.values();
      for (std::size_t j = 0; j < p.size(); ++j) s[j] += (1 - m) * (p[j] - s[j]);
    }
  }
  void swap() {
    for (std::size_t i = 0; i < shadows.size(); ++i)
      std::ranges::swap_ranges(shadows[i].mutable_values(), followed[i].tensor.mutable_values());
  }

  Knobs knob;
  Tensor vote, weight;  // of each word and pair: [N, 1]
  std::uint64_t steps = 0;
  PositionalEmbedding embedding;
  Dropout in_words, whole_words;
  TransformerEncoder encoder;
  Dropout dropout;
  Dense logit;
  std::vector<NamedTensor> followed;
  std::vector<Tensor> shadows;
};

// ## One setting, several starts
struct Result {
  std::vector<double> train = {}, validation = {}, test = {};  // accuracies, sorted
};

struct Experiment {
  bool real;
  std::vector<Sample> train;
  Batches validation, test;
  Index vocabulary;
  Tensor votes;
  int epochs, starts;

  Result run(const std::string& name, const Knobs& knobs, const Result& plain = {}) const {
    Result result;
    for (int seed = 1; seed <= starts; ++seed) {
      const Batches batches(train, {}, std::uint64_t(seed));
      Random random{std::uint64_t(seed)};
      Classifier model(knobs, vocabulary, votes, random);
      AdamW adam(model.parameters(), {.weight_decay = knobs.decay});
      const Scalar rate = real ? Scalar(1e-3) : Scalar(3e-3);
      const Index steps = epochs * Index(batches.count());
      const std::string folder = "build/labels/" + name + "-" + std::to_string(seed);
      if (real && file_exists(folder + "/best.safetensors"))
        load_weights(folder + "/best.safetensors", model);
      else
        fit(model, adam, batches, validation,
            {.epochs = epochs,
             .schedule = knobs.cosine ? Schedule::warmup_cosine(rate, steps / 10, steps)
                                      : Schedule::constant(rate),
             .folder = real ? folder : "",
             .quiet = !real});
      result.train.push_back(evaluate(model, batches).accuracy());
      result.validation.push_back(evaluate(model, validation).accuracy());
      result.test.push_back(evaluate(model, test).accuracy());
      if (real)
        std::printf("%s, seed %d: validation %.4f, test %.4f\n", name.c_str(), seed,
                    result.validation.back(), result.test.back());
    }
    for (auto list : {&Result::train, &Result::validation, &Result::test})
      std::ranges::sort(result.*list);
    const std::vector<double>&a = result.test, &b = plain.test.empty() ? a : plain.test;
    const char* const mark = a.front() > b.back()   ? "  above"
                             : a.back() < b.front() ? "  below"
                                                    : "";
    const std::size_t middle = a.size() / 2;
    std::printf("%-23s %.3f   %.3f   %.3f (%.3f to %.3f)%s\n", name.c_str(), result.train[middle],
                result.validation[middle], a[middle], a.front(), a.back(), mark);
    std::fflush(stdout);
    return result;
  }
};

int main(int argc, char** argv) try {
  // ## 1. The reviews
  //
  // The vocabularies and the votes come from the reviews to learn from alone.
  const std::string data = argc > 1 ? argv[1] : "";
  const bool real = !data.empty();
  std::vector<Example> training = reviews(data, "train"), validating = reviews(data, "validation");
  const std::vector<Example> testing = reviews(data, "test");
  training.resize(std::min<std::size_t>(training.size(), real ? 20000 : 1000));
  TextVectorizer words({.max_tokens = 20000, .max_length = 100000});
  TextVectorizer pairs({.max_tokens = 130000, .max_length = 100000, .bigrams = true});
  words.adapt(texts_of(training));
  pairs.adapt(texts_of(training));
  const std::vector<Sample> train = samples(training, words, pairs);
  const Experiment experiment{real,
                              train,
                              Batches(samples(validating, words, pairs), {.shuffle = false}),
                              Batches(samples(testing, words, pairs), {.shuffle = false}),
                              Index(words.vocabulary().size()),
                              votes_of(train, pairs.vocabulary().size()),
                              setting("EPOCHS", real ? 3 : 15, 1, 1000),
                              setting("STARTS", real ? 5 : 3, 1, 100)};
  std::printf("%zu reviews to learn from, %zu to validate, %zu to test\n", training.size(),
              validating.size(), testing.size());

  // ## 2. One knob at a time
  //
  // The baseline has nearly all of its 1,000 reviews by heart, and is right about 0.77 of others.
  // Two knobs are beyond the spread: the mean is above, where each word has its share in the
  // verdict, not only the one with the largest number; what the cosine lacks, exercise 1 asks. Many
  // a median is higher and unmarked: three starts do not tell it from luck. To learn by heart is
  // not what does the harm: twice the width has every training review right, and no fewer of the
  // others. Dropout of words makes labels wrong: without one of its dozen words a review may say
  // the opposite.
  std::printf("\n%-23s train   valid.  test: median of %d (lowest to highest)\n", "",
              experiment.starts);
  if (real) {  // what validation chose: see below main
    Knobs k{.width = 64, .dropout = Scalar(0.5), .whole_words = Scalar(0.3), .average = true};
    k.memory = Scalar(0.998), k.cosine = true;
    const std::tuple<const char*, bool, bool> rows[] = {
        {"pairs alone", false, true}, {"both", true, true}, {"Transformer alone", true, false}};
    for (const auto& [name, transformer, pairs_too] : rows) {
      k.transformer = transformer, k.pairs = pairs_too;
      experiment.run(name, k);
    }
    return 0;
  }
  const std::pair<const char*, std::function<void(Knobs&)>> knobs[] = {
      {"half the width", [](Knobs& k) { k.width /= 2; }},
      {"twice the width", [](Knobs& k) { k.width *= 2; }},
      {"dropout 0.5 of review", [](Knobs& k) { k.dropout = Scalar(0.5); }},
      {"dropout 0.2 in words", [](Knobs& k) { k.in_words = Scalar(0.2); }},
      {"dropout 0.2 of words", [](Knobs& k) { k.whole_words = Scalar(0.2); }},
      {"mean", [](Knobs& k) { k.maximum = false, k.average = true; }},
      {"maximum and mean", [](Knobs& k) { k.maximum = k.average = true; }},
      {"weight decay 0.1", [](Knobs& k) { k.decay = Scalar(0.1); }},
      {"smoothing 0.1", [](Knobs& k) { k.smoothing = Scalar(0.1); }},
      {"averaging 0.98", [](Knobs& k) { k.memory = Scalar(0.98); }},
      {"cosine", [](Knobs& k) { k.cosine = true; }},
      {"pairs", [](Knobs& k) { k.pairs = true; }}};
  const Knobs baseline;
  Knobs together = baseline;
  std::string names;
  const Result plain = experiment.run("baseline", baseline);
  std::vector<Curve> dots{{"baseline", plain.test}};
  for (const auto& [name, turn] : knobs) {
    Knobs one = baseline;
    turn(one);
    const Result result = experiment.run(name, one, plain);
    dots.push_back({name, result.test});
    if (result.validation[0] <= plain.validation.back()) continue;
    turn(together);
    names += std::string("  ") + name + "\n";
  }

  // ## 3. Together
  //
  // Those of which all three starts were above the baseline's on the validation reviews. Gains do
  // not add up: what one knob had repaired, the other need not.
  std::printf("\nturned together:\n%s", names.c_str());
  dots.push_back({"together", experiment.run("together", together, plain).test});
  write_file("build/lesson26_knobs.svg", dots_svg("One knob at a time", dots, "test accuracy"));
} catch (const Error& error) {
  std::fprintf(stderr, "%s\n", error.what());
  return 1;
}

// ## What came out
//
// `make labels DATA=/path/to/aclImdb`: 20,000 labels, and right of the 25,000 test reviews are
//
//   start                   1       2       3       4       5   median
//   pairs alone        0.9095  0.9103  0.9080  0.9090  0.9086   0.9090
//   both               0.9098  0.9082  0.9065  0.9109  0.9090   0.9090
//
// where lesson 16 has 0.8825 from the book's Transformer and 0.9009 from pairs that are counted.
// (The Transformer alone, in an earlier state of this program, had 0.8716 and 0.8734 from two
// starts.) These ten starts took less than nine minutes of one core. What does it are the pairs:
// the Transformer beside them adds nothing that could be told from chance. It has to learn from the
// labels what 20,000 words mean, 64 numbers for each; a pair's vote is one number, and is about
// right as soon as the pair has occurred a few times.
//
// All settings were chosen on the validation reviews; the test was read for this table alone. There
// pairs alone were right about 0.9170 (median of five). Tried before that, one start each, in a
// trial program that dropped 3 of 10 votes in training: 0.9138; 0.9016 if the weights begin at 0
// without votes, 0.9106 if they begin at the votes and are not multiplied by them (these two with a
// factor of 20 in place of 40); 0.9070 with both, where the Transformer and the pairs each have a
// loss of their own.
//
// ## In the debugger
//
// `break Classifier::read if knob.whole_words > 0`. After the line of `words`, `print words`: some
// rows are 0, the others 1.25 times what they were. `break Classifier::follow if knob.memory > 0`;
// after some steps compare `print shadows[0]` with `print followed[0].tensor`. `break
// Classifier::decode if knob.pairs`: `print vote`. EPOCHS=1 gets there sooner.
//
// ## Exercises
//
// 1. EPOCHS=60. Is the cosine below still? Which others have changed sides, and what was it that
//    they needed?
// 2. Of a review of a dozen words, how often does dropout 0.2 of words leave all? Take 0.02.
// 3. Take 4,000 labels. Which knobs matter less, and why?
// 4. Let follow() have the whole memory from the first step on, m = knob.memory. After n steps,
//    which share of a shadow are the first parameters? Try 0.98 and 0.998, with EPOCHS=15 and 60.
// 5. Let a row do nothing, with seeds 4 to 6. Is it marked? Count the orders of six results, and
//    check the 1 of 20 above.
// 6. A row of `pairs` without the Transformer: k.pairs = true, k.transformer = false. Then let all
//    votes be 1 and the weights begin at 0. What is due to the pairs, what to counting, what to the
//    Transformer?
