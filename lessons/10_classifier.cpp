// Lesson 10: the classifier, trained.
//
// Everything so far comes together: reviews become numbers (lesson 9), each word gets a vector for
// what it is and one for where it stands (lesson 7), an encoder block lets the words look at each
// other (lesson 8), the largest value of each feature over all words makes one vector of the whole
// review, and one Dense unit says how good the review is.
//
//   ids [B, T] -> embedding [B, T, 32] -> encoder [B, T, 32] -> pooling [B, 32] -> logit [B, 1]
//
// The logit x means: positive with probability 1 / (1 + e^-x). The loss is the binary
// cross-entropy, -log of the probability given to the right answer, averaged over the batch.
//
// The reviews (lessons/data/make_reviews.cpp writes them) are made so that counting words is worth
// nothing: "i expected a mess and got a triumph" and "i expected a triumph and got a mess" have the
// same words. The baseline below shows it. Source: Chollet, Deep Learning with Python,
// section 11.4.
//
// Run it with `make run`; it takes about 20 seconds on two cores. STEPS=n in the environment trains
// for n epochs only.
//
// ## In the debugger
//
// Step into fit() for one epoch; TransformerEncoder::operator() for one batch; and, with a
// breakpoint at gradus::backward_step, every gradient.

#include <gradus/gradus.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>

using namespace gradus;

struct Classifier : TextClassifier {
  Classifier(Index vocabulary, Random& random)
      : TextClassifier("Classifier"),
        embedding(40, vocabulary, 32, random),
        encoder(32, 64, 2, random),
        dropout(Scalar(0.5), random),
        logit(32, 1, random) {
    add("embedding", embedding);
    add("encoder", encoder);
    add("pooling", pooling);
    add("dropout", dropout);
    add("logit", logit);
  }

  Tensor forward(const Ids& ids, const Mask& mask, Where where) override {
    const Tensor words = embedding(ids, where);           // [B, T, 32]
    const Tensor encoded = encoder(words, mask, where);   // [B, T, 32]
    const Tensor review = pooling(encoded, mask, where);  // [B, 32]
    return logit(dropout(review, where), where);          // [B, 1]
  }

  PositionalEmbedding embedding;
  TransformerEncoder encoder;
  GlobalMaxPooling pooling;
  Dropout dropout;
  Dense logit;
};

// The words that the others look at most: the mean of each column of the weights [1, H, T, T].
std::string most_attended(const Tensor& weights, const std::vector<std::string>& words) {
  const Tensor received = mean(weights, {0, 1, 2});  // [T]
  std::vector<std::size_t> order;
  for (std::size_t i = 0; i < words.size(); ++i) order.push_back(i);
  std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
    return received.data()[a] > received.data()[b];
  });
  std::string text;
  for (std::size_t i = 0; i < std::min<std::size_t>(3, words.size()); ++i)
    text += (i ? ", " : "") + words[order[i]];
  return text;
}

int main() try {
  const std::vector<Example> training = read_tsv("lessons/data/train.tsv");
  const std::vector<Example> validating = read_tsv("lessons/data/validation.tsv");
  const std::vector<Example> testing = read_tsv("lessons/data/test.tsv");
  const std::vector<Example> held_out = read_tsv("lessons/data/held_out.tsv");

  TextVectorizer vectorizer({.max_tokens = 2000, .max_length = 40});
  vectorizer.adapt(texts_of(training));
  const Batches train(training, vectorizer, {.size = 32}, 1);
  const Batches validation(validating, vectorizer, {.shuffle = false});
  const Batches test(testing, vectorizer, {.shuffle = false});
  const Batches new_patterns(held_out, vectorizer, {.shuffle = false});
  std::printf("%zu reviews to learn from, %zu to validate, %zu to test, %zu of other patterns\n",
              train.examples(), validation.examples(), test.examples(), new_patterns.examples());

  Random random(1);
  Classifier model(static_cast<Index>(vectorizer.vocabulary().size()), random);
  Adam optimizer(model.parameters());
  const char* steps = std::getenv("STEPS");
  const int epochs = steps ? std::atoi(steps) : 30;
  const History history =
      fit(model, optimizer, train, validation,
          {.epochs = epochs,
           .schedule = Schedule::warmup_cosine(Scalar(2e-3), 200,
                                               epochs * static_cast<std::int64_t>(train.count())),
           .folder = "build/classifier"});
  std::printf("\n%s\n", model.summary().c_str());

  // The same reviews for a model that only counts words.
  BagOfWords words_only(2000, false);
  words_only.fit(training, validating);
  BagOfWords pairs(20000, true);
  pairs.fit(training, validating);
  std::printf("%-22s %-38s %s\n", "", "test", "patterns never seen");
  std::printf("%-22s %-38s %s\n", "words counted", words_only.evaluate(testing).text().c_str(),
              words_only.evaluate(held_out).text().c_str());
  std::printf("%-22s %-38s %s\n", "pairs counted", pairs.evaluate(testing).text().c_str(),
              pairs.evaluate(held_out).text().c_str());
  std::printf("%-22s %-38s %s\n\n", "Transformer", evaluate(model, test).text().c_str(),
              evaluate(model, new_patterns).text().c_str());

  // A few test reviews, with the words that were looked at most.
  model.eval();
  const NoGrad no_grad;
  model.encoder.attention.keep_weights();
  for (std::size_t i = 0; i < 6; ++i) {
    const Batch batch = test.make({i});
    const Tensor x = model(batch.ids, batch.mask);
    const double probability = static_cast<double>(sigmoid(x).item());
    const std::vector<std::string> words = split_words(standardize(testing[i].text));
    std::printf("%s\n  %s with %.3f (the truth: %s); looked at: %s\n", testing[i].text.c_str(),
                probability > 0.5 ? "positive" : "negative",
                probability > 0.5 ? probability : 1 - probability,
                testing[i].label ? "positive" : "negative",
                most_attended(model.encoder.attention.weights, words).c_str());
  }

  const Batch first = test.make({0});
  model(first.ids, first.mask);
  const std::vector<std::string> words = split_words(standardize(testing[0].text));
  const Index length = static_cast<Index>(words.size());
  write_file("build/attention.svg",
             attention_svg("Who looks at whom", words, words,
                           reshape(model.encoder.attention.weights, {2, length, length})));
  Curve train_loss{"training loss", {}};
  Curve validation_loss{"validation loss", {}};
  for (const Epoch& epoch : history.epochs) {
    train_loss.values.push_back(epoch.train.loss());
    validation_loss.values.push_back(epoch.validation.loss());
  }
  write_file("build/learning.svg",
             curves_svg("Learning", {train_loss, validation_loss}, history.best + 1));
  std::printf("\nPictures: build/attention.svg and build/learning.svg; open them in a browser.\n");
} catch (const Error& error) {
  std::fprintf(stderr, "%s\n", error.what());
  return 1;
}

// ## Exercises
//
// 1. Take the positions away: use embedding.tokens instead of embedding. Which patterns suffer?
// 2. Take the encoder away: pool the embeddings directly. Compare with the words that were counted.
// 3. Replace the pooling by GlobalAveragePooling. Which of the two learns faster, and why?
// 4. Write a pattern of your own into make_reviews.cpp, for the held-out reviews only.
//    Can the model read it?
