#include "training_state.h"

#include <gradus/safetensors.h>

#include <algorithm>
#include <bit>
#include <iterator>
#include <sstream>

namespace gradus {

namespace {

using Numbers = std::vector<std::uint64_t>;

std::vector<NamedTensor> tensors_of(const TrainingState& state, const Module& model,
                                    const Optimizer& optimizer) {
  const std::vector<NamedTensor> parameters = model.parameters();
  std::vector<NamedTensor> all;
  for (const auto& [name, tensor] : parameters) all.push_back({"model." + name, tensor});
  for (const auto& [name, tensor] : optimizer.state()) all.push_back({"optimizer." + name, tensor});
  for (std::size_t i = 0; i < state.best.size(); ++i)
    all.push_back({"best." + parameters[i].name, state.best[i]});
  return all;
}

void add(Numbers& numbers, const Metric& metric) {
  numbers.push_back(std::bit_cast<std::uint64_t>(metric.loss_sum));
  numbers.push_back(static_cast<std::uint64_t>(metric.correct));
  numbers.push_back(static_cast<std::uint64_t>(metric.count));
}

Metric metric_at(const std::uint64_t* numbers) {
  return {std::bit_cast<double>(numbers[0]), static_cast<std::int64_t>(numbers[1]),
          static_cast<std::int64_t>(numbers[2])};
}

std::uint64_t checksum(const Numbers& numbers, const std::vector<NamedTensor>& tensors) {
  std::uint64_t hash = 0;
  for (const std::uint64_t number : numbers) hash = random_bits(hash, number);
  for (const auto& [name, tensor] : tensors) hash = mix(hash, tensor.values());
  return hash;
}

bool same_form(const NamedTensor& a, const NamedTensor& b) {
  return a.name == b.name && a.tensor.shape() == b.tensor.shape();
}

// The first line that two texts do not share, of each.
std::string difference(const std::string& theirs, const std::string& ours) {
  std::istringstream a(theirs), b(ours);
  std::string line_a, line_b;
  while (line_a == line_b) {
    if (!std::getline(a, line_a)) line_a = "nothing more";
    if (!std::getline(b, line_b)) line_b = "no such line";
  }
  return "\"" + line_a + "\" stands there, here it is \"" + line_b + "\"";
}

}  // namespace

// steps, batch, running; the counters; the metrics of each epoch; a checksum
void save_state(const std::string& path, const TrainingState& state, Module& model,
                const Optimizer& optimizer, Where where) {
  Numbers numbers{static_cast<std::uint64_t>(optimizer.steps()), state.batch};
  add(numbers, state.running);
  for (const Module::Counter& counter : model.counters()) numbers.push_back(*counter.value);
  for (const Epoch& epoch : state.history.epochs) {
    add(numbers, epoch.train);
    add(numbers, epoch.validation);
  }
  const std::vector<NamedTensor> tensors = tensors_of(state, model, optimizer);
  numbers.push_back(checksum(numbers, tensors));
  std::string text;
  for (const std::uint64_t number : numbers) text += std::to_string(number) + " ";
  write_safetensors(path, {tensors, {{"settings", state.settings}, {"numbers", text}}}, where);
}

void load_state(const std::string& path, TrainingState& state, Module& model, Optimizer& optimizer,
                Where where) {
  TensorFile file = read_safetensors(path, where);
  if (file.metadata["settings"] != state.settings)
    fail("fit", where, path, " is the state of a training with other settings: ",
         difference(file.metadata["settings"], state.settings),
         "; delete it or choose another folder");
  std::istringstream text(file.metadata["numbers"]);
  Numbers numbers{std::istream_iterator<std::uint64_t>(text), {}};
  const std::vector<Module::Counter> counters = model.counters();
  const std::size_t first_epoch = 5 + counters.size();
  bool sound = numbers.size() > first_epoch && (numbers.size() - first_epoch) % 6 == 1;
  for (std::size_t i = first_epoch; sound && i + 6 < numbers.size(); i += 6)
    state.history.add({metric_at(&numbers[i]), metric_at(&numbers[i + 3])});
  if (!state.history.epochs.empty()) state.best = copies(model.parameters());
  const std::vector<NamedTensor> tensors = tensors_of(state, model, optimizer);
  sound = sound && std::equal(tensors.begin(), tensors.end(), file.tensors.begin(),
                              file.tensors.end(), same_form);
  if (!sound ||
      numbers.back() != checksum(Numbers(numbers.begin(), numbers.end() - 1), file.tensors))
    fail("fit", where, path, " is damaged: delete it");
  optimizer.set_steps(static_cast<std::int64_t>(numbers[0]));
  state.batch = numbers[1];
  state.running = metric_at(&numbers[2]);
  for (std::size_t i = 0; i < counters.size(); ++i) *counters[i].value = numbers[5 + i];
  for (std::size_t i = 0; i < tensors.size(); ++i)
    copy_values(file.tensors[i].tensor, tensors[i].tensor);
}

std::vector<Tensor> copies(const std::vector<NamedTensor>& parameters) {
  std::vector<Tensor> result;
  for (const auto& [name, tensor] : parameters) result.push_back(tensor.detach());
  return result;
}

void copy_values(const Tensor& from, Tensor to) {
  std::copy(from.values().begin(), from.values().end(), to.mutable_data());
}

std::uint64_t mix(std::uint64_t hash, std::span<const Scalar> values) {
  for (const Scalar value : values)
    hash = random_bits(hash, std::bit_cast<std::uint32_t>(static_cast<float>(value)));
  return hash;
}

}  // namespace gradus
