// Whole numbers in the shape of a tensor: token ids, labels. They have no gradient.
#pragma once

#include <gradus/shape.h>

#include <vector>

namespace gradus {

struct Ids {
  Ids() = default;  // no numbers: nothing takes these
  // Row by row. Errors: a number of values that does not fill the shape.
  Ids(const Shape& of_shape, std::vector<int> of_values, Where where = here());
  // A single row: [T].
  Ids(std::initializer_list<int> of_values, Where where = here());

  // Errors: the values do not fill the shape.
  void check(const char* what, const Where& where) const;

  // These rows of [B, T], in this order. Errors: no rows, one that is not there.
  Ids rows(const std::vector<int>& which, Where where = here()) const;

  Shape shape;
  std::vector<int> values;
};

}  // namespace gradus
