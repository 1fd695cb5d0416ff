// Weights of modules: they go into the model that they fit, and nothing is written that would be
// refused.

#include <doctest/doctest.h>
#include <gradus/files.h>
#include <gradus/layers.h>
#include <gradus/safetensors.h>

#include "folder.h"

#include <cmath>
#include <limits>

using namespace gradus;
using doctest::Contains;

namespace {

const Where where = Where::at("mine.cpp", 7);

// The error of writing these tensors; nothing must be left of the file.
std::string problem_with(const TensorFile& file) {
  const Folder folder;
  try {
    write_safetensors(folder.path + "/x", file, where);
  } catch (const Error& error) {
    CHECK(folder.count() == 0);
    std::string text = error.what();
    const std::size_t found = text.find(folder.path);
    return found == std::string::npos ? text : text.erase(found, folder.path.size());
  }
  return "no problem";
}

}  // namespace

TEST_CASE("a file that could not be read again is not written") {
  const Tensor one = Tensor::scalar(1);
  const std::string before = "write_safetensors at mine.cpp:7: /x could not be read again: ";
  CHECK(problem_with({{{"a", one}, {"b", one}}, {}}) == "no problem");
  CHECK(problem_with({{{"a", one}, {"b", one}, {"a", one}}, {}}).find(before + "byte ") == 0);
  CHECK(problem_with({{{"a", one}, {"a", one}}, {}}).find("\"a\" stands twice") !=
        std::string::npos);
  CHECK(problem_with({{{"__metadata__", one}}, {}}) ==
        "write_safetensors at mine.cpp:7: no tensor may be named __metadata__");
  CHECK(problem_with({{{"caf\xE9", one}}, {}}).find("the header is not UTF-8 text: byte 5") !=
        std::string::npos);
  CHECK(problem_with({{}, {{"k", "\xFF"}}}).find("not UTF-8 text") != std::string::npos);
  TensorFile large;  // {"__metadata__":{"k":"…"}} has 25 bytes besides the text.
  large.metadata["k"].assign(100'000'000 - 25, 'x');
  CHECK(problem_with(large) == "no problem");
  large.metadata["k"] += 'x';
  CHECK(problem_with(large) == before + "a header may have at most 100000000 bytes, not 100000008");
  CHECK(problem_with({{{"a", Tensor()}}, {}}).find("at mine.cpp:7: it was used before") !=
        std::string::npos);
}

TEST_CASE("a double that no float can hold is neither read nor written as infinity") {
  const Folder folder;
  const auto file_of = [&](const std::string& bytes) {
    std::string contents = R"({"a":{"dtype":"F64","shape":[1],"data_offsets":[0,8]}})";
    contents = std::string(1, static_cast<char>(contents.size())) + std::string(7, '\0') + contents;
    return folder.file("x", contents + bytes);
  };
  const std::string largest("\0\0\0\xE0\xFF\xFF\xEF\x47", 8);  // (2 - 2^-23) 2^127
  const std::string too_large("\0\0\0\0\0\0\xF0\xC7", 8);      // -2^128
  const std::string infinite("\0\0\0\0\0\0\xF0\x7F", 8);
  CHECK(read_safetensors(file_of(largest)).tensors[0].tensor.at({0}) ==
        Scalar(std::numeric_limits<float>::max()));
  CHECK(read_safetensors(file_of(infinite)).tensors[0].tensor.at({0}) ==
        std::numeric_limits<Scalar>::infinity());
  const std::string path = file_of(too_large);
  if (sizeof(Scalar) == 4) {
    CHECK_THROWS_WITH_AS(
        read_safetensors(path, where),
        ("read_safetensors at mine.cpp:7: " + path + ": a holds a number too large for float32")
            .c_str(),
        Error);
  } else {
    const Tensor tensor = read_safetensors(path).tensors[0].tensor;
    CHECK(tensor.at({0}) == -2 * Scalar(std::ldexp(1, 127)));
    CHECK(problem_with({{{"a", tensor}}, {}}) ==
          "write_safetensors at mine.cpp:7: a holds a number too large for float32");
  }
  const Tensor infinity = Tensor::scalar(std::numeric_limits<Scalar>::infinity());
  CHECK(problem_with({{{"a", infinity}}, {}}) == "no problem");
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
    folder.file("x", bad);
    try {
      read_safetensors(path);
    } catch (const Error&) {
      ++refused;
    }
  }
  CHECK(refused > 300);
  CHECK(refused < 1000);  // changed numbers are no error
}

TEST_CASE("weights come back bit for bit, each to the parameter of its name") {
  const Folder folder;
  const std::string path = folder.path + "/weights";
  Random random(1);
  Dense saved(2, 3, random);
  for (const NamedTensor& parameter : saved.parameters())
    for (Index i = 0; i < parameter.tensor.size(); ++i)
      Tensor(parameter.tensor).mutable_data()[i] = random.uniform() - Scalar(0.5);
  save_weights(path, saved);
  const auto check = [&saved](Dense& loaded) {
    for (Index i = 0; i < 6; ++i) CHECK(loaded.kernel.data()[i] == saved.kernel.data()[i]);
    for (Index i = 0; i < 3; ++i) CHECK(loaded.bias.data()[i] == saved.bias.data()[i]);
  };
  Dense loaded(2, 3, random);
  load_weights(path, loaded);
  check(loaded);
  // In another order, as another program may have written them.
  write_safetensors(path, {{{"bias", saved.bias}, {"kernel", saved.kernel}}, {{"by", "another"}}});
  Dense again(2, 3, random);
  load_weights(path, again);
  check(again);
  CHECK(again.kernel.requires_grad());
}

TEST_CASE("weights are loaded into the model that they fit, and change no other") {
  const Folder folder;
  const std::string path = folder.path + "/weights";
  Random random(1);
  Dense small(2, 3, random);
  save_weights(path, small);
  const auto refused = [&](Module& module, const std::string& problem) {
    CHECK_THROWS_WITH_AS(load_weights(path, module, where),
                         ("load_weights at mine.cpp:7: " + problem).c_str(), Error);
  };
  Dense large(2, 4, random);
  const Scalar before = large.kernel.at({0, 0});
  refused(large, "kernel must have shape [2, 4], in " + path + " it has [2, 3]");
  LayerNorm norm(3);
  refused(norm, path + " holds no tensor named gamma");
  const Tensor kernel = Tensor::zeros({2, 4});
  write_safetensors(path, {{{"kernel", kernel}}, {}});
  refused(large, path + " holds no tensor named bias");
  const Tensor bias = Tensor::zeros({4});
  write_safetensors(path, {{{"kernel", kernel}, {"bias", bias}, {"scale", bias}}, {}});
  refused(large, path + " holds scale, which the model has no use for");
  write_safetensors(path, {{{"kernel", kernel}, {"bias", Tensor::zeros({4, 1})}}, {}});
  refused(large, "bias must have shape [4], in " + path + " it has [4, 1]");
  CHECK(large.kernel.at({0, 0}) == before);
  const Embedding seven_words(7, 3, random);
  write_safetensors(path, {{{"table", seven_words.table}}, {}});
  Embedding eight_words(8, 3, random);
  refused(eight_words, "table must have shape [8, 3], in " + path + " it has [7, 3]");
}

TEST_CASE("weights that are tied stand in the file once and stay tied when they are loaded") {
  struct Tied : Module {
    explicit Tied(Random& random) : Module("Tied"), a(2, 2, random), b(2, 2, random) {
      add("a", a);
      add("b", b);
      b.kernel = a.kernel;
    }
    Dense a, b;
  };
  const Folder folder;
  const std::string path = folder.path + "/weights";
  Random random(1);
  Tied saved(random);
  save_weights(path, saved);
  const TensorFile file = read_safetensors(path);
  REQUIRE(file.tensors.size() == 3);
  CHECK(file.tensors[0].name == "a.kernel");
  CHECK(file.tensors[1].name == "a.bias");
  CHECK(file.tensors[2].name == "b.bias");
  Tied loaded(random);
  CHECK(loaded.a.kernel.at({0, 1}) != saved.a.kernel.at({0, 1}));
  load_weights(path, loaded);
  CHECK(loaded.a.kernel.at({0, 1}) ==
        static_cast<Scalar>(static_cast<float>(saved.a.kernel.at({0, 1}))));
  CHECK(loaded.b.kernel.node() == loaded.a.kernel.node());
  // A model whose weights are not tied has two kernels, and they need not be the same.
  TensorFile untied = file;
  untied.tensors.push_back({"b.kernel", Tensor::zeros({2, 2})});
  write_safetensors(path, untied);
  CHECK_THROWS_WITH_AS(
      load_weights(path, loaded, where),
      ("load_weights at mine.cpp:7: " + path + " holds b.kernel, which the model has no use for")
          .c_str(),
      Error);
}
