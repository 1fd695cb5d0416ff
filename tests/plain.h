// How operations are tested: beside each stands a plain loop in double, written in the test from
// the formula that the header promises. What the library computes must be what the loop computes,
// and its gradient what one sees when the inputs of the loop are moved a little.
#pragma once

#include <gradus/tensor.h>

#include <functional>
#include <initializer_list>
#include <limits>
#include <span>
#include <string>
#include <vector>

namespace plain {

using gradus::Index;
using gradus::Scalar;
using gradus::Tensor;
using Position = std::vector<Index>;

constexpr double infinity = std::numeric_limits<double>::infinity();
constexpr double not_a_number = std::numeric_limits<double>::quiet_NaN();

// Values row by row, in double whatever the library computes in.
struct Array {
  Array(Position of_sizes, double value);
  Index size() const { return static_cast<Index>(values.size()); }
  int rank() const { return static_cast<int>(sizes.size()); }
  // (The numbers in braces make no vector: a loop asks a million times.)
  double& operator[](std::initializer_list<Index> position) { return *at(position); }
  double operator[](std::initializer_list<Index> position) const { return *at(position); }
  double& operator[](const Position& position) { return *at(position); }
  double operator[](const Position& position) const { return *at(position); }

  Position sizes;
  std::vector<double> values;

 private:
  double* at(std::span<const Index> position) const;
};
using Arrays = std::vector<Array>;
using Tensors = std::vector<Tensor>;

// Where value number `index` of an array of these sizes stands.
Position position_of(Index index, const Position& sizes);
// Numbers from low to high that float can hold, others for each seed.
Array random(const Position& sizes, std::uint64_t seed, double low = -1, double high = 1);
// The same with both signs, none closer to 0 than `gap`.
Array random_around(const Position& sizes, std::uint64_t seed, double gap, double high);
gradus::Shape shape_of(const Position& sizes);
Position sizes_of(const Tensor& tensor);
Tensor tensor_of(const Array& array);
Array array_of(const Tensor& tensor);

struct Case {
  std::string name;  // what a failure is reported with
  std::function<Tensor(const Tensors&)> compute;
  std::function<Array(const Arrays&)> loop;
  Arrays inputs;
  double slack = 1;  // times the tolerance, where many numbers are summed
  // The gradients of the inputs by a loop too, where the inputs are too many to move one by one.
  std::function<Arrays(const Arrays&, const Array& seed)> gradient = {};
};

// Checks of an operation, with a random gradient of the result coming in:
//   - the shape and the values; nothing is changed, and nothing is recorded unless wanted;
//   - the gradient of each input, whichever of them want one, once, twice, and used twice;
//   - nobody's gradient changes when the seed or another gradient is written to;
//   - an input or a result that is overwritten before backward() is refused or does no harm.
void check(const Case& c);

// The first half alone, for what has no derivative.
void check_values(const Case& c);

// The gradients of the inputs by central differences of the loop, `seed` being that of the result.
Arrays differences(const std::function<Array(const Arrays&)>& loop, const Arrays& inputs,
                   const Array& seed);

// All values are close: relative to the value itself, to a tenth of the largest, or to `least`.
// What is not a number, or infinite, must be so in both.
void check_close(const Array& computed, const Array& wanted, double tolerance, double least = 0);
double forward_tolerance();
double gradient_tolerance();

// The message of the Error that `act` ends with, "not refused" if it does not.
std::string refusal(const std::function<void()>& act);
// Checks that the text has this part.
void says(const std::string& text, const std::string& part);

// Checks that the expression ends with the Error "operation at this line: problem".
#define REFUSED(operation, problem, ...)                                                   \
  plain::check_refused(plain::refusal([&] { static_cast<void>(__VA_ARGS__); }), operation, \
                       gradus::here(), problem)
void check_refused(const std::string& message, const std::string& operation,
                   const gradus::Where& where, const std::string& problem);

}  // namespace plain
