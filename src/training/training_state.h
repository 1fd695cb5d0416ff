// What must be saved of a training, so that it can go on with the same bits.
#pragma once

#include <gradus/fit.h>

namespace gradus {

struct TrainingState {
  std::string settings;      // the state fits only a training with the same, line for line
  std::size_t batch = 0;     // the next batch of the epoch that is under way
  Metric running;            // of the batches before it
  History history;           // of the epochs before it
  std::vector<Tensor> best;  // the parameters after the best of these
};

// Together with all parameters, the optimiser's memory and the model's counters.
void save_state(const std::string& path, const TrainingState& state, Module& model,
                const Optimizer& optimizer, Where where);
// Requires: state.settings are those of the training that wants to go on. Errors: they are not
// those of the file; a damaged file.
void load_state(const std::string& path, TrainingState& state, Module& model, Optimizer& optimizer,
                Where where);

// The values of parameters now, and back.
std::vector<Tensor> copies(const std::vector<NamedTensor>& parameters);
void copy_values(const Tensor& from, Tensor to);

// A number that differs, almost surely, if `hash` or one of the values does.
std::uint64_t mix(std::uint64_t hash, std::span<const Scalar> values);

}  // namespace gradus
