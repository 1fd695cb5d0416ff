// The attention of kernels: blocks of queries and keys, threads, strides, and what is left out.

#include "../src/kernels/attention.h"
#include "../src/kernels/busy_rows.h"

#include <doctest/doctest.h>
#include <gradus/random.h>
#include <gradus/threads.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>
#include <vector>

using namespace gradus;
using namespace gradus::kernels;

namespace {

using Values = std::vector<Scalar>;

constexpr Scalar not_a_number = std::numeric_limits<Scalar>::quiet_NaN();
constexpr Scalar gap = Scalar(-77);  // between the tokens of an operand; stays as it is

// An operand [batch, tokens, heads, dim], or [batch, heads, tokens, dim], with a gap after each
// row.
struct Operand {
  Operand(Index batch, Index heads, Index tokens, Index dim, bool heads_first, std::uint64_t seed)
      : head(heads_first ? tokens * (dim + 1) : dim + 1),
        token(heads_first ? dim + 1 : heads * (dim + 1)),
        sequence(heads * tokens * (dim + 1)),
        values(static_cast<std::size_t>(batch * sequence), gap) {
    Random random(seed);
    for (Index b = 0; b < batch; ++b)
      for (Index h = 0; h < heads; ++h)
        for (Index t = 0; t < tokens; ++t)
          for (Index d = 0; d < dim; ++d) at(b, h, t)[d] = random.uniform(-1, 1);
  }
  Scalar* at(Index b, Index h, Index t) { return view().of(b, h)[t]; }
  MutableHeadsView view() { return {values.data(), sequence, token, head}; }
  HeadsView view() const { return {values.data(), sequence, token, head}; }
  bool operator==(const Operand& other) const { return values == other.values; }

  Index head, token, sequence;
  Values values;
};

struct Problem {
  Problem(const AttentionShape& of, bool heads_first)
      : shape(of),
        query(of.batch, of.heads, of.queries, of.key_dim, heads_first, 1),
        key(of.batch, of.heads, of.keys, of.key_dim, heads_first, 2),
        value(of.batch, of.heads, of.keys, of.value_dim, heads_first, 3),
        dout(of.batch, of.heads, of.queries, of.value_dim, heads_first, 4) {}
  AttentionInputs inputs() const {
    const Operand& q = query;
    const Operand& k = key;
    const Operand& v = value;
    return {shape, q.view(), k.view(), v.view(), mask, Scalar(0.9)};
  }
  AttentionShape shape;
  Operand query, key, value, dout;
  AttentionMask mask{};
};

// What came out: out, log Σ e^score and the three gradients.
struct Results {
  explicit Results(const Problem& p)
      : out(p.dout),
        dquery(p.query),
        dkey(p.key),
        dvalue(p.value),
        log_sum_exp(static_cast<std::size_t>(p.shape.batch * p.shape.heads * p.shape.queries)) {}
  bool operator==(const Results&) const = default;
  Operand out, dquery, dkey, dvalue;
  Values log_sum_exp;
};

Results computed(const Problem& p) {
  Results r(p);
  const Operand& out = r.out;
  const Operand& dout = p.dout;
  attention_forward(p.inputs(), r.out.view(), r.log_sum_exp.data());
  attention_backward(p.inputs(), out.view(), r.log_sum_exp.data(), dout.view(),
                     {r.dquery.view(), r.dkey.view(), r.dvalue.view()});
  return r;
}

void check_near(const Operand& ours, const Values& wanted) {
  REQUIRE(ours.values.size() == wanted.size());
  for (std::size_t i = 0; i < wanted.size(); ++i)
    if (!(std::fabs(ours.values[i] - wanted[i]) <= Scalar(2e-5))) {
      FAIL_CHECK("number ", i, " is ", ours.values[i], " instead of ", wanted[i]);
      return;
    }
}

// What comes out, and the gradients, by the equations, in double, from the plain weights.
void check_equations(const Problem& p, const Results& r) {
  const AttentionShape& s = p.shape;
  Values wanted[4] = {r.dquery.values, r.dkey.values, r.dvalue.values, r.out.values};
  std::vector<double> sums[4];
  for (int i = 0; i < 4; ++i) sums[i].assign(wanted[i].size(), 0);
  const AttentionInputs in = p.inputs();
  const Operand& query = p.query;
  const Operand& key = p.key;
  const Operand& value = p.value;
  const Operand& dout = p.dout;
  const auto offset = [](const Operand& x, Index b, Index h, Index t) {
    return static_cast<std::size_t>(x.view().of(b, h)[t] - x.values.data());
  };
  Values weights(static_cast<std::size_t>(s.keys));
  for (Index b = 0; b < s.batch; ++b)
    for (Index h = 0; h < s.heads; ++h)
      for (Index i = 0; i < s.queries; ++i) {
        attention_weights(in, b, h, i, weights.data());
        std::vector<double> dp(weights.size());
        double mean = 0;
        for (Index j = 0; j < s.keys; ++j) {
          const auto n = static_cast<std::size_t>(j);
          for (Index d = 0; d < s.value_dim; ++d)
            dp[n] += static_cast<double>(dout.view().of(b, h)[i][d]) *
                     static_cast<double>(value.view().of(b, h)[j][d]);
          mean += dp[n] * static_cast<double>(weights[n]);
        }
        for (Index j = 0; j < s.keys; ++j) {
          const auto n = static_cast<std::size_t>(j);
          const double w = static_cast<double>(weights[n]);
          const double ds = w * (dp[n] - mean) * static_cast<double>(in.scale);
          for (Index d = 0; d < s.key_dim; ++d) {
            const auto e = static_cast<std::size_t>(d);
            sums[0][offset(query, b, h, i) + e] +=
                ds * static_cast<double>(key.view().of(b, h)[j][d]);
            sums[1][offset(key, b, h, j) + e] +=
                ds * static_cast<double>(query.view().of(b, h)[i][d]);
          }
          for (Index d = 0; d < s.value_dim; ++d) {
            const auto e = static_cast<std::size_t>(d);
            sums[2][offset(value, b, h, j) + e] +=
                w * static_cast<double>(dout.view().of(b, h)[i][d]);
            sums[3][offset(dout, b, h, i) + e] +=
                w * static_cast<double>(value.view().of(b, h)[j][d]);
          }
        }
      }
  const Operand* operands[4] = {&query, &key, &value, &dout};
  for (int i = 0; i < 4; ++i)
    for (std::size_t n = 0; n < wanted[i].size(); ++n)
      wanted[i][n] = operands[i]->values[n] == gap ? gap : static_cast<Scalar>(sums[i][n]);
  check_near(r.dquery, wanted[0]);
  check_near(r.dkey, wanted[1]);
  check_near(r.dvalue, wanted[2]);
  check_near(r.out, wanted[3]);
}

// The fast attention against the equations, with 1, 2 and 3 threads.
void check_attention(const Problem& p) {
  CAPTURE(p.shape.queries);
  CAPTURE(p.shape.keys);
  const int before = threads();
  set_threads(1);
  const Results one = computed(p);
  check_equations(p, one);
  for (const int count : {2, 3}) {
    set_threads(count);
    CHECK(computed(p) == one);
  }
  set_threads(before);
}

}  // namespace

TEST_CASE("attention in blocks is the plain attention, one more and one less than whole blocks") {
  for (const Index keys : {1, 7, 63, 65, 127, 128, 129, 257})
    for (const Index queries : {1, 5, 95, 96, 97}) {
      Problem p({1, 2, queries, keys, 5, 3}, keys % 2 == 0);
      check_attention(p);
      p.mask.causal = queries <= keys;
      if (p.mask.causal) check_attention(p);
    }
  for (const Index queries : {383, 385})  // the sums for keys and values go in blocks as well
    check_attention(Problem({1, 1, queries, 130, 17, 33}, false));
  check_attention(Problem({3, 5, 9, 11, 65, 7}, true));  // a head for each thread
}

// Few queries read keys and values where they are, many read copies.
TEST_CASE("what a query gets does not depend on how many others there are, to the bit") {
  for (const Index keys : {1, 7, 8, 9, 127, 128, 129, 300})
    for (const bool heads_first : {false, true}) {
      const Problem all({2, 2, 10, keys, 5, 32}, heads_first);
      const Results of_all = computed(all);
      for (const Index queries : {1, 2, 4, 5}) {
        Problem some({2, 2, queries, keys, 5, 32}, heads_first);
        for (Index row = 0; row < 4 * queries; ++row)
          std::copy_n(all.query.view().of(row / 2 % 2, row % 2)[row / 4], 5,
                      some.query.at(row / 2 % 2, row % 2, row / 4));
        const Results r = computed(some);
        const Operand &out = r.out, &wanted = of_all.out;
        CAPTURE(keys);
        CAPTURE(queries);
        for (Index row = 0; row < 4 * queries; ++row) {
          const Index b = row / 2 % 2, h = row % 2, i = row / 4;
          CHECK(std::equal(out.view().of(b, h)[i], out.view().of(b, h)[i] + 32,
                           wanted.view().of(b, h)[i]));
          CHECK(r.log_sum_exp[static_cast<std::size_t>((b * 2 + h) * queries + i)] ==
                of_all.log_sum_exp[static_cast<std::size_t>((b * 2 + h) * 10 + i)]);
        }
      }
    }
}

TEST_CASE("attention skips what a mask hides, and the plain one hides the same") {
  for (const bool heads_first : {false, true}) {
    Problem p({2, 3, 140, 150, 6, 10}, heads_first);
    const int lengths[] = {150, 129};
    const int short_lengths[] = {0, 9};
    std::vector<std::uint8_t> allowed(2 * 3 * 140 * 150);
    for (std::size_t i = 0; i < allowed.size(); ++i) allowed[i] = i % 7 != 2 && i / 150 % 11 != 4;
    for (const int* padding : {static_cast<const int*>(nullptr), lengths, short_lengths})
      for (const bool causal : {false, true})
        for (const bool explicitly : {false, true}) {
          p.mask = {
              padding, causal, explicitly ? allowed.data() : nullptr, 3 * 140 * 150, 140 * 150,
              150,     1};
          check_attention(p);
        }
    p.mask = {nullptr, false, allowed.data(), 0, 150, 0, 1};  // by head and key alone
    check_attention(p);
    p.mask = {nullptr, false, allowed.data(), 140, 0, 1, 0};  // by sequence and query alone
    check_attention(p);
  }
}

TEST_CASE("queries that may look at nothing give zeros and no gradient") {
  Problem p({1, 1, 3, 4, 2, 2}, false);
  const std::uint8_t allowed[] = {1, 0, 1, 1, 0, 0, 0, 0, 0, 1, 0, 0};
  p.mask = {nullptr, false, allowed, 0, 0, 4, 1};
  const Results r = computed(p);
  for (Index d = 0; d < 2; ++d) {
    CHECK(r.out.view().of(0, 0)[1][d] == 0);
    CHECK(r.dquery.view().of(0, 0)[1][d] == 0);
  }
  CHECK(r.log_sum_exp[1] == -std::numeric_limits<Scalar>::infinity());
  check_attention(p);
}

TEST_CASE("queries without a gradient are left out, with the same result") {
  Problem p({1, 2, 300, 140, 5, 4}, true);
  for (const bool causal : {false, true}) {
    p.mask.causal = causal;
    if (causal) p = Problem({1, 2, 140, 140, 5, 4}, true), p.mask.causal = true;
    for (Index t = 0; t < p.shape.queries; ++t)
      for (Index h = 0; h < 2; ++h)
        if (t % 5 != 2 || t > 120)
          for (Index d = 0; d < 4; ++d) p.dout.at(0, h, t)[d] = 0;
    check_attention(p);
  }
  for (Scalar& x : p.dout.values)
    if (x != gap) x = 0;
  check_attention(p);
}

TEST_CASE("attention loses nothing that is not a number, though its gradient be zero") {
  for (int bad = 0; bad < 3; ++bad)
    for (const Scalar value : {not_a_number, std::numeric_limits<Scalar>::infinity()}) {
      CAPTURE(bad);
      CAPTURE(value);
      Problem p({1, 1, 6, 140, 3, 2}, false);
      for (Index d = 0; d < 2; ++d) p.dout.at(0, 0, 4)[d] = 0;
      if (bad == 0) p.query.at(0, 0, 4)[1] = value;
      if (bad == 1) p.key.at(0, 0, 135)[1] = value;
      if (bad == 2) p.value.at(0, 0, 135)[1] = value;
      const Results r = computed(p);
      const auto is_lost = [](const Scalar* x) {
        return std::isfinite(x[0]) && std::isfinite(x[1]);
      };
      CHECK_FALSE(is_lost(r.out.view().of(0, 0)[4]));
      // weights that are not a number, times 0, are none either; nor is 0 times a bad value
      CHECK_FALSE(is_lost(r.dquery.view().of(0, 0)[4]));
      if (bad < 2) CHECK_FALSE(is_lost(r.dvalue.view().of(0, 0)[0]));
      if (bad < 2) CHECK_FALSE(is_lost(r.dkey.view().of(0, 0)[0]));
    }
}

TEST_CASE("scores that are all minus infinity give what is not a number, some of them no weight") {
  Problem p({1, 1, 2, 131, 1, 1}, false);
  for (Index j = 0; j < 131; ++j) p.key.at(0, 0, j)[0] = std::numeric_limits<Scalar>::max();
  p.query.at(0, 0, 0)[0] = -std::numeric_limits<Scalar>::max();
  p.query.at(0, 0, 1)[0] = 0;
  Results r = computed(p);
  CHECK(std::isnan(r.out.view().of(0, 0)[0][0]));
  CHECK(std::isnan(r.log_sum_exp[0]));
  CHECK(std::isnan(r.dvalue.view().of(0, 0)[7][0]));
  CHECK(std::isfinite(r.out.view().of(0, 0)[1][0]));
  Values weights(131);
  attention_weights(p.inputs(), 0, 0, 0, weights.data());
  CHECK(std::isnan(weights[7]));
  p.key.at(0, 0, 129)[0] = 0;  // the only finite score, in the second block
  r = computed(p);
  CHECK(r.out.view().of(0, 0)[0][0] == p.value.at(0, 0, 129)[0]);
  CHECK(r.log_sum_exp[0] == 0);
}

TEST_CASE("busy rows are those that are not zero, and all where a zero times others is not zero") {
  const Scalar x[] = {0, 0, 7, 0, 1, 7, 0, 0, 7, -1, 0, 7, not_a_number, 0, 7};  // 5 × 2, 3 apart
  const Scalar others[] = {1, not_a_number, 2, 3};
  const RowsView rows{x, 3, 5, 2};
  const std::vector<Index> busy{1, 3, 4};
  const std::vector<Index> all{0, 1, 2, 3, 4};
  CHECK(busy_rows(rows, {}) == busy);
  CHECK(busy_rows(rows, {{others + 2, 1, 2, 1}}) == busy);
  CHECK(busy_rows(rows, {{others, 2, 2, 1}}) == busy);  // the second of each row is not looked at
  CHECK(busy_rows(rows, {{others, 2, 2, 2}}) == all);
  CHECK(busy_rows(rows, {{others + 2, 1, 2, 1}, {others, 4, 1, 4}}) == all);
  const Scalar infinite = -std::numeric_limits<Scalar>::infinity();
  CHECK(busy_rows(rows, {{&infinite, 1, 1, 1}}) == all);
  CHECK(busy_rows({x + 3, 6, 2, 2}, {{others, 4, 1, 4}}) == std::vector<Index>{0, 1});

  const Buffer picked = pick_rows({x, 3, 5, 2}, {1, 3});
  CHECK(Values(picked.data(), picked.data() + 4) == Values{0, 1, -1, 0});
  Values to(15, gap);
  put_rows(picked.data(), 2, {1, 3}, to.data(), 3, 5);
  CHECK(to == Values{0, 0, gap, 0, 1, gap, 0, 0, gap, -1, 0, gap, 0, 0, gap});
}
