// Weight files: what is written comes back; what is wrong is refused with a reason.

#include <doctest/doctest.h>
#include <gradus/files.h>
#include <gradus/layers.h>
#include <gradus/safetensors.h>

#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <csignal>
#include <cstring>
#include <filesystem>
#include <string>

using namespace gradus;

namespace {

struct Folder {
  Folder() { make_folder(path); }
  ~Folder() { std::filesystem::remove_all(path); }
  std::string path = "build/test-files-" + std::to_string(getpid());
  std::size_t count() const {
    std::size_t files = 0;
    for ([[maybe_unused]] const auto& file : std::filesystem::directory_iterator(path)) ++files;
    return files;
  }
};

// A file with this header and this many bytes of data.
std::string file_with(const std::string& header, std::size_t data_size) {
  std::string contents(8, '\0');
  for (std::size_t i = 0; i < 8; ++i)
    contents[i] = static_cast<char>(header.size() >> (8 * i) & 255);
  return contents + header + std::string(data_size, '\0');
}

std::string problem_with(const std::string& contents) {
  const Folder folder;
  const std::string path = folder.path + "/file.safetensors";
  write_file(path, contents);
  try {
    read_safetensors(path);
  } catch (const Error& error) {
    return error.what();
  }
  return "no problem";
}

bool says(const std::string& text, const std::string& part) {
  CAPTURE(text);
  CHECK(text.find(part) != std::string::npos);
  return true;
}

const char* entry = R"("dtype":"F32","shape":[2],"data_offsets":[0,8]})";

}  // namespace

TEST_CASE("tensors come back from a file with their names, shapes, values and metadata") {
  const Folder folder;
  const std::string path = folder.path + "/weights.safetensors";
  Random random(1);
  const Tensor a = Tensor::normal({3, 4}, 0, 1, random);
  const Tensor b = Tensor::scalar(7);
  write_safetensors(path, {{{"layer.ü\"\\\n", a}, {"b", b}}, {{"seed", "1"}}});
  const TensorFile file = read_safetensors(path);
  REQUIRE(file.tensors.size() == 2);
  CHECK(file.tensors[0].name == "layer.ü\"\\\n");
  CHECK(file.tensors[0].tensor.shape() == Shape{3, 4});
  for (Index i = 0; i < 12; ++i)
    CHECK(static_cast<float>(file.tensors[0].tensor.data()[i]) == static_cast<float>(a.data()[i]));
  CHECK(file.tensors[1].tensor.item() == 7);
  CHECK(file.metadata.at("seed") == "1");
  CHECK(folder.count() == 1);  // no temporary file is left
}

TEST_CASE("half precision and doubles are converted") {
  const std::string header = R"({"h":{"dtype":"F16","shape":[3],"data_offsets":[0,6]},)"
                             R"("b":{"dtype":"BF16","shape":[1],"data_offsets":[6,8]},)"
                             R"("d":{"dtype":"F64","shape":[],"data_offsets":[8,16]}})";
  std::string contents = file_with(header, 0);
  contents += std::string("\x00\x3C\x00\xC0\x01\x00", 6);  // 1, -2, 2^-24
  contents += std::string("\x80\x3F", 2);                  // 1
  contents += std::string("\x00\x00\x00\x00\x00\x00\x04\x40", 8);
  const Folder folder;
  write_file(folder.path + "/x", contents);
  const TensorFile file = read_safetensors(folder.path + "/x");
  CHECK(file.tensors[0].tensor.at({0}) == 1);
  CHECK(file.tensors[0].tensor.at({1}) == -2);
  CHECK(file.tensors[0].tensor.at({2}) == Scalar(5.9604644775390625e-08));
  CHECK(file.tensors[1].tensor.item() == 1);
  CHECK(file.tensors[2].tensor.item() == Scalar(2.5));
}

TEST_CASE("files that lie are refused with the reason") {
  const std::string e = entry;
  says(problem_with("short"), "shorter than 8 bytes");
  says(problem_with(std::string("\xFF\xFF\xFF\xFF\x00\x00\x00\x00{}", 10)), "4294967295 bytes");
  says(problem_with(std::string("\x64\x00\x00\x00\x00\x00\x00\x00{}", 10)), "cut short");
  says(problem_with(file_with("[]", 0)), "must begin with '{'");
  says(problem_with(file_with("{\"a\":{" + e + "}", 4)), "lie outside the 4 bytes");
  says(problem_with(file_with("{\"a\":{" + e + "}", 9)), "1 bytes follow the last tensor");
  says(problem_with(file_with("{\"a\":{" + e + ",\"a\":{" + e + "}", 8)), "stands twice");
  says(problem_with(file_with("{\"a\":{" + e + ",\"b\":{" + e + "}", 8)), "overlap");
  says(problem_with(file_with("{\"a\":{" + e + "} x", 8)), "nothing may follow");
  says(problem_with(file_with("{\"\xFF\":{" + e + "}", 8)), "not UTF-8");
  says(problem_with(file_with("{\"a\":{\"dtype\":\"F32\",\"shape\":[2]}}", 8)), "needs dtype");
  const auto with = [](const std::string& dtype, const std::string& shape, const std::string& at) {
    return file_with("{\"a\":{\"dtype\":\"" + dtype + "\",\"shape\":[" + shape +
                         "],\"data_offsets\":[" + at + "]}}",
                     8);
  };
  says(problem_with(with("I64", "1", "0,8")), "its type is I64");
  says(problem_with(with("F32", "3", "0,8")), "needs 12 bytes");
  says(problem_with(with("F32", "0", "0,0")), "axis of size 0");
  says(problem_with(with("F32", "-2", "0,8")), "whole number");
  says(problem_with(with("F32", "1,1,1,1,1,1,2", "0,8")), "more than 6 axes");
  says(problem_with(with("F32", "4294967296,4294967296", "0,8")), "too large");
  says(problem_with(with("F32", "18446744073709551616", "0,8")), "number is too large");
  says(problem_with(with("F32", "1", "4,8")), "gap");
  says(problem_with(with("F32", "2", "8,0")), "outside");
}

TEST_CASE("a thousand damaged files are read or refused, never more") {
  const Folder folder;
  const std::string path = folder.path + "/x";
  Random random(3);
  write_safetensors(path, {{{"one", Tensor::zeros({2, 3})}, {"two", Tensor::zeros({4})}}, {}});
  const std::string good = read_file(path, 10000);
  int refused = 0;
  for (int i = 0; i < 1000; ++i) {
    std::string bad = good;
    for (std::int64_t n = random.below(3); n >= 0; --n)
      bad[static_cast<std::size_t>(random.below(static_cast<std::int64_t>(bad.size())))] =
          static_cast<char>(random.below(256));
    if (random.below(4) == 0)
      bad.resize(static_cast<std::size_t>(random.below(static_cast<std::int64_t>(bad.size()))));
    write_file(path, bad);
    try {
      read_safetensors(path);
    } catch (const Error&) {
      ++refused;
    }
  }
  CHECK(refused > 300);
  CHECK(refused < 1000);  // changed numbers are no error
}

TEST_CASE("weights are loaded only into the model that they fit") {
  const Folder folder;
  const std::string path = folder.path + "/weights";
  Random random(1);
  Dense small(2, 3, random);
  Dense other(2, 3, random);
  Dense large(2, 4, random);
  save_weights(path, small);
  load_weights(path, other);
  CHECK(other.kernel.at({1, 2}) == doctest::Approx(small.kernel.at({1, 2})));
  CHECK_THROWS_WITH_AS(load_weights(path, large),
                       doctest::Contains("kernel must have shape [2, 4]"), Error);
  LayerNorm norm(3);
  CHECK_THROWS_WITH_AS(load_weights(path, norm), doctest::Contains("no tensor named gamma"), Error);
}

TEST_CASE("what cannot be written leaves nothing behind") {
  const Folder folder;
  CHECK_THROWS_WITH_AS(write_file(folder.path + "/none/x", "text"),
                       doctest::Contains("cannot create"), Error);
  CHECK_THROWS_WITH_AS(read_file(folder.path + "/none", 10), doctest::Contains("cannot open"),
                       Error);
  CHECK_THROWS_WITH_AS(read_file(folder.path, 10), doctest::Contains("is a folder"), Error);
  write_file(folder.path + "/x", "before");
  CHECK_THROWS_WITH_AS(read_file(folder.path + "/x", 3), doctest::Contains("larger than the 3"),
                       Error);
  // A disk that fills up, as far as this process can tell.
  std::signal(SIGXFSZ, SIG_IGN);
  rlimit before{};
  getrlimit(RLIMIT_FSIZE, &before);
  const rlimit little{1000, before.rlim_max};
  setrlimit(RLIMIT_FSIZE, &little);
  CHECK_THROWS_WITH_AS(write_file(folder.path + "/x", std::string(5000, 'x')),
                       doctest::Contains("cannot write"), Error);
  setrlimit(RLIMIT_FSIZE, &before);
  CHECK(read_file(folder.path + "/x", 10) == "before");
  CHECK(folder.count() == 1);
}

TEST_CASE("text that is not UTF-8 is refused with the place") {
  check_utf8("plain, ü, €, 😀", "a");
  for (const std::string bad : {"\x80", "\xC0\xAF", "\xE2\x82", "\xED\xA0\x80", "\xF5\x80\x80\x80"})
    CHECK_THROWS_WITH_AS(check_utf8("ab" + bad, "review.txt"),
                         doctest::Contains("review.txt is not UTF-8 text: byte 2"), Error);
}
