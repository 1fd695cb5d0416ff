// Lesson 14: real reviews.
//
// The book's experiment (Chollet 2021, section 11.4): 25,000 film reviews to learn from, a fifth of
// them held back for validation, 25,000 others to be judged. The model is PositionalEmbedding,
// TransformerEncoder, GlobalMaxPooling, Dropout, Dense, with the book's sizes: 20,000 words, texts
// cut at 600 words, 256 numbers a word, 2 heads with key_dim 256, 32 units in between, RMSprop.
//
//   make imdb DATA=/path/to/aclImdb [SEED=1] [POSITIONS=no] [EPOCHS=6]

#include <gradus/gradus.h>

#include <cstdio>
#include <cstdlib>

using namespace gradus;

struct Classifier : TextClassifier {
  Classifier(bool with_positions, bool keras, Random& random)
      : TextClassifier("Classifier"),
        positional(600, 20000, 256, random),
        encoder(256, 32, 2, random, {.attention = {.keras_book_start = keras}}),
        dropout(Scalar(0.5), random),
        logit(256, 1, random),
        positions(with_positions) {
    add("embedding", positional);
    add("encoder", encoder);
    add("pooling", pooling);
    add("dropout", dropout);
    add("logit", logit);
  }

  Tensor forward(const Ids& ids, const Mask& mask, Where where) override {
    const Tensor words = positions ? positional(ids, where) : positional.tokens(ids, where);
    const Tensor encoded = encoder(words, mask, where);
    return logit(dropout(pooling(encoded, mask, where), where), where);
  }

  PositionalEmbedding positional;
  TransformerEncoder encoder;
  GlobalMaxPooling pooling;
  Dropout dropout;
  Dense logit;
  bool positions;
};

int main(int argc, char** argv) try {
  if (argc < 2) {
    std::printf(
        "The reviews are not part of this project. Get aclImdb_v1.tar.gz (84 MB) from\n"
        "https://ai.stanford.edu/~amaas/data/sentiment/ , unpack it, and say where it is:\n"
        "  make imdb DATA=/path/to/aclImdb\n");
    return 1;
  }
  const std::string data = argv[1];
  const auto seed = static_cast<std::uint64_t>(argc > 2 ? std::atoi(argv[2]) : 1);
  const bool positions = argc <= 3 || std::string(argv[3]) != "no";
  const int epochs = argc > 4 ? std::atoi(argv[4]) : 6;
  const std::string folder = argc > 5 ? argv[5] : "";

  const SplitExamples parts = split_examples(read_review_folder(data + "/train"), 0.2, 1337);
  const std::vector<Example> test_examples = read_review_folder(data + "/test");
  TextVectorizer vectorizer({.max_tokens = 20000, .max_length = 600});
  vectorizer.adapt(texts_of(parts.first));
  const Batches train(parts.first, vectorizer, {.size = 32}, seed);
  const Batches validation(parts.second, vectorizer, {.size = 32, .shuffle = false});
  const Batches test(test_examples, vectorizer, {.size = 32, .shuffle = false});
  std::printf("%zu reviews to learn from, %zu to validate, %zu to test; %.1f %% padding\n",
              train.examples(), validation.examples(), test.examples(),
              100 * train.padding_share(0));

  Random random(seed);
  Classifier model(positions, !std::getenv("GLOROT"), random);
  RMSprop optimizer(model.parameters(), {.epsilon_under_root = !std::getenv("BESIDE")});
  fit(model, optimizer, train, validation, {.epochs = epochs, .patience = 2, .folder = folder});
  std::printf("test: %s\n", evaluate(model, test).text().c_str());
} catch (const Error& error) {
  std::fprintf(stderr, "%s\n", error.what());
  return 1;
}
