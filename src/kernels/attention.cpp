// Attention, forward. The plain way for one head is
//
//   scores  = query keyᵀ scale            T × T numbers
//   weights = softmax(scores)             T × T numbers
//   out     = weights value
//
// For T = 16384 the two matrices take a gigabyte each, which is more than the arithmetic is worth.
// But a softmax can be computed in pieces. Let m be the largest score so far, s = Σ e^(score - m)
// and o = Σ e^(score - m) value over the keys so far. When a block of further keys has a larger
// score m', then multiplying s and o by e^(m - m') makes them right for m', and the block can be
// added. At the end out = o / s. (Milakov and Gimelshein 2018, "Online normalizer calculation for
// softmax"; Dao et al. 2022, "FlashAttention", section 3.1.)
//
// The blocks are the same for every machine and number of threads, and so are the bits. Keys that
// the mask hides from all queries of a block are skipped; they would only add zeros.

#include "attention_block.h"
#include "math.h"
#include "rows.h"
#include "threads.h"
#include "tile.h"

#include <limits>

namespace gradus::kernels {

Index head_grain(const AttentionShape& shape) {
  const Index heads = shape.batch * shape.heads;
  return heads >= 2 * threads() ? 1 : heads;
}

namespace {

constexpr Scalar minus_infinity = -std::numeric_limits<Scalar>::infinity();

// The largest score so far, the sum and the outputs of one query; see above.
struct Running {
  Scalar most = minus_infinity;
  Scalar sum = 0;
};

// Turns the scores of one query for `count` keys from `first` on into e^(score - most), with
// `most` brought up to date; returns the factor for what was added up before.
Scalar add_block(const HeadMask& mask, Index i, Index first, Index count, Scalar scale,
                 Scalar* scores, Running& running) {
  const Index seen = std::clamp<Index>(mask.end(i) - first, 0, count);
  for (Index j = 0; j < seen; ++j) scores[j] *= scale;
  if (mask.allowed)
    for (Index j = 0; j < seen; ++j)
      if (!mask.allows(i, first + j)) scores[j] = minus_infinity;
  const Scalar before = running.most;
  const Scalar block_most = seen ? largest(scores, seen) : minus_infinity;
  if (!(block_most <= before)) running.most = block_most;
  const Scalar most = running.most;
  if (most == minus_infinity) {  // nothing allowed yet
    std::fill_n(scores, count, Scalar(0));
    return 1;
  }
  for (Index j = 0; j < seen; ++j) scores[j] = exp_one(scores[j] - most);
  std::fill(scores + seen, scores + count, Scalar(0));
  const Scalar factor = exp_one(before - most);
  running.sum = running.sum * factor + sum(scores, count);
  return factor;
}

// Keys and values of one head, packed once for all its queries: of block n, the keys as columns
// and the values as rows.
struct PackedHead {
  PackedHead(const AttentionShape& shape, Index key_count, Rows<const Scalar> key,
             Rows<const Scalar> value)
      : count(key_count),
        keys(round_up(count, key_block) * shape.key_dim),
        values(round_up(count, key_block) * round_up(shape.value_dim, tile_columns)) {
    const Index blocks = (count + key_block - 1) / key_block;
    parallel_for(blocks, 1, [&](Index begin, Index end) {
      for (Index n = begin; n < end; ++n) {
        const Index first = n * key_block;
        const Index size = std::min(key_block, count - first);
        pack_panels({key.values + first * key.stride, 1, key.stride}, shape.key_dim, size,
                    keys.data() + first * shape.key_dim);
        pack_panels({value.values + first * value.stride, value.stride, 1}, size, shape.value_dim,
                    values.data() + first * round_up(shape.value_dim, tile_columns));
      }
    });
  }
  Index count;
  Buffer keys, values;
};

// The queries `first` … `last` of one head.
void attend(const AttentionShape& shape, const HeadMask& mask, Rows<const Scalar> query,
            const PackedHead& packed, Scalar scale, Rows<Scalar> out, Scalar* log_sum_exp,
            Index first, Index last) {
  const Index rows = last - first;
  const Buffer scores(rows * key_block);
  Running running[query_block];
  Scalar* sums = out.values + first * out.stride;
  if (mask.end(last - 1) <= 0)
    for (Index i = 0; i < rows; ++i) std::fill_n(sums + i * out.stride, shape.value_dim, Scalar(0));
  for (Index k = 0; k < mask.end(last - 1); k += key_block) {
    const Index count = std::min(key_block, packed.count - k);
    multiply_panels(rows, count, shape.key_dim, query.values + first * query.stride, query.stride,
                    1, packed.keys.data() + k * shape.key_dim, shape.key_dim, 0, {}, scores.data(),
                    key_block);
    for (Index i = 0; i < rows; ++i) {
      const Scalar factor =
          add_block(mask, first + i, k, count, scale, scores.data() + i * key_block, running[i]);
      Scalar* o = sums + i * out.stride;
      if (k > 0 && factor != 1)
        for (Index d = 0; d < shape.value_dim; ++d) o[d] *= factor;
    }
    multiply_panels(rows, shape.value_dim, count, scores.data(), key_block, 1,
                    packed.values.data() + k * round_up(shape.value_dim, tile_columns), count, 0,
                    k > 0 ? Start{sums, out.stride} : Start{}, sums, out.stride);
  }
  for (Index i = 0; i < rows; ++i) {
    const Running& r = running[i];
    log_sum_exp[first + i] = r.sum > 0 ? r.most + log_one(r.sum) : minus_infinity;
    Scalar* o = sums + i * out.stride;
    for (Index d = 0; d < shape.value_dim && r.sum > 0; ++d) o[d] /= r.sum;
    if (r.sum != r.sum) std::fill_n(o, shape.value_dim, r.sum);
  }
}

}  // namespace

void attention_forward(const AttentionShape& shape, HeadsView query, HeadsView key, HeadsView value,
                       const AttentionMask& mask, Scalar scale, MutableHeadsView out,
                       Scalar* log_sum_exp) {
  parallel_for(shape.batch * shape.heads, head_grain(shape), [&](Index begin, Index end) {
    for (Index n = begin; n < end; ++n) {
      const Index b = n / shape.heads;
      const Index h = n % shape.heads;
      const HeadMask head_mask(mask, shape, b, h);
      const Index count = head_mask.end(shape.queries - 1);
      const PackedHead packed(shape, count, rows_of(key, b, h), rows_of(value, b, h));
      const Index blocks = (shape.queries + query_block - 1) / query_block;
      parallel_for(blocks, 1, [&](Index first, Index last) {
        for (Index q = first; q < last; ++q)
          attend(shape, head_mask, rows_of(query, b, h), packed, scale, rows_of(out, b, h),
                 log_sum_exp + n * shape.queries, q * query_block,
                 std::min(shape.queries, (q + 1) * query_block));
      });
    }
  });
}

}  // namespace gradus::kernels
