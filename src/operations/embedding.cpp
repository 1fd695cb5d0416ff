#include <gradus/embedding.h>
#include <gradus/operation.h>

#include "../kernels/elementwise.h"

#include <algorithm>

namespace gradus {

namespace {

struct Embedding : Operation {
  std::vector<int> ids;

  void backward(const Tensor& out) override {
    const Tensor& table = inputs[0];
    const Index d = table.shape()[1];
    const Scalar* dy = out.grad().data();
    // y[i] = table[ids[i]], so row ids[i] of the table receives dy[i]; all other rows stay zero.
    Tensor d_table = Tensor::zeros(table.shape(), table.where());
    Scalar* rows = d_table.mutable_data();
    // A word may occur more than once, so threads share the columns, not the words.
    const Index words = static_cast<Index>(ids.size());
    kernels::parallel_for(d, 16 + kernels::elementwise_grain / words, [&](Index begin, Index end) {
      for (Index i = 0; i < words; ++i) {
        Scalar* row = rows + ids[static_cast<std::size_t>(i)] * d;
        for (Index j = begin; j < end; ++j) row[j] += dy[i * d + j];
      }
    });
    table.add_grad(d_table);
  }
};

}  // namespace

Tensor embedding(const Tensor& table, const Ids& ids, Where where) {
  check_exists(table, where);
  if (table.rank() != 2)
    fail("embedding", where, "the table must be a matrix [V, D], not " + describe(table));
  const Index v = table.shape()[0];
  const Index d = table.shape()[1];
  Tensor out = result_of("embedding", ids.shape.and_then(d), where);
  Scalar* y = out.mutable_data();
  for (std::size_t i = 0; i < ids.values.size(); ++i) {
    const int id = ids.values[i];
    if (id < 0 || id >= v)
      fail("embedding", where,
           "id " + std::to_string(id) + " at position " + std::to_string(i) + " lies outside " +
               describe(table) + ": ids go from 0 to " + std::to_string(v - 1));
  }
  kernels::parallel_for(
      ids.shape.size(), 1 + kernels::elementwise_grain / d, [&](Index begin, Index end) {
        for (Index i = begin; i < end; ++i)
          std::copy_n(table.data() + ids.values[static_cast<std::size_t>(i)] * d, d, y + i * d);
      });
  if (Embedding* op = record<Embedding>(out, table)) op->ids = ids.values;
  return out;
}

}  // namespace gradus
