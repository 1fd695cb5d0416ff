// The book's classifier (Chollet 2021, section 11.4.3) with the book's sizes.
#pragma once

#include <gradus/gradus.h>

namespace bench {

struct BookClassifier : gradus::Module {
  explicit BookClassifier(gradus::Random& random)
      : Module("Classifier"),
        embedding(600, 20000, 256, random),
        encoder(256, 32, 2, random),
        dropout(gradus::Scalar(0.5), random),
        dense(256, 1, random) {
    add("embedding", embedding);
    add("encoder", encoder);
    add("pooling", pooling);
    add("dropout", dropout);
    add("dense", dense);
  }
  gradus::Tensor operator()(const gradus::Ids& ids, const gradus::Mask& mask) {
    return dense(dropout(pooling(encoder(embedding(ids), mask), mask)));
  }

  gradus::PositionalEmbedding embedding;
  gradus::TransformerEncoder encoder;
  gradus::GlobalMaxPooling pooling;
  gradus::Dropout dropout;
  gradus::Dense dense;
};

// Forward, backward, update.
inline void book_step(BookClassifier& model, gradus::Optimizer& optimizer, const gradus::Ids& words,
                      const gradus::Mask& mask, const gradus::Tensor& targets) {
  gradus::binary_cross_entropy(model(words, mask), targets).backward(gradus::Graph::free);
  optimizer.step();
  optimizer.clear_grad();
}

}  // namespace bench
