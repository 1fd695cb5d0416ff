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
// Dropout of weights leaves s as it is, and multiplies the e^(score - m) that o is made of.
//
// The blocks are the same for every machine and number of threads, and so are the bits. Keys that
// the mask hides from all queries of a block are skipped; they would only add zeros.

#include "attention_head.h"
#include "math.h"
#include "rows.h"

#include <gradus/buffer.h>

#include <cmath>
#include <limits>
#include <vector>

namespace gradus::kernels {

namespace {

constexpr Index few_queries = 4;
constexpr Scalar minus_infinity = -std::numeric_limits<Scalar>::infinity();

// The largest score so far and the sum of one query; see above.
struct Running {
  Scalar most = minus_infinity;
  Scalar sum = 0;
};

// Turns the scores of query i for `count` keys from `first` on into e^(score - most), with `most`
// brought up to date; returns the factor for what was added up before.
Scalar add_block(const Head& head, Index i, Index first, Index count, Scalar* scores,
                 Running& running) {
  const Index seen = std::clamp<Index>(head.end(i) - first, 0, count);
  for (Index j = 0; j < seen; ++j) scores[j] *= head.scale;
  if (head.mask.allowed)
    for (Index j = 0; j < seen; ++j)
      if (!head.allows(i, first + j)) scores[j] = minus_infinity;
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
  if (head.dropping.rate > 0)
    for (Index j = 0; j < seen; ++j) scores[j] *= head.kept(i, first + j);
  return factor;
}

// out = o / s, and log Σ e^score = m + log s.
void finish_query(const Head& head, Index i, Running running, Scalar* out, Scalar* log_sum_exp) {
  if (running.sum == 0) {  // no key was seen, or the scores of all were -∞
    bool sees = false;
    for (Index j = 0; j < head.end(i); ++j) sees |= head.allows(i, j);
    running.sum = sees ? std::numeric_limits<Scalar>::quiet_NaN() : 0;
    std::fill_n(out, head.value_dim, running.sum);
  }
  *log_sum_exp = running.most + log_one(running.sum);
  for (Index d = 0; d < head.value_dim && running.sum != 0; ++d) out[d] /= running.sum;
}

// Few queries, such as the one of a text's newest word, use the keys too little to pay for a copy
// that puts them as columns: eight sums at a time are under way without. As everywhere, each is
// made in order.
void multiply_few(const Head& head, Index i, Index first, Index count, Scalar* scores) {
  constexpr Index together = 8;
  const Scalar* query = head.query[i];
  for (Index j = 0; j < count; j += together) {
    const Scalar* keys[together];
    for (Index n = 0; n < together; ++n) keys[n] = head.key[first + std::min(j + n, count - 1)];
    Scalar sums[together] = {};
    for (Index d = 0; d < head.key_dim; ++d)
      for (Index n = 0; n < together; ++n) sums[n] = std::fma(query[d], keys[n][d], sums[n]);
    std::copy_n(sums, std::min(together, count - j), scores + j);
  }
}

// Keys and values of one head, packed once for all its queries: of each block, the keys as columns
// and the values as rows. Not for few queries; values that make whole vectors are read where they
// are then.
struct PackedHead {
  explicit PackedHead(const Head& of)
      : head(of),
        count(of.end(of.queries - 1)),
        few(of.queries <= few_queries && of.value_dim % vector_width == 0),
        packed_keys(few ? 0 : round_up(count, key_block) * of.key_dim),
        packed_values(few ? 0 : round_up(count, key_block) * round_up(of.value_dim, tile_columns)) {
    if (few) return;
    for_each_block(count, key_block, [&](Index first, Index size) {
      pack(matrix(head.key, first).transposed(), head.key_dim, size, tile_columns, keys(first));
      pack(matrix(head.value, first), size, head.value_dim, tile_columns, values(first));
    });
  }
  // The block of keys from `first` on.
  Scalar* keys(Index first) const { return packed_keys.data() + first * head.key_dim; }
  Scalar* values(Index first) const {
    return packed_values.data() + first * round_up(head.value_dim, tile_columns);
  }

  const Head& head;
  Index count;
  bool few;
  Buffer packed_keys, packed_values;
};

// The `rows` queries of one head from `first` on.
void attend(const PackedHead& packed, Index first, Index rows, Rows<Scalar> out,
            Scalar* log_sum_exp) {
  const Head& head = packed.head;
  const Buffer scores(rows * key_block);
  const RowPanels query = row_panels(matrix(head.query, first));
  const RowPanels weights = row_panels({scores.data(), key_block, 1});
  const Result sums{out[first], out.stride};
  Running running[query_block];
  for (Index k = 0; k < head.end(first + rows - 1); k += key_block) {
    const Index count = std::min(key_block, packed.count - k);
    if (packed.few)
      for (Index i = 0; i < rows; ++i)
        multiply_few(head, first + i, k, count, scores.data() + i * key_block);
    else
      multiply_panels({rows, count, head.key_dim}, query,
                      packed_columns(packed.keys(k), head.key_dim), {scores.data(), key_block});
    for (Index i = 0; i < rows; ++i) {
      const Scalar factor =
          add_block(head, first + i, k, count, scores.data() + i * key_block, running[i]);
      for (Index d = 0; d < head.value_dim && k > 0 && factor != 1; ++d)
        out[first + i][d] *= factor;
    }
    multiply_panels({rows, head.value_dim, count}, weights,
                    packed.few ? ColumnPanels{head.value[k], head.value.stride, tile_columns}
                               : packed_columns(packed.values(k), count),
                    k > 0 ? sums.continued() : sums);
  }
  for (Index i = 0; i < rows; ++i)
    finish_query(head, first + i, running[i], out[first + i], log_sum_exp + first + i);
}

}  // namespace

void attention_forward(const AttentionInputs& inputs, MutableHeadsView out, Scalar* log_sum_exp) {
  for_each_head(inputs.shape, [&](Index b, Index h) {
    const Head head(inputs, b, h);
    const PackedHead packed(head);
    Scalar* own_sums = log_sum_exp + (b * head.heads + h) * head.queries;
    for_each_block(head.queries, query_block, [&](Index first, Index rows) {
      attend(packed, first, rows, out.of(b, h), own_sums);
    });
  });
}

void attention_weights(const AttentionInputs& inputs, Index b, Index h, Index i, Scalar* weights) {
  const Head head(inputs, b, h);
  std::vector<std::uint8_t> allowed;
  for (Index j = 0; j < inputs.shape.keys; ++j) {
    weights[j] = head.scale * dot(head.query[i], head.key[j], head.key_dim);
    allowed.push_back(head.allows(i, j));
  }
  masked_softmax(weights, allowed.data(), 1, inputs.shape.keys, weights);
}

}  // namespace gradus::kernels
