// New tensors.

#include <gradus/operation.h>

#include "kernels/elementwise.h"

namespace gradus {

Tensor Tensor::zeros(const Shape& shape, Where where) {
  return full(shape, 0, where);
}

Tensor Tensor::full(const Shape& shape, Scalar value, Where where) {
  Tensor tensor = result_of("tensor", shape, where);
  kernels::each(shape.size(), [=, to = tensor.mutable_data()](Index i) { to[i] = value; });
  return tensor;
}

Tensor Tensor::from(const Shape& shape, std::span<const Scalar> values, Where where) {
  if (std::ssize(values) != shape.size())
    fail("Tensor::from", where, "shape ", shape, " holds ", shape.size(), " values, ",
         values.size(), " given");
  Tensor tensor = result_of("tensor", shape, where);
  std::copy(values.begin(), values.end(), tensor.mutable_data());
  return tensor;
}

Tensor Tensor::from(const Shape& shape, std::initializer_list<Scalar> values, Where where) {
  return from(shape, std::span(values.begin(), values.size()), where);
}

Tensor Tensor::scalar(Scalar value, Where where) {
  return full({}, value, where);
}

Tensor Tensor::vector(std::initializer_list<Scalar> values, Where where) {
  return from(Shape({std::ssize(values)}, where), {values.begin(), values.end()}, where);
}

Tensor Tensor::matrix(std::initializer_list<std::initializer_list<Scalar>> rows, Where where) {
  std::vector<Scalar> values;
  for (const auto& row : rows) {
    if (row.size() != rows.begin()->size())
      fail("Tensor::matrix", where, "every row must have as many values as the first, ",
           rows.begin()->size(), ", one has ", row.size());
    values.insert(values.end(), row);
  }
  const Index height = std::ssize(rows);
  const Index width = height ? static_cast<Index>(rows.begin()->size()) : 0;
  return from(Shape({height, width}, where), values, where);
}

Tensor Tensor::uniform(const Shape& shape, Scalar low, Scalar high, Random& random, Where where) {
  Tensor tensor = result_of("uniform", shape, where);
  for (Scalar& value : tensor.mutable_values()) value = random.uniform(low, high);
  return tensor;
}

Tensor Tensor::normal(const Shape& shape, Scalar mean, Scalar deviation, Random& random,
                      Where where) {
  Tensor tensor = result_of("normal", shape, where);
  for (Scalar& value : tensor.mutable_values()) value = mean + deviation * random.normal();
  return tensor;
}

}  // namespace gradus
