// Exercise 5: cross-entropy from logits. It belongs to lesson 3, section 4, and to lesson 12.
//
// Logits [N, C] are the scores of C answers for each of N examples; labels [N] say which answer is
// right, 0 to C-1. The loss of one example is -log of the probability that softmax gives to the
// right answer, and the loss of all is the mean of those. A label of -1 is padding: the example
// counts neither above nor below the line, and if all are padding the loss is 0.
//
// Logits may be far apart: the loss of (0, 200), where the first is right, is 200, though e^-200 is
// 0 in a float. -log softmax can be written without a logarithm of 0: what is log Σ e^s - s?
// The gradient of the loss is asked for, too. `labels.values[i]` is an int, `logits.at({i, j})` and
// `logits.data()[i * C + j]` are numbers; tensors or plain loops, as you like.
// Without the library's losses, log_softmax and backward(); softmax may be used.

#include <gradus/gradus.h>

#include "exercise.h"

using namespace gradus;

double loss_of(const Tensor& logits, const Ids& labels) {
  //> yours  todo(logits, labels);
  const Tensor shifted = logits - max(logits, -1, true);             // [N, C], the largest is 0
  const Tensor losses = log(sum(exp(shifted), -1, true)) - shifted;  // [N, C], of each answer
  double sum_of_losses = 0, counted = 0;
  for (Index i = 0; i < logits.shape()[0]; ++i) {
    const int label = labels.values[static_cast<std::size_t>(i)];
    if (label == -1) continue;
    sum_of_losses += static_cast<double>(losses.at({i, label}));
    counted += 1;
  }
  return counted == 0 ? 0 : sum_of_losses / counted;
  //<
}

// d loss / d logits, [N, C].
Tensor loss_gradient(const Tensor& logits, const Ids& labels) {
  //> yours  todo(logits, labels);
  const Tensor shares = softmax(logits);
  Tensor gradient = Tensor::zeros(logits.shape());
  const Index rows = logits.shape()[0], C = logits.shape()[1];
  const Scalar counted =
      static_cast<Scalar>(rows - std::count(labels.values.begin(), labels.values.end(), -1));
  for (Index i = 0; i < rows; ++i)
    for (Index j = 0; j < C; ++j) {
      const int label = labels.values[static_cast<std::size_t>(i)];
      const Scalar one_hot = j == label ? 1 : 0;
      if (label != -1) gradient.mutable_data()[i * C + j] = (shares.at({i, j}) - one_hot) / counted;
    }
  return gradient;
  //<
}

// ## How it is asked

void answer(const Case& given, Answers& answers) {
  const Tensor logits = given.tensor("logits");
  const Ids labels = given.ids("labels");
  if (given.text("wanted") == "loss") answers.add("loss", loss_of(logits, labels));
  if (given.text("wanted") == "gradient") answers.add("gradient", loss_gradient(logits, labels));
}

void cases(Cases& cases) {
  for (const char* const wanted : {"loss", "gradient"}) {
    const auto ask = [&](const std::string& name, const Tensor& logits,
                         const Ids& labels) -> Case& {
      return cases.add(wanted + (", " + name))
          .give("wanted", wanted)
          .give("logits", logits)
          .give("labels", labels);
    };
    const Index N = cases.size(6, 9), C = cases.size(4, 6);
    const Ids any = cases.ids({N}, 0, static_cast<int>(C) - 1);
    cases.group(wanted, 2);
    ask("1 example, 2 answers", cases.whole({1, 2}), {0});
    ask("1 example, 3 answers", cases.whole({1, 3}), {2});
    ask("2 examples, 2 answers", cases.whole({2, 2}), {1, 0});
    ask("other sizes", cases.whole({N, C}), any);
    cases.group("edges of the " + std::string(wanted), 1);
    ask("logits far apart", cases.whole({1, 2}) + Tensor::vector({-60, 60}), {0});
    ask("large logits", cases.whole({1, 2}) + 1000, {0}).tolerate(1e-3);
    ask("examples far apart", cases.whole({2, 2}) + Tensor::matrix({{0, 0}, {200, 200}}), {0, 1});
    ask("one of 2 is padding", cases.whole({2, 2}), {-1, 1});
    ask("all are padding", cases.whole({2, 2}), {-1, -1});
  }
}
