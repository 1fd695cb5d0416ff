// Dropout: what falls, what stays, and that the gradient knows.

#include "plain.h"

#include <doctest/doctest.h>
#include <gradus/operations.h>

#include <cmath>

using namespace gradus;
using namespace plain;

TEST_CASE("dropout keeps or clears each value, scales what it keeps, and its gradient alike") {
  for (const double rate : {0.0, 0.1, 0.5, 0.9}) {
    CAPTURE(rate);
    const Tensor x = tensor_of(random({300, 200}, 1, 1, 2)).requires_grad(true);
    Random random(5);
    const Tensor y = dropout(x, static_cast<Scalar>(rate), random);
    const Array seed = plain::random({300, 200}, 2, 1, 2);
    y.backward(tensor_of(seed));
    const double scale = 1 / (1 - rate);
    Array wanted = array_of(x);
    Array gradient = seed;
    int kept = 0;
    for (std::size_t i = 0; i < wanted.values.size(); ++i) {
      const bool keep = y.data()[i] != 0;
      kept += keep;
      wanted.values[i] *= keep ? scale : 0;
      gradient.values[i] *= keep ? scale : 0;
    }
    check_close(array_of(y), wanted, 2e-6);
    check_close(array_of(x.grad()), gradient, 2e-6);
    // Four standard deviations of how many of 60,000 stay.
    CHECK(std::abs(kept - 60000 * (1 - rate)) <= 4 * std::sqrt(60000 * rate * (1 - rate)));
  }
}

TEST_CASE("dropout draws anew at every call, the same again from the same seed") {
  const Tensor x = Tensor::full({100}, 1);
  Random random(5);
  const Array first = array_of(dropout(x, Scalar(0.5), random));
  const Array second = array_of(dropout(x, Scalar(0.5), random));
  CHECK(first.values != second.values);
  Random again(5);
  CHECK(array_of(dropout(x, Scalar(0.5), again)).values == first.values);
  Random other(6);
  CHECK(array_of(dropout(x, Scalar(0.5), other)).values != first.values);
  // A neighbour falls as often after one that fell as after one that stayed.
  int both = 0;
  const Array many = array_of(dropout(Tensor::full({20000}, 1), Scalar(0.5), random));
  for (std::size_t i = 1; i < 20000; ++i) both += many.values[i] != 0 && many.values[i - 1] != 0;
  CHECK(std::abs(both - 5000) < 250);
  check({.name = "dropout from one seed",
         .compute =
             [](const Tensors& t) {
               Random same(7);
               return dropout(t[0], Scalar(0.25), same);
             },
         .loop =
             [](const Arrays& a) {
               Random same(7);
               const Array fell = array_of(dropout(Tensor::full({4, 3}, 1), Scalar(0.25), same));
               Array y = a[0];
               for (std::size_t i = 0; i < 12; ++i) y.values[i] *= fell.values[i];
               return y;
             },
         .inputs = {plain::random({4, 3}, 1)}});
}

TEST_CASE("what dropout drops is 0, forward and backward, also where it was no number") {
  for (const double odd : {infinity, not_a_number}) {
    Random random(1), again(1);
    const Tensor ones = dropout(Tensor::full({100}, 1), Scalar(0.5), again);
    const Tensor x = tensor_of(Array({100}, odd)).requires_grad(true);
    const Tensor y = dropout(x, Scalar(0.5), random);
    y.backward(x.detach());
    for (Index i = 0; i < 100; ++i) {
      CHECK((y.at({i}) == 0) == (ones.at({i}) == 0));
      CHECK((x.grad().at({i}) == 0) == (ones.at({i}) == 0));
    }
  }
}
