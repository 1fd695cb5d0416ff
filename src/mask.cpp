#include <gradus/mask.h>
#include <gradus/watcher.h>

#include <algorithm>
#include <utility>

namespace gradus {

Ids::Ids(const Shape& of_shape, std::vector<int> of_values, Where where)
    : shape(of_shape), values(std::move(of_values)) {
  check("Ids", where);
}

void Ids::check(const char* what, const Where& where) const {
  if (static_cast<Index>(values.size()) != shape.size())
    fail(what, where,
         "shape " + to_string(shape) + " holds " + std::to_string(shape.size()) + " numbers, " +
             std::to_string(values.size()) + " given");
}

Ids::Ids(std::initializer_list<int> of_values, Where where)
    : shape({static_cast<Index>(of_values.size())}, where), values(of_values) {}

Mask Mask::padding(std::vector<int> lengths, Where where) {
  if (lengths.empty()) fail("Mask::padding", where, "one length for each sequence is needed");
  for (int length : lengths)
    if (length < 0)
      fail("Mask::padding", where, "a length cannot be negative: " + std::to_string(length));
  Mask mask;
  mask.where_ = where;
  mask.lengths_ = std::move(lengths);
  return mask;
}

Mask Mask::padding_of(const Ids& ids, Where where) {
  ids.check("Mask::padding_of", where);
  if (ids.shape.rank() != 2)
    fail("Mask::padding_of", where, "ids of shape [B, T] are needed, not " + to_string(ids.shape));
  const Index batch = ids.shape[0];
  const Index length = ids.shape[1];
  std::vector<int> lengths;
  std::vector<bool> allowed;
  bool only_at_the_end = true;
  for (Index b = 0; b < batch; ++b) {
    int last = 0;
    int words = 0;
    for (Index t = 0; t < length; ++t) {
      const bool word = ids.values[static_cast<std::size_t>(b * length + t)] != 0;
      allowed.push_back(word);
      words += word;
      if (word) last = static_cast<int>(t) + 1;
    }
    only_at_the_end &= words == last;
    lengths.push_back(last);
  }
  if (only_at_the_end) return padding(std::move(lengths), where);
  return from({batch, 1, 1, length}, allowed, where);
}

Mask Mask::causal(Where where) {
  Mask mask;
  mask.where_ = where;
  mask.causal_ = true;
  return mask;
}

Mask Mask::from(const Shape& shape, const std::vector<bool>& allowed, Where where) {
  if (shape.rank() < 2 || shape.rank() > 4)
    fail("Mask::from", where,
         "a shape of [Tq, Tk], [B, Tq, Tk] or [B, H, Tq, Tk] is needed, not " + to_string(shape));
  if (static_cast<Index>(allowed.size()) != shape.size())
    fail("Mask::from", where,
         "shape " + to_string(shape) + " holds " + std::to_string(shape.size()) +
             " truth values, " + std::to_string(allowed.size()) + " given");
  Mask mask;
  mask.where_ = where;
  mask.allowed_.assign(allowed.begin(), allowed.end());
  mask.allowed_shape_ = shape.rank() == 4   ? shape
                        : shape.rank() == 3 ? Shape{shape[0], 1, shape[1], shape[2]}
                                            : Shape{1, 1, shape[0], shape[1]};
  return mask;
}

Mask Mask::operator&(const Mask& other) const {
  Mask both = empty() ? other : *this;
  both.causal_ |= other.causal_;
  if (both.lengths_.empty()) both.lengths_ = other.lengths_;
  if (both.allowed_.empty()) {
    both.allowed_ = other.allowed_;
    both.allowed_shape_ = other.allowed_shape_;
  }
  if (!lengths_.empty() && !other.lengths_.empty()) {
    if (lengths_.size() != other.lengths_.size())
      fail("Mask", where_,
           "it is for " + std::to_string(lengths_.size()) + " sequences and the mask of " +
               to_string(other.where_) + " for " + std::to_string(other.lengths_.size()));
    for (std::size_t b = 0; b < lengths_.size(); ++b)
      both.lengths_[b] = std::min(lengths_[b], other.lengths_[b]);
  }
  if (!allowed_.empty() && !other.allowed_.empty()) {
    if (allowed_shape_ != other.allowed_shape_)
      fail("Mask", where_,
           "it has shape " + to_string(allowed_shape_) + " and the mask of " +
               to_string(other.where_) + " has " + to_string(other.allowed_shape_) +
               ": for both together they must be equal");
    for (std::size_t i = 0; i < allowed_.size(); ++i) both.allowed_[i] &= other.allowed_[i];
  }
  return both;
}

bool Mask::allows(Index batch, Index head, Index query, Index key) const {
  if (causal_ && key > query) return false;
  if (!lengths_.empty() && key >= lengths_[static_cast<std::size_t>(batch)]) return false;
  if (allowed_.empty()) return true;
  const Index position[] = {batch, head, query, key};
  Index offset = 0;
  for (int axis = 0; axis < 4; ++axis)
    offset = offset * allowed_shape_[axis] + (allowed_shape_[axis] > 1 ? position[axis] : 0);
  return allowed_[static_cast<std::size_t>(offset)] != 0;
}

namespace {

std::string made_at(const Where& where) {
  return "the mask of " + to_string(where);
}

}  // namespace

void Mask::check(const Shape& attention, const Tensor& of, const char* operation,
                 const Where& where) const {
  if (empty()) return;
  if (!lengths_.empty() && static_cast<Index>(lengths_.size()) != attention[0])
    fail(operation, where,
         made_at(where_) + " is for " + std::to_string(lengths_.size()) + " sequences, " +
             describe(of) + " has " + std::to_string(attention[0]));
  for (int length : lengths_)
    if (length > attention[3])
      fail(operation, where,
           made_at(where_) + " has a length of " + std::to_string(length) + ", there are only " +
               std::to_string(attention[3]) + " positions for " + describe(of));
  for (int axis = 0; axis < 4 && !allowed_.empty(); ++axis)
    if (allowed_shape_[axis] != 1 && allowed_shape_[axis] != attention[axis])
      fail(operation, where,
           made_at(where_) + " has shape " + to_string(allowed_shape_) + ", " + describe(of) +
               " needs " + to_string(attention) +
               " [batch, heads, queries, keys]; each size must be equal or 1");
  for (Watcher* watcher : watchers()) watcher->before_mask(*this, attention, operation, where);
}

}  // namespace gradus
