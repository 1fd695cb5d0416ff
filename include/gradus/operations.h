// The operations: what tensors are computed with, each with its gradient. (operation.h says how one
// is written.)
#pragma once

#include <gradus/ids.h>
#include <gradus/mask.h>
#include <gradus/tensor.h>

#include <concepts>

namespace gradus {

// ---- Arithmetic on every value of a tensor.
//
// Two tensors of different shapes are combined by broadcasting: see broadcast() in shape.h. The
// gradient of a value that was used many times is the sum over all its uses.

template <class T>
concept Number = std::integral<T> || std::floating_point<T>;

// One side of an operator, a tensor or a number, and the line where it stands: an operator cannot
// have a further argument to say where it was called, but this conversion can.
struct Operand {
  Operand(const Tensor& x, Where from = here()) : tensor(x), where(from) { x.shape(from); }
  template <Number N>
  Operand(N x, Where from = here()) : number(static_cast<Scalar>(x)), where(from) {}
  Tensor tensor;  // none for a number
  Scalar number = 0;
  Where where;
};

// Errors: shapes that do not broadcast, two numbers.
Tensor operator+(const Operand& a, const Operand& b);
Tensor operator-(const Operand& a, const Operand& b);
Tensor operator*(const Operand& a, const Operand& b);
Tensor operator/(const Operand& a, const Operand& b);
Tensor operator-(const Operand& x);
// a = a + b, a new tensor: whoever holds the old one keeps it.
Tensor& operator+=(Tensor& a, const Operand& b);

// x^n: for whole n by repeated multiplication, otherwise e^(n log x). Errors: n is not finite.
Tensor pow(const Tensor& x, Scalar n, Where where = here());
Tensor sqrt(const Tensor& x, Where where = here());
Tensor exp(const Tensor& x, Where where = here());
Tensor log(const Tensor& x, Where where = here());
Tensor tanh(const Tensor& x, Where where = here());
Tensor sigmoid(const Tensor& x, Where where = here());  // 1 / (1 + e^-x)
// max(x, 0). Its gradient at 0 is 0; where x is not a number, it lets through what comes in.
Tensor relu(const Tensor& x, Where where = here());
// x Φ(x) with the normal distribution's Φ (Hendrycks and Gimpel 2016, "Gaussian Error Linear
// Units", section 2); exact, as Keras' default.
Tensor gelu(const Tensor& x, Where where = here());

// Sets each value to 0 with probability `rate` and divides the others by 1 - rate (Srivastava et
// al. 2014): what stays is scaled up in training, so nothing needs to be done when the model is
// used. Errors: a rate outside 0 … 1 (1 excluded).
Tensor dropout(const Tensor& x, Scalar rate, Random& random, Where where = here());

// ---- Sums, means and maxima over some of the axes.

// Which axes: all of them, one, or several, as in sum(x), sum(x, -1), sum(x, {0, 2}).
struct Axes {
  Axes() = default;
  Axes(int axis) : list{axis} {}
  Axes(std::floating_point auto) = delete;  // max(x, 0.0) would be the maximum over axis 0: relu(x)
  Axes(std::initializer_list<int> axes) : list(axes) {}
  std::vector<int> list;  // empty for all
};

// The axes that are summed over vanish from the shape, or stay with size 1 if `keep`.
// Errors: an axis that x does not have, or that is named twice.
Tensor sum(const Tensor& x, const Axes& axes = {}, bool keep = false, Where where = here());
Tensor mean(const Tensor& x, const Axes& axes = {}, bool keep = false, Where where = here());
// The gradient goes to the first of several equal maxima. A value that is not a number is the
// maximum wherever there is one.
Tensor max(const Tensor& x, const Axes& axes = {}, bool keep = false, Where where = here());

// The maximum, or the mean, over the positions t of x [B, T, D] that the (padding) mask allows:
// from one vector for each word to one for the whole text, [B, D], and zeros where it allows none.
// Errors: rank, a mask of another shape.
Tensor max_pooling(const Tensor& x, const Mask& mask = {}, Where where = here());
Tensor mean_pooling(const Tensor& x, const Mask& mask = {}, Where where = here());

// ---- The same values in another arrangement.

// The same values in the same order; both tensors share the memory.
// Errors: a shape that holds another number of values.
Tensor reshape(const Tensor& x, const Shape& shape, Where where = here());
// The same, where one size may be -1: it is what is left, as in reshape(x, {-1, 4}).
Tensor reshape(const Tensor& x, std::initializer_list<Index> sizes, Where where = here());

// Axis i of the result is axis axes[i] of x; negative ones count from the end. Errors: an axis that
// x does not have, or that is named twice or not at all.
Tensor permute(const Tensor& x, const std::vector<int>& axes, Where where = here());
// x with two axes swapped, the last two if none are named.
Tensor transpose(const Tensor& x, int axis_a = -1, int axis_b = -2, Where where = here());

// The positions `begin` … `end` - 1 of one axis. Errors: outside the axis, or nothing.
Tensor slice(const Tensor& x, int axis, Index begin, Index end, Where where = here());
// Tensors side by side along one axis. Errors: none given, other sizes that differ.
Tensor concatenate(const std::vector<Tensor>& tensors, int axis, Where where = here());

// Row id of table [V, D] for every id: ids [...] give [..., D].
// Errors: a table that is not a matrix, an id outside 0 … V-1.
Tensor embedding(const Tensor& table, const Ids& ids, Where where = here());

// ---- The matrix product, the operation that nearly all time of a Transformer is spent in.

// How matmul() takes its factors.
struct MatmulOptions {
  bool transpose_a = false;  // use a with its last two axes swapped; nothing is copied
  bool transpose_b = false;
};

// a [..., M, K] times b [..., K, N] gives [..., M, N]; the axes before the last two broadcast.
// Errors: a tensor of rank below 2, inner sizes that differ, leading axes that do not broadcast.
Tensor matmul(const Tensor& a, const Tensor& b, MatmulOptions options = {}, Where where = here());
// x [..., D] times weights [D, N] plus bias [N] gives [..., N], in one operation.
Tensor linear(const Tensor& x, const Tensor& weights, const Tensor& bias, Where where = here());

// ---- Softmax: positive numbers that sum to 1, large where the scores are large.

// e^x / Σ e^x along one axis, computed as e^(x - max) so that nothing overflows.
Tensor softmax(const Tensor& x, int axis = -1, Where where = here());
// log softmax(x), without the loss of digits of log(softmax(x)).
Tensor log_softmax(const Tensor& x, int axis = -1, Where where = here());
// Softmax over the keys that the mask allows; zeros where it allows none.
// scores [Tq, Tk], [B, Tq, Tk] or [B, H, Tq, Tk]. Errors: a mask of another shape.
Tensor masked_softmax(const Tensor& scores, const Mask& mask, Where where = here());

// Layer normalisation (Ba, Kiros and Hinton 2016, equation 4): each row of x [..., D] is moved to
// mean 0 and scaled to variance 1, then scaled by gamma [D] and moved by beta [D]:
// gamma (x - mean) / sqrt(variance + epsilon) + beta.
// Errors: gamma or beta of another shape, an epsilon that is negative, infinite or not a number.
Tensor layer_norm(const Tensor& x, const Tensor& gamma, const Tensor& beta,
                  Scalar epsilon = Scalar(1e-3), Where where = here());

// ---- Scaled dot-product attention as one operation (Vaswani et al. 2017, section 3.2.1,
// equation 1).

// What attention may be given besides its three inputs.
struct AttentionOptions {
  Mask mask = {};
  int num_heads = 1;       // for rank 3: the heads lie side by side in the last axis
  Scalar scale = 0;        // 0 stands for 1 / sqrt(key_dim)
  Scalar dropout = 0;      // of the weights, as dropout() of the matrix [B, H, Tq, Tk] would
  std::uint64_t seed = 0;  // that decides which
};

// softmax(query keyᵀ scale) value, for every head by itself and without ever holding the matrix of
// all weights: memory grows with T, not with T².
//   rank 3: query [B, Tq, H·K], key [B, Tk, H·K], value [B, Tk, H·V] gives [B, Tq, H·V]
//   rank 4: query [B, H, Tq, K], key [B, H, Tk, K], value [B, H, Tk, V] gives [B, H, Tq, V]
//   rank 2: one sequence, one head: [Tq, K], [Tk, K], [Tk, V] gives [Tq, V]
// Errors: sizes that do not fit together, a mask of another shape, a scale that is not a number, a
// dropout outside 0 … 1 (1 excluded).
Tensor scaled_dot_product_attention(const Tensor& query, const Tensor& key, const Tensor& value,
                                    const AttentionOptions& options = {}, Where where = here());
// The weights that the operation above does not keep, for looking at: [B, H, Tq, Tk], without a
// graph and without dropout.
Tensor attention_weights(const Tensor& query, const Tensor& key,
                         const AttentionOptions& options = {}, Where where = here());

// ---- Losses: how wrong the answer is, as one number to make smaller.

// The mean of -log softmax(logits)[label]: logits [..., C], a label for each row. Rows whose label
// is `ignored` count neither above nor below the line; if all are ignored the loss is 0.
// Errors: another number of labels than rows, a label outside 0 … C-1.
Tensor cross_entropy(const Tensor& logits, const Ids& labels, int ignored = -1,
                     Where where = here());
// The mean of -(t log σ(x) + (1-t) log(1-σ(x))) over all values x of `logits`, with targets t of
// the same shape between 0 and 1; computed as max(x,0) - x t + log(1 + e^-|x|).
Tensor binary_cross_entropy(const Tensor& logits, const Tensor& targets, Where where = here());
// The mean of (prediction - target)².
Tensor mean_squared_error(const Tensor& prediction, const Tensor& target, Where where = here());

}  // namespace gradus
