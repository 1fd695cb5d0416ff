// A run recorded step by step. (What the page makes of it: tests/steps.sh, in a browser.)
#include "../src/inspect/recording.h"

#include <doctest/doctest.h>
#include <gradus/gradus.h>

using namespace gradus;

namespace {

bool has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

struct Run : Recording {
  Run() { add_watcher(*this); }
  ~Run() override { remove_watcher(*this); }
};

}  // namespace

TEST_CASE(
    "a recording holds values and gradients of every step, and nothing of what they compute with") {
  Run run;
  const Tensor x = Tensor::vector({3, 4}).requires_grad(true).named("x <&");
  const Tensor y = (x * x + x).named("y");
  y.backward(Tensor::vector({1, 10}));
  const std::string json = run.json();
  CHECK(has(json, "\"name\":\"x \\u003c\\u0026\",\"op\":\"tensor\",\"shape\":[2],"));
  CHECK(has(json,
            "\"name\":\"y\",\"op\":\"add\",\"shape\":[2],\"file\":\"tests/recording_test.cpp\","
            "\"line\":26,\"v\":[12,20]}"));
  // x · x, + x, backward(), through + and through ·, where x has had [1, 10] already.
  CHECK(has(
      json,
      "\"steps\":[\n{\"k\":\"f\",\"in\":[0,0],\"out\":1},\n"
      "{\"k\":\"f\",\"in\":[1,0],\"out\":2},\n"
      "{\"k\":\"s\",\"file\":\"tests/recording_test.cpp\",\"line\":27},\n"
      "{\"k\":\"b\",\"out\":2,\"d\":[1,10],\"in\":[{\"t\":1,\"before\":null,\"after\":[1,10]},"
      "{\"t\":0,\"before\":null,\"after\":[1,10]}]},\n"
      "{\"k\":\"b\",\"out\":1,\"d\":[1,10],\"in\":[{\"t\":0,\"before\":[1,10],\"after\":[7,90]},"
      "{\"t\":0,\"before\":[1,10],\"after\":[7,90]}]}]"));
  CHECK(has(json, "\"dropped\":0"));
  CHECK(has(json, "\"files\":{\n\"tests/recording_test.cpp\":["));
}

TEST_CASE("a recording keeps the numbers of each time, also those that are changed in place") {
  Run run;
  Tensor x = Tensor::vector({1});
  x * 2;
  x.mutable_values()[0] = 5;
  x * 2;
  CHECK(has(run.json(), "\"v\":[1]}"));
  CHECK(has(run.json(), "\"v\":[5]}"));
}

TEST_CASE("what is not a number has no sign in a recording") {
  Run run;
  -Tensor::scalar(std::numeric_limits<Scalar>::quiet_NaN());
  CHECK(has(run.json(),
            "\"op\":\"negate\",\"shape\":[],\"file\":\"tests/recording_test.cpp\","
            "\"line\":59,\"v\":[\"nan\"]}"));
}

TEST_CASE("a long run and a large tensor are cut, and what is no number is a word") {
  Run run;
  const Tensor x = Tensor::full({600}, std::numeric_limits<Scalar>::infinity());
  for (int i = 0; i < 305; ++i) -x;
  const std::string json = run.json();
  CHECK(has(json, "\"dropped\":5,"));
  std::size_t words = 0;
  for (std::size_t i = json.find("\"-inf\""); i != std::string::npos;
       i = json.find("\"-inf\"", i + 1))
    ++words;
  CHECK(words == 300 * 512);
}

TEST_CASE("a recording that is full takes no step backward either, nor the call of backward()") {
  for (const int calls : {299, 300}) {
    Run run;
    Tensor y = Tensor::scalar(1).requires_grad(true);
    for (int i = 0; i < calls; ++i) y = -y;
    y.backward();
    const std::string json = run.json();
    CHECK(has(json, "\"k\":\"s\"") == (calls == 299));
    CHECK_FALSE(has(json, "\"k\":\"b\""));
    CHECK(has(json, "\"dropped\":" + std::to_string(calls + 1 + calls - 300) + ","));
  }
}

TEST_CASE("a recording has all digits of a float, and goes without a source that is not there") {
  Run run;
  exp(Tensor::from({1}, {Scalar(1.234567)}, Where::at("no/such.cpp", 3)));
  CHECK(has(run.json(), "\"v\":[1.234567]"));
  CHECK(has(run.json(), "\"no/such.cpp\":[]"));
  const Tensor x = Tensor::scalar(1, Where::at("no/such.cpp", 4)).requires_grad(true);
  x.backward(Graph::keep, Where::at("no/other.cpp", 5));
  CHECK(has(run.json(), "\"no/other.cpp\":[]"));
}
