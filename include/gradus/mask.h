// Which position may attend to which.
//
// A Mask says what is *allowed*: true means that the query may look at the key. (Other libraries
// use true for "hide this"; that is why this is a type of its own and not a tensor of zeros and
// ones.) The usual masks are kept as rules, not as a matrix, so they cost no memory and attention
// can skip what is hidden. A query that may look at nothing gets zeros, and passes no gradient on.
#pragma once

#include <gradus/ids.h>

namespace gradus {

class Tensor;

class Mask {
 public:
  Mask() = default;  // everything is allowed

  // Keys from lengths[b] on are padding. Errors: no lengths, a negative length.
  static Mask padding(std::vector<int> lengths, Where where = here());
  // Keys whose id is 0 are padding; ids [B, T].
  static Mask padding_of(const Ids& ids, Where where = here());
  // The last query may look at all keys, the one before it at all but the last, and so on: of T
  // queries and T keys, query t at keys 0 … t. (A decoder that keeps the keys of earlier words asks
  // with the newest word alone, which may look at all of them.)
  static Mask causal(Where where = here());
  // One truth value for each position of `shape`, which must be [Tq, Tk], [B, Tq, Tk] or
  // [B, H, Tq, Tk], where a size of 1 stands for all. Errors: another shape or number of values.
  static Mask from(const Shape& shape, const std::vector<bool>& allowed, Where where = here());

  // Allowed by both. Errors: padding for different numbers of sequences, shapes that do not
  // broadcast.
  Mask operator&(const Mask& other) const;

  // `cached` is how many keys come before that of query 0: as many as there are more keys than
  // queries. Errors: a position that the mask does not have.
  bool allows(Index batch, Index head, Index query, Index key, Index cached = 0,
              Where where = here()) const;
  // True if everything is allowed.
  bool empty() const { return !causal_ && lengths_.empty() && allowed_.empty(); }

  // Errors: the mask is not made for attention of this shape, [batch, heads, queries, keys]; it is
  // causal and there are more queries than keys. `of` is what the message names.
  void check(const Shape& attention, const Tensor& of, const char* operation,
             const Where& where) const;

  const Where& where() const { return where_; }  // the line that made it

  // The parts, for kernels.
  bool is_causal() const { return causal_; }
  const std::vector<int>& lengths() const { return lengths_; }           // empty, or one a sequence
  const std::vector<std::uint8_t>& allowed() const { return allowed_; }  // empty, or of the shape
  const Shape& allowed_shape() const { return allowed_shape_; }          // rank 4

 private:
  explicit Mask(const Where& where) : where_(where) {}
  bool explicitly(const Index (&position)[4]) const;

  Where where_;
  bool causal_ = false;
  std::vector<int> lengths_;
  std::vector<std::uint8_t> allowed_;
  Shape allowed_shape_;
};

}  // namespace gradus
