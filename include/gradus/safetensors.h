// Weight files in the safetensors format, which PyTorch, JAX and others read and write too:
// 8 bytes with the length of the header, little-endian; the header, JSON that gives the type, shape
// and place of each tensor; then the numbers, without gaps. Nothing in it is ever executed.
#pragma once

#include <gradus/module.h>

#include <map>

namespace gradus {

struct TensorFile {
  std::vector<NamedTensor> tensors;             // in the order of their numbers in the file
  std::map<std::string, std::string> metadata;  // free text, such as the settings of a training
};

// Writes all tensors as float32. Errors: what read_safetensors() would refuse (a name twice or not
// UTF-8, a header above 100 MB), numbers that are no float32, or anything write_file() can run
// into.
void write_safetensors(const std::string& path, const TensorFile& file, Where where = here());

// Reads float32, and float64, float16 and bfloat16 by conversion. The file is not trusted.
// Errors: everything that the format does not allow, other types, tensors without values or of
// rank above 6, float64 numbers too large for float32.
TensorFile read_safetensors(const std::string& path, Where where = here());

// The parameters of a module, by their names; weights that are tied stand there once.
void save_weights(const std::string& path, const Module& module, Where where = here());
// Errors: as above, and a parameter that is missing, left over or of another shape; nothing of the
// module is changed then, and no numbers are read.
void load_weights(const std::string& path, Module& module, Where where = here());

}  // namespace gradus
