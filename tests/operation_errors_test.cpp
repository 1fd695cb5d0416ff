// Every error of every operation, to the letter. (What all have in common is in messages_test.cpp.)

#include "plain.h"

#include <doctest/doctest.h>
#include <gradus/operations.h>

#include <string>

using namespace gradus;

namespace {

const Scalar no_number = static_cast<Scalar>(plain::not_a_number);
const Scalar inf = static_cast<Scalar>(plain::infinity);

Tensor a_tensor(const Shape& shape, const char* name) {
  return Tensor::full(shape, Scalar(0.5)).named(name);
}

}  // namespace

TEST_CASE("arithmetic refuses shapes that do not broadcast, and names both") {
  const Tensor a = a_tensor({2, 3}, "a");
  const Tensor b = a_tensor({2, 4}, "b");
  REFUSED("add", "a [2, 3] and b [2, 4] do not broadcast: sizes 3 and 4 differ", a + b);
  REFUSED("subtract", "b [2, 4] and a [2, 3] do not broadcast: sizes 4 and 3 differ", b - a);
  REFUSED("multiply", "a [2, 3] and b [2, 4] do not broadcast: sizes 3 and 4 differ", a * b);
  REFUSED("divide", "a [2, 3] and b [2, 4] do not broadcast: sizes 3 and 4 differ", a / b);
  REFUSED("add", "a [2, 3] and [2] do not broadcast: sizes 3 and 2 differ", a + Tensor::zeros({2}));
  REFUSED("add", "[4, 1, 3] and [2, 3, 3] do not broadcast: sizes 4 and 2 differ",
          Tensor::zeros({4, 1, 3}) + Tensor::zeros({2, 3, 3}));
  REFUSED("pow", "the exponent must be a number", pow(a, no_number));
  REFUSED("pow", "the exponent must be a number", pow(a, inf));
}

TEST_CASE("products refuse sizes that do not fit, and name both as the product sees them") {
  const Tensor q = a_tensor({2, 5, 8}, "query");
  const Tensor k = a_tensor({2, 9, 5}, "key");
  const Tensor one = a_tensor({4}, "one");
  REFUSED("matmul", "query [2, 5, 8] × key [2, 9, 5]: inner sizes 8 and 9 differ", matmul(q, k));
  REFUSED("matmul", "query [2, 5, 8] × keyᵀ [2, 5, 9]: inner sizes 8 and 5 differ",
          matmul(q, k, {.transpose_b = true}));
  REFUSED("matmul", "queryᵀ [2, 8, 5] × key [2, 9, 5]: inner sizes 5 and 9 differ",
          matmul(q, k, {.transpose_a = true}));
  REFUSED("matmul", "queryᵀ [2, 8, 5] × queryᵀ [2, 8, 5]: inner sizes 5 and 8 differ",
          matmul(q, q, {.transpose_a = true, .transpose_b = true}));
  REFUSED("matmul", "[2, 4]ᵀ × [3, 2]: inner sizes 4 and 3 differ",
          matmul(Tensor::zeros({4, 2}), Tensor::zeros({3, 2}), {.transpose_a = true}));
  REFUSED("matmul", "one [4] × key [2, 9, 5]: both must have at least two axes", matmul(one, k));
  REFUSED("matmul", "query [2, 5, 8] × one [4]: both must have at least two axes",
          matmul(q, one, {.transpose_b = true}));
  REFUSED("matmul",
          "query [2, 5, 8] × [3, 8, 4]: the axes before the last two do not broadcast: sizes 2 and "
          "3 differ",
          matmul(q, Tensor::zeros({3, 8, 4})));
  const Tensor w = a_tensor({8, 3}, "w");
  const Tensor b = a_tensor({3}, "b");
  REFUSED("linear", "query [2, 5, 8] × key [2, 9, 5]: [..., D] and a matrix [D, N] are needed",
          linear(q, k, b));
  REFUSED("linear", "[] × w [8, 3]: [..., D] and a matrix [D, N] are needed",
          linear(Tensor::scalar(1), w, b));
  REFUSED("linear", "key [2, 9, 5] × w [8, 3]: inner sizes 5 and 8 differ", linear(k, w, b));
  const std::string bias = "the bias must have one value for each column of w [8, 3], not ";
  REFUSED("linear", bias + "one [4]", linear(q, w, one));
  REFUSED("linear", bias + "[1, 3]", linear(q, w, Tensor::zeros({1, 3})));
}

TEST_CASE("an axis that is not there, or named twice, is refused by every operation") {
  const Tensor x = a_tensor({2, 3, 4}, "x");
  const std::string three =
      "there is no axis 3 in x [2, 3, 4]: its axes are 0 … 2, or -3 … -1 from the end";
  const std::string four =
      "there is no axis -4 in x [2, 3, 4]: its axes are 0 … 2, or -3 … -1 from the end";
  REFUSED("softmax", three, softmax(x, 3));
  REFUSED("softmax", four, softmax(x, -4));
  REFUSED("log_softmax", three, log_softmax(x, 3));
  REFUSED("sum", three, sum(x, 3));
  REFUSED("sum", four, sum(x, {0, -4}));
  REFUSED("mean", three, mean(x, 3));
  REFUSED("max", four, max(x, -4));
  REFUSED("transpose", three, transpose(x, 3, 0));
  REFUSED("transpose", four, transpose(x, 0, -4));
  REFUSED("slice", three, slice(x, 3, 0, 1));
  REFUSED("concatenate", three, concatenate({x, x}, 3));
  REFUSED("softmax", "there is no axis 0 in []", softmax(Tensor::scalar(1), 0));
  REFUSED("sum", "axis 1 is named twice", sum(x, {1, 0, 1}));
  REFUSED("mean", "axis -2 is named twice", mean(x, {1, -2}));
  REFUSED("max", "axis 2 is named twice", max(x, {-1, 2}));
}

TEST_CASE("arrangements that do not fit are refused") {
  const Tensor x = a_tensor({2, 3, 4}, "x");
  const std::string axes = "at most 6 axes are possible, one more was wanted";
  REFUSED("Shape", axes, reshape(x, {1, 1, 1, 1, 1, 1, 24}));
  REFUSED("Shape", axes, embedding(Tensor::zeros({2, 3}), Ids({1, 1, 1, 1, 1, 1}, {0})));
  REFUSED("reshape", "x [2, 3, 4] holds 24 values, shape [5, 5] would hold 25", reshape(x, {5, 5}));
  const std::string order = "the axes must be 0 … 2 in some order for x [2, 3, 4]";
  REFUSED("permute", order, permute(x, {0, 1}));
  REFUSED("permute", order, permute(x, {0, 1, 1}));
  REFUSED("permute", order, permute(x, {0, 1, 3}));
  REFUSED("permute", order, permute(x, {0, 1, -4}));
  REFUSED("permute", order, permute(x, {0, 1, 2, -1}));
  const auto outside = [](const std::string& part, int axis) {
    return "positions " + part + " (the end excluded) of axis " + std::to_string(axis) +
           " are not in x [2, 3, 4]";
  };
  REFUSED("slice", outside("-1 … 2", 1), slice(x, 1, -1, 2));
  REFUSED("slice", outside("1 … 1", 1), slice(x, 1, 1, 1));
  REFUSED("slice", outside("2 … 1", 2), slice(x, -1, 2, 1));
  REFUSED("slice", outside("0 … 4", 1), slice(x, 1, 0, 4));
  REFUSED("slice", outside("3 … 4", 1), slice(x, -2, 3, 4));
  REFUSED("concatenate", "at least one tensor is needed", concatenate({}, 0));
  REFUSED("concatenate", "[2, 3, 5] and x [2, 3, 4] may differ only in axis 1",
          concatenate({x, Tensor::zeros({2, 3, 5})}, -2));
  REFUSED("concatenate", "[2, 4, 3] and x [2, 3, 4] may differ only in axis 0",
          concatenate({x, Tensor::zeros({2, 4, 3})}, 0));
  REFUSED("concatenate", "[2, 3] and x [2, 3, 4] may differ only in axis 0",
          concatenate({x, x, Tensor::zeros({2, 3})}, 0));
}

TEST_CASE("attention refuses tensors, heads, scales and masks that do not fit") {
  const Tensor q = a_tensor({2, 3, 6}, "query");
  const Tensor k = a_tensor({2, 5, 6}, "key");
  const Tensor v = a_tensor({2, 5, 4}, "value");
  const auto attend = [](const Tensor& a, const Tensor& b, const Tensor& c,
                         const AttentionOptions& options = {}, Where where = here()) {
    return scaled_dot_product_attention(a, b, c, options, where);
  };
  const char* name = "scaled_dot_product_attention";
  const std::string reason =
      " do not fit: batches and heads must agree, query and key in their last size, key and value "
      "in their number of positions";
  const auto misfits = [&](const std::string& a, const std::string& b, const std::string& c) {
    return a + ", " + b + " and " + c + reason;
  };
  REFUSED(name, misfits("query [2, 3, 6]", "key value [2, 5, 4]", "value [2, 5, 4]"),
          attend(q, v, v));
  REFUSED(name, misfits("query [2, 3, 6]", "key [2, 5, 6]", "value query [2, 3, 6]"),
          attend(q, k, q));
  REFUSED(name, misfits("query [2, 3, 6]", "key [1, 5, 6]", "value [2, 5, 4]"),
          attend(q, Tensor::zeros({1, 5, 6}), v));
  REFUSED(name, misfits("query [2, 3, 6]", "key [2, 5, 6]", "value [1, 5, 4]"),
          attend(q, k, Tensor::zeros({1, 5, 4})));
  REFUSED(name, misfits("query [3, 6]", "key [2, 5, 6]", "value [2, 5, 4]"),
          attend(Tensor::zeros({3, 6}), k, v));
  REFUSED(name, misfits("query [2, 2, 3, 6]", "key [2, 1, 5, 6]", "value [2, 2, 5, 4]"),
          attend(Tensor::zeros({2, 2, 3, 6}), Tensor::zeros({2, 1, 5, 6}),
                 Tensor::zeros({2, 2, 5, 4})));
  REFUSED(name, misfits("query [2, 2, 3, 6]", "key [2, 2, 5, 6]", "value [2, 1, 5, 4]"),
          attend(Tensor::zeros({2, 2, 3, 6}), Tensor::zeros({2, 2, 5, 6}),
                 Tensor::zeros({2, 1, 5, 4})));
  REFUSED(name, "[T, D], [B, T, D] or [B, H, T, D] is needed, not [6]",
          attend(Tensor::zeros({6}), k, v));
  REFUSED(name, "[T, D], [B, T, D] or [B, H, T, D] is needed, not [1, 2, 1, 5, 4]",
          attend(q, k, Tensor::zeros({1, 2, 1, 5, 4})));
  REFUSED(name, "the last size of query [2, 3, 6] is no multiple of 4 heads",
          attend(q, k, v, {.num_heads = 4}));
  REFUSED(name, "the last size of value [2, 5, 4] is no multiple of 3 heads",
          attend(q, k, v, {.num_heads = 3}));
  const std::string heads = "num_heads must be at least 1, and 1 for tensors of rank 4";
  const Tensor four = Tensor::zeros({2, 2, 3, 6});
  REFUSED(name, heads, attend(q, k, v, {.num_heads = 0}));
  REFUSED(name, heads, attend(four, four, four, {.num_heads = 2}));
  REFUSED(name, "the scale must be a number", attend(q, k, v, {.scale = no_number}));
  REFUSED(name, "the scale must be a number", attend(q, k, v, {.scale = -inf}));
  REFUSED("attention_weights", misfits("query [2, 3, 6]", "key value [2, 5, 4]", "value [2, 5, 4]"),
          attention_weights(q, v));
  REFUSED("attention_weights", heads, attention_weights(q, k, {.num_heads = -1}));
}

TEST_CASE("softmax, normalisation, pooling and look-up refuse what does not fit") {
  const Tensor x = a_tensor({2, 3, 4}, "x");
  const Tensor row = a_tensor({4}, "row");
  const Tensor five = a_tensor({5}, "five");
  const std::string scores = "[Tq, Tk], [B, Tq, Tk] or [B, H, Tq, Tk] is needed, not ";
  REFUSED("masked_softmax", scores + "row [4]", masked_softmax(row, {}));
  REFUSED("masked_softmax", scores + "[1, 1, 1, 2, 2]",
          masked_softmax(Tensor::zeros({1, 1, 1, 2, 2}), {}));
  const std::string affine = "gamma and beta must have shape [4] for x [2, 3, 4], not ";
  REFUSED("layer_norm", affine + "five [5] and row [4]", layer_norm(x, five, row));
  REFUSED("layer_norm", affine + "row [4] and five [5]", layer_norm(x, row, five));
  REFUSED("layer_norm", affine + "row [4] and [1, 4]", layer_norm(x, row, Tensor::zeros({1, 4})));
  REFUSED("layer_norm", "at least one axis is needed", layer_norm(Tensor::scalar(1), row, row));
  const std::string epsilon = "epsilon must be a number of at least 0";
  REFUSED("layer_norm", epsilon, layer_norm(x, row, row, Scalar(-0.001)));
  REFUSED("layer_norm", epsilon, layer_norm(x, row, row, no_number));
  REFUSED("layer_norm", epsilon, layer_norm(x, row, row, 1 / Scalar(0)));
  REFUSED("max_pooling", "[B, T, D] is needed, not row [4]", max_pooling(row));
  const std::string causal =
      "a causal mask hides from each position what comes later; a text has none";
  REFUSED("max_pooling", causal, max_pooling(x, Mask::causal()));
  REFUSED("mean_pooling", causal, mean_pooling(x, Mask::causal() & Mask::padding({1, 2})));
  const Mask three = Mask::padding({1, 2, 3}),
             two_by_two = Mask::from({2, 2}, {true, true, true, true});
  const auto made = [](const Mask& mask) { return "the mask of " + to_string(mask.where()); };
  REFUSED("max_pooling", made(three) + " is for 3 sequences, x [2, 3, 4] has 2",
          max_pooling(x, three));
  REFUSED("mean_pooling",
          made(two_by_two) +
              " has shape [1, 1, 2, 2], x [2, 3, 4] needs [2, 1, 1, 3] [batch, "
              "heads, queries, keys]; each size must be equal or 1",
          mean_pooling(x, two_by_two));
  REFUSED("mean_pooling", "[B, T, D] is needed, not [1, 2, 3, 4]",
          mean_pooling(Tensor::zeros({1, 2, 3, 4})));
  REFUSED("embedding", "the table must be a matrix [V, D], not x [2, 3, 4]", embedding(x, {0}));
  const Tensor table = a_tensor({4, 2}, "table");
  const std::string range = " lies outside table [4, 2]: ids go from 0 to 3";
  REFUSED("embedding", "id 4 at position 2" + range, embedding(table, {0, 3, 4}));
  REFUSED("embedding", "id -1 at position 0" + range, embedding(table, {-1, 3}));
  REFUSED("embedding", "shape [] holds 1 numbers, 0 given", embedding(table, Ids()));
}

TEST_CASE("dropout and losses refuse what does not fit") {
  const Tensor x = a_tensor({4, 3}, "x");
  const Tensor y = a_tensor({3, 4}, "y");
  Random random(1);
  const std::string rate = "the rate must be at least 0 and below 1, not ";
  REFUSED("dropout", rate + "1", dropout(x, 1, random));
  REFUSED("dropout", rate + "-0.25", dropout(x, Scalar(-0.25), random));
  REFUSED("dropout", rate + "-1e-09", dropout(x, Scalar(-1e-9), random));
  REFUSED("dropout", rate + "nan", dropout(x, no_number, random));
  REFUSED("cross_entropy", "logits [..., C] are needed", cross_entropy(Tensor::scalar(1), {0}));
  REFUSED("cross_entropy", "x [4, 3] needs 4 labels, 3 given", cross_entropy(x, {0, 1, 2}));
  REFUSED("cross_entropy", "x [4, 3] needs labels of shape [4], not [2, 2]",
          cross_entropy(x, Ids({2, 2}, {0, 1, 2, 0})));
  const std::string classes = " lies outside the classes 0 … 2 of x [4, 3]";
  REFUSED("cross_entropy", "label 3 of row 2" + classes, cross_entropy(x, {0, 1, 3, 2}));
  REFUSED("cross_entropy", "label -2 of row 0" + classes, cross_entropy(x, {-2, 1, -1, 2}));
  REFUSED("cross_entropy", "label -1 of row 3" + classes, cross_entropy(x, {0, 1, 5, -1}, 5));
  REFUSED("binary_cross_entropy", "logits x [4, 3] and targets y [3, 4] must have one shape",
          binary_cross_entropy(x, y));
  for (const auto& [bad, text] : {std::pair<Scalar, const char*>{Scalar(-0.5), "-0.5"},
                                  {Scalar(1.0000001), "1.0000001"},
                                  {no_number, "nan"}}) {
    Tensor targets = Tensor::zeros({4, 3});
    targets.mutable_values()[7] = bad;
    REFUSED("binary_cross_entropy",
            "target " + std::string(text) + " at position 7 is not between 0 and 1",
            binary_cross_entropy(x, targets));
  }
  REFUSED("mean_squared_error", "prediction x [4, 3] and target y [3, 4] must have one shape",
          mean_squared_error(x, y));
}
