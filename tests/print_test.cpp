// Tensors as text, to the letter.

#include "plain.h"

#include <doctest/doctest.h>
#include <gradus/check_training.h>
#include <gradus/fit.h>
#include <gradus/operations.h>
#include <gradus/picture.h>

#include <locale.h>
#include <unistd.h>
#include <clocale>
#include <cstdio>
#include <sstream>
#include <string>

using namespace gradus;
using plain::infinity;
using plain::not_a_number;
using plain::says;

namespace {

// The values 1, 2, 3 … in this shape.
Tensor counted(const Shape& shape) {
  Tensor x = Tensor::zeros(shape);
  Scalar next = 1;
  for (Scalar& value : x.mutable_values()) value = next++;
  return x;
}

Tensor one(double value) {
  return Tensor::scalar(static_cast<Scalar>(value));
}

}  // namespace

TEST_CASE("at least one row and column is shown") {
  for (const Index most : {1, 0, -1, -100}) {
    CHECK(to_string(counted({3}), 0, most) == "   1 ...\n");
    CHECK(to_string(counted({2, 3}), 0, most) == "   1 ...\n ... ...\n");
    CHECK(to_string(counted({2, 2, 1}), 0, most) == " [0]\n   1\n ...\n ...\n");
  }
}

TEST_CASE("a single number, a row, a matrix") {
  CHECK(to_string(one(2.5)) == " 2.5000\n");
  CHECK(to_string(one(-0.03125), 2) == " -0.03\n");
  CHECK(to_string(one(7), 0) == " 7\n");
  CHECK(to_string(counted({1})) == " 1.0000\n");
  CHECK(to_string(counted({3}), 1) == " 1.0 2.0 3.0\n");
  CHECK(to_string(counted({2, 3}), 1) == " 1.0 2.0 3.0\n 4.0 5.0 6.0\n");
  CHECK(to_string(counted({3, 1}), 1) == " 1.0\n 2.0\n 3.0\n");
}

TEST_CASE("the columns of each matrix are as wide as its widest number, on the right") {
  const Tensor x = Tensor::matrix({{1, -200.5}, {0.25, 3}});
  CHECK(to_string(x, 2) ==
        "    1.00 -200.50\n"
        "    0.25    3.00\n");
  CHECK(to_string(Tensor::vector({5, 6}), 0) == "   5   6\n");  // never narrower than "..."
}

TEST_CASE("several matrices are numbered, through all the axes in front") {
  CHECK(to_string(counted({2, 1, 2}), 1) == " [0]\n 1.0 2.0\n [1]\n 3.0 4.0\n");
  CHECK(to_string(counted({2, 2, 1, 1}), 1) == " [0]\n 1.0\n [1]\n 2.0\n [2]\n 3.0\n [3]\n 4.0\n");
  CHECK(to_string(counted({1, 1, 2}), 1) == " 1.0 2.0\n");
}

TEST_CASE("more rows, columns or matrices than are wanted are cut in the middle") {
  CHECK(to_string(counted({5}), 0, 5) == "   1   2   3   4   5\n");
  CHECK(to_string(counted({6}), 0, 5) == "   1   2   3 ...   5   6\n");
  CHECK(to_string(counted({7}), 0, 4) == "   1   2 ...   6   7\n");
  CHECK(to_string(counted({4, 2}), 0, 3) == "   1   2\n   3   4\n ... ...\n   7   8\n");
  CHECK(to_string(counted({3, 3}), 0, 2) == "   1 ...   3\n ... ... ...\n   7 ...   9\n");
  CHECK(to_string(counted({4, 1, 1}), 0, 2) == " [0]\n   1\n ...\n [3]\n   4\n");
  const std::string twelve = to_string(counted({12}), 0);
  CHECK(twelve.find("...") == std::string::npos);
  CHECK(to_string(counted({13}), 0) == "   1   2   3   4   5   6 ...   8   9  10  11  12  13\n");
  // What is cut away does not make the columns wider.
  CHECK(to_string(Tensor::vector({1, 123456, 3}), 0, 2) == "   1 ...   3\n");
}

TEST_CASE("zero has no sign, infinity has one") {
  CHECK(to_string(one(-0.0), 1) == " 0.0\n");
  CHECK(to_string(one(-0.00001)) == " 0.0000\n");
  CHECK(to_string(one(-0.00006)) == " -0.0001\n");
  CHECK(to_string(one(infinity)) == " inf\n");
  CHECK(to_string(one(-infinity)) == " -inf\n");
  CHECK(to_string(Tensor::vector({static_cast<Scalar>(-infinity), 1}), 1) == " -inf  1.0\n");
}

TEST_CASE("what is not a number has no sign") {
  CHECK(to_string(one(not_a_number)) == " nan\n");
  CHECK(to_string(one(-not_a_number)) == " nan\n");
  CHECK(worded(not_a_number, " ", -not_a_number, " ", -float(not_a_number)) == "nan nan nan");
  CHECK(Metric{-not_a_number, 0, 2}.text() == "loss nan, 0/2 right");
  says(judge_first_loss(one(-not_a_number), 2), "the loss nan of ");
  const Tensor x = one(0).requires_grad(true).named("x");
  const Tensor y = x * static_cast<Scalar>(-not_a_number);
  y.backward();
  const std::string svg = graph_svg("", y);
  for (const char* part : {"= nan", "= 0, gradient nan", "↑ nan"}) says(svg, part);
  CHECK(svg.find("-nan") == std::string::npos);
}

TEST_CASE("a number in a message is exact, and no longer than that takes") {
  CHECK(worded(0.1, " ", 0.1F, " ", -2.0, " ", 1e-9, " ", 1.0 / 3) ==
        "0.1 0.1 -2 1e-09 0.3333333333333333");
  CHECK(worded(infinity, " ", -infinity) == "inf -inf");
}

TEST_CASE("shapes and lines as text") {
  CHECK(to_string(Shape{}) == "[]");
  CHECK(to_string(Shape{7}) == "[7]");
  CHECK(to_string(Shape{2, 3, 10}) == "[2, 3, 10]");
  CHECK(to_string(Where::at("a/b.cpp", 12)) == "a/b.cpp:12");
}

TEST_CASE("a tensor is described by its name, or by what made it and where") {
  Tensor x = counted({2, 3});
  CHECK(describe(x) == "[2, 3]");
  CHECK(name_of(x) == "");
  const Tensor y = exp(x);
  const std::string line = std::to_string(__LINE__ - 1);
  CHECK(describe(y) == "exp of tests/print_test.cpp:" + line + " [2, 3]");
  CHECK(name_of(y) == "exp of tests/print_test.cpp:" + line);
  x.named("scores");
  CHECK(describe(x) == "scores [2, 3]");
  CHECK(name_of(x) == "scores");
  CHECK(x.label() == std::string("scores"));
  CHECK(y.label() == std::string(""));
  CHECK(x.named("other").label() == std::string("other"));
  CHECK(describe(x.detach()) == "other [2, 3]");
  CHECK(describe(Tensor::scalar(1)) == "[]");
}

namespace {

// What `write` sends to standard output.
std::string printed(void (*write)()) {
  std::fflush(stdout);
  std::FILE* caught = std::tmpfile();
  const int before = dup(1);
  dup2(fileno(caught), 1);
  write();
  std::fflush(stdout);
  dup2(before, 1);
  close(before);
  std::rewind(caught);
  std::string text;
  for (int c = std::fgetc(caught); c != EOF; c = std::fgetc(caught)) text += static_cast<char>(c);
  std::fclose(caught);
  return text;
}

}  // namespace

TEST_CASE("print writes the title, the shape and the values") {
  CHECK(printed([] {
          print("counted", counted({2, 2}));
        }) == "counted [2, 2]\n 1.0000 2.0000\n 3.0000 4.0000\n");
  std::ostringstream stream;
  stream << "x" << counted({1, 2}) << "y";
  CHECK(stream.str() == "x 1.0000 2.0000\ny");
  CHECK(printed([] { print("one %d", one(0.5), 1); }) == "one %d []\n 0.5\n");
}

TEST_CASE("writing numbers leaves the program's locale as it was") {
  const locale_t own = duplocale(LC_GLOBAL_LOCALE);
  const locale_t before = uselocale(own);
  to_string(one(0.5));
  const locale_t after = uselocale(before);
  CHECK(after == own);
  freelocale(own);
}
