#include "recording.h"

#include <gradus/files.h>
#include <gradus/operation.h>

#include "../format.h"

#include <cmath>
#include <set>

namespace gradus {

namespace {

std::string number_text(Scalar value) {
  const auto number = static_cast<double>(value);
  return std::isfinite(number) ? format("%.7g", number) : quoted(format("%f", number));
}

std::string values_of(const Tensor& x) {
  std::string json = "[";
  for (std::size_t i = 0; i < x.values().size() && i < Recording::most_values; ++i)
    json += (i ? "," : "") + number_text(x.values()[i]);
  return json + "]";
}

std::string gradient_of(const Tensor& x) {
  return x.has_grad() ? values_of(x.node()->gradient) : "null";
}

std::string tensor_json(const Tensor& x, const std::string& values) {
  std::string shape;
  for (int axis = 0; axis < x.rank(); ++axis)
    shape += (axis ? "," : "") + std::to_string(x.shape()[axis]);
  return "{\"name\":" + quoted(x.label()) + ",\"op\":" + quoted(x.operation()) + ",\"shape\":[" +
         shape + "],\"file\":" + quoted(x.where().file) +
         ",\"line\":" + std::to_string(x.where().line) + ",\"v\":" + values + "}";
}

std::string source_json(const std::string& path) {
  std::string json = "\n" + quoted(path) + ":[";
  const char* gap = "";
  if (file_exists(path))
    for (const std::string& line : lines_of(read_file(path, 1 << 20))) {
      json += gap + quoted(line);
      gap = ",";
    }
  return json + "]";
}

}  // namespace

// Once the page is long enough, further steps are counted only, and no tensor is kept alive.
bool Recording::full() {
  if (count_ < most_steps) return false;
  ++dropped_;
  return true;
}

int Recording::number(const Tensor& x) {
  const auto [at, is_new] =
      numbers_.emplace(std::pair(x.node(), x.node()->version), static_cast<int>(tensors_.size()));
  if (is_new) {
    tensors_.push_back(x);
    values_.push_back(values_of(x));
  }
  return at->second;
}

void Recording::add_step(const std::string& json) {
  steps_ += (count_++ ? ",\n" : "\n") + json;
}

void Recording::after_forward(const Tensor& out, std::span<const Edge> inputs) {
  if (full()) return;
  std::string json;
  for (const Edge& input : inputs)
    json += (json.empty() ? "" : ",") + std::to_string(number(input.tensor));
  add_step("{\"k\":\"f\",\"in\":[" + json + "],\"out\":" + std::to_string(number(out)) + "}");
}

void Recording::begin_backward(const Where& where) {
  if (full()) return;
  add_step("{\"k\":\"s\",\"file\":" + quoted(where.file) +
           ",\"line\":" + std::to_string(where.line) + "}");
}

void Recording::before_backward(const Tensor& out) {
  before_.clear();
  if (count_ >= most_steps) return;
  for (const Edge& input : out.node()->made_by->inputs)
    before_.push_back(gradient_of(input.tensor));
}

void Recording::after_backward(const Tensor& out) {
  if (full()) return;
  std::string json;
  for (std::size_t i = 0; i < before_.size(); ++i) {
    const Tensor& x = out.node()->made_by->inputs[i].tensor;
    json += (i ? ",{" : "{") + format("\"t\":%d,\"before\":", number(x)) + before_[i] +
            ",\"after\":" + gradient_of(x) + "}";
  }
  add_step(format("{\"k\":\"b\",\"out\":%d,\"d\":", number(out)) + gradient_of(out) + ",\"in\":[" +
           json + "]}");
}

std::string Recording::json() {
  std::string json = "{\"tensors\":[";
  std::set<std::string> files;
  for (std::size_t i = 0; i < tensors_.size(); ++i) {
    json += (i ? ",\n" : "\n") + tensor_json(tensors_[i], values_[i]);
    files.insert(tensors_[i].where().file);
  }
  json += "],\"dropped\":" + std::to_string(dropped_) + ",\"steps\":[" + steps_ + "],\"files\":{";
  const char* gap = "";
  for (const std::string& file : files) {
    json += gap + source_json(file);
    gap = ",";
  }
  return json + "}}";
}

}  // namespace gradus
