// The same values in another arrangement: reshape, permute, transpose, slice, concatenate.

#include "plain.h"

#include <doctest/doctest.h>
#include <gradus/operations.h>

#include <algorithm>
#include <numeric>

using namespace gradus;
using namespace plain;

namespace {

// Value p of the result is the value of x at position f(p).
Array gathered(const Array& x, const Position& sizes,
               const std::function<Position(const Position&)>& f) {
  Array y(sizes, 0);
  for (Index i = 0; i < y.size(); ++i) {
    const Position p = position_of(i, sizes);
    y[p] = x[f(p)];
  }
  return y;
}

Array permuted(const Array& x, const std::vector<int>& axes) {
  Position sizes;
  for (const int axis : axes) sizes.push_back(x.sizes[static_cast<std::size_t>(axis)]);
  return gathered(x, sizes, [&](const Position& p) {
    Position from(p.size());
    for (std::size_t i = 0; i < p.size(); ++i) from[static_cast<std::size_t>(axes[i])] = p[i];
    return from;
  });
}

// Shapes without two equal sizes.
const Position shapes[] = {{5}, {3, 4}, {2, 3, 4}, {2, 3, 1, 4}, {2, 3, 1, 4, 5}};

}  // namespace

TEST_CASE("reshape keeps the values and their order, and so does its gradient") {
  const std::pair<Position, Position> pairs[] = {
      {{}, {1}},         {{1, 1}, {}},           {{6}, {2, 3}},           {{2, 3}, {3, 2}},
      {{2, 3, 4}, {24}}, {{2, 3, 4}, {4, 1, 6}}, {{24}, {2, 1, 3, 2, 2}}, {{2, 3}, {2, 3}}};
  for (const auto& pair : pairs) {
    const Position &from = pair.first, &to = pair.second;
    check({.name = "reshape " + to_string(shape_of(from)) + " to " + to_string(shape_of(to)),
           .compute = [&](const Tensors& x) { return reshape(x[0], shape_of(to)); },
           .loop =
               [&](const Arrays& x) {
                 Array y = x[0];
                 y.sizes = to;
                 return y;
               },
           .inputs = {random(from, 1)}});
  }
}

TEST_CASE("one size of a new shape may be what is left") {
  const Tensor x = Tensor::from({2, 3, 4}, std::vector<Scalar>(24, 7));
  CHECK(reshape(x, {-1, 4}).shape() == Shape{6, 4});
  CHECK(reshape(x, {2, -1}).shape() == Shape{2, 12});
  CHECK(reshape(x, {3, 8}).shape() == Shape{3, 8});
  CHECK_THROWS_AS(reshape(x, {-1, 5}), Error);   // 24 is no multiple of 5
  CHECK_THROWS_AS(reshape(x, {-1, -1}), Error);  // which is what?
  CHECK_THROWS_AS(reshape(Tensor::vector({1}), {-1, -1}), Error);
  CHECK_THROWS_AS(reshape(x, {-1, 0}), Error);
  CHECK_THROWS_AS(reshape(x, {-2, 12}), Error);
}

TEST_CASE("a reshaped tensor keeps its values when the other is changed in place") {
  Tensor x = Tensor::vector({1, 2, 3, 4});
  Tensor y = reshape(x, {2, 2});
  x.mutable_values()[0] = 7;
  CHECK(y.at({0, 0}) == 1);
  y.mutable_values()[3] = 9;
  CHECK(x.at({3}) == 4);
}

TEST_CASE("permute moves the axes in every order, and its gradient moves them back") {
  for (const Position& sizes : shapes) {
    std::vector<int> axes(sizes.size());
    std::iota(axes.begin(), axes.end(), 0);
    do {
      check({.name = "permute " + to_string(shape_of(sizes)),
             .compute = [&](const Tensors& x) { return permute(x[0], axes); },
             .loop = [&](const Arrays& x) { return permuted(x[0], axes); },
             .inputs = {random(sizes, 1)}});
    } while (std::next_permutation(axes.begin(), axes.end()) && sizes.size() < 5);
  }
  const std::vector<int> five{3, 0, 4, 2, 1};
  check({.name = "permute of rank 5",
         .compute = [&](const Tensors& x) { return permute(x[0], five); },
         .loop = [&](const Arrays& x) { return permuted(x[0], five); },
         .inputs = {random(shapes[4], 1)}});
  check({.name = "permute with axes from the end",
         .compute =
             [](const Tensors& x) {
               return permute(x[0], {-1, 0, -2});
             },
         .loop =
             [](const Arrays& x) {
               return permuted(x[0], {2, 0, 1});
             },
         .inputs = {random({2, 3, 4}, 1)}});
  check({.name = "permute of a single number",
         .compute = [](const Tensors& x) { return permute(x[0], {}); },
         .loop = [](const Arrays& x) { return x[0]; },
         .inputs = {random({}, 1)}});
}

TEST_CASE("transpose swaps two axes, counted from either end, the last two if none are named") {
  for (const Position& sizes : shapes) {
    const int rank = static_cast<int>(sizes.size());
    std::vector<int> axes(sizes.size());
    for (int a = -rank; a < rank; ++a)
      for (int b = -rank; b < rank; ++b) {
        std::iota(axes.begin(), axes.end(), 0);
        std::swap(axes[static_cast<std::size_t>((a + rank) % rank)],
                  axes[static_cast<std::size_t>((b + rank) % rank)]);
        const auto compute = [=](const Tensors& x) { return transpose(x[0], a, b); };
        const auto loop = [&](const Arrays& x) { return permuted(x[0], axes); };
        const Case c{.name = "transpose " + to_string(shape_of(sizes)) + " " + std::to_string(a) +
                             " " + std::to_string(b),
                     .compute = compute,
                     .loop = loop,
                     .inputs = {random(sizes, 1)}};
        if (rank < 4) check(c);
        if (rank >= 4) check_values(c);
      }
  }
  check({.name = "transpose of the last two",
         .compute = [](const Tensors& x) { return transpose(x[0]); },
         .loop =
             [](const Arrays& x) {
               return permuted(x[0], {0, 2, 1});
             },
         .inputs = {random({2, 3, 4}, 1)}});
}

TEST_CASE("slice takes positions begin … end - 1 of any axis; its gradient is zero around") {
  for (const Position& sizes : shapes) {
    const int rank = static_cast<int>(sizes.size());
    for (int axis = -rank; axis < rank; ++axis) {
      const auto a = static_cast<std::size_t>((axis + rank) % rank);
      for (Index begin = 0; begin < sizes[a]; ++begin)
        for (Index end = begin + 1; end <= sizes[a]; ++end) {
          Position part = sizes;
          part[a] = end - begin;
          check({.name = "slice " + to_string(shape_of(sizes)) + " along axis " +
                         std::to_string(axis) + ", " + std::to_string(begin) + " … " +
                         std::to_string(end),
                 .compute = [&](const Tensors& x) { return slice(x[0], axis, begin, end); },
                 .loop =
                     [&](const Arrays& x) {
                       return gathered(x[0], part, [&](Position p) {
                         p[a] += begin;
                         return p;
                       });
                     },
                 .inputs = {random(sizes, 1)}});
        }
    }
  }
}

namespace {

Array concatenated(const Arrays& parts, std::size_t axis) {
  Position sizes = parts[0].sizes;
  for (std::size_t i = 1; i < parts.size(); ++i) sizes[axis] += parts[i].sizes[axis];
  Array y(sizes, 0);
  Index begin = 0;
  for (const Array& part : parts) {
    for (Index i = 0; i < part.size(); ++i) {
      Position p = position_of(i, part.sizes);
      const double value = part[p];
      p[axis] += begin;
      y[p] = value;
    }
    begin += part.sizes[axis];
  }
  return y;
}

}  // namespace

TEST_CASE("concatenate joins along any axis, and its gradient takes apart") {
  for (const Position& sizes : shapes) {
    const int rank = static_cast<int>(sizes.size());
    for (int axis = -rank; axis < rank; ++axis)
      for (const int count : {1, 2, 3}) {
        const auto a = static_cast<std::size_t>((axis + rank) % rank);
        Arrays parts;
        for (int i = 0; i < count; ++i) {
          Position of_part = sizes;
          of_part[a] = i == 0 ? sizes[a] : 2 * i - 1;
          parts.push_back(random(of_part, static_cast<std::uint64_t>(i + 1)));
        }
        check({.name = "concatenate " + std::to_string(count) + " of " +
                       to_string(shape_of(sizes)) + " along axis " + std::to_string(axis),
               .compute = [&](const Tensors& x) { return concatenate(x, axis); },
               .loop = [&](const Arrays& x) { return concatenated(x, a); },
               .inputs = parts});
      }
  }
  check({.name = "a tensor beside itself",
         .compute =
             [](const Tensors& x) {
               return concatenate({x[0], x[1], x[0]}, 1);
             },
         .loop =
             [](const Arrays& x) {
               return concatenated({x[0], x[1], x[0]}, 1);
             },
         .inputs = {random({2, 3}, 1), random({2, 1}, 2)}});
}

TEST_CASE("permute of many values, where threads share the work") {
  const Array x = random({70, 90, 11}, 1);
  for (const std::vector<int>& axes : {std::vector<int>{2, 1, 0}, {1, 0, 2}, {0, 2, 1}})
    check_close(array_of(permute(tensor_of(x), axes)), permuted(x, axes), 0);
}
