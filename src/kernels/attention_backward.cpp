// Attention, backward. The weights p were not kept, but the log-sum-exp l of each query was, so
// p = e^(score - l) again. With o = Σ p v and the gradient do of o:
//
//   dv = Σ over queries of p do
//   dp = do · v
//   ds = p (dp - Σ over keys of p dp),   and Σ p dp = Σ p (do · v) = do · o, one number a query
//   dq = scale Σ over keys of ds k,      dk = scale Σ over queries of ds q
//
// With dropout, dv has p times the factor of each weight, dp = that factor times do · v, and
// Σ p dp is do · o as before.
//
// (Dao et al. 2022, appendix B.2.) Blocks of keys are gone through in order; for one block the
// weights of all queries are at hand (T × 128 numbers), so that dv and dk are one matrix product
// each and every sum has the same order however many threads there are.
//
// A query whose do is zero everywhere adds only zeros to dv and dk, and its dq is zero. Such
// queries are left out (busy_rows.h): "query n" below is the n-th of the others, and it stands at
// position[n].

#include "attention_head.h"
#include "busy_rows.h"
#include "math.h"
#include "rows.h"

#include <gradus/buffer.h>

#include <limits>

namespace gradus::kernels {

namespace {

constexpr Index depth_block = 384;  // queries at a time in the sums for dk and dv

// A copy of `right` (depth × columns) that multiply_panels can read.
Buffer packed(MatrixView right, Index depth, Index columns) {
  const Buffer copy(round_up(columns, tile_columns) * depth);
  pack(right, depth, columns, tile_columns, copy.data());
  return copy;
}

// The queries of a head that have a gradient, with what is needed of each, one after the other.
struct BusyQueries {
  std::vector<Index> position;
  Index count;
  Buffer query, dout, dquery;
  Buffer log_sum_exp, do_dot_o;      // one number each
  Buffer packed_query, packed_dout;  // as right sides of the products for dk and dv
};

BusyQueries busy_queries(const Head& head, Rows<const Scalar> out, const Scalar* log_sum_exp,
                         Rows<const Scalar> dout) {
  const RowsView query{head.query.values, head.query.stride, head.queries, head.key_dim};
  const RowsView gradient{dout.values, dout.stride, head.queries, head.value_dim};
  BusyQueries busy;
  busy.position =
      busy_rows(gradient, {query,
                           {head.key.values, head.key.stride, head.keys, head.key_dim},
                           {head.value.values, head.value.stride, head.keys, head.value_dim},
                           {out.values, out.stride, head.queries, head.value_dim}});
  busy.count = std::ssize(busy.position);
  busy.query = pick_rows(query, busy.position);
  busy.dout = pick_rows(gradient, busy.position);
  busy.dquery = Buffer(busy.count * head.key_dim);
  busy.packed_query = packed({busy.query.data(), head.key_dim, 1}, busy.count, head.key_dim);
  busy.packed_dout = packed({busy.dout.data(), head.value_dim, 1}, busy.count, head.value_dim);
  busy.log_sum_exp = pick_rows({log_sum_exp, 1, head.queries, 1}, busy.position);
  busy.do_dot_o = Buffer(busy.count);
  for (Index n = 0; n < busy.count; ++n)
    busy.do_dot_o.data()[n] = dot(busy.dout.data() + n * head.value_dim,
                                  out[busy.position[static_cast<std::size_t>(n)]], head.value_dim);
  return busy;
}

// A block of keys and values, packed for the three products that it is the right side of; and for
// each busy query the weights p and ds.
struct KeyBlock {
  Index first, count;
  Buffer keys_as_columns, values_as_columns, keys_as_rows;
};

KeyBlock packed_block(const Head& head, Index first, Index count) {
  const MatrixView keys = matrix(head.key, first);
  return {first, count, packed(keys.transposed(), head.key_dim, count),
          packed(matrix(head.value, first).transposed(), head.value_dim, count),
          packed(keys, count, head.key_dim)};
}

// From scores to weights, and from dp to scale · ds, for one query at position i.
void differentiate_row(const Head& head, const KeyBlock& block, Index i, Scalar log_sum_exp,
                       Scalar do_dot_o, Scalar* p, Scalar* ds) {
  const bool blind = log_sum_exp == -std::numeric_limits<Scalar>::infinity();
  const Index seen = blind ? 0 : std::clamp<Index>(head.end(i) - block.first, 0, block.count);
  for (Index j = 0; j < seen; ++j) p[j] = exp_one(p[j] * head.scale - log_sum_exp);
  if (head.mask.allowed)
    for (Index j = 0; j < seen; ++j)
      if (!head.allows(i, block.first + j)) p[j] = 0;
  if (head.dropping.rate > 0)
    for (Index j = 0; j < seen; ++j) {
      const Scalar kept = head.kept(i, block.first + j);
      ds[j] = p[j] * (kept * ds[j] - do_dot_o) * head.scale;
      p[j] *= kept;
    }
  else
    for (Index j = 0; j < seen; ++j) ds[j] = p[j] * (ds[j] - do_dot_o) * head.scale;
  std::fill(p + seen, p + block.count, Scalar(0));
  std::fill(ds + seen, ds + block.count, Scalar(0));
}

// p and ds (key_block to a row) of `rows` busy queries from `begin` on, and their part of dq.
void differentiate_block(const Head& head, const BusyQueries& busy, const KeyBlock& block,
                         Index begin, Index rows, Scalar* p, Scalar* ds) {
  const Index* position = busy.position.data() + begin;
  p += begin * key_block;
  ds += begin * key_block;
  if (head.end(position[rows - 1]) <= block.first) {  // no query here looks at this block
    std::fill_n(p, rows * key_block, Scalar(0));
    std::fill_n(ds, rows * key_block, Scalar(0));
    return;
  }
  const auto rows_from_begin = [&](const Buffer& x, Index columns) {
    return row_panels({x.data() + begin * columns, columns, 1});
  };
  multiply_panels({rows, block.count, head.key_dim}, rows_from_begin(busy.query, head.key_dim),
                  packed_columns(block.keys_as_columns.data(), head.key_dim), {p, key_block});
  multiply_panels({rows, block.count, head.value_dim}, rows_from_begin(busy.dout, head.value_dim),
                  packed_columns(block.values_as_columns.data(), head.value_dim), {ds, key_block});
  for (Index i = 0; i < rows; ++i)
    differentiate_row(head, block, position[i], busy.log_sum_exp.data()[begin + i],
                      busy.do_dot_o.data()[begin + i], p + i * key_block, ds + i * key_block);
  const Result dq{busy.dquery.data() + begin * head.key_dim, head.key_dim};
  multiply_panels({rows, head.key_dim, block.count}, row_panels({ds, key_block, 1}),
                  packed_columns(block.keys_as_rows.data(), block.count),
                  block.first > 0 ? dq.continued() : dq);
}

// The rows of the block in `to` (columns wide) = weightsᵀ · right, summed over the busy queries in
// order.
void sum_over_queries(const Head& head, const BusyQueries& busy, const KeyBlock& block,
                      const Buffer& weights, const Buffer& right, Index columns, Rows<Scalar> to) {
  Index start = 0;  // with a causal mask, earlier queries see nothing of this block
  while (start < busy.count &&
         head.end(busy.position[static_cast<std::size_t>(start)]) <= block.first)
    ++start;
  parallel_for((block.count + tile_rows - 1) / tile_rows, 4, [&](Index begin, Index end) {
    const Index row = begin * tile_rows;
    const Index rows = std::min(block.count, end * tile_rows) - row;
    const Result own{to[block.first + row], to.stride};
    for (Index q = start; q < busy.count; q += depth_block)
      multiply_panels({rows, columns, std::min(depth_block, busy.count - q)},
                      row_panels({weights.data() + q * key_block + row, 1, key_block}),
                      {right.data() + q * tile_columns, tile_columns, tile_columns * busy.count},
                      q > start ? own.continued() : own);
  });
}

// dq of the busy queries, and dk and dv of the keys that one of them looks at; returns how many.
Index differentiate_head(const Head& head, const BusyQueries& busy, Rows<Scalar> dkey,
                         Rows<Scalar> dvalue) {
  const Buffer p(busy.count * key_block);
  const Buffer ds(busy.count * key_block);
  const Index seen = busy.count ? head.end(busy.position.back()) : 0;
  if (seen == 0) std::fill_n(busy.dquery.data(), busy.dquery.size(), Scalar(0));
  for (Index first = 0; first < seen; first += key_block) {
    const KeyBlock block = packed_block(head, first, std::min(key_block, seen - first));
    for_each_block(busy.count, query_block, [&](Index begin, Index rows) {
      differentiate_block(head, busy, block, begin, rows, p.data(), ds.data());
    });
    sum_over_queries(head, busy, block, p, busy.packed_dout, head.value_dim, dvalue);
    sum_over_queries(head, busy, block, ds, busy.packed_query, head.key_dim, dkey);
  }
  return seen;
}

}  // namespace

void attention_backward(const AttentionInputs& inputs, HeadsView out, const Scalar* log_sum_exp,
                        HeadsView dout, const AttentionGradients& to) {
  const AttentionShape& shape = inputs.shape;
  for_each_head(shape, [&](Index b, Index h) {
    const Head head(inputs, b, h);
    const Rows<Scalar> dquery = to.dquery.of(b, h);
    const Rows<Scalar> dkey = to.dkey.of(b, h);
    const Rows<Scalar> dvalue = to.dvalue.of(b, h);
    const Scalar* own_sums = log_sum_exp + (b * shape.heads + h) * shape.queries;
    const BusyQueries busy = busy_queries(head, out.of(b, h), own_sums, dout.of(b, h));
    const Index seen = differentiate_head(head, busy, dkey, dvalue);
    put_rows(busy.dquery.data(), shape.key_dim, busy.position, dquery.values, dquery.stride,
             shape.queries);
    for (Index j = seen; j < shape.keys; ++j) {  // keys that nobody looks at
      std::fill_n(dkey[j], shape.key_dim, Scalar(0));
      std::fill_n(dvalue[j], shape.value_dim, Scalar(0));
    }
  });
}

}  // namespace gradus::kernels
