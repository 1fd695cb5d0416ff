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

#include <gradus/watcher.h>

namespace gradus {

// Acts on every tensor that gets its name while the hook lives (on this thread), and backward also
// on parameters that had it before. What it calls may compute, make hooks and destroy this one.
class Hook : public Watcher {
 public:
  using Change = std::function<Tensor(const Tensor&)>;

  // `forward` is given the tensor and returns what the program goes on with, `backward` is given
  // its complete gradient (of a parameter, with what earlier calls of backward() left) and returns
  // the one to go on with. Either may be empty. Errors (when the hook acts): a result of another
  // shape.
  Hook(std::string name, Change forward, Change backward = {}, Where where = here());
  ~Hook() override;

  // How often it was called, forward and backward; 0 at the end often means that the name is wrong.
  int calls() const;

  void named(Tensor& tensor) override;
  void complete_gradient(const Tensor& tensor) override;

 private:
  struct Work;
  Shared<Work> work_;
};

}  // namespace gradus
