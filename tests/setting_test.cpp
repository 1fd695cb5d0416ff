// Numbers from the environment, and files that are not where a program was started.

#include <doctest/doctest.h>
#include <gradus/error.h>
#include <gradus/files.h>
#include <gradus/setting.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <string>

using namespace gradus;

namespace {

const char* const variable = "GRADUS_TEST_SETTING";

int with(const char* text) {
  setenv(variable, text, 1);
  return setting(variable, 9, -2, 30);
}

std::string refusal(const char* text) {
  try {
    with(text);
  } catch (const Error& error) {
    return error.what();
  }
  return "taken";
}

}  // namespace

TEST_CASE("a setting is the number in the environment, or what holds without it") {
  unsetenv(variable);
  CHECK(setting(variable, 9, -2, 30) == 9);
  CHECK(setting(variable, 50, -2, 30) == 50);
  CHECK(with("-2") == -2);
  CHECK(with("0") == 0);
  CHECK(with("17") == 17);
  CHECK(with("30") == 30);
  unsetenv(variable);
}

TEST_CASE("a setting that is no whole number of its range is refused by name and value") {
  for (const char* text : {"", " ", "abc", "1e9", "3 ", " 3", "3.0", "+3", "0x3", "-3", "31",
                           "2147483648", "99999999999999999999"}) {
    CHECK(refusal(text) == "GRADUS_TEST_SETTING must be a whole number from -2 to 30, not \"" +
                               std::string(text) + "\"");
  }
  unsetenv(variable);
}

#ifdef __linux__
TEST_CASE("0 switches neither the trace nor the profile on, and no name no recording") {
  const std::string self = std::filesystem::read_symlink("/proc/self/exe").string();
  const auto printed = [&](const std::string& settings) {
    FILE* program = popen((settings + " '" + self + "' --count 2>&1").c_str(), "r");
    REQUIRE(program);
    std::string all;
    for (int c; (c = std::fgetc(program)) != EOF;) all += static_cast<char>(c);
    CHECK(pclose(program) == 0);
    return all;
  };
  const std::string usual = printed("");
  CHECK(printed("GRADUS_TRACE=0 GRADUS_PROFILE=0 GRADUS_RECORD=") == usual);
  CHECK(printed("GRADUS_PROFILE=1") != usual);  // a table at the end
}
#endif

TEST_CASE("a file that is not found is said to be missing in the folder that was looked in") {
  const std::string folder = std::filesystem::current_path().string();
  CHECK_THROWS_WITH_AS(
      read_file("lessons/none.tsv", 10),
      doctest::Contains(
          ("cannot open lessons/none.tsv in " + folder + ": No such file or directory").c_str()),
      Error);
  CHECK_THROWS_WITH_AS(read_file("/none.tsv", 10),
                       doctest::Contains("cannot open /none.tsv: No such"), Error);
}
