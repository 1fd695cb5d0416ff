#include "recording.h"

#include <gradus/files.h>
#include <gradus/operation.h>

#include "../format.h"

#include <algorithm>
#include <cmath>

namespace gradus {

namespace {

std::string joined(const std::vector<std::string>& parts) {
  std::string text;
  for (const std::string& part : parts) text += (text.empty() ? "" : ",") + part;
  return text;
}

std::string values_of(const Tensor& x) {
  std::vector<std::string> numbers;
  for (const Scalar value : x.values().first(std::min(x.values().size(), Recording::most_values))) {
    numbers.push_back(std::isfinite(value) ? format("%.7g", static_cast<double>(value))
                                           : quoted(exact(value)));
  }
  return "[" + joined(numbers) + "]";
}

std::string gradient_of(const Tensor& x) {
  return x.has_grad() ? values_of(x.node()->gradient) : "null";
}

std::string tensor_json(const Tensor& x, const std::string& values) {
  std::vector<std::string> sizes;
  for (int axis = 0; axis < x.rank(); ++axis) sizes.push_back(std::to_string(x.shape()[axis]));
  return "\n{\"name\":" + quoted(x.label()) + ",\"op\":" + quoted(x.operation()) + ",\"shape\":[" +
         joined(sizes) + "],\"file\":" + quoted(x.where().file) +
         ",\"line\":" + std::to_string(x.where().line) + ",\"v\":" + values + "}";
}

std::string source_json(const std::string& path) {
  std::vector<std::string> lines;
  if (file_exists(path)) lines = lines_of(read_file(path, 1 << 20));
  for (std::string& line : lines) line = quoted(line);
  return "\n" + quoted(path) + ":[" + joined(lines) + "]";
}

}  // namespace

// Once the page is long enough, further steps are counted only, and no tensor is kept alive.
bool Recording::full() {
  if (steps_.size() < most_steps) return false;
  ++dropped_;
  return true;
}

std::string Recording::number(const Tensor& x) {
  const auto [at, is_new] =
      numbers_.emplace(std::pair(x.node(), x.node()->version), tensors_.size());
  if (is_new) {
    tensors_.push_back(x);
    values_.push_back(values_of(x));
    files_.insert(x.where().file);
  }
  return std::to_string(at->second);
}

void Recording::after_forward(const Tensor& out, std::span<const Edge> inputs) {
  if (full()) return;
  std::vector<std::string> in;
  for (const Edge& input : inputs) in.push_back(number(input.tensor));
  steps_.push_back("\n{\"k\":\"f\",\"in\":[" + joined(in) + "],\"out\":" + number(out) + "}");
}

void Recording::begin_backward(const Where& where) {
  if (full()) return;
  files_.insert(where.file);
  steps_.push_back("\n{\"k\":\"s\",\"file\":" + quoted(where.file) +
                   ",\"line\":" + std::to_string(where.line) + "}");
}

void Recording::before_backward(const Tensor& out) {
  before_.clear();
  if (steps_.size() == most_steps) return;
  for (const Edge& input : out.node()->made_by->inputs)
    before_.push_back(gradient_of(input.tensor));
}

void Recording::after_backward(const Tensor& out) {
  if (full()) return;
  std::vector<std::string> in;
  for (std::size_t i = 0; i < before_.size(); ++i) {
    const Tensor& x = out.node()->made_by->inputs[i].tensor;
    in.push_back("{\"t\":" + number(x) + ",\"before\":" + before_[i] +
                 ",\"after\":" + gradient_of(x) + "}");
  }
  steps_.push_back("\n{\"k\":\"b\",\"out\":" + number(out) + ",\"d\":" + gradient_of(out) +
                   ",\"in\":[" + joined(in) + "]}");
}

std::string Recording::json() {
  std::vector<std::string> tensors, sources;
  for (std::size_t i = 0; i < tensors_.size(); ++i)
    tensors.push_back(tensor_json(tensors_[i], values_[i]));
  for (const std::string& file : files_) sources.push_back(source_json(file));
  return "{\"tensors\":[" + joined(tensors) + "],\"dropped\":" + std::to_string(dropped_) +
         ",\"steps\":[" + joined(steps_) + "],\"files\":{" + joined(sources) + "}}";
}

}  // namespace gradus
