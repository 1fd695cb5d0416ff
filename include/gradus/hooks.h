// Hooks: to keep or change what flows through a named tensor, without editing the code that made
// it. Layers name what they compute, such as "encoder.attention.weights".
//
//   Tensor kept;
//   Hook keep("encoder.attention", [&](const Tensor& x) { return kept = x; });
//   model(reviews);                       // `kept` is now the output of the attention layer
//
//   Hook ablate("encoder.attention", [](const Tensor& x) { return x * 0; });      // what if it
//   model(reviews);                                                               // said nothing?
#pragma once

#include <gradus/tensor.h>

#include <functional>
#include <string>

namespace gradus {

// Acts on every tensor that gets its name while the hook lives (on this thread).
class Hook {
 public:
  using Forward = std::function<Tensor(const Tensor& value)>;
  using Backward = std::function<Tensor(const Tensor& gradient)>;

  // `forward` is given the tensor and returns what the program goes on with: the same one, or
  // another of the same shape. `backward` is given the complete gradient of the tensor and returns
  // the one to go on with. Either may be empty.
  // Errors (when the hook acts): a result of another shape.
  Hook(std::string name, Forward forward, Backward backward = {}, Where where = here());
  ~Hook();
  Hook(const Hook&) = delete;
  Hook& operator=(const Hook&) = delete;

  const std::string& name() const { return name_; }
  const Where& where() const { return where_; }
  // How many tensors went through; 0 at the end often means that the name is wrong.
  int calls() const { return calls_; }

 private:
  friend void run_hooks(Tensor& tensor);
  friend void run_gradient_hook(const Tensor& tensor);

  std::string name_;
  Forward forward_;
  Backward backward_;
  Where where_;
  int calls_ = 0;
};

// Called when a tensor has got its name, and when its gradient is complete.
void run_hooks(Tensor& tensor);
void run_gradient_hook(const Tensor& tensor);

}  // namespace gradus
