#include <gradus/embedding.h>
#include <gradus/operation.h>

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
    for (std::size_t i = 0; i < ids.size(); ++i) {
      Scalar* row = rows + ids[i] * d;
      const Scalar* dy_row = dy + static_cast<Index>(i) * d;
      for (Index j = 0; j < d; ++j) row[j] += dy_row[j];
    }
    table.add_grad(d_table);
  }
};

}  // namespace

Tensor embedding(const Tensor& table, const Ids& ids, Where where) {
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
    std::copy_n(table.data() + id * d, d, y + static_cast<Index>(i) * d);
  }
  if (Embedding* op = record<Embedding>(out, table)) op->ids = ids.values;
  return out;
}

}  // namespace gradus
