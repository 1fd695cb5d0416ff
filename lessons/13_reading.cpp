// Lesson 13: reading the model.
//
// The trained classifier says "negative". Why? Two answers can be computed for each word j of a
// review of T words:
//
//   attention   how much the words look at word j: the mean of column j of the weights
//               [1, H, T, T] over all H heads and T queries, times T; 1 would be an even share
//   effect      logit of the review - logit of the review without word j: above 0 if the word
//               speaks for "positive"
//
// The first is a number inside the model and makes fine pictures. The second is an experiment, and
// asks what one wants to know: does the answer depend on this word? They need not agree: attention
// shows how much is looked at, but the logit is made from the values, from what flows past
// attention along the residual, and by a maximum over all words.
//
// A word is left out by a mask: nobody may look at it, and the maximum passes it over. The other
// words stay where they are. How well the two measures agree on the order of a review's words is
// Spearman's rank correlation: 1 for the same order, 0 for no connection, -1 for the reverse order.
//
// Sources: Jain and Wallace 2019, "Attention is not Explanation" (with words left out, as here);
// Wiegreffe and Pinter 2019, "Attention is not not Explanation"; Spearman 1904. About 6 seconds on
// two cores; EPOCHS=n trains n epochs.

#include <gradus/gradus.h>

#include <cstdio>

using namespace gradus;

// ## The classifier just trained, but without dropout
struct Classifier : TextClassifier {
  Classifier(Index vocabulary, Random& random)
      : TextClassifier("Classifier"),
        embedding(40, vocabulary, 32, random),
        encoder(32, 64, 2, random),
        logit(32, 1, random) {
    add("embedding", embedding);
    add("encoder", encoder);
    add("pooling", pooling);
    add("logit", logit);
  }

  Tensor forward(const Ids& ids, const Mask& mask, Where where) override {
    const Tensor encoded = encoder(embedding(ids, where), mask, where);  // [B, T, 32]
    return logit(pooling(encoded, mask, where), where);                  // [B, 1]
  }

  PositionalEmbedding embedding;
  TransformerEncoder encoder;
  GlobalMaxPooling pooling;
  Dense logit;
};

// ## The two measures
struct Reading {
  Example example;
  std::vector<std::string> words;
  Tensor logit;                    // [1, 1]
  Tensor weights;                  // [H, T, T]
  Tensor attention, effect, size;  // [T] each; size is |effect|
  double agreement;                // the rank correlation of attention and size
};

// Spearman's: 1 - 6 Σ d² / (n (n² - 1)) for n values, where d is the difference of two ranks. For
// the same order Σ d² is 0; for the reverse d is n - 1, n - 3, … and Σ d² n (n² - 1) / 3, the most
// there is: this goes from 1 to -1. (It is exact if no two values are equal.)
double rank_correlation(const Tensor& x, const Tensor& y) {
  const Index n = x.size();
  double squares = 0;
  for (Index i = 0; i < n; ++i) {
    int d = 0;  // of the ranks of x_i and y_i; a rank is how many are smaller
    for (Index j = 0; j < n; ++j) d += (x.data()[j] < x.data()[i]) - (y.data()[j] < y.data()[i]);
    squares += d * d;
  }
  return 1 - 6 * squares / double(n * (n * n - 1));
}

Reading read(Classifier& model, const TextVectorizer& vectorizer, const Example& example) {
  const std::vector<int> numbers = vectorizer.encode(example.text);
  const Index T = Index(numbers.size());
  Reading r;
  r.example = example;
  r.words = split_words(standardize(example.text));
  r.logit = model(Ids({1, T}, numbers), {});
  r.weights = reshape(model.encoder.attention.weights, {2, T, T});
  r.attention = mean(r.weights, {0, 1}) * Scalar(T);

  // T copies of the review as one batch; in copy b word b is hidden, for every query the same.
  std::vector<int> copies;
  std::vector<bool> allowed;
  for (Index b = 0; b < T; ++b)
    for (Index t = 0; t < T; ++t) {
      copies.push_back(numbers[std::size_t(t)]);
      allowed.push_back(t != b);
    }
  const Tensor without = model(Ids({T, T}, copies), Mask::from({T, 1, T}, allowed));  // [T, 1]
  r.effect = reshape(r.logit - without, {T});
  r.size = relu(r.effect) + relu(-r.effect);
  r.agreement = rank_correlation(r.attention, r.size);
  return r;
}

// What main prints with; the definitions stand below it.
void show(const Reading& r);
AttendedText attended(const Reading& r, const std::string& title);

int main() try {
  // ## 1. A model to read
  const std::vector<Example> training = read_tsv("lessons/data/train.tsv");
  const std::vector<Example> testing = read_tsv("lessons/data/test.tsv");
  TextVectorizer vectorizer({.max_tokens = 2000, .max_length = 40});
  vectorizer.adapt(texts_of(training));
  const Batches train(training, vectorizer, {.size = 32}, 1);
  const Batches validation(read_tsv("lessons/data/validation.tsv"), vectorizer, {.shuffle = false});
  const Batches test(testing, vectorizer, {.shuffle = false});
  Random random(1);
  Classifier model(Index(vectorizer.vocabulary().size()), random);
  Adam optimizer(model.parameters());
  const int epochs = setting("EPOCHS", 10, 1, 10000);
  const Index all_steps = epochs * Index(train.count());
  std::vector<AttendedText> replay;  // three reviews as the model reads them after each epoch
  const auto look = [&] {
    const NoGrad no_grad;
    model.encoder.attention.keep_weights();
    const std::string title = "After epoch " + std::to_string(replay.size() / 3 + 1);
    for (std::size_t i = 0; i < 3; ++i)
      replay.push_back(attended(read(model, vectorizer, testing[i]), title));
    model.encoder.attention.keep_weights(false);
  };
  const History history = fit(model, optimizer, train, validation,
                              {.epochs = epochs,
                               .schedule = Schedule::warmup_cosine(Scalar(3e-3), 200, all_steps),
                               .after_epoch = look});
  std::printf("test: %s\n", evaluate(model, test).text().c_str());

  // ## 2. A few reviews, word by word
  //
  // Effects do not add up. Those of the first review sum to -5.8, though its logit is +6.6: each
  // word was left out while all others stayed, and what a word does depends on what else is there.
  model.eval();
  const NoGrad no_grad;
  model.encoder.attention.keep_weights();
  std::vector<Reading> readings;
  for (std::size_t i = 0; i < 100; ++i) readings.push_back(read(model, vectorizer, testing[i]));
  for (std::size_t i = 0; i < 4; ++i) show(readings[i]);

  // The same as pages for a browser, each head by itself: point at a word to see where it looks.
  // Then the training, epoch by epoch: which word is found first, and how far is the loss by then?
  std::vector<AttendedText> pages;
  for (std::size_t i = 0; i < 4; ++i)
    pages.push_back(attended(readings[i], "Review " + std::to_string(i + 1)));
  write_file("build/reading.html", attention_html("Who looks at whom in four reviews", pages));
  std::vector<Curve> losses{{"training loss", {}}, {"validation loss", {}}};
  for (const Epoch& epoch : history.epochs) {
    losses[0].values.push_back(epoch.train.loss());
    losses[1].values.push_back(epoch.validation.loss());
  }
  write_file("build/replay.html", attention_html("Training, epoch by epoch: who looks at whom",
                                                 replay, curves_svg("The losses", losses)));
  std::printf("\nFor a browser, in build: reading.html, these to point at, word by word;\n");
  std::printf("replay.html, three of them after each epoch of the training.\n");

  // ## 3. A hundred reviews
  //
  // In 78 of them the word that is looked at most is also the one that the answer depends on most;
  // a guess would hit about 7. The order of all the words agrees far less, 0.483 in the mean: past
  // the first words attention says little. (One model, from one start.)
  const auto place_of_largest = [](const Tensor& x) { return predictions(reshape(x, {1, -1}))[0]; };
  double agreed = 0, chance = 0;
  int same_word = 0;
  const Reading *best = nullptr, *worst = nullptr;
  for (const Reading& r : readings) {
    agreed += r.agreement / 100;
    chance += 1 / double(r.words.size());
    same_word += place_of_largest(r.attention) == place_of_largest(r.size);
    if (r.words.size() < 10) continue;  // in a short review the order agrees by chance
    if (!best || r.agreement > best->agreement) best = &r;
    if (!worst || r.agreement < worst->agreement) worst = &r;
  }
  std::printf("\nOver 100 reviews, attention and |effect|: mean rank correlation %+.3f\n", agreed);
  std::printf("  same word first in %d (a guess would be right in %.1f)\n", same_word, chance);

  // ## 4. Where they agree, and where they do not
  //
  // In the best of the reviews of ten words or more, "not" and "silly" come first in both columns,
  // and little else matters. In the worst, "although" comes first in both, but then "awful" is
  // looked at twice as much as the average and changes nothing, while "first", "i" and "it" are
  // looked at less and change the logit by 1 to 2. So attention is a fair hint where to look
  // first. It is no measure of how much a word counts, and says nothing of the direction: in the
  // first review of all, which is positive, "but" is looked at much and speaks for "negative", and
  // "bore" speaks for "positive".
  std::printf("\nBest agreement:");
  show(*best);
  std::printf("\nWorst agreement:");
  show(*worst);
  const Tensor rows[] = {worst->attention / max(worst->attention), worst->size / max(worst->size)};
  write_file("build/lesson13_worst.svg",
             attention_svg("Worst agreement; each row over its largest", {"attention", "|effect|"},
                           worst->words, reshape(concatenate({rows[0], rows[1]}, 0), {2, -1})));
} catch (const Error& error) {
  std::fprintf(stderr, "%s\n", error.what());
  return 1;
}

void show(const Reading& r) {
  std::string text = r.example.text;  // a sentence a line:
  for (std::size_t i = 1; i < text.size(); ++i)
    if (text[i - 1] == '.') text[i] = '\n';
  std::printf("\n%s\n  the truth: %s; the model's logit %+.3f\n", text.c_str(),
              r.example.label ? "positive" : "negative", r.logit.item());
  std::printf("  %-12s %9s %9s\n", "word", "attention", "effect");
  for (std::size_t j = 0; j < r.words.size(); ++j)
    std::printf("  %-12s %9.3f %+9.3f\n", r.words[j].c_str(), r.attention.data()[j],
                r.effect.data()[j]);
  std::printf("  sum of the effects %+.3f; rank correlation of attention with |effect| %+.3f\n",
              sum(r.effect).item(), r.agreement);
}

AttendedText attended(const Reading& r, const std::string& title) {
  const std::string says = r.logit.item() > 0 ? "positive" : "negative";
  const std::string truth = r.example.label ? "positive" : "negative";
  return {title, r.words, r.weights, "says " + says + ", the truth: " + truth, r.effect};
}

// ## In the debugger
//
// Step through read(). After the second call of the model, model.encoder.attention.weights has the
// shape [T, H, T, T], and column b of copy b is all zeros: nobody looks at the hidden word. Step
// into the pooling to see it passed over there, too: choose() in src/operations/reduce.cpp.
//
// ## Exercises
//
// 1. Remove the word instead of hiding it, so that the later words stand one place earlier. For
//    which word of a review must both give the same effect? By how much do the others differ?
// 2. Leave out two neighbours at once ("not dull"). When is that more than both effects' sum?
// 3. A third measure: the gradient of the logit with respect to the vector of each word, times that
//    vector. (Keep what `embedding` returns in a member of the Classifier, take NoGrad out of main,
//    and call backward() on the logit.) With which of the others does it agree?
// 4. Leave out fit() and `losses`. Which tables could have told you that this model knows nothing?
// 5. Write the two measures yourself: make exercise-16 judges them.
