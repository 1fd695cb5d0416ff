#include <gradus/module.h>
#include <gradus/watcher.h>

#include "../format.h"

#include <algorithm>

namespace gradus {

bool holds(const std::vector<NamedTensor>& tensors, const Tensor& tensor) {
  return std::any_of(tensors.begin(), tensors.end(), [&](const NamedTensor& other) {
    return other.tensor.node() == tensor.node();
  });
}

Module::Module(std::string kind, std::initializer_list<std::pair<const char*, Index>> sizes,
               const Where& where)
    : kind_(std::move(kind)) {
  for (const auto& [name, size] : sizes)
    if (size < 1) fail(kind_, where, name, " must be at least 1, not ", size);
}

Module::~Module() {
  if (parent_) std::erase(parent_->parts_, this);
  for (Module* part : parts_) {
    part->parent_ = nullptr;
    part->name_.clear();
    part->forget_labels();
  }
}

std::string Module::path() const {
  const std::string above = parent_ ? parent_->path() : "";
  return above.empty() ? name_ : above + "." + name_;
}

void Module::check_name(const std::string& name, const Where& where) const {
  const auto has_it = [&](const auto& named) { return named.name == name; };
  bool taken = std::any_of(own_.begin(), own_.end(), has_it) ||
               std::any_of(counters_.begin(), counters_.end(), has_it);
  for (const Module* part : parts_) taken |= part->name_ == name;
  if (name.empty() || name.find('.') != std::string::npos || taken)
    fail(kind_, where, "a part needs a name of its own without a dot, \"", name, "\" given");
}

void Module::add(const std::string& name, Tensor& parameter, Where where) {
  check_name(name, where);
  parameter.requires_grad(false, where).requires_grad(true);  // refuses what was computed
  own_.push_back({name, &parameter, parameter});
  give_names();
}

void Module::add(const std::string& name, Module& part, Where where) {
  check_name(name, where);
  const Module* above = this;
  while (above && above != &part) above = above->parent_;
  if (part.parent_ || above)
    fail(kind_, where, "the part for \"", name,
         "\" is one of another module already, or holds this one; to ",
         "use it in two places, call it there");
  parts_.push_back(&part);
  part.name_ = name;
  part.parent_ = this;
  part.forget_labels();
  give_names();
}

void Module::add(const std::string& name, std::uint64_t& counter, Where where) {
  check_name(name, where);
  counters_.push_back({name, &counter});
}

// Labels are paths from the whole, so what was added has made those below it longer.
void Module::give_names() {
  if (parent_) return parent_->give_names();
  for (NamedTensor& parameter : parameters()) parameter.tensor.named(parameter.name);
}

void Module::forget_labels() noexcept {
  label_ = nullptr;
  for (Module* part : parts_) part->forget_labels();
}

Tensor Module::done(Tensor out, const Tensor& input) {
  last_shape_ = out.shape();
  // A whole model has no name: its result keeps that of a part.
  if (name_.empty() || out.node() == input.node()) return out;
  if (label_) {
    out.node()->label = label_;
    tell_watchers([&](Watcher& watcher) { watcher.named(out); });
  } else {
    out.named(path());
    label_ = out.label();
  }
  return out;
}

std::vector<NamedTensor> Module::parameters() const {
  std::vector<NamedTensor> all;
  const auto add_once = [&](const std::string& name, const Tensor& tensor) {
    if (!holds(all, tensor)) all.push_back({name, tensor});
  };
  for (Parameter& own : own_) {
    Tensor& tensor = *own.member;
    if (tensor.node() != own.known.node()) {
      tensor.requires_grad(false, tensor.where()).requires_grad(own.known.requires_grad());
      if (!*tensor.label()) tensor.named(own.known.label());
      own.known = tensor;
    }
    add_once(own.name, tensor);
  }
  for (const Module* part : parts_)
    for (const auto& [name, tensor] : part->parameters())
      add_once(part->name_ + "." + name, tensor);
  return all;
}

std::vector<Module::Counter> Module::counters() const {
  std::vector<Counter> all = counters_;
  for (const Module* part : parts_)
    for (const auto& [name, value] : part->counters())
      all.push_back({part->name_ + "." + name, value});
  return all;
}

Index Module::parameter_count() const {
  Index count = 0;
  for (const NamedTensor& parameter : parameters()) count += parameter.tensor.size();
  return count;
}

void Module::clear_grad() {
  for (NamedTensor& parameter : parameters()) parameter.tensor.clear_grad();
}

void Module::train(bool training) {
  training_ = training;
  for (Module* part : parts_) part->train(training);
}

namespace {

std::string row(const std::string& title, const std::string& shape, const std::string& count) {
  return format(" %-44.80s %-20.60s %12s\n", title.c_str(), shape.c_str(), count.c_str());
}

}  // namespace

void Module::add_rows(int depth, std::string& table) const {
  const std::string title = name_.empty() ? kind_ : name_ + " (" + kind_ + ")";
  table += row(std::string(static_cast<std::size_t>(2 * depth), ' ') + title,
               last_shape_ ? to_string(*last_shape_) : "?", std::to_string(parameter_count()));
  for (const Module* part : parts_) part->add_rows(depth + 1, table);
}

std::string Module::summary() const {
  const std::string line = " " + std::string(78, '-') + "\n";
  std::string table = row("Layer (type)", "Output shape", "Param #") + line;
  add_rows(0, table);
  return table + line + " Total params: " + std::to_string(parameter_count()) + "\n";
}

}  // namespace gradus
