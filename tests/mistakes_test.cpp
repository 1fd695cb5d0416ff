// Ten mistakes, as they are made when one learns, and what the library says to each: the operation,
// what was wanted and what was given, and the line in this file. To read the messages:
//   MESSAGES=1 build/release/gradus-tests --test-case="mistake*"

#include <doctest/doctest.h>
#include <gradus/gradus.h>

#include "plain.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <limits>
#include <string>

using namespace gradus;
using plain::refusal;

namespace {

std::string place(int line) {
  return "tests/mistakes_test.cpp:" + std::to_string(line);
}

// The message must have all these parts, in this order.
void says(const std::string& message, std::initializer_list<std::string> parts) {
  INFO(message);
  if (std::getenv("MESSAGES")) std::printf("%s\n\n", message.c_str());
  std::size_t from = 0;
  for (const std::string& part : parts) {
    CAPTURE(part);
    const std::size_t at = message.find(part, from);
    CHECK(at != std::string::npos);
    if (at != std::string::npos) from = at + part.size();
  }
}

// The only report of a trace.
std::string only_report(const Trace& trace) {
  CHECK(trace.reports().size() == 1);
  return trace.reports().empty() ? "" : trace.reports()[0];
}

// A classifier of two layers.
struct Small : Layer {
  Small() : Layer("Small"), hidden(3, 4, random, Activation::relu), output(4, 2, random) {
    add("hidden", hidden);
    add("output", output);
  }
  Tensor forward(const Tensor& x, Where where) override { return output(hidden(x, where), where); }

  Random random{7};
  Dense hidden, output;
};

const Scalar not_a_number = std::numeric_limits<Scalar>::quiet_NaN();
const Scalar infinity = std::numeric_limits<Scalar>::infinity();

}  // namespace

TEST_CASE("mistake 1, a wrong shape: the product names both operands, transposed as it sees them") {
  const Tensor query = Tensor::zeros({2, 5, 8}).named("query");
  const Tensor key = Tensor::zeros({2, 5, 9}).named("key");
  int line = 0;
  std::string text = refusal([&] {
    line = __LINE__ + 1;
    matmul(query, key, {.transpose_b = true});
  });
  says(text, {"matmul at " + place(line) +
              ": query [2, 5, 8] × keyᵀ [2, 9, 5]: inner sizes 8 and 9 differ"});
}

TEST_CASE("mistake 2, a wrong axis: one that does not exist, and one whose sums do not fit") {
  const Tensor scores = Tensor::zeros({2, 4, 6}).named("scores");
  int line = 0;
  std::string text = refusal([&] {
    line = __LINE__ + 1;
    softmax(scores, 3);
  });
  says(text,
       {"softmax at " + place(line) +
        ": there is no axis 3 in scores [2, 4, 6]: its axes are 0 … 2, or -3 … -1 from the end"});
  text = refusal([&] {
    line = __LINE__ + 1;
    const Tensor largest = max(scores, 2);  // `keep` is missing
    const Tensor shifted = scores - largest;
  });
  says(text,
       {"subtract at " + place(line + 1), "scores [2, 4, 6] and max of " + place(line) + " [2, 4]",
        "do not broadcast: sizes 6 and 4 differ"});
}

TEST_CASE("mistake 3, a mask of a wrong shape: where it was made, and what is needed") {
  const Tensor query = Tensor::zeros({2, 5, 8}).named("query");
  const Mask mask = Mask::from({5, 4}, std::vector<bool>(20, true));
  const int made = __LINE__ - 1;
  int line = 0;
  std::string text = refusal([&] {
    line = __LINE__ + 1;
    scaled_dot_product_attention(query, query, query, {.mask = mask});
  });
  says(text, {"scaled_dot_product_attention at " + place(line), "the mask of " + place(made),
              "has shape [1, 1, 5, 4], query [2, 5, 8] needs [2, 1, 5, 5]"});
}

TEST_CASE("mistake 4, the logarithm of zero: the trace shows where infinity is born") {
  const TraceScope trace(nullptr);
  const Tensor logits = Tensor::matrix({{0, 1}, {0, 1000}}).named("logits");
  const Tensor probabilities = softmax(logits).named("probabilities");
  const Tensor loss = -mean(log(probabilities));
  const int line = __LINE__ - 1;
  CHECK(loss.item() == infinity);
  says(only_report(trace),
       {"log at " + place(line), "gives [2, 2] with 1 of 4 values bad, the first, -inf, at [1, 0]",
        "from probabilities [2, 2] (softmax at " + place(line - 1), "min 0, max 1, mean 0.5",
        "all finite", "born here"});
}

TEST_CASE("mistake 5, a forgotten clear_grad(): the trace shows the step and the backward") {
  const TraceScope trace(nullptr);
  Tensor w = Tensor::vector({1, 2}).requires_grad(true).named("w");
  Sgd optimizer({{"w", w}});
  int line = 0;
  for (int step = 0; step < 3; ++step) {
    line = __LINE__ + 1;
    sum(w * w).backward();
    optimizer.step();
  }
  says(only_report(trace), {"step() at " + place(line + 1), "the gradient of w [2] again",
                            "backward() at " + place(line), "clear_grad() is missing"});
}

TEST_CASE("mistake 6, a parameter left out of the optimiser: it did not move, and why") {
  Small model;
  Sgd optimizer(model.hidden.parameters());
  const int made = __LINE__ - 1;
  const MovementCheck check(model);
  sum(model(Tensor::full({5, 3}, 1))).backward();
  optimizer.step();
  const std::string text = check.unmoved(optimizer);
  says(text, {"unmoved at " + place(__LINE__ - 1), "2 of 4 parameters are the same",
              "output.kernel [4, 2]\n    has a gradient, but is not among the parameters of the "
              "optimiser made at\n    " +
                  place(made),
              "output.bias [2]"});
}

TEST_CASE("mistake 7, a label out of range: which, where, and the classes that there are") {
  const Tensor logits = Tensor::zeros({4, 3}).named("logits");
  int line = 0;
  std::string text = refusal([&] {
    line = __LINE__ + 1;
    cross_entropy(logits, {0, 3, 1, 2});
  });
  says(text, {"cross_entropy at " + place(line),
              "label 3 of row 1 lies outside the classes 0 … 2 of logits [4, 3]"});
}

TEST_CASE("mistake 8, an id out of range: which, where, and the table") {
  Random random(1);
  Embedding words(10, 4, random);
  int line = 0;
  std::string text = refusal([&] {
    line = __LINE__ + 1;
    words({3, 10});
  });
  says(text, {"embedding at " + place(line), "id 10 at position 1 lies outside table [10, 4]",
              "from 0 to 9"});
}

TEST_CASE("mistake 9, data that is not a number: the trace shows that it came in, and from where") {
  const TraceScope trace(nullptr);
  Small model;
  Tensor x = Tensor::full({2, 3}, 1).named("x");
  const int made = __LINE__ - 1;
  x.mutable_values()[4] = not_a_number;
  const Tensor logits = model(x);
  const int line = __LINE__ - 1;
  says(only_report(trace), {"linear at " + place(line),
                            "gives [2, 4] with 4 of 8 values bad, the first, nan, at [1, 0]",
                            "from x [2, 3] (tensor at " + place(made),
                            "min 1, max 1, mean 1, deviation 0, 1 of 6 bad (16.7%)",
                            "from hidden.kernel [3, 4] (parameter)", "all finite",
                            "came in with x [2, 3] (tensor at " + place(made)});
}

TEST_CASE("mistake 10, a mask that hides everything: zeros by contract, and the trace says so") {
  const TraceScope trace(nullptr);
  Random random(1);
  const Tensor x = Tensor::normal({2, 3, 4}, 0, 1, random).named("x");
  const Mask mask = Mask::from({3, 3}, std::vector<bool>(9));  // true was meant
  const int made = __LINE__ - 1;
  for (int layer = 0; layer < 2; ++layer) {
    const Tensor y = scaled_dot_product_attention(x, x, x, {.mask = mask});
    for (const Scalar value : y.values()) CHECK(value == 0);
  }
  const int line = __LINE__ - 3;
  says(only_report(trace),
       {"scaled_dot_product_attention at " + place(line), "the mask of " + place(made),
        "hides all 3 keys from each of the 6 queries", "zeros"});
}

TEST_CASE("a mistake deep inside a model is reported with the line that called the model") {
  Random random(1);
  Small model;
  int line = 0;
  std::string text = refusal([&] {
    line = __LINE__ + 1;
    model(Tensor::zeros({5, 2}).named("x"));
  });
  says(text,
       {"linear at " + place(line), "x [5, 2] × hidden.kernel [3, 4]: inner sizes 2 and 3 differ"});
  TransformerEncoder encoder(8, 16, 2, random);
  text = refusal([&] {
    line = __LINE__ + 1;
    encoder(Tensor::zeros({2, 5, 8}), Mask::padding({5}));
  });
  says(text, {"scaled_dot_product_attention at " + place(line), "for 1 sequences"});
  text = refusal([&] {
    line = __LINE__ + 1;
    Sgd({{"w", model.hidden.bias}}, {.learning_rate = -1});
  });
  says(text,
       {"Sgd at " + place(line), "learning_rate must be a number from 0 to below 1e+30, not -1"});
  text = refusal([&] {
    line = __LINE__ + 1;
    model.hidden.bias.add_grad(Tensor::zeros({3}));
  });
  says(text, {"add_grad at " + place(line), "hidden.bias [4] must have its shape, [3] given"});
  const Tensor nothing;
  text = refusal([&] {
    line = __LINE__ + 1;
    softmax(nothing);
  });
  says(text, {"at " + place(line), "before anything was assigned"});
  text = refusal([&] {
    line = __LINE__ + 1;
    Tensor().mutable_values();
  });
  says(text, {"at " + place(line), "before anything was assigned"});
}

TEST_CASE("the trace shows where a bad gradient is born") {
  const TraceScope trace(nullptr);
  Tensor x = Tensor::vector({4, 0, 1}).requires_grad(true).named("x");
  const Tensor root = sqrt(x);
  sum(root).backward();
  const int line = __LINE__ - 1;
  says(only_report(trace),
       {"the gradient of sqrt at " + place(line - 1), "in backward() at " + place(line),
        "gives x [3] a gradient with 1 of 3 values bad, the first, inf, at [1]",
        "from the gradient of the result", "min 1, max 1, mean 1, deviation 0, all finite",
        "born here"});
}

TEST_CASE("the trace tells what is born in an operation from what came in with its inputs") {
  const Tensor hidden = Tensor::full({1, 2}, -infinity).named("hidden");
  {
    const TraceScope trace(nullptr);
    const Tensor weights = softmax(hidden);
    says(only_report(trace), {"softmax at ", "2 of 2 values bad, the first, nan, at [0, 0]",
                              "born here: every input of softmax is finite or minus infinity"});
  }
  {
    const TraceScope trace(nullptr);
    Tensor w = Tensor::full({1, 2}, 1).requires_grad(true).named("w");
    const Tensor data = Tensor::matrix({{not_a_number, 1}}).named("data");
    sum(w * data).backward();
    REQUIRE(trace.reports().size() == 2);
    says(trace.reports()[0], {"multiply at ", "came in with data [1, 2]"});
    says(trace.reports()[1], {"the gradient of multiply at ",
                              "gives w [1, 2] a gradient with 1 of 2", "came in with data [1, 2]"});
  }
  {
    const TraceScope trace(nullptr);
    Tensor w = Tensor::full({1, 2}, 1).requires_grad(true).named("w");
    (w * 2).backward(Tensor::full({1, 2}, infinity));
    says(only_report(trace),
         {"the gradient of multiply", "came in with the gradient of the result"});
  }
}

TEST_CASE("the trace lets masks of minus infinity and accumulated gradients pass") {
  const TraceScope trace(nullptr);
  Tensor w = Tensor::matrix({{1, 2}, {3, 4}}).requires_grad(true).named("w");
  const Tensor hidden = Tensor::matrix({{0, -infinity}, {0, 0}});
  Sgd optimizer({{"w", w}});
  for (int step = 0; step < 2; ++step) {
    for (int part = 0; part < 3; ++part) sum(softmax(w + hidden) * w).backward();
    optimizer.step();
    optimizer.clear_grad();
  }
  const Tensor weights = masked_softmax(w, Mask::causal());
  const Tensor y = scaled_dot_product_attention(w, w, w, {.mask = Mask::causal()});
  CHECK(trace.reports().empty());
  log_softmax(w * infinity);
  CHECK(trace.reports().size() == 1);
}

TEST_CASE("the trace says once that some queries see nothing, and once that none does") {
  const TraceScope trace(nullptr);
  const Tensor scores = Tensor::zeros({2, 2, 2}).named("scores");
  for (const auto& lengths : {std::vector<int>{2, 0}, std::vector<int>{0, 1}, {0, 0}, {0, 0}})
    masked_softmax(scores, Mask::padding(lengths));
  REQUIRE(trace.reports().size() == 2);
  says(trace.reports()[0], {"2 of 4 queries, the first: query 0 of head 0 in sequence 1"});
  says(trace.reports()[1], {"each of the 4 queries"});
}

TEST_CASE("a parameter that does not move is told apart by its reason") {
  Small model;
  Sgd optimizer(model.parameters());
  MovementCheck check(model);
  const Tensor x = Tensor::full({5, 3}, 1);
  sum(model.hidden(x) * 0).backward();
  optimizer.step();
  const std::string text = check.unmoved(optimizer);
  says(text,
       {"4 of 4", "hidden.kernel [3, 4]\n    has a gradient that is zero everywhere", "hidden.bias",
        "output.kernel [4, 2]\n    has no gradient: the loss was not computed from it"});
  optimizer.clear_grad();
  optimizer.learning_rate = 0;
  sum(model(x)).backward();
  optimizer.step();
  says(check.unmoved(optimizer), {"the step was too small"});
  optimizer.clear_grad();
  sum(model(x) * Tensor::vector({1, 0})).backward();  // a bias has a gradient of 1 and of 0
  optimizer.step();
  says(check.unmoved(optimizer),
       {"output.bias [2]\n    has a gradient, but the step was too small"});
  optimizer.clear_grad();
  optimizer.learning_rate = 1;
  sum(model(x)).backward();
  optimizer.step();
  CHECK(check.unmoved(optimizer).empty());
}

TEST_CASE("the first loss is judged against that of guessing") {
  const Ids labels{0, 1, 2, 3};
  const Tensor even = cross_entropy(Tensor::zeros({4, 4}), labels);
  const int line = __LINE__ - 1;
  says(judge_first_loss(even, 4),
       {"the loss 1.3863 of " + place(line), "ln(4) = 1.3863", "as it should be"});
  says(judge_first_loss(even, 2), {"too high"});
  says(judge_first_loss(even, 10), {"too low"});
  says(judge_first_loss(Tensor::scalar(not_a_number), 2), {"not a number"});
  says(refusal([&] { judge_first_loss(even, 1); }), {"at least 2 classes"});
}

TEST_CASE("the layer table has one line for each name, with the gradients of the last backward") {
  Small model;
  const Tensor x = Tensor::from({1, 3}, std::vector<Scalar>{1, 2, 3});
  std::string table;
  for (int step = 0; step < 3; ++step) {
    const Tensor loss = sum(model(x) + model(x));
    loss.backward();
    table = layer_table(loss);
    model.clear_grad();
  }
  says(table, {"output of", "\nhidden ", "%", "\noutput ", "0.0%    2.00e+00\n"});
  CHECK(std::count(table.begin(), table.end(), '\n') == 3);
  const Tensor loss = sum(model(x));
  loss.backward(Graph::free);
  says(refusal([&] { layer_table(loss); }), {"layer_table at tests/", "was freed"});
}
