// The JSON header of a safetensors file. Only what such a header may hold is accepted: one object
// of objects with "dtype", "shape" and "data_offsets", and "__metadata__" with strings.
#pragma once

#include <gradus/shape.h>

#include <map>
#include <vector>

namespace gradus {

struct TensorEntry {
  std::string name;
  std::string dtype;
  std::vector<std::uint64_t> sizes;  // as they stand there
  Shape shape;                       // once they are checked
  std::uint64_t begin = 0;           // bytes, counted from the end of the header
  std::uint64_t end = 0;
};

struct TensorHeader {
  std::vector<TensorEntry> entries;
  std::map<std::string, std::string> metadata;
};

// Throws Error with what is wrong and at which byte of the header.
TensorHeader parse_header(const std::string& json);

}  // namespace gradus
