// Shapes: sizes from either end, what they become, and how two of them broadcast.

#include "plain.h"

#include <doctest/doctest.h>
#include <gradus/shape.h>

using namespace gradus;

TEST_CASE("a shape knows its rank, its sizes from either end, and how many values it holds") {
  const Shape s{2, 3, 4};
  CHECK(s.rank() == 3);
  CHECK(s.size() == 24);
  CHECK(s[0] == 2);
  CHECK(s[1] == 3);
  CHECK(s[2] == 4);
  CHECK(s[-1] == 4);
  CHECK(s[-2] == 3);
  CHECK(s[-3] == 2);
  CHECK(Shape().rank() == 0);
  CHECK(Shape().size() == 1);
  CHECK(Shape{1, 2, 3, 4, 5, 6}[5] == 6);
  CHECK(Shape{1 << 20, 1 << 20}.size() == Index(1) << 40);
}

TEST_CASE("an axis is resized, removed or added at the end") {
  const Shape s{2, 3, 4};
  CHECK(s.with(0, 7) == Shape{7, 3, 4});
  CHECK(s.with(2, 7) == Shape{2, 3, 7});
  CHECK(s.with(-1, 7) == Shape{2, 3, 7});
  CHECK(s.with(-3, 7) == Shape{7, 3, 4});
  CHECK(s.without(0) == Shape{3, 4});
  CHECK(s.without(1) == Shape{2, 4});
  CHECK(s.without(-1) == Shape{2, 3});
  CHECK(s.without(-2) == Shape{2, 4});
  CHECK(Shape{5}.without(0) == Shape());
  CHECK(s.and_then(9) == Shape{2, 3, 4, 9});
  CHECK(Shape().and_then(9) == Shape{9});
  CHECK(s == Shape{2, 3, 4});  // none of these has changed it
  CHECK_THROWS_AS((Shape{1, 2, 3, 4, 5, 6}.and_then(7)), Error);
}

TEST_CASE("two shapes are equal if all sizes are") {
  CHECK(Shape{2, 3} == Shape{2, 3});
  CHECK(Shape{2, 3} != Shape{3, 2});
  CHECK(Shape{2, 3} != Shape{2, 4});
  CHECK(Shape{2, 3} != Shape{2, 3, 1});
  CHECK(Shape{1} != Shape{});
  CHECK_FALSE(Shape{2, 3} != Shape{2, 3});
  // What was cut off does not count.
  CHECK(Shape{2, 3, 4}.without(2) == Shape{2, 3});
}

TEST_CASE("shapes broadcast from the last axis: sizes that agree or are 1") {
  struct Pair {
    Shape a, b, both;
  };
  for (const Pair& p : {Pair{{}, {}, {}},
                        {{3}, {}, {3}},
                        {{2, 3}, {3}, {2, 3}},
                        {{2, 1}, {3}, {2, 3}},
                        {{2, 3, 1}, {1, 4}, {2, 3, 4}},
                        {{4, 1, 3, 1}, {2, 1, 5}, {4, 2, 3, 5}},
                        {{1}, {1}, {1}}}) {
    CHECK(broadcast(p.a, p.b) == p.both);
    CHECK(broadcast(p.b, p.a) == p.both);
    CHECK(clash(p.a, p.b) == "");
    CHECK(clash(p.b, p.a) == "");
  }
  const Index large = Index(1) << 40;
  REFUSED("Shape",
          "a tensor with as many values as [1099511627776, 1099511627776] does not fit in memory",
          broadcast({large, 1}, {1, large}));
  CHECK(clash({3}, {4}) == "sizes 3 and 4 differ");
  CHECK(clash({4}, {3}) == "sizes 4 and 3 differ");
  CHECK(clash({2, 3}, {5, 3}) == "sizes 2 and 5 differ");
  CHECK(clash({2, 3}, {2}) == "sizes 3 and 2 differ");
  CHECK(clash({7, 2, 3}, {2, 1, 1}) == "sizes 7 and 2 differ");
  CHECK(clash({2, 3}, {4, 5}) == "sizes 3 and 5 differ");  // the last one first
}
