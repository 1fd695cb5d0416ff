#include "training_state.h"

#include <gradus/safetensors.h>

#include <algorithm>
#include <bit>
#include <sstream>

namespace gradus {

namespace {

// Numbers as text that gives back the same bits.
void write(std::ostream& out, const Metric& metric) {
  out << std::bit_cast<std::uint64_t>(metric.loss_sum) << ' ' << metric.correct << ' '
      << metric.count << ' ';
}

void read(std::istream& in, Metric& metric) {
  std::uint64_t bits = 0;
  in >> bits >> metric.correct >> metric.count;
  metric.loss_sum = std::bit_cast<double>(bits);
}

std::vector<NamedTensor> everything(const TextClassifier& model, const Optimizer& optimizer) {
  std::vector<NamedTensor> all;
  for (const auto& [name, tensor] : model.parameters()) all.push_back({"model." + name, tensor});
  for (const auto& [name, tensor] : optimizer.state()) all.push_back({"optimizer." + name, tensor});
  return all;
}

}  // namespace

void save_state(const std::string& path, const TrainingState& state, TextClassifier& model,
                const Optimizer& optimizer, Where where) {
  std::ostringstream numbers;
  numbers << state.epoch << ' ' << state.batch << ' ' << state.since_best << ' '
          << state.history.best << ' ' << optimizer.steps() << ' ';
  write(numbers, state.running);
  for (const Module::Counter& counter : model.counters()) numbers << *counter.value << ' ';
  numbers << state.history.epochs.size() << ' ';
  for (const Epoch& epoch : state.history.epochs) {
    write(numbers, epoch.train);
    write(numbers, epoch.validation);
  }
  write_safetensors(
      path,
      {everything(model, optimizer), {{"settings", state.settings}, {"numbers", numbers.str()}}},
      where);
}

void load_state(const std::string& path, TrainingState& state, TextClassifier& model,
                Optimizer& optimizer, Where where) {
  TensorFile file = read_safetensors(path, where);
  if (file.metadata["settings"] != state.settings)
    fail("fit", where,
         path + " is the state of a training with other settings (" + file.metadata["settings"] +
             " instead of " + state.settings + "): delete it or choose another folder");
  const std::vector<NamedTensor> all = everything(model, optimizer);
  bool matches = all.size() == file.tensors.size();
  for (std::size_t i = 0; matches && i < all.size(); ++i)
    matches = all[i].name == file.tensors[i].name &&
              all[i].tensor.shape() == file.tensors[i].tensor.shape();
  std::istringstream numbers(file.metadata["numbers"]);
  std::int64_t steps = 0;
  std::size_t epochs = 0;
  numbers >> state.epoch >> state.batch >> state.since_best >> state.history.best >> steps;
  read(numbers, state.running);
  for (const Module::Counter& counter : model.counters()) numbers >> *counter.value;
  numbers >> epochs;
  for (std::size_t i = 0; i < epochs && numbers; ++i) {
    state.history.epochs.emplace_back();
    read(numbers, state.history.epochs.back().train);
    read(numbers, state.history.epochs.back().validation);
  }
  if (!matches || !numbers)
    fail("fit", where, path + " does not hold the state of such a training: delete it");
  for (std::size_t i = 0; i < all.size(); ++i) {
    const auto values = file.tensors[i].tensor.values();
    std::copy(values.begin(), values.end(), Tensor(all[i].tensor).mutable_data());
  }
  optimizer.set_steps(steps);
}

}  // namespace gradus
