// What must be saved of a training, so that it can go on with the same bits.
#pragma once

#include <gradus/fit.h>

namespace gradus {

struct TrainingState {
  std::string settings;   // the state fits only a training with the same
  int epoch = 0;          // the epoch that is under way
  std::size_t batch = 0;  // its next batch
  Metric running;         // of the batches before it
  int since_best = 0;     // epochs since the best one
  History history;
};

// Together with all parameters, the optimiser's memory and the model's counters.
void save_state(const std::string& path, const TrainingState& state, TextClassifier& model,
                const Optimizer& optimizer, Where where);
// Errors: a damaged file, or one of a training with other settings.
void load_state(const std::string& path, TrainingState& state, TextClassifier& model,
                Optimizer& optimizer, Where where);

}  // namespace gradus
