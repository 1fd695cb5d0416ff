// Losses: how wrong the answer is, as one number to make smaller.
#pragma once

#include <gradus/ids.h>
#include <gradus/tensor.h>

namespace gradus {

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
