#include <gradus/files.h>
#include <gradus/safetensors.h>

#include "safetensors_header.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <limits>

namespace gradus {

namespace {

constexpr std::uint64_t largest_header = 100'000'000;  // bytes, as other readers have it
constexpr std::uint64_t largest_file = std::uint64_t{16} << 30;

std::uint64_t little_endian(const char* bytes, int count) {
  std::uint64_t value = 0;
  for (int i = count - 1; i >= 0; --i) value = value << 8 | static_cast<unsigned char>(bytes[i]);
  return value;
}

void add_little_endian(std::string& bytes, std::uint64_t value, int count) {
  for (int i = 0; i < count; ++i) bytes += static_cast<char>(value >> (8 * i) & 0xFF);
}

int bytes_of(const std::string& dtype) {
  if (dtype == "F64") return 8;
  if (dtype == "F32") return 4;
  if (dtype == "F16" || dtype == "BF16") return 2;
  throw Error("its type is " + dtype + "; F32, F64, F16 and BF16 can be read");
}

// A half-precision number: 1 bit sign, 5 exponent, 10 mantissa.
double half(std::uint64_t bits) {
  const int exponent = static_cast<int>(bits >> 10 & 31);
  const auto mantissa = static_cast<double>(bits & 1023);
  const double sign = bits & 0x8000 ? -1 : 1;
  if (exponent == 31)
    return mantissa != 0 ? std::numeric_limits<double>::quiet_NaN()
                         : sign * std::numeric_limits<double>::infinity();
  if (exponent == 0) return sign * std::ldexp(mantissa, -24);
  return sign * std::ldexp(1024 + mantissa, exponent - 25);
}

Scalar number(const std::string& dtype, const char* bytes) {
  const std::uint64_t bits = little_endian(bytes, bytes_of(dtype));
  if (dtype == "F64") return static_cast<Scalar>(std::bit_cast<double>(bits));
  if (dtype == "F16") return static_cast<Scalar>(half(bits));
  const auto low = static_cast<std::uint32_t>(bits);
  return static_cast<Scalar>(std::bit_cast<float>(dtype == "BF16" ? low << 16 : low));
}

// The shape of an entry after checking that it is possible and matches its place in the file.
Shape checked_shape(const TensorEntry& entry, std::uint64_t data_size) {
  if (entry.shape.size() > Shape::max_rank) throw Error("it has more than 6 axes");
  std::uint64_t bytes = static_cast<std::uint64_t>(bytes_of(entry.dtype));
  Shape shape;
  for (const std::uint64_t size : entry.shape) {
    if (size == 0)
      throw Error("it has an axis of size 0; tensors without values are not supported");
    if (size > largest_file / bytes) throw Error("its shape is too large");
    bytes *= size;
    shape = shape.and_then(static_cast<Index>(size));
  }
  if (entry.begin > entry.end || entry.end > data_size)
    throw Error("its data_offsets " + std::to_string(entry.begin) + " … " +
                std::to_string(entry.end) + " lie outside the " + std::to_string(data_size) +
                " bytes of data");
  if (entry.end - entry.begin != bytes)
    throw Error("its shape needs " + std::to_string(bytes) + " bytes, its data_offsets give " +
                std::to_string(entry.end - entry.begin));
  return shape;
}

TensorFile parse_file(const std::string& contents) {
  if (contents.size() < 8) throw Error("the file is shorter than 8 bytes");
  const std::uint64_t length = little_endian(contents.data(), 8);
  if (length > largest_header)
    throw Error("a header of " + std::to_string(length) + " bytes is announced, at most " +
                std::to_string(largest_header) + " are allowed");
  if (length > contents.size() - 8)
    throw Error("a header of " + std::to_string(length) + " bytes is announced, the file has " +
                std::to_string(contents.size() - 8) + " left: it is cut short");
  TensorHeader header = parse_header(contents.substr(8, length));
  std::sort(header.entries.begin(), header.entries.end(),
            [](const TensorEntry& a, const TensorEntry& b) { return a.begin < b.begin; });
  const char* data = contents.data() + 8 + length;
  const std::uint64_t data_size = contents.size() - 8 - length;
  TensorFile file;
  file.metadata = std::move(header.metadata);
  std::uint64_t end = 0;
  for (const TensorEntry& entry : header.entries) {
    try {
      const Shape shape = checked_shape(entry, data_size);
      if (entry.begin != end)
        throw Error(entry.begin < end ? "its bytes overlap with another tensor's"
                                      : "there is a gap before its bytes");
      end = entry.end;
      std::vector<Scalar> values;
      const int width = bytes_of(entry.dtype);
      for (std::uint64_t at = entry.begin; at < end; at += static_cast<std::uint64_t>(width))
        values.push_back(number(entry.dtype, data + at));
      file.tensors.push_back({entry.name, Tensor::from(shape, values)});
    } catch (const Error& error) {
      throw Error("tensor \"" + entry.name + "\": " + error.what());
    }
  }
  if (end != data_size)
    throw Error(std::to_string(data_size - end) + " bytes follow the last tensor");
  return file;
}

}  // namespace

TensorFile read_safetensors(const std::string& path, Where where) {
  const std::string contents = read_file(path, largest_file, where);
  try {
    return parse_file(contents);
  } catch (const Error& error) {
    fail("read_safetensors", where, path + " is no valid safetensors file: " + error.what());
  }
}

void write_safetensors(const std::string& path, const TensorFile& file, Where where) {
  std::string header = "{";
  if (!file.metadata.empty()) {
    header += "\"__metadata__\":{";
    for (const auto& [key, value] : file.metadata)
      header += (header.back() == '{' ? "" : ",") + quoted(key) + ":" + quoted(value);
    header += "}";
  }
  std::uint64_t at = 0;
  std::string data;
  for (const auto& [name, tensor] : file.tensors) {
    for (const auto& other : file.tensors)
      if (&other.name != &name && other.name == name)
        fail("write_safetensors", where, "two tensors are named " + name);
    std::string sizes;
    for (int axis = 0; axis < tensor.rank(); ++axis)
      sizes += (axis ? "," : "") + std::to_string(tensor.shape()[axis]);
    const std::uint64_t end = at + static_cast<std::uint64_t>(tensor.size()) * 4;
    header += std::string(header.back() == '{' ? "" : ",") + quoted(name) +
              R"(:{"dtype":"F32","shape":[)" + sizes + R"(],"data_offsets":[)" +
              std::to_string(at) + "," + std::to_string(end) + "]}";
    at = end;
    for (const Scalar value : tensor.values())
      add_little_endian(data, std::bit_cast<std::uint32_t>(static_cast<float>(value)), 4);
  }
  header += "}";
  header.append((8 - header.size() % 8) % 8, ' ');  // the numbers begin at a multiple of 8
  std::string contents;
  add_little_endian(contents, header.size(), 8);
  write_file(path, contents + header + data, where);
}

void save_weights(const std::string& path, const Module& module, Where where) {
  write_safetensors(path, {module.parameters(), {}}, where);
}

void load_weights(const std::string& path, Module& module, Where where) {
  const TensorFile file = read_safetensors(path, where);
  std::map<std::string, Tensor> found;
  for (const auto& [name, tensor] : file.tensors) found[name] = tensor;
  const auto parameters = module.parameters();
  for (const auto& [name, parameter] : parameters) {
    if (!found.count(name)) fail("load_weights", where, path + " holds no tensor named " + name);
    if (found[name].shape() != parameter.shape())
      fail("load_weights", where,
           name + " must have shape " + to_string(parameter.shape()) + ", in " + path + " it has " +
               to_string(found[name].shape()));
  }
  if (found.size() != parameters.size())
    fail("load_weights", where, path + " holds tensors that the model has no use for");
  for (const auto& [name, parameter] : parameters) {
    const auto values = found[name].values();
    std::copy(values.begin(), values.end(), Tensor(parameter).mutable_data());
  }
}

}  // namespace gradus
