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
//
// A query whose do is zero everywhere adds only zeros to dv and dk, and its dq is zero. Such
// queries are left out (busy_rows.h): "query n" below is the n-th of the others.

#include "attention_block.h"
#include "busy_rows.h"
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

// The queries of a head that have a gradient, with what is needed of each, one after the other.
struct BusyQueries {
  explicit BusyQueries(const Head& head)
      : position(busy_rows(head.dout.values, head.dout.stride, head.shape.queries,
                           head.shape.value_dim)),
        count(static_cast<Index>(position.size())),
        query(pick_rows(head.query.values, head.query.stride, head.shape.key_dim, position)),
        dout(pick_rows(head.dout.values, head.dout.stride, head.shape.value_dim, position)),
        dquery(count * head.shape.key_dim),
        do_dot_o(count),
        packed_query(count * round_up(head.shape.key_dim, tile_columns)),
        packed_dout(count * round_up(head.shape.value_dim, tile_columns)) {
    const Index key_dim = head.shape.key_dim;
    const Index value_dim = head.shape.value_dim;
    pack_panels({query.data(), key_dim, 1}, count, key_dim, packed_query.data());
    pack_panels({dout.data(), value_dim, 1}, count, value_dim, packed_dout.data());
    for (Index n = 0; n < count; ++n)
      do_dot_o.data()[n] =
          dot(dout.data() + n * value_dim, head.out.values + at(n) * head.out.stride, value_dim);
  }
  Index at(Index n) const { return position[static_cast<std::size_t>(n)]; }

  std::vector<Index> position;  // of query n among all
  Index count;
  Buffer query, dout, dquery, do_dot_o;
  Buffer packed_query, packed_dout;  // as right sides of the products for dk and dv
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
void differentiate_block(const Head& head, const BusyQueries& queries, const PackedBlock& packed,
                         Index first, Index count, Index begin, Index end, Scalar* p, Scalar* ds) {
  const Index key_dim = head.shape.key_dim;
  const Index value_dim = head.shape.value_dim;
  const Index rows = end - begin;
  p += begin * key_block;
  ds += begin * key_block;
  if (head.mask.end(queries.at(end - 1)) <= first) {  // no query here looks at this block
    std::fill_n(p, rows * key_block, Scalar(0));
    std::fill_n(ds, rows * key_block, Scalar(0));
    return;
  }
  multiply_panels(rows, count, key_dim, queries.query.data() + begin * key_dim, key_dim, 1,
                  packed.keys_as_columns.data(), key_dim, 0, {}, p, key_block);
  multiply_panels(rows, count, value_dim, queries.dout.data() + begin * value_dim, value_dim, 1,
                  packed.values_as_columns.data(), value_dim, 0, {}, ds, key_block);
  for (Index i = 0; i < rows; ++i)
    differentiate_row(head, queries.at(begin + i), first, count, queries.do_dot_o.data()[begin + i],
                      p + i * key_block, ds + i * key_block);
  Scalar* dq = queries.dquery.data() + begin * key_dim;
  multiply_panels(rows, key_dim, count, ds, key_block, 1, packed.keys_as_rows.data(), count, 0,
                  first > 0 ? Start{dq, key_dim} : Start{}, dq, key_dim);
}

// to (count × columns) = weightsᵀ · right, summed over the queries in order.
void sum_over_queries(const Head& head, const BusyQueries& queries, Index first, Index count,
                      const Scalar* weights, const Buffer& right, Index columns, Rows<Scalar> to) {
  Index start = 0;  // with a causal mask, earlier queries see nothing of this block
  while (start < queries.count && head.mask.end(queries.at(start)) <= first) ++start;
  parallel_for((count + tile_rows - 1) / tile_rows, 4, [&](Index begin, Index end) {
    const Index row = begin * tile_rows;
    const Index rows = std::min(count, end * tile_rows) - row;
    Scalar* own = to.values + (first + row) * to.stride;
    for (Index q = start; q < queries.count; q += depth_block)
      multiply_panels(rows, columns, std::min(depth_block, queries.count - q),
                      weights + q * key_block + row, 1, key_block, right.data(), queries.count, q,
                      q > start ? Start{own, to.stride} : Start{}, own, to.stride);
  });
}

void differentiate_head(const Head& head) {
  const AttentionShape& shape = head.shape;
  const BusyQueries queries(head);
  const Buffer p(queries.count * key_block);
  const Buffer ds(queries.count * key_block);
  const Index seen = queries.count ? head.mask.end(queries.at(queries.count - 1)) : 0;
  if (seen <= 0) std::fill_n(queries.dquery.data(), queries.dquery.size(), Scalar(0));
  for (Index first = 0; first < seen; first += key_block) {
    const Index count = std::min(key_block, seen - first);
    const PackedBlock packed(head, first, count);
    parallel_for((queries.count + query_block - 1) / query_block, 1, [&](Index begin, Index end) {
      for (Index q = begin * query_block; q < std::min(queries.count, end * query_block);
           q += query_block)
        differentiate_block(head, queries, packed, first, count, q,
                            std::min(queries.count, q + query_block), p.data(), ds.data());
    });
    sum_over_queries(head, queries, first, count, p.data(), queries.packed_dout, shape.value_dim,
                     head.dvalue);
    sum_over_queries(head, queries, first, count, ds.data(), queries.packed_query, shape.key_dim,
                     head.dkey);
  }
  put_rows(queries.dquery.data(), shape.key_dim, queries.position, head.dquery.values,
           head.dquery.stride, shape.queries);
  for (Index j = std::max<Index>(seen, 0); j < shape.keys; ++j) {  // keys that nobody looks at
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
