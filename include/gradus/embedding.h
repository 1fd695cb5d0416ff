// Looking up vectors by number.
#pragma once

#include <gradus/ids.h>
#include <gradus/tensor.h>

namespace gradus {

// Row id of table [V, D] for every id: ids [...] give [..., D].
// Errors: a table that is not a matrix, an id outside 0 … V-1.
Tensor embedding(const Tensor& table, const Ids& ids, Where where = here());

}  // namespace gradus
