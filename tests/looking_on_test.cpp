// Hooks, the profile, the trace and the statistics that reports are made of.

#include "../src/inspect/statistics.h"

#include <doctest/doctest.h>
#include <gradus/check_training.h>
#include <gradus/gradus.h>
#include <gradus/hooks.h>
#include <gradus/profile.h>

#include <chrono>
#include <cmath>
#include <memory>
#include <sstream>
#include <thread>

using namespace gradus;

namespace {

const Scalar not_a_number = std::nanf("");
const Scalar infinity = INFINITY;

std::string place(int line) {
  return "tests/looking_on_test.cpp:" + std::to_string(line);
}

struct Model : Module {
  explicit Model(Random& random) : Module("Model"), encoder(4, 6, 2, random) {
    add("encoder", encoder);
  }
  TransformerEncoder encoder;
};

// An operation that takes its time, and another inside it.
struct Nothing {
  void backward(const Tensor&) const {}
};

Tensor slow(const char* name, const Tensor& x, int milliseconds, bool nested,
            std::vector<std::string>* events = nullptr) {
  Tensor y = result_of(name, x.shape(), here());
  if (nested) slow("inner", x, milliseconds, false, events);
  if (events) events->push_back(std::string("work of ") + name);
  std::this_thread::sleep_for(std::chrono::milliseconds(milliseconds));
  return record(y, {{x, false}}, Nothing{});
}

// The columns of one line of a profile: name, calls, seconds forward and backward, …
std::vector<std::string> columns_of(const std::string& table, const std::string& name) {
  std::istringstream lines(table);
  for (std::string line; std::getline(lines, line);) {
    std::istringstream words(line);
    std::vector<std::string> columns;
    for (std::string word; words >> word;) columns.push_back(word);
    if (!columns.empty() && columns[0] == name) return columns;
  }
  return std::vector<std::string>(7, "missing");
}

// An operation that is slow backward only.
struct Sleeps {
  Tensor x;
  void backward(const Tensor& dy) const {
    std::this_thread::sleep_for(std::chrono::milliseconds(200));
    x.add_grad(dy);
  }
};

Tensor slow_backward(const Tensor& x) {
  const Tensor y = result_of("slow_backward", x.shape(), here());
  return record(y, {{x, false}}, Sleeps{x});
}

struct ProfileScope : Profile {
  ProfileScope() { add_watcher(*this); }
  ~ProfileScope() override { remove_watcher(*this); }
};

}  // namespace

TEST_CASE("a hook sees every tensor of its name once forward and once backward") {
  Random random(1);
  Model model(random);
  for (const std::string name :
       {"encoder", "encoder.attention", "encoder.attention.query", "encoder.attention.output",
        "encoder.norm_1", "encoder.dense_1", "encoder.dense_2", "encoder.norm_2"}) {
    CAPTURE(name);
    int forward = 0, backward = 0;
    const Hook hook(
        name, [&](const Tensor& x) { return ++forward, x; },
        [&](const Tensor& g) { return ++backward, g; });
    const Tensor x = Tensor::normal({1, 3, 4}, 0, 1, random).requires_grad(true);
    const Tensor loss = sum(model.encoder(x));
    CHECK(forward == 1);
    CHECK(backward == 0);
    loss.backward();
    CHECK(backward == 1);
    loss.backward();
    CHECK(backward == 2);
    CHECK(hook.calls() == 3);
  }
  const Hook wrong("encoder.atention", [](const Tensor& x) { return x; });
  sum(model.encoder(Tensor::zeros({1, 3, 4}))).backward();
  CHECK(wrong.calls() == 0);
}

TEST_CASE("a hook changes the complete gradient of inputs, parameters and results") {
  Tensor w = Tensor::vector({1, 2}).requires_grad(true).named("w");
  std::vector<Scalar> came;
  {
    const Hook hook("w", {}, [&](const Tensor& g) {  // made after w was named
      came.assign(g.values().begin(), g.values().end());
      return g * 10;
    });
    sum(w * w * 3).backward();
    CHECK(came == std::vector<Scalar>{6, 12});
    CHECK(w.grad().at({0}) == 60);
    CHECK(w.grad().at({1}) == 120);
    CHECK(hook.calls() == 1);
  }
  w.clear_grad();
  const Hook hook("y", {}, [&](const Tensor& g) {
    came.assign(g.values().begin(), g.values().end());
    return g * Tensor::vector({0, 2});
  });
  const Tensor y = (w * 5).named("y");
  sum(y * y + y).backward();  // dy = 2y + 1
  CHECK(came == std::vector<Scalar>{11, 21});
  CHECK(y.grad().at({1}) == 42);
  CHECK(w.grad().at({0}) == 0);
  CHECK(w.grad().at({1}) == 210);
  CHECK(hook.calls() == 1);
}

TEST_CASE("a hook changes the gradient of every tensor of its name that waits for backward") {
  const Hook hook("y", {}, [](const Tensor& g) { return g * 10; });
  const Tensor w = Tensor::scalar(1).requires_grad(true);
  const Tensor first = (w * 2).named("y"), second = (w * 3).named("y");
  (first + second).backward();
  CHECK(w.grad().item() == 50);
  CHECK(hook.calls() == 2);
}

TEST_CASE("who watches a step backward sees the gradient that a hook has made of it") {
  struct Sees : Watcher {
    void before_backward(const Tensor& out) override { seen.push_back(out.grad().values()[0]); }
    std::vector<Scalar> seen;
  } sees;
  const Hook hook("y", {}, [](const Tensor& g) { return g * 10; });
  const Tensor x = Tensor::vector({1, 2}).requires_grad(true);
  const Tensor y = (x * 3).named("y");
  add_watcher(sees);
  y.backward(Tensor::vector({1, 1}));
  CHECK(sees.seen == std::vector<Scalar>{10});
}

TEST_CASE("a hook changes the gradient of a parameter in training too, which frees the graph") {
  const Tensor w = Tensor::vector({1, 2}).requires_grad(true).named("w");
  const Hook hook("w", {}, [](const Tensor& g) { return g * 10; });
  sum(w * 3).backward(Graph::free);
  CHECK(w.grad().at({1}) == 30);
  const Tensor alone = Tensor::vector({1, 2}).requires_grad(true).named("w");
  alone.backward(Tensor::vector({4, 5}));  // of itself
  CHECK(alone.grad().at({1}) == 50);
}

TEST_CASE("what a hook returns forward is what the program goes on with, under the same name") {
  Tensor kept;
  const Hook keep("y", [&](const Tensor& x) { return kept = x; });
  const Hook hook("y", [](const Tensor& x) { return x * 3; });
  Tensor y = Tensor::vector({1, 2});
  y.named("y");
  CHECK(kept.at({1}) == 2);
  CHECK(y.at({1}) == 6);
  CHECK(std::string(y.label()) == "y");
  CHECK(keep.calls() == 1);
  CHECK(hook.calls() == 1);
  Tensor z = Tensor::vector({1, 2}).named("yy");
  CHECK(hook.calls() == 1);
}

TEST_CASE("a tensor named twice has its gradient changed once") {
  const Tensor w = Tensor::vector({1, 2}).requires_grad(true);
  const Hook hook("y", {}, [](const Tensor& g) { return g * 10; });
  Tensor y = w * 2;
  y.named("y").named("y");
  sum(y).backward();
  CHECK(w.grad().at({0}) == 20);
}

TEST_CASE("a result that was named before there was a hook keeps its gradient") {
  const Tensor w = Tensor::vector({1, 2}).requires_grad(true);
  const Tensor y = (w * 2).named("y");
  const Hook hook("y", {}, [](const Tensor& g) { return g * 10; });
  sum(y).backward();
  CHECK(w.grad().at({0}) == 2);
  CHECK(hook.calls() == 0);
}

TEST_CASE("a hook may make hooks, destroy itself and throw") {
  std::vector<std::unique_ptr<Hook>> more;
  int later = 0;
  std::unique_ptr<Hook> once;
  const auto forward = [&, guard = std::make_shared<int>(7)](const Tensor& x) {
    for (int i = 0; i < 40; ++i)
      more.push_back(std::make_unique<Hook>("y", [&](const Tensor& z) { return ++later, z; }));
    once.reset();
    return x * static_cast<Scalar>(*guard);
  };
  once = std::make_unique<Hook>("y", forward);
  CHECK(Tensor::vector({1, 2}).named("y").at({1}) == 14);
  CHECK_FALSE(once);
  CHECK(later == 0);
  CHECK(Tensor::vector({1, 2}).named("y").at({1}) == 2);
  CHECK(later == 40);
  more.clear();

  const Tensor w = Tensor::scalar(2).requires_grad(true);
  once = std::make_unique<Hook>(
      "y", Hook::Change(), [&, keep = std::make_shared<int>(3)](const Tensor& g) {
        more.push_back(std::make_unique<Hook>("y", Hook::Change(),
                                              [&](const Tensor& h) { return ++later, h; }));
        once.reset();
        return g * static_cast<Scalar>(*keep);
      });
  (w * w).named("y").backward();
  CHECK(w.grad().item() == 12);
  more.clear();

  bool angry = true;
  const Hook throws("y", [&](const Tensor& x) {
    if (angry) throw Error("angry");
    return x * 2;
  });
  CHECK_THROWS_AS(Tensor::scalar(1).named("y"), Error);
  angry = false;
  CHECK(Tensor::scalar(1).named("y").item() == 2);
}

TEST_CASE("a hook that returns another shape, or nothing, is refused at its own line") {
  const Tensor w = Tensor::vector({1, 2}).requires_grad(true).named("w");
  const auto message = [&](const Hook::Change& forward, const Hook::Change& backward) {
    const Hook hook("y", forward, backward, Where::at("lesson.cpp", 7));
    try {
      sum((w * 2).named("y")).backward();
    } catch (const Error& error) {
      return std::string(error.what());
    }
    return std::string("not refused");
  };
  const auto cut = [](const Tensor& x) { return slice(x, 0, 0, 1); };
  const std::string wanted = "Hook at lesson.cpp:7: it must return a tensor of the shape of ";
  CHECK(message(cut, {}) == wanted + "y [2], it returned [1]");
  CHECK(message([](const Tensor&) { return Tensor(); }, {}) == wanted + "y [2], it returned none");
  CHECK(message({}, cut).find(", it returned [1]") != std::string::npos);
  const Hook here_made("y", cut);
  const int line = __LINE__ - 1;
  try {
    (w * 2).named("y");
  } catch (const Error& error) {
    CHECK(std::string(error.what()).find("Hook at " + place(line)) == 0);
  }
}

TEST_CASE("a hook keeps no graph of earlier steps alive") {
  const Hook hook("y", {}, [](const Tensor& g) { return g; });
  const Tensor w = Tensor::scalar(2).requires_grad(true);
  const auto step = [&] {
    sum((w * 2).named("y") * 3).backward();
    return live_nodes();
  };
  step();
  const Index before = step();
  for (int i = 0; i < 20; ++i) step();
  CHECK(step() == before);
}

TEST_CASE("watchers are told before the work begins, and in order") {
  struct Order : Watcher {
    void before_forward() override { events.push_back("before"); }
    void after_forward(const Tensor& out, std::span<const Edge>) override {
      events.push_back(std::string("after ") + out.operation());
    }
    std::vector<std::string> events;
  } order;
  const Tensor x = Tensor::zeros({2}).requires_grad(true);
  add_watcher(order);
  slow("outer", x, 0, true, &order.events);
  remove_watcher(order);
  CHECK(order.events == std::vector<std::string>{"before", "before", "work of inner", "after inner",
                                                 "work of outer", "after outer"});
}

TEST_CASE("a watcher that was removed and is added again brings nobody with it") {
  struct Counts : Watcher {
    void before_forward() override { ++count; }
    int count = 0;
  } first, second;
  for (Counts* watcher : {&first, &second}) add_watcher(*watcher);
  for (Counts* watcher : {&first, &second}) remove_watcher(*watcher);
  add_watcher(first);
  Tensor::zeros({2});
  CHECK(first.count == 1);
  CHECK(second.count == 0);
}

TEST_CASE("nobody looks on at what a watcher computes, nor after a backward() of its own") {
  struct Computes : Watcher {
    void after_forward(const Tensor&, std::span<const Edge>) override {
      if (++count > 9) return;
      const Tensor w = Tensor::scalar(2).requires_grad(true);
      (w * w).backward();
      w * 3;
    }
    int count = 0;
  } watcher;
  const Tensor x = Tensor::scalar(1);
  add_watcher(watcher);
  x * 2;
  CHECK(watcher.count == 1);
}

TEST_CASE("a watcher that another one removes is told no more, not even of what happens just now") {
  struct Counts : Watcher {
    void before_forward() override {
      ++count;
      if (other) remove_watcher(*other);
    }
    Watcher* other = nullptr;
    int count = 0;
  } first, second;
  first.other = &second;
  for (Counts* watcher : {&first, &second}) add_watcher(*watcher);
  Tensor::zeros({2});
  CHECK(first.count == 1);
  CHECK(second.count == 0);
}

TEST_CASE("the profile counts the work, and none of it twice") {
  const Tensor x = Tensor::zeros({2}).requires_grad(true);
  const auto start = std::chrono::steady_clock::now();
  const ProfileScope profile;
  slow("outer", x, 20, true);
  const double all =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  const auto inner = columns_of(profile.table(), "inner");
  const auto outer = columns_of(profile.table(), "outer");
  CHECK(std::stod(inner[2]) >= 0.0199);
  CHECK(std::stod(outer[2]) >= 0.0199);
  CHECK(std::stod(inner[2]) + std::stod(outer[2]) <= all + 0.0001);
}

TEST_CASE("the profile counts calls, and multiplications and additions") {
  Random random(1);
  const Tensor a = Tensor::normal({2, 3, 5}, 0, 1, random).requires_grad(true);
  const Tensor b = Tensor::normal({2, 5, 7}, 0, 1, random).requires_grad(true);
  const Tensor constant = Tensor::normal({2, 3, 7}, 0, 1, random);
  const auto flops = [](const std::function<Tensor()>& f, const char* name, bool backward) {
    const ProfileScope profile;
    const Tensor y = f();
    if (backward) sum(y).backward();
    CHECK(columns_of(profile.table(), name)[1] == "1");
    return std::stod(columns_of(profile.table(), name)[4]);
  };
  const auto product = [&] { return matmul(a, b); };
  CHECK(flops(product, "matmul", false) == 2 * 2 * 3 * 5 * 7);
  CHECK(flops(product, "matmul", true) == 3 * 2 * 2 * 3 * 5 * 7);
  const auto transposed_a = [&] { return matmul(a, constant, {.transpose_a = true}); };
  CHECK(flops(transposed_a, "matmul", false) == 2 * 2 * 5 * 3 * 7);
  CHECK(flops(transposed_a, "matmul", true) == 2 * 2 * 2 * 5 * 3 * 7);  // no gradient of b
  const auto transposed_b = [&] { return matmul(constant, b, {.transpose_b = true}); };
  CHECK(flops(transposed_b, "matmul", true) == 2 * 2 * 2 * 3 * 7 * 5);
  const Tensor w = Tensor::normal({5, 4}, 0, 1, random).requires_grad(true);
  const Tensor bias = Tensor::zeros({4}).requires_grad(true);
  const auto dense = [&] { return linear(a, w, bias); };
  CHECK(flops(dense, "linear", false) == 2 * 6 * 5 * 4);
  CHECK(flops(dense, "linear", true) == 3 * 2 * 6 * 5 * 4);
  const Tensor query = Tensor::normal({2, 3, 4}, 0, 1, random).requires_grad(true);
  const Tensor key = Tensor::normal({2, 5, 4}, 0, 1, random).requires_grad(true);
  const Tensor value = Tensor::normal({2, 5, 6}, 0, 1, random).requires_grad(true);
  const auto attention = [&] { return scaled_dot_product_attention(query, key, value); };
  // Three queries by five keys: products of length 4 each, and sums of 5 values of length 6.
  CHECK(flops(attention, "scaled_dot_product_attention", false) == 2 * 2 * 3 * 5 * (4 + 6));
  CHECK(flops(attention, "scaled_dot_product_attention", true) == 3 * 2 * 2 * 3 * 5 * (4 + 6));
  const auto two_heads = [&] {
    return scaled_dot_product_attention(reshape(query, {1, 2, 3, 4}), reshape(key, {1, 2, 5, 4}),
                                        reshape(value, {1, 2, 5, 6}));
  };
  CHECK(flops(two_heads, "scaled_dot_product_attention", false) == 2 * 2 * 3 * 5 * (4 + 6));
}

TEST_CASE("the profile's rate is what was computed by the time it took") {
  const Tensor a = Tensor::full({512, 512}, 1);
  const ProfileScope profile;
  for (int i = 0; i < 3; ++i) matmul(a, a);
  const auto row = columns_of(profile.table(), "matmul");
  const double flops = 3.0 * 2 * 512 * 512 * 512, seconds = std::stod(row[2]);
  CHECK(std::stod(row[4]) == doctest::Approx(flops).epsilon(1e-7));
  CHECK(std::stod(row[5]) >= flops / (seconds + 0.00006) / 1e9 - 0.6);
  if (seconds > 0.00006) CHECK(std::stod(row[5]) <= flops / (seconds - 0.00006) / 1e9 + 0.6);
}

TEST_CASE("the profile's rate is over the time of both passes") {
  const Tensor a = Tensor::full({512, 512}, 1).requires_grad(true),
               one = Tensor::full({512, 512}, 1);
  const ProfileScope profile;
  matmul(a, a).backward(one);
  const auto row = columns_of(profile.table(), "matmul");
  const double flops = 3.0 * 2 * 512 * 512 * 512, seconds = std::stod(row[2]) + std::stod(row[3]);
  REQUIRE(seconds > 0.0001);
  CHECK(std::stod(row[5]) <= flops / (seconds - 0.0001) / 1e9 + 0.6);
}

TEST_CASE("the profile has a row for each operation, the forward and backward apart") {
  const Tensor w = Tensor::from({1, 2}, {1, 2}).requires_grad(true);
  const ProfileScope profile;
  for (int i = 0; i < 3; ++i) sum(exp(w) * w).backward();
  exp(w);
  const std::string table = profile.table();
  CHECK(table.find("operation                        calls  forward s  backward s         FLOP  "
                   "GFLOP/s   share\n") == 0);
  CAPTURE(table);
  CHECK(columns_of(table, "exp")[1] == "4");
  CHECK(columns_of(table, "multiply")[1] == "3");  // what backward computes is not counted
  CHECK(columns_of(table, "sum")[1] == "3");
  CHECK(columns_of(table, "exp").size() == 5);  // no FLOP, only the share
  CHECK(std::count(table.begin(), table.end(), '\n') == 4);
  double share = 0;
  for (const char* name : {"exp", "multiply", "sum"})
    share += std::stod(columns_of(table, name)[4]);
  CHECK(share == doctest::Approx(100).epsilon(0.005));
}

TEST_CASE("the profile's most expensive operation is first, forward and backward taken together") {
  const Tensor x = Tensor::zeros({2}).requires_grad(true);
  const ProfileScope profile;
  const Tensor y = slow_backward(slow("slow_forward", exp(x), 20, false));
  y.backward(Tensor::zeros({2}));
  const std::string table = profile.table();
  CHECK(table.find("\nslow_backward") < table.find("\nslow_forward"));
  CHECK(table.find("\nslow_forward") < table.find("\nexp"));
  CHECK(table.find("\nexp") != std::string::npos);
}

TEST_CASE("after a backward() that ended with an error the profile goes on") {
  struct Fails {
    void backward(const Tensor&) const { throw Error("fails"); }
  };
  const Tensor w = Tensor::scalar(1).requires_grad(true);
  const ProfileScope profile;
  const Tensor y = record(result_of("fails", {}, here()), {{w, false}}, Fails{});
  CHECK_THROWS_AS(y.backward(), Error);
  exp(w).backward();
  exp(w);
  CHECK(columns_of(profile.table(), "exp")[1] == "2");
}

TEST_CASE("statistics are those of a plain loop, without what is not a number") {
  const std::vector<Scalar> values{3, not_a_number, -2, 0, infinity, 0, Scalar(0.5), 7, -infinity};
  const Statistics s = statistics_of(values);
  double sum = 0, squares = 0, deviations = 0, good = 0;
  for (const Scalar v : values)
    if (std::isfinite(v)) sum += v, squares += v * v, ++good;
  for (const Scalar v : values)
    if (std::isfinite(v)) deviations += (v - sum / good) * (v - sum / good);
  CHECK(s.count == 9);
  CHECK(s.bad == 3);
  CHECK(s.first_bad == 1);
  CHECK(s.zeros == 2);
  CHECK(s.smallest == -2);
  CHECK(s.largest == 7);
  CHECK(s.mean == doctest::Approx(sum / good).epsilon(1e-12));
  CHECK(s.deviation == doctest::Approx(std::sqrt(deviations / good)).epsilon(1e-12));
  CHECK(s.norm == doctest::Approx(std::sqrt(squares)).epsilon(1e-12));
  CHECK(to_string(s) == "min -2, max 7, mean 1.417, deviation 2.893, 3 of 9 bad (33.3%)");
  const Statistics positive = statistics_of(std::vector<Scalar>{5, 4, 6});
  CHECK(positive.smallest == 4);
  CHECK(positive.largest == 6);
  CHECK(statistics_of(std::vector<Scalar>{-5, -4}).largest == -4);
  CHECK(to_string(positive) == "min 4, max 6, mean 5, deviation 0.8165, all finite");
  CHECK(to_string(statistics_of(std::vector<Scalar>{infinity, not_a_number})) ==
        "2 of 2 bad (100.0%)");
  const Tensor x = Tensor::from({2, 2, 3}, {1, 2, 3, 4, 5, -infinity, 1, infinity, 3, 4, 5, 6});
  CHECK(count_bad(x) == 2);
  CHECK(bad_values(x) == "2 of 12 values bad, the first, -inf, at [0, 1, 2]");
  CHECK(bad_values(Tensor::vector({1, 2, infinity})) ==
        "1 of 3 values bad, the first, inf, at [2]");
  CHECK(bad_values(Tensor::scalar(not_a_number)) == "1 of 1 values bad, the first, nan, at []");
  CHECK(position_text(23, {2, 3, 4}) == "[1, 2, 3]");
  CHECK(position_text(13, {2, 3, 4}) == "[1, 0, 1]");
}

TEST_CASE("the trace's report of a bad value, to the letter, and only of the first") {
  const TraceScope trace(nullptr);
  const Tensor x = Tensor::from({2, 3}, {1, 4, 1, 0, 1, 9}).named("x");
  const int made = __LINE__ - 1;
  const Tensor row = Tensor::vector({1, 0, 2});
  const int row_made = __LINE__ - 1;
  const Tensor y = x / row;
  const int line = __LINE__ - 1;
  const Tensor z = log(x);
  CHECK(trace.reports() ==
        std::vector<std::string>{"trace: divide at " + place(line) +
                                 " gives [2, 3] with 2 of 6 values bad, the first, inf, at [0, 1]\n"
                                 "  from x [2, 3] (tensor at " +
                                 place(made) +
                                 "): min 0, max 9, mean 2.667, deviation 3.091, all finite\n"
                                 "  from tensor at " +
                                 place(row_made) +
                                 " [3]: min 0, max 2, mean 1, deviation 0.8165, all finite\n"
                                 "  it was born here: every input of divide is finite"});
}

TEST_CASE("the trace's report of a bad gradient, to the letter, and only of the first") {
  const TraceScope trace(nullptr);
  const Tensor x = Tensor::vector({4, 0, 1}).requires_grad(true).named("x");
  const Tensor root = sqrt(x).named("root");
  const int line = __LINE__ - 1;
  const Tensor loss = sum(root * 2);
  loss.backward();
  const int backward = __LINE__ - 1;
  loss.backward();
  CHECK(trace.reports() ==
        std::vector<std::string>{
            "trace: the gradient of sqrt at " + place(line) + ", in backward() at " +
            place(backward) +
            ", gives x [3] a gradient with 1 of 3 values bad, the first, inf, at [1]\n"
            "  from the gradient of the result: min 2, max 2, mean 2, deviation 0, all finite\n"
            "  from the result root [3] (sqrt at " +
            place(line) +
            "): min 0, max 2, mean 1, deviation 0.8165, all finite\n"
            "  from x [3] (parameter): min 0, max 4, mean 1.667, deviation 1.7, all finite\n"
            "  it was born here: every input of sqrt is finite"});
}

TEST_CASE("the trace names the first input with a bad gradient, and tells of every input") {
  const TraceScope trace(nullptr);
  const Tensor a = Tensor::vector({1, 2}).requires_grad(true).named("a");
  const Tensor b = Tensor::vector({3, 4}).requires_grad(true).named("b");
  (a * b).backward(Tensor::vector({1, infinity}));
  REQUIRE(trace.reports().size() == 1);
  for (const char* part :
       {", gives a [2] a gradient with 1 of 2 values bad, the first, inf, at [1]\n",
        "\n  from a [2] (parameter): min 1, max 2, ", "\n  from b [2] (parameter): min 3, max 4, "})
    CHECK_MESSAGE(trace.reports()[0].find(part) != std::string::npos, trace.reports()[0]);
}

TEST_CASE("the trace's reports of masks and stale gradients, to the letter, once each") {
  const TraceScope trace(nullptr);
  const Tensor scores = Tensor::zeros({2, 3, 3, 4}).named("scores");
  std::vector<bool> allowed(2 * 3 * 3 * 4, true);
  for (const int row : {1 * 9 + 2 * 3 + 1, 1 * 9 + 2 * 3 + 2})
    for (int j = 0; j < 4; ++j) allowed[static_cast<std::size_t>(row * 4 + j)] = false;
  const Mask some = Mask::from({2, 3, 3, 4}, allowed);
  const int some_made = __LINE__ - 1;
  const Mask none = Mask::from({3, 4}, std::vector<bool>(12));
  const int none_made = __LINE__ - 1;
  masked_softmax(scores, some);
  masked_softmax(scores, none);
  const int line = __LINE__ - 2;
  masked_softmax(scores, none);
  masked_softmax(scores, some);
  Tensor w = Tensor::vector({1, 2}).requires_grad(true).named("w");
  Tensor v = Tensor::vector({1, 2, 3}).requires_grad(true).named("v");
  Sgd optimizer({{"v", v}, {"w", w}});
  int backward = 0;
  for (int step = 0; step < 3; ++step) {
    (sum(w * w) + sum(v)).backward();
    backward = __LINE__ - 1;
    optimizer.step();
    v.clear_grad();
  }
  const int step = __LINE__ - 3;
  CHECK(trace.reports() ==
        std::vector<std::string>{
            "trace: masked_softmax at " + place(line) + ": the mask of " + place(some_made) +
                " hides all 4 keys from 2 of 18 queries, the first: query 1 of head 2 in sequence "
                "1; they get zeros, which is right for padding alone",
            "trace: masked_softmax at " + place(line + 1) + ": the mask of " + place(none_made) +
                " hides all 4 keys from each of the 18 queries, so the result is zeros (in a "
                "Mask, true means: may look)",
            "trace: step() at " + place(step) +
                " uses the gradient of w [2] again: an earlier step has used it, and backward() "
                "at " +
                place(backward) + " has added to it; clear_grad() is missing after that step"});
}

TEST_CASE("the trace sees what two masks together hide, the causal one from the end of the keys") {
  const TraceScope trace(nullptr);
  masked_softmax(Tensor::zeros({2, 4}), Mask::causal());
  CHECK(trace.reports().empty());
  const std::vector<bool> allowed{false, false, false, true, true, true, true, true};
  masked_softmax(Tensor::zeros({2, 4}), Mask::causal() & Mask::from({2, 4}, allowed));
  REQUIRE(trace.reports().size() == 1);
  CHECK(
      trace.reports()[0].find("hides all 4 keys from 1 of 2 queries, the first: query 0 of head 0 "
                              "in sequence 0;") != std::string::npos);
}

TEST_CASE("the trace writes each report as soon as it is made") {
  std::FILE* file = std::tmpfile();
  {
    const TraceScope trace(file);
    log(Tensor::vector({1, 0}));
    CHECK(std::ftell(file) == static_cast<long>(trace.reports()[0].size()) + 1);
  }
  std::fclose(file);
}

TEST_CASE("the trace lets pass what is finite and what a mask of minus infinity brings") {
  const Tensor hidden = Tensor::from({2, 2}, {0, -infinity, 0, 0});
  const Tensor half = Tensor::from({2, 2}, {1, infinity, 0, 0});
  {
    const TraceScope trace(nullptr);
    const Tensor sum = hidden + 1;
    const Tensor twice = 2 * hidden;
    const Tensor both = hidden + hidden;
    CHECK(trace.reports().empty());
    {
      const TraceScope of_product(nullptr);
      const Tensor product = hidden * Tensor::vector({-1, -1});
      REQUIRE(of_product.reports().size() == 1);
      CHECK(of_product.reports()[0].find("every input of multiply is finite or minus infinity") !=
            std::string::npos);
    }
  }
  {
    const TraceScope trace(nullptr);
    const Tensor turned = -hidden;
    REQUIRE(trace.reports().size() == 1);
    CHECK(trace.reports()[0].find("1 of 4 values bad, the first, inf, at [0, 1]") !=
          std::string::npos);
    CHECK(trace.reports()[0].find("it was born here: every input of negate is finite or minus "
                                  "infinity") != std::string::npos);
  }
  const TraceScope trace(nullptr);
  const Tensor y = half.detach().named("half") + hidden;
  REQUIRE(trace.reports().size() == 1);
  CHECK(trace.reports()[0].find("it came in with half [2, 2]") != std::string::npos);
}

TEST_CASE("the layer table: mean, deviation, zeros and norm of the gradient of each name") {
  const Tensor w = Tensor::vector({1, -2, 0, 4}).requires_grad(true);
  const Tensor a = (w * 2).named("first");            // 2 -4 0 8
  const Tensor b = slice(w, 0, 0, 1).named("other");  // 1
  const Tensor c = slice(w, 0, 2, 4).named("first");  // 0 4
  const Tensor loss = sum(a * 3) + sum(b * 5) + sum(c * c);
  loss.backward();
  // first: 2 -4 0 8 0 4, their gradients 3 3 3 3 0 8
  char text[200];
  double squares = 0;
  for (const double v : {2, -4, 0, 8, 0, 4}) squares += (v - 10.0 / 6) * (v - 10.0 / 6);
  std::snprintf(text, sizeof text,
                "first                          %10.4f  %10.4f    33.3%%  %10.2e\n", 10.0 / 6,
                std::sqrt(squares / 6), 10.0);
  const std::string table = layer_table(loss);
  CHECK(table ==
        "output of                            mean   deviation    zeros    gradient\n" +
            std::string(text) +
            "other                              1.0000      0.0000     0.0%    5.00e+00\n");
  const Tensor bad = (w * Tensor::vector({1, infinity, not_a_number, 1})).named("bad");
  sum(bad * Tensor::vector({1, 1, 1, infinity})).backward();
  const Tensor bad_loss = sum(bad);
  bad_loss.backward();
  const std::string bad_table = layer_table(bad_loss);
  CHECK(bad_table.find("  without 2 bad values and 0 bad gradients\n") != std::string::npos);
  const Tensor half = (w * Tensor::vector({0, infinity, 1, 1})).named("half");  // 0 -inf 0 4
  const Tensor half_loss = sum(half);
  half_loss.backward();
  CHECK(layer_table(half_loss).find("  50.0%") != std::string::npos);
  const Tensor steep = sum((w * 1).named("steep") * Tensor::vector({1, infinity, 1, 1}));
  steep.backward();
  CHECK(layer_table(steep).find("  without 0 bad values and 1 bad gradients\n") !=
        std::string::npos);
}

TEST_CASE("a parameter that is no number any more counts as one that does not move") {
  Random random(1);
  Dense dense(2, 2, random);
  dense.kernel.mutable_values()[1] = not_a_number;
  dense.kernel.mutable_values()[0] = 1;
  Sgd optimizer(dense.parameters(), {.learning_rate = 0});
  const MovementCheck check(dense);
  sum(dense(Tensor::full({1, 2}, 1))).backward();
  optimizer.step();
  const std::string text = check.unmoved(optimizer);
  CHECK(text.find("2 of 2 parameters") != std::string::npos);
  CHECK(text.find("kernel [2, 2]\n    holds values that are no numbers\n") != std::string::npos);
  CHECK(text.find(
            "bias [2]\n    has a gradient, but the step was too small to change a bit (learning "
            "rate 0)\n") != std::string::npos);
}

TEST_CASE("the first loss is judged at both limits, and the sentence is the one promised") {
  const double guess = std::log(5.0);
  const auto verdict = [](double value) {
    const Tensor loss = Tensor::scalar(static_cast<Scalar>(value), Where::at("lesson.cpp", 3));
    return judge_first_loss(loss, 5);
  };
  const auto says = [&](double value, const std::string& words) {
    char text[100];
    std::snprintf(text, sizeof text,
                  "the loss %.4f of lesson.cpp:3, and ln(5) = 1.6094 for guessing:\n  ", value);
    const std::string told = verdict(value);
    CAPTURE(told);
    CHECK(told.find(text + words) == 0);
  };
  says(0.8 * guess - 0.001, "too low for a model that has not learned yet");
  says(0.8 * guess + 0.001, "as it should be");
  says(guess + 0.499, "as it should be");
  says(guess + 0.501, "too high; the model is sure of wrong answers");
  CHECK(verdict(INFINITY).find("not a number to train with") != std::string::npos);
  CHECK(verdict(NAN).find("not a number to train with") != std::string::npos);
}

TEST_CASE("a first loss of several numbers is refused at the line that asks") {
  const int line = __LINE__ + 2;
  try {
    judge_first_loss(Tensor::zeros({2}), 3);
    FAIL("not refused");
  } catch (const Error& error) {
    CHECK(std::string(error.what()).find("item at " + place(line) + ": ") == 0);
  }
}
