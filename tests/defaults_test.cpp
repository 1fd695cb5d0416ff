// What holds where nothing else is asked for, as the headers promise it.

#include <doctest/doctest.h>
#include <gradus/check_gradients.h>
#include <gradus/gradus.h>

#include <algorithm>
#include <limits>

using namespace gradus;

namespace {

bool same(const Tensor& a, const Tensor& b) {
  return a.shape() == b.shape() &&
         std::equal(a.values().begin(), a.values().end(), b.values().begin());
}

}  // namespace

TEST_CASE("training and writing: every option that is not given") {
  const FitOptions fit;
  CHECK(fit.epochs == 10);
  CHECK_FALSE(fit.schedule);
  CHECK(fit.patience == 0);
  CHECK(fit.clip_norm == 0);
  CHECK(fit.folder.empty());
  CHECK(fit.save_every == 30);
  CHECK_FALSE(fit.quiet);
  CHECK(History().best == -1);
  const BatchOptions batches;
  CHECK(batches.size == 32);
  CHECK(batches.shuffle);
  CHECK(batches.group_by_length);
  CHECK(batches.pad_to == 0);
  const WriterOptions writer;
  CHECK(writer.max_length == 128);
  CHECK(writer.stop == -1);
  CHECK(writer.seed == 0);
  CHECK(writer.cache);
  CHECK(writer.sampling.temperature == 0);
  CHECK(writer.sampling.top_k == std::numeric_limits<Index>::max());
  CHECK(writer.sampling.top_p == 1);
  const BeamOptions search;
  CHECK(search.beams == 4);
  CHECK(search.max_length == 128);
  CHECK(search.stop == -1);
  CHECK(search.length_power == 1);
  CHECK(search.cache);
}

TEST_CASE("layers, optimisers and checks: every option that is not given") {
  const EncoderOptions encoder;
  CHECK(encoder.key_dim == 0);
  CHECK(encoder.dropout == 0);
  CHECK_FALSE(encoder.pre_norm);
  CHECK(encoder.epsilon == Scalar(1e-3));
  CHECK(encoder.activation == Activation::relu);
  CHECK(encoder.attention.value_dim == 0);
  CHECK_FALSE(encoder.attention.keras_book_start);
  CHECK(encoder.attention.dropout == 0);
  const AttentionOptions attention;
  CHECK(attention.mask.empty());
  CHECK(attention.num_heads == 1);
  CHECK(attention.scale == 0);
  CHECK(attention.dropout == 0);
  CHECK(attention.seed == 0);
  CHECK(SgdOptions().learning_rate == Scalar(0.01));
  CHECK(RmspropOptions().learning_rate == Scalar(1e-3));
  CHECK(AdamOptions().learning_rate == Scalar(1e-3));
  CHECK(AdamWOptions().learning_rate == Scalar(1e-3));
  const GradientCheckOptions check;
  CHECK(check.step == (sizeof(Scalar) == 8 ? Scalar(1e-5) : Scalar(1e-2)));
  CHECK(check.tolerance == (sizeof(Scalar) == 8 ? Scalar(1e-6) : Scalar(3e-2)));
  CHECK(check.seed == 1);
}

TEST_CASE("layer_norm adds 0.001 to the variance, and cross_entropy ignores the label -1") {
  const Tensor x = Tensor::matrix({{0.25, 0.5, 0.125}, {1, 2, 4}});
  const Tensor ones = Tensor::full({3}, 1), zeros = Tensor::zeros({3});
  CHECK(same(layer_norm(x, ones, zeros), layer_norm(x, ones, zeros, Scalar(1e-3))));
  CHECK(cross_entropy(x, {-1, -1}).item() == 0);
}

TEST_CASE("batches are dealt out with the seed 0, and backward() from a seed keeps the graph") {
  const std::vector<Example> examples(100, {"a word", 1, ""});
  TextVectorizer vectorizer;
  vectorizer.adapt(texts_of(examples));
  CHECK(Batches(examples, vectorizer).plan(3) == Batches(examples, vectorizer, {}, 0).plan(3));
  const Tensor w = Tensor::vector({1, 2}).requires_grad(true), y = w * w;
  for (int time = 0; time < 2; ++time) y.backward(w);
  CHECK(w.grad().at({1}) == 2 * (2 * 2 * 2));
}
