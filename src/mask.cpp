#include <gradus/mask.h>
#include <gradus/watcher.h>

#include <algorithm>

namespace gradus {

Ids::Ids(const Shape& of_shape, std::vector<int> of_values, Where where)
    : shape(of_shape), values(std::move(of_values)) {
  check("Ids", where);
}

void Ids::check(const char* what, const Where& where) const {
  if (std::ssize(values) != shape.size())
    fail(what, where, "shape ", shape, " holds ", shape.size(), " numbers, ", values.size(),
         " given");
}

Ids Ids::rows(const std::vector<int>& which, Where where) const {
  check("Ids::rows", where);
  if (shape.rank() != 2) fail("Ids::rows", where, "ids of shape [B, T] are needed, not ", shape);
  std::vector<int> picked;
  for (const int row : which) {
    if (row < 0 || row >= shape[0])
      fail("Ids::rows", where, "there is no row ", row, " among ", shape[0]);
    const auto begin = values.begin() + row * shape[1];
    picked.insert(picked.end(), begin, begin + shape[1]);
  }
  return Ids(Shape({std::ssize(which), shape[1]}, where), std::move(picked), where);
}

Ids::Ids(std::initializer_list<int> of_values, Where where)
    : shape({std::ssize(of_values)}, where), values(of_values) {}

Mask Mask::padding(std::vector<int> lengths, Where where) {
  if (lengths.empty()) fail("Mask::padding", where, "one length for each sequence is needed");
  for (int length : lengths)
    if (length < 0) fail("Mask::padding", where, "a length cannot be negative: ", length);
  Mask mask(where);
  mask.lengths_ = std::move(lengths);
  return mask;
}

Mask Mask::padding_of(const Ids& ids, Where where) {
  ids.check("Mask::padding_of", where);
  if (ids.shape.rank() != 2)
    fail("Mask::padding_of", where, "ids of shape [B, T] are needed, not ", ids.shape);
  const Index length = ids.shape[1];
  std::vector<bool> words;
  for (const int id : ids.values) words.push_back(id != 0);
  std::vector<int> lengths;
  for (auto row = words.begin(); row != words.end(); row += length) {
    const auto padding_from = std::find(row, row + length, false);
    if (std::find(padding_from, row + length, true) != row + length)  // not only at the end
      return from({ids.shape[0], 1, 1, length}, words, where);
    lengths.push_back(static_cast<int>(padding_from - row));
  }
  return padding(std::move(lengths), where);
}

Mask Mask::causal(Where where) {
  Mask mask(where);
  mask.causal_ = true;
  return mask;
}

Mask Mask::from(const Shape& shape, const std::vector<bool>& allowed, Where where) {
  if (shape.rank() < 2 || shape.rank() > 4)
    fail("Mask::from", where, "a shape of [Tq, Tk], [B, Tq, Tk] or [B, H, Tq, Tk] is needed, not ",
         shape);
  if (std::ssize(allowed) != shape.size())
    fail("Mask::from", where, "shape ", shape, " holds ", shape.size(), " truth values, ",
         allowed.size(), " given");
  Mask mask(where);
  mask.allowed_.assign(allowed.begin(), allowed.end());
  mask.allowed_shape_ = shape.rank() == 4   ? shape
                        : shape.rank() == 3 ? Shape{shape[0], 1, shape[1], shape[2]}
                                            : Shape{1, 1, shape[0], shape[1]};
  return mask;
}

namespace {

std::string made_at(const Where& where) {
  return "the mask of " + to_string(where);
}

}  // namespace

Mask Mask::operator&(const Mask& other) const {
  Mask both = empty() ? other : *this;
  both.causal_ |= other.causal_;
  if (both.lengths_.empty()) both.lengths_ = other.lengths_;
  if (!other.lengths_.empty() && both.lengths_.size() != other.lengths_.size())
    fail("Mask", where_, "it is for ", lengths_.size(), " sequences and ", made_at(other.where_),
         " for ", other.lengths_.size());
  for (std::size_t b = 0; b < other.lengths_.size(); ++b)
    both.lengths_[b] = std::min(both.lengths_[b], other.lengths_[b]);
  if (allowed_.empty() && other.allowed_.empty()) return both;
  const std::string problem = clash(allowed_shape_, other.allowed_shape_);
  if (!problem.empty())
    fail("Mask", where_, "it has shape ", allowed_shape_, " and ", made_at(other.where_), " has ",
         other.allowed_shape_, ": ", problem);
  const Shape s = both.allowed_shape_ = broadcast(allowed_shape_, other.allowed_shape_);
  both.allowed_.clear();
  for (Index i = 0; i < s.size(); ++i) {
    const Index at[] = {i / (s[1] * s[2] * s[3]), i / (s[2] * s[3]) % s[1], i / s[3] % s[2],
                        i % s[3]};
    both.allowed_.push_back(explicitly(at) && other.explicitly(at));
  }
  return both;
}

bool Mask::explicitly(const Index (&position)[4]) const {
  if (allowed_.empty()) return true;
  Index offset = 0;
  for (int axis = 0; axis < 4; ++axis)
    offset = offset * allowed_shape_[axis] + (allowed_shape_[axis] > 1 ? position[axis] : 0);
  return allowed_[static_cast<std::size_t>(offset)] != 0;
}

bool Mask::allows(Index batch, Index head, Index query, Index key, Index cached,
                  Where where) const {
  const Index position[] = {batch, head, query, key};
  bool outside = !lengths_.empty() && batch >= std::ssize(lengths_);
  for (int axis = 0; axis < 4; ++axis) {
    const Index size = allowed_.empty() ? 1 : allowed_shape_[axis];
    outside |= position[axis] < 0 || (size > 1 && position[axis] >= size);
  }
  if (outside)
    fail("Mask::allows", where, made_at(where_), " says nothing of sequence ", batch, ", head ",
         head, ", query ", query, ", key ", key);
  if (causal_ && key > query + cached) return false;
  if (!lengths_.empty() && key >= lengths_[static_cast<std::size_t>(batch)]) return false;
  return explicitly(position);
}

void Mask::check(const Shape& attention, const Tensor& of, const char* operation,
                 const Where& where) const {
  if (empty()) return;
  const auto refuse = [&](const auto&... problem) {
    fail(operation, where, made_at(where_), problem...);
  };
  const Index queries = attention[2], keys = attention[3];
  if (!lengths_.empty() && std::ssize(lengths_) != attention[0])
    refuse(" is for ", lengths_.size(), " sequences, ", describe(of), " has ", attention[0]);
  for (int length : lengths_)
    if (length > keys)
      refuse(" has a length of ", length, ", there are only ", keys, " positions for ",
             describe(of));
  if (causal_ && queries > keys)
    refuse(" is causal: ", queries, " queries of ", describe(of), " need as many keys, there are ",
           keys);
  for (int axis = 0; axis < 4 && !allowed_.empty(); ++axis)
    if (allowed_shape_[axis] != 1 && allowed_shape_[axis] != attention[axis])
      refuse(" has shape ", allowed_shape_, ", ", describe(of), " needs ", attention,
             " [batch, heads, queries, keys]; each size must be equal or 1");
  tell_watchers([&](Watcher& watcher) { watcher.before_mask(*this, attention, operation, where); });
}

}  // namespace gradus
