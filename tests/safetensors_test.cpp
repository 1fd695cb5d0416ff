// Weight files: the bytes are those of the format, other programs' files are read, what is wrong is
// refused with a reason, and nothing is written that would be refused.

#include <doctest/doctest.h>
#include <gradus/files.h>
#include <gradus/layers.h>
#include <gradus/safetensors.h>

#include "folder.h"

#include <cmath>
#include <fstream>
#include <limits>

using namespace gradus;
using doctest::Contains;

namespace {

// A file with this header and this data.
std::string file_with(const std::string& header, const std::string& data) {
  std::string contents(8, '\0');
  for (std::size_t i = 0; i < 8; ++i)
    contents[i] = static_cast<char>(header.size() >> (8 * i) & 255);
  return contents + header + data;
}

TensorFile read(const std::string& contents) {
  const Folder folder;
  return read_safetensors(folder.file("file", contents));
}

// What is wrong with a file, after "… is no valid safetensors file: ".
std::string problem_with(const std::string& contents) {
  try {
    read(contents);
  } catch (const Error& error) {
    const std::string text = error.what();
    const std::string before = " is no valid safetensors file: ";
    CHECK(text.find("read_safetensors at tests/safetensors_test.cpp:") == 0);
    const std::size_t found = text.find(before);
    return found == std::string::npos ? text : text.substr(found + before.size());
  }
  return "no problem";
}

// What is wrong with a file of eight bytes of data and a tensor "a".
std::string problem_of(const std::string& dtype, const std::string& shape,
                       const std::string& offsets) {
  return problem_with(file_with(R"({"a":{"dtype":")" + dtype + R"(","shape":[)" + shape +
                                    R"(],"data_offsets":[)" + offsets + "]}}",
                                std::string(8, '\0')));
}

// What is wrong with a header, before any data.
std::string header_problem(const std::string& header) {
  return problem_with(file_with(header, std::string(8, '\0')));
}

const std::string entry = R"("dtype":"F32","shape":[2],"data_offsets":[0,8]})";

}  // namespace

TEST_CASE("a weight file has the bytes that the format wants") {
  const Folder folder;
  const Tensor a = Tensor::from({2, 1}, std::vector<Scalar>{1, -2.5});
  const Tensor b = Tensor::scalar(Scalar(0.1));
  write_safetensors(folder.path + "/x",
                    {{{"b\"\n\x1F", b}, {"a.ü", a}}, {{"k\\", "v"}, {"j", ""}}});
  const std::string header = R"({"__metadata__":{"j":"","k\\":"v"},)"
                             R"("b\"\u000a\u001f":{"dtype":"F32","shape":[],"data_offsets":[0,4]},)"
                             R"("a.ü":{"dtype":"F32","shape":[2, 1],"data_offsets":[4,12]}})";
  std::string bytes = file_with(header + std::string(8 - header.size() % 8, ' '), "");
  CHECK(bytes.size() % 8 == 0);
  bytes += "\xCD\xCC\xCC\x3D" + std::string("\0\0\x80\x3F\0\0\x20\xC0", 8);
  CHECK(read_file(folder.path + "/x", 1000) == bytes);
  CHECK(folder.count() == 1);

  const TensorFile file = read_safetensors(folder.path + "/x");
  REQUIRE(file.tensors.size() == 2);
  CHECK(file.tensors[0].name == "b\"\n\x1F");
  CHECK(file.tensors[0].tensor.shape() == Shape{});
  CHECK(file.tensors[0].tensor.item() == Scalar(0.1f));
  CHECK(file.tensors[1].name == "a.ü");
  CHECK(file.tensors[1].tensor.shape() == Shape{2, 1});
  CHECK(file.tensors[1].tensor.at({1, 0}) == -2.5);
  CHECK(file.metadata == std::map<std::string, std::string>{{"k\\", "v"}, {"j", ""}});
}

TEST_CASE("a header of a multiple of eight bytes is not padded, and a file may hold nothing") {
  const Folder folder;
  write_safetensors(folder.path + "/x", {});
  CHECK(read_file(folder.path + "/x", 100) == file_with("{}      ", ""));
  CHECK(read_safetensors(folder.path + "/x").tensors.empty());
  write_safetensors(folder.path + "/x", {{}, {{"a", "1234"}}});  // 30 bytes; two more
  CHECK(read_file(folder.path + "/x", 100) == file_with(R"({"__metadata__":{"a":"1234"}}   )", ""));
  write_safetensors(folder.path + "/x", {{}, {{"a", "1234567"}}});
  CHECK(read_file(folder.path + "/x", 100) == file_with(R"({"__metadata__":{"a":"1234567"}})", ""));
}

TEST_CASE("files of other programs are read: types, order, spaces and escapes") {
  const std::string header =
      R"({ "h" : {"shape":[2,3],"data_offsets":[ 8 , 20 ],"dtype":"F16"},)"
      R"("b":{"dtype":"BF16","shape":[3],"data_offsets":[20,26]},)"
      "\n\t\"\\u00fc\\ud83d\\ude00\\n\\/\\\"\\u20AC\\b\\f\\r\\t\\\\\":"
      R"({"dtype":"F64","shape":[],"data_offsets":[0,8]},)"
      R"("__metadata__":{}, "s":{"dtype":"F32","shape":[1,1,1,1,1,1],"data_offsets":[26,30]}}  )";
  const std::string data = std::string("\0\0\0\0\0\0\x04\x40", 8) +  // 2.5
                           std::string("\x00\x3C\x01\xC0\x01\x00\xFF\x83\xFF\x7B\x00\xFC", 12) +
                           std::string("\x80\x3F\x49\xC0\x80\x7F", 6) +  // 1, -3.140625, infinity
                           std::string("\xDB\x0F\x49\x40", 4);           // pi
  const TensorFile file = read(file_with(header, data));
  REQUIRE(file.tensors.size() == 4);
  CHECK(file.tensors[0].name == "ü😀\n/\"€\b\f\r\t\\");
  CHECK(file.tensors[0].tensor.item() == 2.5);
  CHECK(file.tensors[1].name == "h");
  CHECK(file.tensors[1].tensor.shape() == Shape{2, 3});
  // 1, -(2 + 2^-9), the smallest, the largest below the normal ones (negative), the largest, -∞
  const double halves[] = {1,
                           -2.001953125,
                           std::ldexp(1, -24),
                           -std::ldexp(1023, -24),
                           65504,
                           -std::numeric_limits<double>::infinity()};
  for (Index i = 0; i < 6; ++i) CHECK(file.tensors[1].tensor.data()[i] == halves[i]);
  CHECK(file.tensors[2].tensor.at({0}) == 1);
  CHECK(file.tensors[2].tensor.at({1}) == -3.140625);
  CHECK(file.tensors[2].tensor.at({2}) == std::numeric_limits<Scalar>::infinity());
  CHECK(file.tensors[3].tensor.shape() == Shape{1, 1, 1, 1, 1, 1});
  CHECK(file.tensors[3].tensor.item() == Scalar(3.14159274f));
  CHECK(file.metadata.empty());
  const TensorFile nan = read(
      file_with(R"({"h":{"dtype":"F16","shape":[2],"data_offsets":[0,4]}})", "\x01\x7C\xFF\xFF"));
  CHECK(std::isnan(nan.tensors[0].tensor.at({0})));
  CHECK(std::isnan(nan.tensors[0].tensor.at({1})));
}

TEST_CASE("lengths that lie are refused") {
  CHECK(problem_with("1234567") == "the file is shorter than 8 bytes");
  CHECK(problem_with(std::string("\0\0\0\0\0\0\0\0", 8)) == "the header must begin with '{'");
  CHECK(problem_with(std::string("\x01\xE1\xF5\x05\0\0\0\0{}", 10)) ==
        "a header of 100000001 bytes is announced, 100000000 are allowed");
  CHECK(problem_with(std::string("\x00\xE1\xF5\x05\0\0\0\0{}", 10)) ==
        "a header of 100000000 bytes is announced, it is cut short");
  CHECK(problem_with(std::string("\x02\0\0\0\0\0\0\x80{}", 10)) ==
        "a header of 9223372036854775810 bytes is announced, 100000000 are allowed");
  CHECK(problem_with(std::string("\x03\0\0\0\0\0\0\0{}", 10)) ==
        "a header of 3 bytes is announced, it is cut short");
  CHECK(problem_with(std::string("\x02\0\0\0\0\0\0\0{}", 10)) == "no problem");
}

TEST_CASE("a file with more room than memory is refused before the numbers are read") {
  const Folder folder;
  const std::string path =
      folder.file("x", file_with(R"({"kernel":{"dtype":"F32","shape":[5000000000],)"
                                 R"("data_offsets":[0,20000000000]}})",
                                 ""));
  const auto header = std::filesystem::file_size(path);
  std::filesystem::resize_file(path, header + 20'000'000'000);  // holes, no room on the disk
  Random random(1);
  Dense dense(2, 3, random);
  CHECK_THROWS_WITH_AS(load_weights(path, dense),
                       Contains(("in " + path + " it has [5000000000]").c_str()), Error);
  std::filesystem::resize_file(path, header + 19'999'999'999);
  CHECK_THROWS_WITH_AS(read_safetensors(path), Contains("lie outside the 19999999999 bytes"),
                       Error);
}

TEST_CASE("a shape or place that is impossible is refused with the tensor's name") {
  const std::string a = "tensor \"a\": ";
  CHECK(problem_of("F32", "2", "0,8") == "no problem");
  CHECK(problem_of("I64", "1", "0,8") == a + "its type is I64; F32, F64, F16 and BF16 can be read");
  CHECK(problem_of("f32", "2", "0,8") == a + "its type is f32; F32, F64, F16 and BF16 can be read");
  CHECK(problem_of("F32", "3", "0,8") == a + "its shape needs 12 bytes, its data_offsets give 8");
  CHECK(problem_of("F64", "2", "0,8") == a + "its shape needs 16 bytes, its data_offsets give 8");
  CHECK(problem_of("BF16", "2,3", "0,8") ==
        a + "its shape needs 12 bytes, its data_offsets give 8");
  CHECK(problem_of("F32", "2,0", "0,0") ==
        a + "it has an axis of size 0; tensors without values are not supported");
  CHECK(problem_of("F32", "1,1,1,1,1,1,2", "0,8") == a + "it has more than 6 axes");
  CHECK(problem_of("F32", "4294967296,4294967296", "0,8") == a + "its shape is too large");
  CHECK(problem_of("F32", "2", "0,9") ==
        a + "its data_offsets 0 … 9 lie outside the 8 bytes of data");
  CHECK(problem_of("F32", "2", "8,0") ==
        a + "its data_offsets 8 … 0 lie outside the 8 bytes of data");
  CHECK(problem_of("F32", "1", "4,8") == a + "there is a gap before its bytes");
  CHECK(problem_of("F32", "1", "0,4") == "4 bytes follow the last tensor");
  const std::string b = R"(,"b":{"dtype":"F32","shape":[1],"data_offsets":[)";
  CHECK(header_problem("{\"a\":{" + entry + b + "4,8]}}") ==
        "tensor \"b\": its bytes overlap with another tensor's");
  CHECK(header_problem("{\"a\":{" + entry + b + "8,12]}}") ==
        "tensor \"b\": its data_offsets 8 … 12 lie outside the 8 bytes of data");
}

TEST_CASE("a header that is not the JSON wanted is refused with the place") {
  const auto has = [](const std::string& header, const std::string& problem) {
    CHECK_MESSAGE(header_problem(header) == problem, header);
  };
  has("[]", "the header must begin with '{'");
  has(" {}", "the header must begin with '{'");
  has("{\"a\":{" + entry + "} x", "byte 55 of the header: nothing may follow the closing brace");
  has("{\"a\":{" + entry, "byte 53 of the header: '}' is wanted");
  has("{\"a\":{" + entry + ",\"a\":{" + entry + "}",
      "byte 57 of the header: the name \"a\" stands twice");
  has("{\"\\u0061\":{" + entry + ",\"a\":{" + entry + "}",
      "byte 62 of the header: the name \"a\" stands twice");
  has(R"({"a":{"dtype":"F32","dtype":"F32"}})",
      "byte 27 of the header: the name \"dtype\" stands twice");
  has(R"({"__metadata__":{"k":"1","k":"2"}})",
      "byte 28 of the header: the name \"k\" stands twice");
  has(R"({"__metadata__":{"k":1}})", "byte 21 of the header: '\"' is wanted");
  has(R"({"a":{"dtype":"F32","shape":[2]}})",
      "byte 32 of the header: \"a\" needs dtype, shape and data_offsets");
  has(R"({"a":{"type":"F32"}})", "byte 13 of the header: the key \"type\" is unknown");
  has(R"({"a":{"data_offsets":[0,8,8]}})",
      "byte 28 of the header: data_offsets must be two numbers");
  has(R"({"a":[]})", "byte 5 of the header: '{' is wanted");
  has(R"({"a" 1})", "byte 5 of the header: ':' is wanted");
  has(R"({"a":{"dtype":"F32",}})", "byte 20 of the header: '\"' is wanted");
  const std::string whole = " of the header: a whole number of at least 0 is wanted";
  for (const std::string number : {"-2", "01", "00", "+1", "[1", "\"1\"", "x", ""})
    has("{\"a\":{\"shape\":[ " + number, "byte 16" + whole);
  has(R"({"a":{"shape":[1,]})", "byte 17" + whole);
  has(R"({"a":{"shape":[2.0]})", "byte 16 of the header: ']' is wanted");
  has(R"({"a":{"shape":[18446744073709551616]})", "byte 15 of the header: the number is too large");
  has("{\"a\":{\"shape\":[" + std::string(100'000, '['), "byte 15" + whole);
}

TEST_CASE("a string in a header that JSON does not allow is refused with the place") {
  const auto has = [](const std::string& name, const std::string& problem) {
    CHECK_MESSAGE(header_problem("{\"" + name + "\":{" + entry + "}") == problem, name);
  };
  has("\x1F", "byte 3 of the header: control characters must be escaped");
  has("\\x", "byte 4 of the header: an unknown escape");
  has("\\u12g4", "byte 4 of the header: four hexadecimal digits are wanted");
  has("\\u-123", "byte 4 of the header: four hexadecimal digits are wanted");
  has("\\ud800", "byte 8 of the header: half a surrogate pair");
  has("\\udc00\\ud800", "byte 8 of the header: half a surrogate pair");
  has("\\ud800\\u0041", "byte 14 of the header: half a surrogate pair");
  has("\\ud800\\udbff", "byte 14 of the header: half a surrogate pair");
  has("\\ud800\\ue000", "byte 14 of the header: half a surrogate pair");
  const std::string name = "\\udbff\\udfff\\ud800\\udc00\\uffff\\u007f\\u0080\\u07FF\\u0800";
  CHECK(read(file_with("{\"" + name + "\":{" + entry + "}", "12345678")).tensors[0].name ==
        "\U0010FFFF\U00010000\uFFFF\x7F\u0080\u07FF\u0800");
  CHECK(header_problem("{\"\xFF\":{" + entry + "}").find("the header is not UTF-8 text: byte 2") !=
        std::string::npos);
  CHECK(header_problem("{\"a") == "byte 3 of the header: the closing quote is missing");
  CHECK(header_problem("{\"a\\") == "byte 4 of the header: an unknown escape");
  CHECK(header_problem("{\"a\\u00") == "byte 5 of the header: four hexadecimal digits are wanted");
}
