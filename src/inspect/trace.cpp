#include <gradus/profile.h>
#include <gradus/trace.h>

#include "statistics.h"

#include <algorithm>
#include <cstdlib>
#include <limits>

namespace gradus {

namespace {

// "x [2, 3] (tensor at lessons/04_scaling.cpp:31)". A parameter's line lies in the constructor of
// its layer, so its name says more.
std::string who(const Tensor& x) {
  const std::string made = std::string(x.operation()) + " at " + to_string(x.where());
  if (!*x.label()) return made + " " + to_string(x.shape());
  const bool parameter = x.requires_grad() && !x.node()->made_by;
  return describe(x) + (parameter ? " (parameter)" : " (" + made + ")");
}

std::string line(const char* part, const Tensor& x) {
  return std::string("\n  ") + part + who(x) + ": " + to_string(statistics_of(x.values()));
}

Index count_minus_infinity(const Tensor& x) {
  return std::count(x.values().begin(), x.values().end(), -std::numeric_limits<Scalar>::infinity());
}

// Not a number, or plus infinity: nothing that a mask of minus infinity brings.
bool holds_worse(const Tensor& x) {
  return count_bad(x) > count_minus_infinity(x);
}

// Minus infinity in a result is no fault where some input held it too.
bool is_bad(const Tensor& out, std::span<const Edge> inputs) {
  if (count_bad(out) == 0) return false;
  return holds_worse(out) || std::none_of(inputs.begin(), inputs.end(), [](const Edge& input) {
           return count_minus_infinity(input.tensor) > 0;
         });
}

// Where bad values came from: the first input that holds some, or the operation itself.
std::string origin(const char* operation, std::span<const Edge> inputs) {
  bool masked = false;
  for (const Edge& input : inputs) {
    if (holds_worse(input.tensor)) return "\n  it came in with " + who(input.tensor);
    masked |= count_minus_infinity(input.tensor) > 0;
  }
  return std::string("\n  it was born here: every input of ") + operation +
         (masked ? " is finite or minus infinity" : " is finite");
}

struct Query {
  Index sequence, head, place;
};

// The queries that a mask lets look at no key.
std::vector<Query> blind_queries(const Mask& mask, const Shape& attention) {
  std::vector<Query> blind;
  for (Index b = 0; b < attention[0]; ++b)
    for (Index h = 0; h < attention[1]; ++h)
      for (Index i = 0; i < attention[2]; ++i) {
        Index j = 0;
        while (j < attention[3] && !mask.allows(b, h, i, j, attention[3] - attention[2])) ++j;
        if (j == attention[3]) blind.push_back({b, h, i});
      }
  return blind;
}

bool asked_for(const char* name) {
  const char* value = std::getenv(name);
  return value && *value && std::string(value) != "0";
}

// Looks on from the start of the program to its end.
struct PrintedProfile : Profile {
  PrintedProfile() { add_watcher(*this); }
  ~PrintedProfile() override { std::fprintf(stderr, "\n%s", table().c_str()); }
};

}  // namespace

void Trace::report(bool& said, const std::string& text) {
  said = true;
  reports_.push_back("trace: " + text);
  if (to_) std::fprintf(to_, "%s\n", reports_.back().c_str());
}

void Trace::after_forward(const Tensor& out, std::span<const Edge> inputs) {
  if (bad_value_ || !is_bad(out, inputs)) return;
  std::string text = worded(out.operation(), " at ", out.where(), " gives ", out.label(),
                            *out.label() ? " " : "", out.shape(), " with ", bad_values(out));
  for (const Edge& input : inputs) text += line("from ", input.tensor);
  report(bad_value_, text + origin(out.operation(), inputs));
}

void Trace::after_backward(const Tensor& out) {
  if (bad_gradient_) return;
  const std::span<const Edge> inputs = out.node()->made_by->inputs;
  const Tensor* hit = nullptr;  // the first input with a bad gradient
  for (const Edge& input : inputs)
    if (!hit && input.tensor.has_grad() && count_bad(input.tensor.grad())) hit = &input.tensor;
  if (!hit) return;
  std::string text =
      worded("the gradient of ", out.operation(), " at ", out.where(), ", in backward() at ",
             backward_, ", gives ", describe(*hit), " a gradient with ", bad_values(hit->grad()),
             "\n  from the gradient of the result: ", statistics_of(out.grad().values()));
  text += line("from the result ", out);
  for (const Edge& input : inputs) text += line("from ", input.tensor);
  text += count_bad(out.grad()) ? "\n  it came in with the gradient of the result"
                                : origin(out.operation(), inputs);
  report(bad_gradient_, text);
}

void Trace::stale_gradient(const Tensor& parameter) {
  if (stale_) return;
  report(stale_, worded("step() at ", step_, " uses the gradient of ", describe(parameter),
                        " again: an earlier step has used it, and backward() at ", backward_,
                        " has added to it; clear_grad() is missing after that step"));
}

void Trace::before_mask(const Mask& mask, const Shape& attention, const char* operation,
                        const Where& where) {
  if (all_hidden_ && some_hidden_) return;
  const auto queries = static_cast<std::size_t>(attention.size() / attention[3]);
  const std::vector<Query> blind = blind_queries(mask, attention);
  const bool all = blind.size() == queries;
  bool& said = all ? all_hidden_ : some_hidden_;
  if (blind.empty() || said) return;
  const std::string whom =
      all ? worded("each of the ", queries,
                   " queries, so the result is zeros (in a Mask, true means: may look)")
          : worded(blind.size(), " of ", queries, " queries, the first: query ", blind[0].place,
                   " of head ", blind[0].head, " in sequence ", blind[0].sequence,
                   "; they get zeros, which is right for padding alone");
  report(said, worded(operation, " at ", where, ": the mask of ", mask.where(), " hides all ",
                      attention[3], " keys from ", whom));
}

bool watch_if_asked() {
  if (asked_for("GRADUS_PROFILE")) static const PrintedProfile profile;
  if (asked_for("GRADUS_TRACE")) static const TraceScope trace;
  return true;
}

}  // namespace gradus
