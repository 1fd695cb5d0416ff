// Evaluation mode for a while: the mode of every part is put back at the end, however that comes.
#pragma once

#include <gradus/module.h>

namespace gradus {

class InEvaluation {
 public:
  explicit InEvaluation(Module& model) {
    remember(model);
    model.eval();
  }
  ~InEvaluation() {
    for (const auto& [part, training] : before_) part->train(training);
  }

 private:
  void remember(Module& part) {  // ahead of its own parts, whose mode train() sets as well
    before_.push_back({&part, part.training()});
    for (Module* below : part.parts()) remember(*below);
  }
  std::vector<std::pair<Module*, bool>> before_;
};

}  // namespace gradus
