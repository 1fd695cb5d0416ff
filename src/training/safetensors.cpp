#include <gradus/files.h>
#include <gradus/operation.h>
#include <gradus/safetensors.h>

#include "../format.h"
#include "../open_file.h"
#include "safetensors_header.h"

#include <algorithm>
#include <bit>
#include <cmath>

namespace gradus {

namespace {

constexpr std::uint64_t largest_header = 100'000'000;  // bytes, as other readers have it

// What is wrong with a file, before it is known where the file is.
template <class... Parts>
[[noreturn]] void refuse(const Parts&... problem) {
  throw Error(worded(problem...));
}

std::uint64_t little_endian(const char* bytes, int count) {
  std::uint64_t value = 0;
  for (int i = count - 1; i >= 0; --i) value = value << 8 | static_cast<unsigned char>(bytes[i]);
  return value;
}

void add_little_endian(std::string& bytes, std::uint64_t value, int count) {
  for (int i = 0; i < count; ++i) bytes += static_cast<char>(value >> (8 * i) & 0xFF);
}

double from_f32(std::uint64_t bits) {
  return std::bit_cast<float>(static_cast<std::uint32_t>(bits));
}

// As a float32, but with 5 bits of exponent, whose zero is 15 instead of 127, and 10 bits of
// mantissa. The largest exponent stands for infinity and for what is not a number.
double from_f16(std::uint64_t bits) {
  const std::uint64_t largest = (bits & 0x7C00) == 0x7C00 ? 0x7F800000 : 0;
  const double size = from_f32((bits & 0x7FFF) << 13 | largest) * 0x1p112;
  return bits & 0x8000 ? -size : size;
}

struct NumberType {
  const char* name;
  int bytes;
  double (*value)(std::uint64_t bits);
};

const NumberType& type_of(const std::string& dtype) {
  static constexpr NumberType types[] = {
      {"F32", 4, from_f32},
      {"F64", 8, [](std::uint64_t bits) { return std::bit_cast<double>(bits); }},
      {"F16", 2, from_f16},
      {"BF16", 2, [](std::uint64_t bits) { return from_f32(bits << 16); }}};
  for (const NumberType& type : types)
    if (dtype == type.name) return type;
  refuse("its type is ", dtype, "; F32, F64, F16 and BF16 can be read");
}

bool overflows(double value, double converted) {
  return std::isinf(converted) && !std::isinf(value);
}

// The shape of an entry after checking that it is possible and matches its place in the file.
Shape checked_shape(const TensorEntry& entry, std::uint64_t end_before, std::uint64_t data_size) {
  if (entry.sizes.size() > Shape::max_rank) refuse("it has more than 6 axes");
  auto bytes = static_cast<std::uint64_t>(type_of(entry.dtype).bytes);
  Shape shape;
  for (const std::uint64_t size : entry.sizes) {
    if (size == 0) refuse("it has an axis of size 0; tensors without values are not supported");
    if (size > (std::uint64_t{1} << 58) / bytes) refuse("its shape is too large");
    bytes *= size;
    shape = shape.and_then(static_cast<Index>(size));
  }
  if (entry.begin > entry.end || entry.end > data_size)
    refuse("its data_offsets ", entry.begin, " … ", entry.end, " lie outside the ", data_size,
           " bytes of data");
  if (entry.end - entry.begin != bytes)
    refuse("its shape needs ", bytes, " bytes, its data_offsets give ", entry.end - entry.begin);
  if (entry.begin != end_before)
    refuse(entry.begin < end_before ? "its bytes overlap with another tensor's"
                                    : "there is a gap before its bytes");
  return shape;
}

// What reading and writing check: an allowed header, whose tensors fill the data one after another.
TensorHeader checked_header(const std::string& json, std::uint64_t data_size) {
  if (json.size() > largest_header)
    refuse("a header may have at most ", largest_header, " bytes, not ", json.size());
  TensorHeader header = parse_header(json);
  std::sort(header.entries.begin(), header.entries.end(),
            [](const TensorEntry& a, const TensorEntry& b) { return a.begin < b.begin; });
  std::uint64_t end = 0;
  for (TensorEntry& entry : header.entries) {
    try {
      entry.shape = checked_shape(entry, end, data_size);
    } catch (const Error& error) {
      refuse("tensor \"", entry.name, "\": ", error.what());
    }
    end = entry.end;
  }
  if (end != data_size) refuse(data_size - end, " bytes follow the last tensor");
  return header;
}

TensorHeader header_of(OpenFile& file) {
  try {
    if (file.left < 8) refuse("the file is shorter than 8 bytes");
    const std::uint64_t length = little_endian(file.take(8).data(), 8);
    if (length > largest_header || length > file.left)
      refuse("a header of ", length, " bytes is announced, ",
             length > largest_header ? worded(largest_header, " are allowed") : "it is cut short");
    const std::string json = file.take(length);
    return checked_header(json, file.left);
  } catch (const Error& error) {
    fail("read_safetensors", file.where, file.path,
         " is no valid safetensors file: ", error.what());
  }
}

std::vector<NamedTensor> tensors_of(OpenFile& file, const TensorHeader& header) {
  std::vector<NamedTensor> tensors;
  for (const TensorEntry& entry : header.entries) {
    const NumberType& type = type_of(entry.dtype);
    const std::string bytes = file.take(entry.end - entry.begin);
    Tensor tensor = Tensor::zeros(entry.shape, file.where);
    Scalar* x = tensor.mutable_data();
    for (const char* at = bytes.data(); at < bytes.data() + bytes.size(); at += type.bytes) {
      const double value = type.value(little_endian(at, type.bytes));
      *x = static_cast<Scalar>(value);
      if (overflows(value, static_cast<double>(*x++)))
        fail("read_safetensors", file.where, file.path, ": ", entry.name,
             " holds a number too large for float32");
    }
    tensors.push_back({entry.name, tensor});
  }
  return tensors;
}

}  // namespace

TensorFile read_safetensors(const std::string& path, Where where) {
  OpenFile file(path, where);
  TensorHeader header = header_of(file);
  return {tensors_of(file, header), std::move(header.metadata)};
}

void write_safetensors(const std::string& path, const TensorFile& file, Where where) {
  std::string header = "{";
  const auto add = [&header](const std::string& name, const std::string& json) {
    header += header.back() == '{' ? "" : ",";
    header += quoted(name) + ":";
    header += json;
  };
  if (!file.metadata.empty()) {
    header += "\"__metadata__\":{";
    for (const auto& [key, value] : file.metadata) add(key, quoted(value));
    header += "}";
  }
  std::string data;
  for (const auto& [name, tensor] : file.tensors) {
    check_exists(tensor, where);
    if (name == "__metadata__") fail("write_safetensors", where, "no tensor may be named ", name);
    const std::size_t begin = data.size();
    for (const Scalar value : tensor.values()) {
      const auto number = static_cast<float>(value);
      add_little_endian(data, std::bit_cast<std::uint32_t>(number), 4);
      if (overflows(static_cast<double>(value), static_cast<double>(number)))
        fail("write_safetensors", where, name, " holds a number too large for float32");
    }
    add(name, worded(R"({"dtype":"F32","shape":)", tensor.shape(), R"(,"data_offsets":[)", begin,
                     ",", data.size(), "]}"));
  }
  header += "}";
  header.append((8 - header.size() % 8) % 8, ' ');  // the numbers begin at a multiple of 8
  try {
    checked_header(header, data.size());
  } catch (const Error& error) {
    fail("write_safetensors", where, path, " could not be read again: ", error.what());
  }
  std::string length;
  add_little_endian(length, header.size(), 8);
  write_file(path, length + header + data, where);
}

void save_weights(const std::string& path, const Module& module, Where where) {
  write_safetensors(path, {module.parameters(), {}}, where);
}

void load_weights(const std::string& path, Module& module, Where where) {
  OpenFile file(path, where);
  const TensorHeader header = header_of(file);
  std::map<std::string, Shape> left;
  for (const TensorEntry& entry : header.entries) left[entry.name] = entry.shape;
  std::map<std::string, Tensor> parameters;
  for (const auto& [name, parameter] : module.parameters()) {
    const auto found = left.find(name);
    if (found == left.end()) fail("load_weights", where, path, " holds no tensor named ", name);
    if (found->second != parameter.shape())
      fail("load_weights", where, name, " must have shape ", parameter.shape(), ", in ", path,
           " it has ", found->second);
    left.erase(found);
    parameters[name] = parameter;
  }
  if (!left.empty())
    fail("load_weights", where, path, " holds ", left.begin()->first,
         ", which the model has no use for");
  for (const auto& [name, tensor] : tensors_of(file, header))
    std::copy_n(tensor.data(), tensor.size(), parameters[name].mutable_data());
}

}  // namespace gradus
