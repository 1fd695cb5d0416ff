#include "plain.h"

#include <doctest/doctest.h>
#include <gradus/operations.h>

#include <algorithm>
#include <cmath>
#include <string>

namespace plain {

using gradus::Error;
using gradus::NoGrad;

namespace {

double weighted_sum(const Array& values, const Array& weights) {
  double total = 0;
  for (std::size_t i = 0; i < values.values.size(); ++i)
    total += values.values[i] * weights.values[i];
  return total;
}

}  // namespace

Arrays differences(const std::function<Array(const Arrays&)>& loop, const Arrays& inputs,
                   const Array& seed) {
  const double step = 1e-5;
  Arrays gradients;
  Arrays moved = inputs;
  for (std::size_t n = 0; n < moved.size(); ++n) {
    gradients.emplace_back(moved[n].sizes, 0);
    for (std::size_t i = 0; i < moved[n].values.size(); ++i) {
      double& value = moved[n].values[i];
      const double before = value;
      value = before + step;
      const double above = weighted_sum(loop(moved), seed);
      value = before - step;
      const double below = weighted_sum(loop(moved), seed);
      value = before;
      gradients.back().values[i] = (above - below) / (2 * step);
    }
  }
  return gradients;
}

namespace {

// Leaves of which those named by the bits of `wanting` want a gradient.
Tensors leaves_of(const Case& c, unsigned wanting) {
  Tensors leaves;
  for (std::size_t i = 0; i < c.inputs.size(); ++i)
    leaves.push_back(tensor_of(c.inputs[i]).requires_grad((wanting >> i & 1) != 0));
  return leaves;
}

// By the loop of the case if it has one, which the differences confirm where they are quick.
Arrays wanted_gradients(const Case& c, const Array& seed) {
  if (!c.gradient) return differences(c.loop, c.inputs, seed);
  Arrays wanted = c.gradient(c.inputs, seed);
  REQUIRE(wanted.size() == c.inputs.size());
  for (const Array& input : c.inputs)
    if (input.size() > 200) return wanted;
  const Arrays seen = differences(c.loop, c.inputs, seed);
  for (std::size_t i = 0; i < wanted.size(); ++i) check_close(wanted[i], seen[i], 1e-8, 0.01);
  return wanted;
}

// The leaves that want a gradient have `times` the right one, the others none.
void check_gradients(const Case& c, const Tensors& leaves, const Arrays& wanted, double times) {
  for (std::size_t i = 0; i < leaves.size(); ++i) {
    INFO("the gradient of input ", i);
    CHECK(leaves[i].has_grad() == leaves[i].requires_grad());
    if (!leaves[i].has_grad()) continue;
    Array gradient = wanted[i];
    for (double& value : gradient.values) value *= times;
    check_close(array_of(leaves[i].grad()), gradient, c.slack * gradient_tolerance(), 0.01);
  }
}

// Whichever inputs want a gradient: backward() once, and once more with half the seed.
void check_subset(const Case& c, unsigned wanting, const Array& seed, const Arrays& wanted) {
  INFO("inputs that want a gradient, as bits: ", wanting);
  const Tensors leaves = leaves_of(c, wanting);
  const Tensor y = c.compute(leaves);
  REQUIRE(y.requires_grad() == (wanting != 0));
  if (wanting == 0) return;
  const Tensor w = tensor_of(seed);
  y.backward(w);
  check_gradients(c, leaves, wanted, 1);
  y.backward(w * Scalar(0.5));
  check_gradients(c, leaves, wanted, 1.5);
  CHECK(array_of(w).values == seed.values);
  for (std::size_t i = 0; i < leaves.size(); ++i)
    CHECK(array_of(leaves[i]).values == c.inputs[i].values);
}

// The inputs were computed themselves, and the result is used twice: one gradient comes in, which
// is the sum, and goes through. The gradients in between are those of the last backward() alone.
void check_inside_a_graph(const Case& c, const Array& seed, const Arrays& wanted) {
  INFO("inside a larger graph");
  const Tensors leaves = leaves_of(c, ~0U);
  Tensors between;
  for (const Tensor& leaf : leaves) between.push_back(leaf * Scalar(1));
  const Tensor y = c.compute(between);
  const Tensor twice = y * Scalar(2) - y * Scalar(0.5);
  for (int run = 1; run <= 2; ++run) {
    twice.backward(tensor_of(seed));
    check_gradients(c, leaves, wanted, 1.5 * run);
    check_gradients(c, between, wanted, 1.5);
  }
}

// Writing to the seed, or to the gradient of the result or of one input, changes no other gradient.
void check_separate(const Case& c, const Array& seed, const Arrays& wanted) {
  INFO("after the seed and other gradients were written to");
  for (std::size_t kept = 0; kept < c.inputs.size(); ++kept) {
    const Tensors leaves = leaves_of(c, ~0U);
    const Tensor y = c.compute(leaves);
    Tensor w = tensor_of(seed);
    y.backward(w);
    Tensors others{w, y.grad()};
    for (std::size_t i = 0; i < leaves.size(); ++i)
      if (i != kept) others.push_back(leaves[i].grad());
    for (Tensor& other : others)
      for (Scalar& value : other.mutable_values()) value = 77;
    check_close(array_of(leaves[kept].grad()), wanted[kept], c.slack * gradient_tolerance(), 0.01);
  }
}

// After input number `changed`, or the result if there is no such input, was overwritten,
// backward() is refused or the gradient is that of the values that were used.
void check_overwritten(const Case& c, std::size_t changed, const Array& seed,
                       const Arrays& wanted) {
  INFO("overwritten before backward(): ", changed);
  const Tensors leaves = leaves_of(c, ~0U);
  Tensors tensors = leaves;
  tensors.push_back(c.compute(leaves));
  const Tensor y = tensors.back();
  for (Scalar& value : tensors[changed].mutable_values()) value += Scalar(0.125);
  try {
    y.backward(tensor_of(seed));
  } catch (const Error& error) {
    CHECK(std::string(error.what()).find("were changed after") != std::string::npos);
    return;
  }
  check_gradients(c, leaves, wanted, 1);
}

}  // namespace

void check_values(const Case& c) {
  INFO(c.name);
  const Tensors leaves = leaves_of(c, ~0U);
  const Array wanted = c.loop(c.inputs);
  check_close(array_of(c.compute(leaves)), wanted, c.slack * forward_tolerance());
  const NoGrad no_grad;
  const Tensor unrecorded = c.compute(leaves);
  CHECK_FALSE(unrecorded.requires_grad());
  check_close(array_of(unrecorded), wanted, c.slack * forward_tolerance());
}

void check(const Case& c) {
  check_values(c);
  INFO(c.name);
  const Array seed = random(c.loop(c.inputs).sizes, 4711);
  const Arrays wanted = wanted_gradients(c, seed);
  for (unsigned wanting = 0; wanting < 1U << c.inputs.size(); ++wanting)
    check_subset(c, wanting, seed, wanted);
  check_inside_a_graph(c, seed, wanted);
  check_separate(c, seed, wanted);
  for (std::size_t i = 0; i <= c.inputs.size(); ++i) check_overwritten(c, i, seed, wanted);
}

}  // namespace plain
