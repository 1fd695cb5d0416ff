// Looking up a row for every id.

#include "plain.h"

#include <doctest/doctest.h>
#include <gradus/operations.h>

using namespace gradus;
using namespace plain;

TEST_CASE("embedding looks up a row for every id, and adds up the gradients of each row") {
  const std::vector<std::pair<Shape, std::vector<int>>> all = {
      {{}, {3}}, {{4}, {0, 3, 3, 4}}, {{2, 3}, {4, 0, 1, 1, 1, 4}}, {{2, 1, 2}, {2, 2, 2, 2}}};
  for (const auto& one : all) {
    const Shape& shape = one.first;
    const std::vector<int>& ids = one.second;
    check({.name = "embedding of ids " + to_string(shape),
           .compute = [&](const Tensors& x) { return embedding(x[0], Ids(shape, ids)); },
           .loop =
               [&](const Arrays& x) {
                 Position sizes = sizes_of(Tensor::zeros(shape));
                 sizes.push_back(3);
                 Array y(sizes, 0);
                 for (std::size_t i = 0; i < ids.size(); ++i)
                   for (std::size_t j = 0; j < 3; ++j)
                     y.values[i * 3 + j] = x[0][{ids[i], static_cast<Index>(j)}];
                 return y;
               },
           .inputs = {random({5, 3}, 1)}});
  }
}

TEST_CASE("embedding of many words, where threads share the work") {
  const Index words = 5000;
  std::vector<int> ids;
  Random random_ids(3);
  for (Index i = 0; i < words; ++i) ids.push_back(static_cast<int>(random_ids.below(50)));
  const Array table = random({50, 40}, 1);
  const Array seed = random({words, 40}, 2);
  Array rows({words, 40}, 0);
  Array gradient({50, 40}, 0);
  for (Index i = 0; i < words; ++i)
    for (Index j = 0; j < 40; ++j) {
      const Index id = ids[static_cast<std::size_t>(i)];
      rows[{i, j}] = table[{id, j}];
      gradient[{id, j}] += seed[{i, j}];
    }
  const Tensor x = tensor_of(table).requires_grad(true);
  const Tensor y = embedding(x, Ids({words}, ids));
  check_close(array_of(y), rows, 0);
  y.backward(tensor_of(seed));
  check_close(array_of(x.grad()), gradient, 1e-5);
}
