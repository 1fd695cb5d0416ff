// What judges exercises: the items that travel, the file of an author's mistakes, the marks, the
// verdict and its words. (tests/exercises_test.sh tries the whole, `make prove` each exercise.)

#include <doctest/doctest.h>

#include "../lessons/exercises/judging.h"
#include "../lessons/exercises/source.h"
#include "folder.h"
#include "plain.h"

#include <limits>

using namespace gradus;
using plain::refusal;

namespace {

constexpr double not_a_number = std::numeric_limits<double>::quiet_NaN();
constexpr double infinity = std::numeric_limits<double>::infinity();

// A tensor [2, 2] with this name.
Item square(const std::string& kind, const std::string& name, const std::vector<double>& values) {
  Item item = item_of(kind, name, values);
  item.sizes = {2, 2};
  return item;
}
Outcome out(const std::vector<double>& values) {
  return {square("answer", "out", values)};
}

// Three cases whose right answers are 1 2 3 4; two mistakes, which differ in the second case only.
CaseFile three_cases() {
  CaseFile file;
  file.notes = {item_of("hint", "", "look"), item_of("mistake", "lesson 1", "doubled"),
                item_of("mistake", "", "doubled or zero")};
  for (const char* name : {"first", "second", "third"}) {
    Question& question = file.questions.emplace_back();
    question.given.name = name;
    question.given.group = question.given.name == "third" ? "late" : "early";
    question.given.points = question.given.name == "third" ? 3 : 2;
    question.given.give("x", 5).give("text", "two\nlines");
    question.right = out({1, 2, 3, 4});
    question.wrong = {out({2, 4, 6, 8}), out({2, 4, 6, 8})};
  }
  file.questions[1].wrong[1] = out({0, 0, 0, 0});
  return file;
}

Source source_of(const std::string& text) {
  const Folder folder;
  write_file(folder.path + "/test.cpp", text);
  Source source = read_source(folder.path + "/test.cpp");
  source.path = "test.cpp";
  return source;
}
Mistakes mistakes_of(const std::string& text) {
  const Folder folder;
  write_file(folder.path + "/test.mistakes", text);
  return read_mistakes(folder.path + "/test.mistakes");
}
const char* const exercise = "int f() {\n  //> yours  todo();\n  return 1 +\n      2;\n  //<\n}\n";

}  // namespace

TEST_SUITE("exercises") {
  TEST_CASE("items come back as they were, and text that is no item is refused") {
    const std::vector<Item> items = {square("input", "x", {1, not_a_number, infinity, -0.25}),
                                     item_of("error", "a name", "two\nlines"),
                                     item_of("answer", "", std::vector<double>{})};
    const std::vector<Item> back = items_of(to_text(items));
    REQUIRE(back.size() == 3);
    for (std::size_t i = 0; i < 3; ++i) CHECK(same(back[i], items[i], 0));
    for (const char* text :
         {"x", "answer 0 x \"\" 1 2\n1\n", "answer 0 x \"\" 9\n\n", "answer 0 x \"\" -2\n5\n",
          "answer 0 x \"\" 2 -1 -1\n1\n", "answer 0 x \"\" 2 99999999999 99999999999\n1\n"})
      CHECK_THROWS_AS(items_of(text), Error);
  }

  TEST_CASE("the judge reads a case file") {
    std::vector<Item> items = {
        item_of("hint", "", "think"), item_of("case", "1 word", std::vector{0.5, 3.0}),
        item_of("input", "x", 5),     item_of("right", "", ""),
        item_of("answer", "out", 1),  item_of("wrong", "", ""),
        item_of("answer", "out", 2),  item_of("wrong", "", "")};
    items[1].text = "small";
    const CaseFile file = case_file_of(to_text(items));
    REQUIRE(file.notes.size() == 1);
    REQUIRE(file.questions.size() == 1);
    const auto& [given, right, wrong] = file.questions[0];
    CHECK(given.name == "1 word");
    CHECK(given.group == "small");
    CHECK(given.points == 3);
    CHECK(given.tolerance == 0.5);
    CHECK(given.count("x") == 5);
    CHECK(right.at(0).numbers[0] == 1);
    REQUIRE(wrong.size() == 2);
    CHECK(wrong[0].at(0).numbers[0] == 2);
    CHECK(wrong[1].empty());
    CHECK_THROWS_AS(case_file_of(to_text({items[3]})), std::exception);  // before the first case
  }

  TEST_CASE("numbers are the same up to a share of the largest; NaN is only NaN") {
    CHECK(same(out({1, 2, 3, 100.005}), out({1, 2, 3, 100}), 1e-4));
    CHECK(!same(out({1, 2, 3, 100.02}), out({1, 2, 3, 100}), 1e-4));
    CHECK(!same(out({1, not_a_number, 3, 4}), out({1, 2, 3, 4}), 1e-4));
    CHECK(!same(out({1, 2, 3, 4}), out({1, not_a_number, 3, 4}), 1e-4));
    CHECK(!same(out({1, infinity, 3, 4}), out({1, -infinity, 3, 4}), 1e-4));
    CHECK(!same({item_of("answer", "out", std::vector<double>{1, 2, 3, 4})}, out({1, 2, 3, 4}), 1));
    CHECK(!same({}, out({1, 2, 3, 4}), 1));
    CHECK(same(Outcome{item_of("error", "", "f at a.cpp:1: x")},
               Outcome{item_of("error", "", "f at b.cpp:2: y")}, 0));
    CHECK(!same(Outcome{item_of("error", "", "f at a.cpp:1: x")},
                {item_of("error", "", "g at b.cpp:2: y")}, 0));
  }

  TEST_CASE(
      "a group has points if all its cases are right, and the mistake that fits best is named") {
    const CaseFile file = three_cases();
    CHECK(file.questions[2].given.lines("text")[1] == "lines");
    const Outcome right = out({1, 2, 3, 4}), doubled = out({2, 4, 6, 8}), zero = out({0, 0, 0, 0});
    const Verdict all = verdict_of(file, {right, right, right});
    CHECK(all.points == 5);
    CHECK(all.most == 5);
    CHECK(all.first_wrong == 3);
    const Verdict late = verdict_of(file, {right, doubled, right});
    CHECK(late.points == 3);
    CHECK(verdict_of(file, {doubled, doubled, right}).points == 3);
    CHECK(late.first_wrong == 1);
    CHECK(late.mistakes.empty());  // both known ones are wrong in the first case already
    CHECK(verdict_of(file, {doubled, doubled, doubled}).mistakes == std::vector<std::size_t>{0});
    CHECK(verdict_of(file, {doubled, zero, doubled}).mistakes == std::vector<std::size_t>{1});
    CHECK(verdict_of(file, {doubled, right, doubled}).mistakes == std::vector<std::size_t>{0, 1});
  }

  TEST_CASE("what is odd is said in words") {
    const Item right = square("answer", "out", {1, 0, 0.5, 0.5});
    const auto odd = [&](const std::vector<double>& values) {
      return oddity(square("answer", "out", values), right, 1e-4);
    };
    CHECK(odd({1, 1, 0.5, 0.5}) == "a row has the sum 2, not 1");
    CHECK(odd({1, 0, not_a_number, 0.5}) == "nan instead of 0.5 at [1, 0]");
    CHECK(odd({0, 0, 0, 0}) == "0 everywhere");
    CHECK(odd({0, 1, 0.5, 0.5}) == "0 instead of 1 at [0, 0]");
    CHECK(oddity(square("answer", "out", {2, 4, 6, 8}), out({1, 2, 3, 4})[0], 1e-4) ==
          "2 times the right numbers");
    // Whole numbers have the sum 1 by chance.
    CHECK(oddity(square("answer", "out", {0, 1, 1, 1}), out({0, 1, 1, 0})[0], 1e-4) ==
          "1 instead of 0 at [1, 1]");
    CHECK(oddity(item_of("answer", "out", 1), right, 1e-4) == "its shape is [], not [2, 2]");
  }

  TEST_CASE("the message shows the first step that differs, and the first answer") {
    CaseFile file = three_cases();
    file.questions[0].right.insert(file.questions[0].right.begin(),
                                   square("trace", "s", {1, 1, 1, 1}));
    Item step = square("trace", "s", {1, 1, 1, 3});
    step.line = 24;
    const std::vector<Outcome> yours = {{step, out({9, 2, 3, 4})[0]}, {}, {}};
    const std::string text = message_of(file, yours, verdict_of(file, yours), "a.cpp");
    CHECK(text ==
          "No known mistake.\n    x 5   text \"two\" \"lines\"\n"
          "  s   yours [[1 1] [1 3]]   right [[1 1] [1 1]]   a.cpp:24\n"
          "  s: 3 instead of 1 at [1, 1]\n"
          "  out   yours [[9 2] [3 4]]   right [[1 2] [3 4]]\n");
    std::vector<Outcome> known(3, out({2, 4, 6, 8}));
    CHECK(message_of(file, known, verdict_of(file, known), "a.cpp")
              .find("doubled  (See lesson 1.)\n    x 5") == 0);
    known[1] = {item_of("error", "", "it crashed")};
    known[2] = out({2, 4, 6, 9});
    CHECK(message_of(file, known, verdict_of(file, known), "a.cpp")
              .find("doubled  (See lesson 1.)\nYour answer to case 3 is not that of this mistake: "
                    "it stands in two places, or there is another.\nOr: ") == 0);
    known[2] = file.questions[2].right;
    CHECK(message_of(file, known, verdict_of(file, known), "a.cpp").find("is not that of") ==
          std::string::npos);
    const Outcome one = {item_of("error", "", "this")}, two = {item_of("error", "", "that")};
    CHECK(!first_difference(one, two, 0).first);  // it is said, not compared
    // Text by text a step is done more often, each time with another shape: no mistake.
    const Item row = item_of("trace", "s", std::vector<double>{1, 1});
    const Outcome by_texts = {row, row, out({9, 2, 3, 4})[0]};
    CHECK(first_difference(by_texts, file.questions[0].right, 0).first->name == "out");
    CHECK(first_difference({row, by_texts[2]}, file.questions[0].right, 0).first->name == "s");
    CHECK(first_difference({step, step}, file.questions[0].right, 0).first->name == "s");
    const std::vector<Outcome> error(3, {item_of("error", "", "it crashed")});
    CHECK(message_of(file, error, verdict_of(file, error), "a.cpp").find("Case 1: it crashed\n") ==
          0);
  }

  TEST_CASE("an edit is found however its text is broken into lines, and exactly once") {
    const Mistakes mistakes = mistakes_of(
        "# a comment\nhint  think\nwithout  a b\nwrong  Two.\nsee  lesson 1\n- 1 + 2\n+ 2\n"
        "right  another\n= return 3;\nwrong  None.\n- 5\n+ 6\nwrong  Twice.\n- r\n+ 6\n");
    REQUIRE(mistakes.notes.size() == 2);
    CHECK(mistakes.notes[1].text == "a b");
    REQUIRE(mistakes.variants.size() == 4);
    CHECK(mistakes.variants[0].see == "lesson 1");
    CHECK(mistakes.variants[1].right);
    const Source source = source_of(exercise);
    const auto varied_at = [&](std::size_t i) {
      return varied(source, mistakes.variants[i], mistakes);
    };
    CHECK(varied_at(0) == "int f() {\n  //> yours  todo();\n  return 2;\n  //<\n}\n");
    CHECK(varied_at(1) == "int f() {\n  //> yours  todo();\nreturn 3;\n  //<\n}\n");
    CHECK(refusal([&] { varied_at(2); }).find(":10: \"5\" occurs 0 times, not once") !=
          std::string::npos);
    CHECK(refusal([&] { varied_at(3); }).find(":13: \"r\" occurs 2 times, not once") !=
          std::string::npos);
    CHECK(refusal([] { mistakes_of("hint  a\nhnit  b\n"); }).find(":2: no directive: hnit  b") !=
          std::string::npos);
    CHECK_THROWS_AS(mistakes_of("- 1\n"), Error);  // of no answer
  }

  TEST_CASE("a name of the library is used where it is called, not where a variable has it") {
    CHECK(uses("return softmax(x);", "softmax"));
    CHECK(uses("return gradus::softmax (x);", "softmax"));
    CHECK(uses("Tensor (*f)(const Tensor&, int, Where) = softmax;", "softmax"));
    CHECK(uses("const Tensor grad = x.grad();", "grad"));
    CHECK(uses("{ auto softmax = [](int) {}; softmax(1); } return softmax(x);", "softmax"));
    CHECK(uses("auto f = [](Tensor softmax) { return softmax; }; return softmax(x);", "softmax"));
    CHECK(uses("for (Tensor softmax : all) { y = softmax; } return softmax(x);", "softmax"));
    CHECK(uses("Tensor g(Tensor softmax); return softmax(x);", "softmax"));
    CHECK(uses("const auto evaluate = [&] { return gradus::evaluate(m, t); };", "evaluate"));
    CHECK(uses("Tensor grad = y; return grad + y.grad();", "grad"));
    CHECK(uses("return softmax;", "softmax"));
    CHECK(uses("auto layer = new LayerNorm{4};", "LayerNorm"));
    CHECK(uses("call(& softmax, x)", "softmax"));
    CHECK(uses("a ? softmax : b", "softmax"));
    CHECK(uses("MultiHeadAttention layer(4, 2, 2, random);", "MultiHeadAttention"));
    CHECK_FALSE(uses("const Tensor grad = x * 2; return grad;", "grad"));
    CHECK_FALSE(uses("Scalar grad{}; grad = grad + 1;", "grad"));
    CHECK_FALSE(
        uses("const auto evaluate = [&](int i) { return i; }; f(evaluate(2));", "evaluate"));
    CHECK_FALSE(uses("std::function<int()> evaluate{f}; return evaluate();", "evaluate"));
    CHECK_FALSE(uses("Tensor back(const Tensor& grad, int n) { return n * grad; }", "grad"));
    CHECK_FALSE(uses("for (const Tensor& grad : all) { sum = sum + grad; }", "grad"));
    CHECK_FALSE(uses("log_softmax(x)", "softmax"));
  }

  TEST_CASE("the hand-out has the stub, a graft has the student's text and line numbers") {
    const Source original = source_of(exercise);
    CHECK(text_of(unsolved(original)) == "int f() {\n  //> yours\n  todo();\n  //<\n}\n");
    Source student = source_of("int f() {\n//> yours\n  return 7;\n//<\n}\n");
    const Graft taken = graft(original, student);
    CHECK(
        taken.text ==
        "#line 1 \"test.cpp\"\nint f() {\n  //> yours  todo();\n#line 3 \"test.cpp\"\n  return 7;\n"
        "#line 5 \"test.cpp\"\n  //<\n}\n");
    CHECK(taken.notes.empty());
    CHECK(!graft(original, source_of("int g() {\n//> yours\n//<\n}\n")).notes.empty());
    for (const char* text : {"#include <x>", "%:include <x>", "%\\\n:include <x>", "asm(\"\");",
                             "__asm__(\"\");", "__a\\\nsm(\"\");"})
      CHECK(graft(original, source_of("int f() {\n//> yours\n" + std::string(text) + "\n//<\n}\n"))
                .text.empty());
    CHECK(graft(original, source_of("int f() {\n}\n")).text.empty());
    for (const char* text : {"//<\n", "//> yours\n", "//> yours\n//> yours\n//<\n"})
      CHECK_THROWS_AS(source_of(text), Error);
  }
}
