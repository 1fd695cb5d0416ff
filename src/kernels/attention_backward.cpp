// Attention, backward. The weights p were not kept, but the log-sum-exp l of each query was, so
// p = e^(score - l) again. With o = Σ p v and the gradient do of o:
//
//   dv = Σ over queries of p do
//   dp = do · v
//   ds = p (dp - Σ over keys of p dp),   and Σ p dp = Σ p (do · v) = do · o, one number a query
//   dq = scale Σ over keys of ds k,      dk = scale Σ over queries of ds q
//
// (Dao et al. 2022, appendix B.2.) Blocks of keys are gone through in order; for one block the
// weights of all queries are at hand (T × 128 numbers), so that dv and dk are one matrix product
// each and every sum has the same order however many threads there are.

#include "attention_block.h"
#include "math.h"
#include "rows.h"
#include "threads.h"
#include "tile.h"

#include <gradus/buffer.h>

#include <limits>

namespace gradus::kernels {

namespace {

constexpr Index depth_block = 384;  // queries at a time in the sums for dk and dv

struct Head {
  const AttentionShape& shape;
  HeadMask mask;
  Scalar scale;
  Rows<const Scalar> query, key, value, out, dout;
  Rows<Scalar> dquery, dkey, dvalue;
  const Scalar* log_sum_exp;
};

// A block of keys and values, packed for the three products that it is the right side of.
struct PackedBlock {
  PackedBlock(const Head& head, Index first, Index count)
      : keys_as_columns(round_up(count, tile_columns) * head.shape.key_dim),
        values_as_columns(round_up(count, tile_columns) * head.shape.value_dim),
        keys_as_rows(count * round_up(head.shape.key_dim, tile_columns)) {
    const Scalar* k = head.key.values + first * head.key.stride;
    const Scalar* v = head.value.values + first * head.value.stride;
    pack_panels({k, 1, head.key.stride}, head.shape.key_dim, count, keys_as_columns.data());
    pack_panels({v, 1, head.value.stride}, head.shape.value_dim, count, values_as_columns.data());
    pack_panels({k, head.key.stride, 1}, count, head.shape.key_dim, keys_as_rows.data());
  }
  Buffer keys_as_columns, values_as_columns, keys_as_rows;
};

// From scores to weights, and from dp to scale · ds, for one query and a block of keys.
void differentiate_row(const Head& head, Index i, Index first, Index count, Scalar do_dot_o,
                       Scalar* p, Scalar* ds) {
  const HeadMask& mask = head.mask;
  const Scalar lse = head.log_sum_exp[i];
  const bool blind = lse == -std::numeric_limits<Scalar>::infinity();
  const Index seen = blind ? 0 : std::clamp<Index>(mask.end(i) - first, 0, count);
  const Scalar scale = head.scale;
  for (Index j = 0; j < seen; ++j) p[j] = exp_one(p[j] * scale - lse);
  if (mask.allowed)
    for (Index j = 0; j < seen; ++j)
      if (!mask.allows(i, first + j)) p[j] = 0;
  for (Index j = 0; j < seen; ++j) ds[j] = p[j] * (ds[j] - do_dot_o) * scale;
  std::fill(p + seen, p + count, Scalar(0));
  std::fill(ds + seen, ds + count, Scalar(0));
}

// p and ds of the queries `begin` … `end` for one block of keys, and their part of dq.
void differentiate_block(const Head& head, const PackedBlock& packed, const Scalar* do_dot_o,
                         Index first, Index count, Index begin, Index end, Scalar* p, Scalar* ds) {
  const AttentionShape& shape = head.shape;
  const Index rows = end - begin;
  p += begin * key_block;
  ds += begin * key_block;
  Scalar* dq = head.dquery.values + begin * head.dquery.stride;
  if (head.mask.end(end - 1) <= first) {  // no query here looks at this block
    std::fill_n(p, rows * key_block, Scalar(0));
    std::fill_n(ds, rows * key_block, Scalar(0));
    return;
  }
  multiply_panels(rows, count, shape.key_dim, head.query.values + begin * head.query.stride,
                  head.query.stride, 1, packed.keys_as_columns.data(), shape.key_dim, 0, {}, p,
                  key_block);
  multiply_panels(rows, count, shape.value_dim, head.dout.values + begin * head.dout.stride,
                  head.dout.stride, 1, packed.values_as_columns.data(), shape.value_dim, 0, {}, ds,
                  key_block);
  for (Index i = 0; i < rows; ++i)
    differentiate_row(head, begin + i, first, count, do_dot_o[begin + i], p + i * key_block,
                      ds + i * key_block);
  multiply_panels(rows, shape.key_dim, count, ds, key_block, 1, packed.keys_as_rows.data(), count,
                  0, first > 0 ? Start{dq, head.dquery.stride} : Start{}, dq, head.dquery.stride);
}

// to (count × columns) = weightsᵀ · right, summed over all queries in order.
void sum_over_queries(const Head& head, Index first, Index count, const Scalar* weights,
                      const Buffer& right, Index columns, Rows<Scalar> to) {
  const Index queries = head.shape.queries;
  const Index start = head.mask.causal ? std::min(queries, first) : 0;  // earlier ones see nothing
  parallel_for((count + tile_rows - 1) / tile_rows, 4, [&](Index begin, Index end) {
    const Index row = begin * tile_rows;
    const Index rows = std::min(count, end * tile_rows) - row;
    Scalar* own = to.values + (first + row) * to.stride;
    for (Index q = start; q < queries; q += depth_block)
      multiply_panels(rows, columns, std::min(depth_block, queries - q),
                      weights + q * key_block + row, 1, key_block, right.data(), queries, q,
                      q > start ? Start{own, to.stride} : Start{}, own, to.stride);
  });
}

void differentiate_head(const Head& head) {
  const AttentionShape& shape = head.shape;
  const Index queries = shape.queries;
  const Buffer p(queries * key_block);
  const Buffer ds(queries * key_block);
  const Buffer do_dot_o(queries);
  const Buffer packed_query(queries * round_up(shape.key_dim, tile_columns));
  const Buffer packed_dout(queries * round_up(shape.value_dim, tile_columns));
  pack_panels({head.query.values, head.query.stride, 1}, queries, shape.key_dim,
              packed_query.data());
  pack_panels({head.dout.values, head.dout.stride, 1}, queries, shape.value_dim,
              packed_dout.data());
  for (Index i = 0; i < queries; ++i) {
    do_dot_o.data()[i] = dot(head.dout.values + i * head.dout.stride,
                             head.out.values + i * head.out.stride, shape.value_dim);
  }
  const Index seen = head.mask.end(queries - 1);
  for (Index i = 0; i < queries && seen == 0; ++i)
    std::fill_n(head.dquery.values + i * head.dquery.stride, shape.key_dim, Scalar(0));
  for (Index first = 0; first < seen; first += key_block) {
    const Index count = std::min(key_block, seen - first);
    const PackedBlock packed(head, first, count);
    parallel_for((queries + query_block - 1) / query_block, 1, [&](Index begin, Index end) {
      for (Index q = begin * query_block; q < std::min(queries, end * query_block);
           q += query_block)
        differentiate_block(head, packed, do_dot_o.data(), first, count, q,
                            std::min(queries, q + query_block), p.data(), ds.data());
    });
    sum_over_queries(head, first, count, p.data(), packed_dout, shape.value_dim, head.dvalue);
    sum_over_queries(head, first, count, ds.data(), packed_query, shape.key_dim, head.dkey);
  }
  for (Index j = seen; j < shape.keys; ++j) {  // keys that nobody may look at
    std::fill_n(head.dkey.values + j * head.dkey.stride, shape.key_dim, Scalar(0));
    std::fill_n(head.dvalue.values + j * head.dvalue.stride, shape.value_dim, Scalar(0));
  }
}

}  // namespace

void attention_backward(const AttentionShape& shape, HeadsView query, HeadsView key,
                        HeadsView value, const AttentionMask& mask, Scalar scale, HeadsView out,
                        const Scalar* log_sum_exp, HeadsView dout, MutableHeadsView dquery,
                        MutableHeadsView dkey, MutableHeadsView dvalue) {
  parallel_for(shape.batch * shape.heads, head_grain(shape), [&](Index begin, Index end) {
    for (Index n = begin; n < end; ++n) {
      const Index b = n / shape.heads;
      const Index h = n % shape.heads;
      differentiate_head({shape, HeadMask(mask, shape, b, h), scale, rows_of(query, b, h),
                          rows_of(key, b, h), rows_of(value, b, h), rows_of(out, b, h),
                          rows_of(dout, b, h), rows_of(dquery, b, h), rows_of(dkey, b, h),
                          rows_of(dvalue, b, h), log_sum_exp + n * shape.queries});
    }
  });
}

}  // namespace gradus::kernels
