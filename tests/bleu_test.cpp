// BLEU. Wanted numbers come from the paper, from counting by hand, and from a program in Python
// that counts with collections.Counter and takes exp and log of the math module.

#include <doctest/doctest.h>
#include <gradus/bleu.h>

#include <cmath>

using namespace gradus;

namespace {

void check(const Bleu& given, std::initializer_list<std::int64_t> matches,
           std::initializer_list<std::int64_t> ngrams, std::int64_t reference_words) {
  for (std::size_t n = 0; n < 4; ++n) {
    CAPTURE(n);
    CHECK(given.matches[n] == matches.begin()[n]);
    CHECK(given.ngrams[n] == ngrams.begin()[n]);
  }
  CHECK(given.reference_words == reference_words);
}

}  // namespace

TEST_CASE("what BLEU counts of a sentence is what one counts by hand") {
  const Bleu given = bleu({"la casa roja es muy grande"}, {"la casa roja es grande"});
  check(given, {5, 3, 2, 1}, {6, 5, 4, 3}, 5);
  CHECK(given.brevity() == 1);
  CHECK(given.score() == doctest::Approx(std::pow(1 / 12.0, 0.25)));  // 5/6 · 3/5 · 2/4 · 1/3
  CHECK(bleu({"a b c d"}, {"a b c d"}).score() == 1);
}

TEST_CASE("a word matches no more often than the reference has it, as in the paper's example") {
  const Bleu given = bleu({"the the the the the the the"}, {"the cat is on the mat"});
  check(given, {2, 0, 0, 0}, {7, 6, 5, 4}, 6);
  check(bleu({"the cat"}, {"the the cat"}), {2, 1, 0, 0}, {2, 1, 0, 0}, 3);
}

TEST_CASE("BLEU of several sentences is of their counts together, not a mean of scores") {
  const Bleu given =
      bleu({"no compra la casa roja", "el perro come el el el", "veo al hombre alto en la calle"},
           {"ella no compra la casa roja", "el perro come el pan",
            "veo al hombre muy alto en la calle de mi casa"});
  check(given, {16, 12, 8, 4}, {18, 15, 12, 9}, 22);
  CHECK(given.brevity() == doctest::Approx(0.800737402916808).epsilon(1e-14));
  CHECK(given.score() == doctest::Approx(0.5425078627924088).epsilon(1e-14));
  CHECK(given.text() == "BLEU 0.5425 (16/18 12/15 8/12 4/9, brevity 0.8007)");
}

TEST_CASE("an n-gram matches in its own sentence only") {
  check(bleu({"a b", "c d"}, {"c d", "a b"}), {0, 0, 0, 0}, {4, 2, 0, 0}, 4);
}

TEST_CASE("without a match of some order the score is 0, and short translations are no error") {
  const Bleu shuffled = bleu({"b a d c"}, {"a b c d"});
  check(shuffled, {4, 0, 0, 0}, {4, 3, 2, 1}, 4);
  CHECK(shuffled.score() == 0);
  const Bleu brief = bleu({"la casa roja", ""}, {"la casa roja es grande", "no"});
  check(brief, {3, 2, 1, 0}, {3, 2, 1, 0}, 6);
  CHECK(brief.brevity() == doctest::Approx(0.36787944117144233).epsilon(1e-14));
  CHECK(brief.score() == 0);
  const Bleu nothing = bleu({" "}, {"no"});
  check(nothing, {0, 0, 0, 0}, {0, 0, 0, 0}, 1);
  CHECK(nothing.brevity() == 0);
  CHECK(nothing.score() == 0);
  CHECK(Bleu().score() == 0);
}

TEST_CASE("BLEU refuses lists of different sizes, no sentences, and a reference without words") {
  CHECK_THROWS_WITH_AS(bleu({"a"}, {"a", "b"}), doctest::Contains("bleu at tests/bleu_test.cpp:"),
                       Error);
  CHECK_THROWS_WITH_AS(bleu({"a"}, {"a", "b"}),
                       doctest::Contains("2 references need as many translations, not 1"), Error);
  CHECK_THROWS_WITH_AS(bleu({}, {}), doctest::Contains("there are no sentences"), Error);
  CHECK_THROWS_WITH_AS(bleu({"a"}, {}), doctest::Contains("there are no sentences"), Error);
  CHECK_THROWS_WITH_AS(bleu({"a", "a"}, {"a", " "}), doctest::Contains("reference 1 has no words"),
                       Error);
}
