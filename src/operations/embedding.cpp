#include <gradus/operation.h>
#include <gradus/operations.h>

#include "../kernels/elementwise.h"

#include <algorithm>

namespace gradus {

namespace {

// y[i] = table[ids[i]], so row ids[i] of the table receives dy[i]; all other rows stay zero.
struct Embedding {
  Tensor table;
  std::vector<int> ids;

  void backward(const Tensor& dy) const {
    const Index d = table.shape()[1];
    const auto count = std::ssize(ids);
    const Scalar* rows_of_dy = dy.data();
    Tensor dtable = Tensor::zeros(table.shape(), table.where());
    Scalar* rows = dtable.mutable_data();
    // A word may occur more than once, so threads share the columns, not the words.
    kernels::parallel_for(d, 16 + kernels::elementwise_grain / count, [&](Index begin, Index end) {
      for (Index i = 0; i < count; ++i) {
        Scalar* row = rows + ids[static_cast<std::size_t>(i)] * d;
        for (Index j = begin; j < end; ++j) row[j] += rows_of_dy[i * d + j];
      }
    });
    table.add_grad(dtable);
  }
};

}  // namespace

Tensor embedding(const Tensor& table, const Ids& words, Where where) {
  check_exists(table, where);
  if (table.rank() != 2)
    fail("embedding", where, "the table must be a matrix [V, D], not ", describe(table));
  const Index v = table.shape()[0];
  const Index d = table.shape()[1];
  const std::vector<int>& ids = words.values;
  words.check("embedding", where);
  for (std::size_t i = 0; i < ids.size(); ++i)
    if (ids[i] < 0 || ids[i] >= v)
      fail("embedding", where, "id ", ids[i], " at position ", i, " lies outside ", describe(table),
           ": ids go from 0 to ", v - 1);
  Tensor y = result_of("embedding", words.shape.and_then(d, where), where);
  Scalar* to = y.mutable_data();
  const Scalar* from = table.data();
  const int* id = ids.data();
  kernels::parallel_each(std::ssize(ids), 1 + kernels::elementwise_grain / d,
                         [=](Index i) { std::copy_n(from + id[i] * d, d, to + i * d); });
  return record(y, {{table, false}}, Embedding{table, ids});
}

}  // namespace gradus
