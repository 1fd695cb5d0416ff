// Is this gradient right? Compares what backward() computes with what one sees when each value of
// each input is moved a little to either side (central differences).
//
//   const GradientReport report = check_gradients(
//       [](const std::vector<Tensor>& x) { return softmax(x[0]); }, {scores});
//   std::printf("%s", report.text.c_str());
//
// The inputs are moved in place, so f may as well find them where they are:
//   check_gradients([&](const std::vector<Tensor>& x) { return dense(x[0]); },
//                   {scores, dense.kernel, dense.bias});
//
// The result of f is weighted with random numbers and summed up, so that mistakes cannot cancel.
// Build with MODE=double for a check to six digits or more; in float32 the differences themselves
// are only right to about two.
#pragma once

#include <gradus/tensor.h>

#include <functional>

namespace gradus {

struct GradientCheckOptions {
  Scalar step = sizeof(Scalar) == 8 ? Scalar(1e-5) : Scalar(1e-2);
  Scalar tolerance = sizeof(Scalar) == 8 ? Scalar(1e-6) : Scalar(3e-2);
  std::uint64_t seed = 1;  // of the weights
};

struct GradientReport {
  bool passed = false;
  double worst = 0;  // the largest relative error of any value
  std::string text;  // what was compared and, for a failure, where and by how much
};

// Every value of every input is checked. Fails also if the gradient of an input is zero everywhere
// (then nothing was tested), or somewhere no number. The relative error of a value is taken against
// the larger of the two numbers, or a thousandth of the largest in that input. In the end the
// inputs are as they were; what else f computes with has got a gradient. Errors: no inputs.
GradientReport check_gradients(const std::function<Tensor(const std::vector<Tensor>&)>& f,
                               const std::vector<Tensor>& inputs,
                               const GradientCheckOptions& options = {}, Where where = here());

}  // namespace gradus
