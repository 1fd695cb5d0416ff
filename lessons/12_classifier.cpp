// Lesson 12: the classifier, trained.
//
// Everything so far comes together: reviews become numbers (lesson 11), each word gets a vector for
// what it is and one for where it stands (lesson 8), an encoder block lets the words look at each
// other (lesson 10), the largest value that each of the 32 numbers has over all words makes one
// vector of the whole review, and a Dense with one number says how good the review is.
//
//   ids [B, T] -> embedding [B, T, 32] -> encoder [B, T, 32] -> pooling [B, 32] -> logit [B, 1]
//
// The logit x means: positive with probability 1 / (1 + e^-x). The loss is the binary
// cross-entropy, -log of the probability given to the right answer, averaged over the batch; it is
// computed from the logit, since a probability may be rounded to 0 (lesson 3, section 4).
//
// The reviews (lessons/data/make_reviews.cpp writes them) are made so that counting words is worth
// little: "i expected a mess and got a triumph" and "i expected a triumph and got a mess" have the
// same words. Only the plainest, as "it is dull", give themselves away (section 4). Source: Chollet
// 2021, section 11.4. `make run` runs it, in 20 seconds on two cores; EPOCHS=n trains n epochs.

#include <gradus/gradus.h>

#include <algorithm>
#include <cstdio>

using namespace gradus;

// ## The model
//
// T is the length of the longest review of a batch, at most 40; the mask says which positions are
// words. In training, dropout sets each number to 0 with probability p, here 1/2, so that the model
// cannot lean on a few, and divides the others by 1 - p. So the mean stays, and when nothing is
// dropped, to judge the model, the next layer meets numbers of the size that it learned with.
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

// ## Counting by hand
//
// The best that counting can do without learning: somebody who knows beforehand which words are
// good and which are bad takes the sign of the difference. A tie is a coin toss, half right.
const std::vector<std::string> good = split_words(
    "wonderful gripping charming brilliant moving clever funny fresh elegant warm thrilling superb "
    "tender inspired honest lively masterpiece triumph delight gem joy treat");
const std::vector<std::string> bad = split_words(
    "dull clumsy boring lifeless silly stale awful tedious shallow messy dreadful cold pompous "
    "lazy hollow stupid mess disaster bore failure chore waste");

double right_by_sign(const std::vector<Example>& reviews) {
  double right = 0;
  for (const Example& review : reviews) {
    std::ptrdiff_t sum = 0;
    for (const std::string& word : split_words(standardize(review.text)))
      sum += std::count(good.begin(), good.end(), word) - std::count(bad.begin(), bad.end(), word);
    right += sum == 0 ? 0.5 : (sum > 0) == (review.label == 1);
  }
  return right;
}

// What main prints with; the definitions stand below it.
std::string most_attended(const Tensor& weights, const std::vector<std::string>& words);
void draw(const std::string& path, const std::string& title, const History& history);
void row(const std::string& name, const Metric& first, const Metric& second);

int main() try {
  // ## 1. The reviews
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
  std::printf("%zu reviews to learn from, %zu to validate, %zu to test, %zu held out\n",
              train.examples(), validation.examples(), test.examples(), new_patterns.examples());

  // ## 2. Training
  //
  // An epoch goes once through all training reviews. After each, the model judges the validation
  // reviews, from which it does not learn. The parameters of the epoch with the lowest validation
  // loss are kept, in memory and as build/classifier/best.safetensors. (The training numbers are
  // taken on the way, with dropout; so they are worse at first.) The schedule raises Adam's rate
  // from 0 to 2e-3 in 200 steps, the warm-up: Adam's first steps are of full length, however little
  // the gradients say (lesson 3, section 6). Then it lowers it to 0 along half a cosine wave.
  Random coin(1);
  print("1s dropped out with p = 0.25", Dropout(Scalar(0.25), coin)(Tensor::full({8}, 1)));
  const Index words = Index(vectorizer.vocabulary().size());
  Random random(1);
  Classifier model(words, random);
  Adam optimizer(model.parameters());
  const int epochs = setting("EPOCHS", 30, 1, 10000);
  const Index all_steps = epochs * Index(train.count());
  const History history = fit(model, optimizer, train, validation,
                              {.epochs = epochs,
                               .schedule = Schedule::warmup_cosine(Scalar(2e-3), 200, all_steps),
                               .folder = "build/classifier"});
  draw("build/learning.svg", "Learning", history);
  // The shapes are those of the last 8 of 1000. (8352 are 7072 for words and 40 · 32 for places.)
  std::printf("\n%s\n", model.summary().c_str());

  // ## 3. Over-fitting
  //
  // The same model, given only 500 of the reviews (16 steps an epoch, not 313, at a constant rate),
  // learns most of them by heart: its loss on them falls while that on the validation reviews
  // doubles. It knows no more about those than a coin, whose loss is log 2 = 0.69, but grows ever
  // surer of its answers. (The middle row is the best epoch.)
  const Batches few({training.begin(), training.begin() + 500}, vectorizer, {.size = 32}, 1);
  Classifier by_heart(words, random);
  Adam few_optimizer(by_heart.parameters());
  const History over =
      fit(by_heart, few_optimizer, few, validation,
          {.epochs = epochs, .schedule = Schedule::constant(Scalar(2e-3)), .quiet = true});
  draw("build/over_fitting.svg", "Over-fitting: 500 reviews", over);
  std::printf("%-22s %-27s  %s\n", "500 reviews", "training", "validation");
  for (const int e : {0, over.best, epochs - 1}) {
    const Epoch& epoch = over.epochs[std::size_t(e)];
    row("epoch " + std::to_string(e + 1), epoch.train, epoch.validation);
  }

  // ## 4. Against counting, and loaded again
  //
  // The sign of good less bad words is right for 546 of 1000: a little better than a coin, thanks
  // to the plain reviews. BagOfWords learns how much each word, or pair of neighbours, speaks for
  // "positive"; its logit is a constant plus the sum of these numbers over the n words (or pairs)
  // of a review, divided by √n, or it would grow with the length. The last column is a harder test:
  // reviews made of known parts that no training review has together, and none is plain. There the
  // Transformer is right most often and yet has the highest loss: it is sure when wrong, for its
  // 157 mistakes cost some 1764 / 157 = 11 each. (The last row is a second model, which read
  // parameters and vocabulary from the files: another program needs both.)
  BagOfWords words_only(2000, false);
  words_only.fit(training, validating);
  BagOfWords pairs(20000, true);
  pairs.fit(training, validating);
  vectorizer.save("build/classifier/vocabulary.txt");
  TextVectorizer read_again({.max_tokens = 2000, .max_length = 40});
  read_again.load("build/classifier/vocabulary.txt");
  Classifier loaded(words, random);
  load_weights("build/classifier/best.safetensors", loaded);
  std::printf("\n%-22s %-27s  %s\n", "", "test", "patterns never seen");
  std::printf("%-22s %13s%.0f/1000 right  %13s%.0f/1000 right\n", "good less bad words", "",
              right_by_sign(testing), "", right_by_sign(held_out));
  row("words counted", words_only.evaluate(testing), words_only.evaluate(held_out));
  row("pairs counted", pairs.evaluate(testing), pairs.evaluate(held_out));
  row("Transformer", evaluate(model, test), evaluate(model, new_patterns));
  row("the same, loaded", evaluate(loaded, Batches(testing, read_again, {.shuffle = false})),
      evaluate(loaded, Batches(held_out, read_again, {.shuffle = false})));

  // ## 5. A few test reviews
  //
  // With the words of the highest weights, in the mean over heads and queries (see lesson 13).
  model.eval();
  const NoGrad no_grad;  // from here on nothing is recorded for backward()
  model.encoder.attention.keep_weights();
  for (std::size_t i = 0; i < 6; ++i) {
    const Batch batch = test.make({i});
    const double probability = sigmoid(model(batch.ids, batch.mask)).item();
    const Tensor weights = model.encoder.attention.weights;  // [1, H, T, T]
    std::string review = testing[i].text;  // to be printed with a line for each sentence
    for (std::size_t at = 1; at < review.size(); ++at)
      if (review[at - 1] == '.') review[at] = '\n';
    const std::vector<std::string> text = split_words(standardize(review));
    std::printf("\n%s\n  %s with %.3f (the truth: %s); looked at: %s\n", review.c_str(),
                probability > 0.5 ? "positive" : "negative", std::max(probability, 1 - probability),
                testing[i].label ? "positive" : "negative", most_attended(weights, text).c_str());
    if (i == 0)
      write_file("build/attention.svg", attention_svg("Who looks at whom", text, text, weights));
  }

  std::printf("\nPictures, in build: attention.svg, learning.svg, over_fitting.svg\n");
} catch (const Error& error) {
  std::fprintf(stderr, "%s\n", error.what());
  return 1;
}

// The words that the others look at most: the mean of each column of the weights [1, H, T, T].
std::string most_attended(const Tensor& weights, const std::vector<std::string>& words) {
  Tensor received = mean(weights, {0, 1, 2});  // [T]
  std::string text;
  for (int i = 0; i < 3; ++i) {
    const Index largest = std::ranges::max_element(received.values()) - received.values().begin();
    text += (i ? ", " : "") + words[std::size_t(largest)];
    received.mutable_data()[largest] = 0;
  }
  return text;
}

// The loss over the epochs as a picture, the best epoch marked.
void draw(const std::string& path, const std::string& title, const History& history) {
  Curve train_loss{"training loss", {}}, validation_loss{"validation loss", {}};
  for (const Epoch& epoch : history.epochs) {
    train_loss.values.push_back(epoch.train.loss());
    validation_loss.values.push_back(epoch.validation.loss());
  }
  write_file(path, curves_svg(title, {train_loss, validation_loss}, history.best + 1));
}

void row(const std::string& name, const Metric& first, const Metric& second) {
  std::printf("%-22s %-27s  %s\n", name.c_str(), first.text().c_str(), second.text().c_str());
}

// ## In the debugger
//
// Step into fit(), into TransformerEncoder::block, and stop at gradus::backward_step.
//
// ## Exercises
//
// 1. Take the positions away: use embedding.tokens instead of embedding. How far does the accuracy
//    fall? Print test reviews that it now gets wrong: what can nobody tell without the order?
// 2. Take the encoder away: pool the embeddings directly. Compare with the words that were counted.
//    (Leave section 5 out: an encoder that never ran has no weights to show.)
// 3. Replace the pooling by GlobalAveragePooling. Which of the two learns faster, and why?
// 4. Write a pattern of your own into make_reviews.cpp, for the held-out reviews only, and run
//    `make reviews`. Can the model read it?
// 5. With how many training reviews does the model beat the pairs? Try 1000, 2000 and 5000.
// 6. Write both poolings and the loop of fit() yourself: make exercise-13 and 15 judge them.
