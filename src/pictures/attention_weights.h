// What all pictures of attention need to know of its weights.
#pragma once

#include <gradus/tensor.h>

namespace gradus {

// The shape of weights [Tq, Tk], [H, Tq, Tk] or [L, H, Tq, Tk], seen as [L, H, Tq, Tk]. Errors, in
// the name of `picture`: another rank, other sizes than `queries` and `keys`, a weight that is not
// a number.
Shape attention_shape(const char* picture, const Tensor& weights, std::size_t queries,
                      std::size_t keys, const Where& where);

}  // namespace gradus
