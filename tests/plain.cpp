#include "plain.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <stdexcept>

namespace plain {

using gradus::Error;
using gradus::Random;
using gradus::Shape;

Array::Array(Position of_sizes, double value) : sizes(std::move(of_sizes)) {
  std::size_t count = 1;
  for (const Index size : sizes) count *= static_cast<std::size_t>(size);
  values.assign(count, value);
}

double* Array::at(std::span<const Index> position) const {
  if (position.size() != sizes.size()) throw std::out_of_range("another rank");
  Index index = 0;
  for (std::size_t axis = 0; axis < sizes.size(); ++axis) {
    if (position[axis] < 0 || position[axis] >= sizes[axis]) throw std::out_of_range("outside");
    index = index * sizes[axis] + position[axis];
  }
  return const_cast<double*>(&values[static_cast<std::size_t>(index)]);
}

Position position_of(Index index, const Position& sizes) {
  Position position(sizes.size());
  for (std::size_t axis = sizes.size(); axis-- > 0; index /= sizes[axis])
    position[axis] = index % sizes[axis];
  return position;
}

Array random(const Position& sizes, std::uint64_t seed, double low, double high) {
  Array array(sizes, 0);
  Random stream(seed);
  for (double& value : array.values) {
    const double share = static_cast<double>(stream.next() >> 11) * 0x1p-53;
    value = static_cast<double>(static_cast<float>(low + (high - low) * share));
  }
  return array;
}

Array random_around(const Position& sizes, std::uint64_t seed, double gap, double high) {
  Array array = random(sizes, seed, gap, high);
  Random stream(seed + 1000);
  for (double& value : array.values)
    if (stream.below(2)) value = -value;
  return array;
}

Shape shape_of(const Position& sizes) {
  Shape shape;
  for (const Index size : sizes) shape = shape.and_then(size);
  return shape;
}

Position sizes_of(const Tensor& tensor) {
  Position sizes;
  for (int axis = 0; axis < tensor.rank(); ++axis) sizes.push_back(tensor.shape()[axis]);
  return sizes;
}

Tensor tensor_of(const Array& array) {
  std::vector<Scalar> values;
  for (const double value : array.values) values.push_back(static_cast<Scalar>(value));
  return Tensor::from(shape_of(array.sizes), values);
}

Array array_of(const Tensor& tensor) {
  Array array(sizes_of(tensor), 0);
  std::copy_n(tensor.data(), tensor.size(), array.values.begin());
  return array;
}

double forward_tolerance() {
  return sizeof(Scalar) == 8 ? 1e-13 : 1e-6;
}
double gradient_tolerance() {
  return sizeof(Scalar) == 8 ? 1e-8 : 5e-6;
}

void check_close(const Array& computed, const Array& wanted, double tolerance, double least) {
  REQUIRE(computed.sizes == wanted.sizes);
  double largest = least * 10;
  for (const double value : wanted.values)
    if (std::isfinite(value)) largest = std::max(largest, std::abs(value));
  for (std::size_t i = 0; i < wanted.values.size(); ++i) {
    const double x = computed.values[i];
    const double y = wanted.values[i];
    const double bound = tolerance * std::max(std::abs(y), largest / 10);
    const bool close = std::isfinite(y) ? std::abs(x - y) <= bound : x == y || (x != x && y != y);
    if (close) continue;
    FAIL_CHECK("value " << i << " is " << x << " instead of " << y);
    return;
  }
}

std::string refusal(const std::function<void()>& act) {
  try {
    act();
  } catch (const Error& error) {
    return error.what();
  }
  return "not refused";
}

void says(const std::string& text, const std::string& part) {
  CAPTURE(text);
  CHECK(text.find(part) != std::string::npos);
}

void check_refused(const std::string& message, const std::string& operation,
                   const gradus::Where& where, const std::string& problem) {
  CHECK(message == operation + " at " + to_string(where) + ": " + problem);
}

}  // namespace plain
