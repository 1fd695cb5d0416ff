// Gradients of which most rows are zero.
//
// Max pooling hands the gradient of each of D features to one word of the text. Of 600 words and
// with 256 features, about 200 receive any, and as layers below work word by word, the rows of all
// the others are zero there too. A row of zeros adds nothing to any sum, for fma(0, x, sum) is sum
// if x is finite. So the expensive gradients, those of matrix products and attention, are computed
// from the other rows alone: the same result, a third less work in a step of the book's classifier.
#pragma once

#include <gradus/buffer.h>
#include <gradus/scalar.h>

#include <initializer_list>
#include <vector>

namespace gradus::kernels {

struct RowsView {
  const Scalar* values;
  Index stride, rows, columns;
};

// The numbers of those rows of x that are not zero everywhere; of all rows, if one of the numbers
// in `others`, which the zeros would be multiplied with, is not finite: 0 · NaN must stay NaN.
std::vector<Index> busy_rows(RowsView x, std::initializer_list<RowsView> others);

// These rows of x, one after the other.
Buffer pick_rows(RowsView x, const std::vector<Index>& which);

// The reverse: row which[i] of `to` (rows × columns) becomes row i of `picked`, all others zero.
void put_rows(const Scalar* picked, Index columns, const std::vector<Index>& which, Scalar* to,
              Index stride, Index rows);

}  // namespace gradus::kernels
