#include "../src/kernels/matmul.h"

#include <doctest/doctest.h>
#include <gradus/random.h>
#include <gradus/threads.h>

#include <cstring>
#include <vector>

using namespace gradus;

namespace {

std::vector<Scalar> numbers(Index count, std::uint64_t seed) {
  Random random(seed);
  std::vector<Scalar> values;
  for (Index i = 0; i < count; ++i) values.push_back(random.uniform(-1, 1));
  return values;
}

enum class From { zero, bias, result };

bool same_bits(Index m, Index n, Index k, bool ta, bool tb, From from) {
  const std::vector<Scalar> a = numbers(m * k, 1);
  const std::vector<Scalar> b = numbers(k * n, 2);
  const kernels::MatrixView view_a{a.data(), ta ? 1 : k, ta ? m : 1};
  const kernels::MatrixView view_b{b.data(), tb ? 1 : n, tb ? k : 1};
  std::vector<Scalar> fast = numbers(m * n, 3);
  std::vector<Scalar> plain = fast;
  const std::vector<Scalar> bias = numbers(n, 4);
  const auto start_of = [&](const std::vector<Scalar>& c) {
    if (from == From::zero) return kernels::Start{};
    return from == From::bias ? kernels::Start{bias.data(), 0} : kernels::Start{c.data(), n};
  };
  kernels::matmul(m, n, k, view_a, view_b, start_of(fast), fast.data(), n);
  kernels::matmul_plain(m, n, k, view_a, view_b, start_of(plain), plain.data(), n);
  return std::memcmp(fast.data(), plain.data(), fast.size() * sizeof(Scalar)) == 0;
}

}  // namespace

TEST_CASE("the fast matrix product gives the bits of the plain loops") {
  const int before = threads();
  for (const int count : {1, 2, 3}) {
    set_threads(count);
    for (const bool ta : {false, true})
      for (const bool tb : {false, true})
        for (const From from : {From::zero, From::bias, From::result}) {
          CAPTURE(count);
          CAPTURE(ta);
          CAPTURE(tb);
          CAPTURE(static_cast<int>(from));
          CHECK(same_bits(7, 5, 0, ta, tb, from));
          CHECK(same_bits(1, 1, 1, ta, tb, from));
          CHECK(same_bits(7, 5, 3, ta, tb, from));
          CHECK(same_bits(63, 65, 33, ta, tb, from));
          CHECK(same_bits(121, 130, 385, ta, tb, from));
          CHECK(same_bits(13, 2050, 64, ta, tb, from));
        }
  }
  set_threads(before);
}
