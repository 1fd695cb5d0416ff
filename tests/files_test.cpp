// Files: what is written comes back, whole or not at all; what is no file is refused.

#include <doctest/doctest.h>
#include <gradus/files.h>

#include "folder.h"

#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <csignal>
#include <fstream>
#include <thread>
#include <vector>

using namespace gradus;
using doctest::Contains;

namespace {

mode_t mode_of(const std::string& path) {
  struct stat status {};
  REQUIRE(::stat(path.c_str(), &status) == 0);
  return status.st_mode & 07777;
}

// Files can have no more bytes than this while it lives: a disk that is full.
struct FullDisk {
  explicit FullDisk(rlim_t most) {
    std::signal(SIGXFSZ, SIG_IGN);
    getrlimit(RLIMIT_FSIZE, &before);
    const rlimit little{most, before.rlim_max};
    setrlimit(RLIMIT_FSIZE, &little);
  }
  ~FullDisk() { setrlimit(RLIMIT_FSIZE, &before); }
  rlimit before{};
};

}  // namespace

TEST_CASE("every byte that is written is read, and nothing but the file is left") {
  const Folder folder;
  std::string bytes(200'000, ' ');
  for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<char>(i * 7 + i / 256);
  const std::string path = folder.path + "/x";
  write_file(path, bytes);
  CHECK(read_file(path, 200'000) == bytes);
  write_file(path, "shorter");
  CHECK(read_file(path, 7) == "shorter");
  write_file(path, "");
  CHECK(read_file(path, 0).empty());
  CHECK(folder.count() == 1);
}

TEST_CASE("a file is read up to the size allowed, and refused one byte above it") {
  const Folder folder;
  const std::string path = folder.file("x", "before");
  CHECK(read_file(path, 6) == "before");
  CHECK_THROWS_WITH_AS(
      read_file(path, 5, Where::at("mine.cpp", 7)),
      ("read_file at mine.cpp:7: " + path + " is larger than the 5 bytes allowed here").c_str(),
      Error);
}

TEST_CASE("what is no file is neither read nor replaced, and does not make anybody wait") {
  const Folder folder;
  const std::string pipe = folder.path + "/pipe";
  REQUIRE(::mkfifo(pipe.c_str(), 0600) == 0);
  const Where where = Where::at("mine.cpp", 7);
  const std::string wanted = " at mine.cpp:7: a file is wanted, ";
  CHECK_THROWS_WITH_AS(read_file(pipe, 10, where),
                       ("read_file" + wanted + pipe + " is a pipe or a device").c_str(), Error);
  CHECK_THROWS_WITH_AS(write_file(pipe, "x", where),
                       ("write_file" + wanted + pipe + " is a pipe or a device").c_str(), Error);
  CHECK_THROWS_WITH_AS(read_file(folder.path, 10, where),
                       ("read_file" + wanted + folder.path + " is a folder").c_str(), Error);
  CHECK_THROWS_WITH_AS(write_file(folder.path, "x", where),
                       ("write_file" + wanted + folder.path + " is a folder").c_str(), Error);
  CHECK_THROWS_WITH_AS(write_file("/dev/null", "x", where), Contains("is a pipe or a device"),
                       Error);
  CHECK_THROWS_WITH_AS(
      read_file(folder.path + "/none", 10, where),
      ("read_file at mine.cpp:7: cannot open " + folder.path + "/none: No such file or directory")
          .c_str(),
      Error);
  CHECK(file_exists(pipe));
  CHECK(folder.count() == 1);
}

TEST_CASE("a file that cannot be written whole leaves the one that was there, and nothing else") {
  const Folder folder;
  const std::string path = folder.file("x", "before");
  {
    const FullDisk disk(1000);
    CHECK_THROWS_WITH_AS(
        write_file(path, std::string(1001, 'x'), Where::at("mine.cpp", 7)),
        ("write_file at mine.cpp:7: cannot write " + path + ": File too large").c_str(), Error);
    CHECK_THROWS_AS(write_file(folder.path + "/new", std::string(1001, 'x')), Error);
    CHECK(read_file(path, 10) == "before");
    CHECK(folder.count() == 1);
    write_file(path, std::string(1000, 'y'));
  }
  CHECK(read_file(path, 1000) == std::string(1000, 'y'));
}

TEST_CASE("what a killed program left behind is taken over by the next that writes the file") {
  const Folder folder;
  const std::string path = folder.path + "/x";
  std::ofstream(path + ".writing") << "much more than the new text";
  write_file(path, "new");
  CHECK(read_file(path, 10) == "new");
  CHECK(folder.count() == 1);
}

TEST_CASE("threads that write one file at once leave the whole text of one of them") {
  const Folder folder;
  const std::string path = folder.path + "/x";
  int wrong = 0;
  for (int round = 0; round < 10; ++round) {
    std::vector<std::thread> threads;
    for (const char c : {'a', 'b', 'c', 'd'}) {
      const std::string text(30'000u + static_cast<std::size_t>(c), c);
      threads.emplace_back([&path, text] { write_file(path, text); });
    }
    for (std::thread& thread : threads) thread.join();
    const std::string text = read_file(path, 40'000);
    wrong += text != std::string(30'000u + static_cast<std::size_t>(text[0]), text[0]);
  }
  CHECK(wrong == 0);
  CHECK(folder.count() == 1);
}

TEST_CASE("writing follows links and keeps the permissions of the file") {
  const Folder folder;
  make_folder(folder.path + "/there");
  const std::string file = folder.file("there/file", "before");
  CHECK((mode_of(file) & 0600) == 0600);
  REQUIRE(::chmod(file.c_str(), 0604) == 0);
  const std::string near = folder.path + "/near";
  const std::string far = folder.path + "/far";
  std::filesystem::create_symlink("there/file", near);
  std::filesystem::create_symlink(near, far);
  write_file(far, "after");
  CHECK(std::filesystem::is_symlink(far));
  CHECK(std::filesystem::is_symlink(near));
  CHECK(read_file(file, 10) == "after");
  CHECK(mode_of(file) == 0604);

  std::filesystem::create_symlink("there/new", folder.path + "/dangling");
  write_file(folder.path + "/dangling", "made");
  CHECK(read_file(folder.path + "/there/new", 10) == "made");
}

TEST_CASE("folders that are missing are made, and what stands in their way is named") {
  const Folder folder;
  write_file(folder.path + "/one/two/x", "text");
  CHECK(read_file(folder.path + "/one/two/x", 10) == "text");
  make_folder(folder.path + "/one/two");
  CHECK(file_exists(folder.path + "/one/two/x"));
  CHECK_FALSE(file_exists(folder.path + "/one/x"));
  CHECK_THROWS_WITH_AS(make_folder(folder.path + "/one/two/x/three", Where::at("mine.cpp", 7)),
                       ("make_folder at mine.cpp:7: cannot make the folder " + folder.path +
                        "/one/two/x/three: Not a directory")
                           .c_str(),
                       Error);
  CHECK_THROWS_WITH_AS(make_folder(folder.path + "/one/two/x"), Contains("Not a directory"), Error);
  CHECK_THROWS_WITH_AS(write_file(folder.path + "/one/two/x/y", ""),
                       Contains("cannot make the folder"), Error);
  // In the folder that the program runs in.
  const std::string here = "gradus-test-" + std::to_string(getpid());
  write_file(here, "text");
  CHECK(read_file(here, 10) == "text");
  std::filesystem::remove(here);
}

TEST_CASE("lines end with LF, CR LF or CR, and a byte order mark is no part of the first") {
  const std::vector<std::string> lines{"one", "", " two\t", "three"};
  CHECK(lines_of("one\n\n two\t\nthree\n") == lines);
  CHECK(lines_of("one\r\n\r\n two\t\r\nthree\r\n") == lines);
  CHECK(lines_of("one\r\r two\t\rthree") == lines);
  CHECK(lines_of("one\n\r\n two\t\rthree\r") == lines);
  CHECK(lines_of("\xEF\xBB\xBFone\n\xEF\xBB\xBFtwo") ==
        std::vector<std::string>{"one", "\xEF\xBB\xBFtwo"});
  CHECK(lines_of("").empty());
  CHECK(lines_of("\n") == std::vector<std::string>{""});
  CHECK(without_mark("\xEF\xBB\xBF").empty());
  CHECK(without_mark("\xEF\xBB") == "\xEF\xBB");
  CHECK(without_mark("a\xEF\xBB\xBF") == "a\xEF\xBB\xBF");
}

TEST_CASE("text is UTF-8 if every character is written in the one way allowed") {
  // The first and last character of each length, and those beside the surrogates.
  for (const std::string good :
       {"", "\x01", "\x7F", "\xC2\x80", "\xDF\xBF", "\xE0\xA0\x80", "\xEF\xBF\xBF", "\xED\x9F\xBF",
        "\xEE\x80\x80", "\xF0\x90\x80\x80", "\xF4\x8F\xBF\xBF", "ü, €, 😀"})
    CHECK_NOTHROW(check_utf8("ab" + good + "c", "a"));
  CHECK_NOTHROW(check_utf8(std::string("\0", 1), "a"));
  for (const std::string bad : {"\x80",
                                "\xBF",
                                "\xC0\x80",
                                "\xC1\xBF",
                                "\xE0\x9F\xBF",
                                "\xF0\x8F\xBF\xBF",
                                "\xED\xA0\x80",
                                "\xED\xBF\xBF",
                                "\xF4\x90\x80\x80",
                                "\xF5\x80\x80\x80",
                                "\xF9\x80\x80\x80",
                                "\xFF\x80\x80\x80",

                                "\xFF",
                                "\xC3",
                                "\xE2\x82",
                                "\xF0\x9F\x98",
                                "\xC3\x28",
                                "\xE2\x28\x82",
                                "\xE2\x82\x28",
                                "\xF0\x28\x98\x80",
                                "\xF0\x9F\x28\x80",
                                "\xF0\x9F\x98\x28",
                                "\xC3\xC3",
                                "\xE2\xC2\x82"})
    CHECK_THROWS_WITH_AS(check_utf8("a€" + bad, "review.txt", Where::at("mine.cpp", 7)),
                         "check_utf8 at mine.cpp:7: review.txt is not UTF-8 text: byte 4", Error);
}
