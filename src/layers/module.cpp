#include <gradus/hooks.h>
#include <gradus/module.h>
#include <gradus/operation.h>

#include <cstdio>
#include <utility>

namespace gradus {

std::string Module::path() const {
  if (!parent_) return name_;
  const std::string above = parent_->path();
  return above.empty() ? name_ : above + "." + name_;
}

void Module::check_name(const std::string& name, const Where& where) const {
  bool taken = false;
  for (const NamedTensor& parameter : own_) taken |= parameter.name == name;
  for (const Module* part : parts_) taken |= part->name_ == name;
  if (name.empty() || name.find('.') != std::string::npos || taken)
    fail(kind_, where, "a part needs a name of its own without a dot, \"" + name + "\" given");
}

Tensor Module::add(const std::string& name, Tensor parameter, Where where) {
  check_name(name, where);
  parameter.requires_grad(true).named(name);
  own_.push_back({name, parameter});
  return parameter;
}

void Module::add(const std::string& name, Module& part, Where where) {
  check_name(name, where);
  part.name_ = name;
  part.parent_ = this;
  parts_.push_back(&part);
  // The parameters below now have longer names.
  for (const NamedTensor& parameter : parameters()) Tensor(parameter.tensor).named(parameter.name);
}

void Module::add(const std::string& name, std::uint64_t& counter) {
  counters_.push_back({name, &counter});
}

Tensor Module::done(Tensor out) {
  if (label_) {
    out.node()->label = label_;
    run_hooks(out);
  } else if (!name_.empty()) {  // a whole model has none: its result keeps the name of a part
    out.named(path());
    label_ = out.label();
  }
  last_shape_ = out.shape();
  ran_ = true;
  return out;
}

void Module::collect(const std::string& prefix, std::vector<NamedTensor>& found) const {
  for (const NamedTensor& parameter : own_)
    found.push_back({prefix + parameter.name, parameter.tensor});
  for (const Module* part : parts_) part->collect(prefix + part->name_ + ".", found);
}

void Module::collect(const std::string& prefix, std::vector<Counter>& found) {
  for (const Counter& counter : counters_) found.push_back({prefix + counter.name, counter.value});
  for (Module* part : parts_) part->collect(prefix + part->name_ + ".", found);
}

std::vector<NamedTensor> Module::parameters() const {
  std::vector<NamedTensor> found;
  collect("", found);
  return found;
}

std::vector<Module::Counter> Module::counters() {
  std::vector<Counter> found;
  collect("", found);
  return found;
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

void Module::add_rows(int depth, std::string& table) const {
  const std::string title = std::string(static_cast<std::size_t>(2 * depth), ' ') +
                            (name_.empty() ? kind_ : name_ + " (" + kind_ + ")");
  char row[200];
  std::snprintf(row, sizeof row, " %-44s %-20s %12lld\n", title.c_str(),
                ran_ ? to_string(last_shape_).c_str() : "?",
                static_cast<long long>(parameter_count()));
  table += row;
  for (const Module* part : parts_) part->add_rows(depth + 1, table);
}

std::string Module::summary() const {
  const std::string line = " " + std::string(78, '-') + "\n";
  char row[200];
  std::snprintf(row, sizeof row, " %-44s %-20s %12s\n", "Layer (type)", "Output shape", "Param #");
  std::string table = row + line;
  add_rows(0, table);
  std::snprintf(row, sizeof row, " Total params: %lld\n",
                static_cast<long long>(parameter_count()));
  return table + line + row;
}

}  // namespace gradus
