// Reviews from disk, and the split.

#include <doctest/doctest.h>
#include <gradus/files.h>
#include <gradus/reviews.h>

#include "folder.h"

#include <sys/stat.h>

#include <algorithm>
#include <limits>

using namespace gradus;
using doctest::Contains;

namespace {

const Where where = Where::at("mine.cpp", 7);

std::vector<Example> numbered(int count) {
  std::vector<Example> examples;
  for (int i = 0; i < count; ++i) {
    const std::string number = std::to_string(i);
    examples.push_back({"number" + number, i % 2, "line " + number});
  }
  return examples;
}

}  // namespace

TEST_CASE("reviews are read from folders in a fixed order, with their labels and files") {
  const Folder folder;
  make_folder(folder.path + "/pos");
  make_folder(folder.path + "/neg");
  folder.file("pos/2_9.txt", "\xEF\xBB\xBFGood!\r\nIndeed.");
  folder.file("pos/10_8.txt", "fine");
  folder.file("pos/notes.html", "no review");
  folder.file("neg/1_1.txt", "bad");
  const std::vector<Example> examples = read_review_folder(folder.path);
  REQUIRE(examples.size() == 3);
  CHECK(texts_of(examples) == std::vector<std::string>{"bad", "fine", "Good!\r\nIndeed."});
  CHECK(examples[0].label == 0);
  CHECK(examples[1].label == 1);
  CHECK(examples[2].label == 1);
  CHECK(examples[0].source == folder.path + "/neg/1_1.txt");
  CHECK(examples[2].source == folder.path + "/pos/2_9.txt");
  for (int i = 0; i < 20; ++i) {
    const std::string name(1, static_cast<char>('a' + i * 7 % 20));
    folder.file("neg/" + name + ".txt", name);
  }
  std::string all;
  for (const std::string& text : texts_of(read_review_folder(folder.path))) all += text[0];
  CHECK(all == "babcdefghijklmnopqrstfG");
}

TEST_CASE("a review that cannot be read is refused by name") {
  const Folder folder;
  const auto refused = [&](const std::string& problem) {
    CHECK_THROWS_WITH_AS(read_review_folder(folder.path, where), problem.c_str(), Error);
  };
  const std::string before = "read_review_folder at mine.cpp:7: ";
  make_folder(folder.path + "/pos");
  refused(before + "a folder with reviews ID_RATING.txt is wanted at " + folder.path +
          "/neg: No such file or directory");
  make_folder(folder.path + "/neg");
  folder.file("pos/1_9.txt", "good");
  refused(before + "there is no file ID_RATING.txt in " + folder.path + "/neg");
  const std::string path = folder.file("neg/2_1.txt", " ,. \n");
  refused("read reviews at mine.cpp:7: there is no word in the review " + path);
  folder.file("neg/2_1.txt", "caf\xE9");
  refused("check_utf8 at mine.cpp:7: " + path + " is not UTF-8 text: byte 3");
  folder.file("neg/2_1.txt", std::string(1048577, 'a'));
  refused("read_file at mine.cpp:7: " + path + " is larger than the 1048576 bytes allowed here");
  folder.file("neg/2_1.txt", std::string(1048576, 'a'));
  CHECK(read_review_folder(folder.path).size() == 2);
  REQUIRE(::mkfifo((folder.path + "/neg/3_1.txt").c_str(), 0600) == 0);
  refused("read_file at mine.cpp:7: a file is wanted, " + folder.path +
          "/neg/3_1.txt is a pipe or a device");
}

TEST_CASE("a TSV file is read line by line, whatever ends the lines") {
  const Folder folder;
  for (const std::string file : {"1\tgood\tfilm\n0\tbad film\n", "1\tgood\tfilm\r\n0\tbad film\r\n",
                                 "1\tgood\tfilm\r0\tbad film",
                                 "\xEF\xBB\xBF"
                                 "1\tgood\tfilm\n0\tbad film"}) {
    const std::vector<Example> examples = read_tsv(folder.file("x.tsv", file));
    REQUIRE(examples.size() == 2);
    CHECK(examples[0].text == "good\tfilm");
    CHECK(examples[0].label == 1);
    CHECK(examples[0].source == folder.path + "/x.tsv:1");
    CHECK(examples[1].text == "bad film");
    CHECK(examples[1].label == 0);
    CHECK(examples[1].source == folder.path + "/x.tsv:2");
  }
}

TEST_CASE("a line of a TSV file that is wrong is named") {
  const Folder folder;
  const std::string path = folder.path + "/x.tsv";
  for (const std::string line : {"", "2\tbad", "1 good", "1", "1good\t", "\t1\tgood", "10\tgood"})
    CHECK_THROWS_WITH_AS(
        read_tsv(folder.file("x.tsv", "1\tgood\n" + line + "\n1\tgood\n"), where),
        ("read_tsv at mine.cpp:7: " + path + ":2 must be the label 0 or 1, a tab, and the text")
            .c_str(),
        Error);
  for (const std::string text : {"", " .,"})
    CHECK_THROWS_WITH_AS(
        read_tsv(folder.file("x.tsv", "1\tgood\n0\tbad\n0\t" + text), where),
        ("read reviews at mine.cpp:7: there is no word in the review " + path + ":3").c_str(),
        Error);
  CHECK_THROWS_WITH_AS(
      read_tsv(folder.file("x.tsv", "1\tgood\n0\tcaf\xE9\n"), where),
      ("check_utf8 at mine.cpp:7: " + path + ":2 is not UTF-8 text: byte 3").c_str(), Error);
  const std::string longest(1048576, 'a');
  CHECK(read_tsv(folder.file("x.tsv", "1\t" + longest))[0].text == longest);
  CHECK_THROWS_WITH_AS(read_tsv(folder.file("x.tsv", "1\ta\n1\ta" + longest), where),
                       ("read reviews at mine.cpp:7: " + path +
                        ":2 is longer than the 1048576 bytes a review may have")
                           .c_str(),
                       Error);
  CHECK_THROWS_WITH_AS(read_tsv(folder.file("x.tsv", ""), where),
                       ("read_tsv at mine.cpp:7: there is no review in " + path).c_str(), Error);
}

TEST_CASE("a sentence and its translation are read from each line, without a third column") {
  const Folder folder;
  for (const std::string file :
       {"Go.\tVe.\nHi!\t¡Hola!\tCC-BY\tsomeone\n", "Go.\tVe.\r\nHi!\t¡Hola!",
        "\xEF\xBB\xBFGo.\tVe.\rHi!\t¡Hola!\t\r"}) {
    const std::vector<SentencePair> pairs = read_pairs(folder.file("x.tsv", file));
    REQUIRE(pairs.size() == 2);
    CHECK(pairs[0].text == "Go.");
    CHECK(pairs[0].translation == "Ve.");
    CHECK(pairs[0].source == folder.path + "/x.tsv:1");
    CHECK(pairs[1].text == "Hi!");
    CHECK(pairs[1].translation == "¡Hola!");
    CHECK(pairs[1].source == folder.path + "/x.tsv:2");
  }
}

TEST_CASE("a pair without a tab, a side or UTF-8 is refused by its line") {
  const Folder folder;
  const std::string path = folder.path + "/x.tsv";
  for (const std::string line :
       {"", "Go. Ve.", "Go.\t", "\tVe.", "Go.\t!", "?\tVe.", "Go.\t\tVe.", "Go."})
    CHECK_THROWS_WITH_AS(
        read_pairs(folder.file("x.tsv", "Go.\tVe.\n" + line + "\nGo.\tVe.\n"), where),
        ("read_pairs at mine.cpp:7: " + path + ":2 must be a sentence, a tab, and its translation")
            .c_str(),
        Error);
  for (const std::string line : {"caf\xE9\tb", "b\tcaf\xE9"})
    CHECK_THROWS_WITH_AS(read_pairs(folder.file("x.tsv", "Go.\tVe.\n" + line), where),
                         Contains((path + ":2 is not UTF-8 text: byte ").c_str()), Error);
  CHECK_THROWS_WITH_AS(read_pairs(folder.file("x.tsv", ""), where),
                       ("read_pairs at mine.cpp:7: there is no pair in " + path).c_str(), Error);
  CHECK_THROWS_WITH_AS(read_pairs(folder.path + "/none", where),
                       Contains("read_file at mine.cpp:7: cannot open"), Error);
}

TEST_CASE("the split keeps every example once, by chance, the same with the same seed") {
  const std::vector<Example> examples = numbered(50);
  const auto texts = [&](const SplitExamples& parts) {
    std::vector<std::string> all = texts_of(parts.first);
    for (const std::string& text : texts_of(parts.second)) all.push_back(text);
    return all;
  };
  const SplitExamples parts = split_examples(examples, 0.2, 1);
  CHECK(parts.first.size() == 40);
  CHECK(parts.second.size() == 10);
  std::vector<std::string> before = texts_of(examples);
  std::vector<std::string> after = texts(parts);
  CHECK(after != before);
  CHECK(after == texts(split_examples(examples, 0.2, 1)));
  CHECK(after != texts(split_examples(examples, 0.2, 2)));
  // Whatever the share, it is the same order that is cut: the last go to the second part.
  CHECK(after == texts(split_examples(examples, 0.5, 1)));
  for (const Example& example : parts.second) {
    const std::string number = example.text.substr(6);
    CHECK(example.source == "line " + number);
    CHECK(example.label == std::stoi(number) % 2);
  }
  std::sort(before.begin(), before.end());
  std::sort(after.begin(), after.end());
  CHECK(after == before);
}

TEST_CASE("the split moves the share asked for, rounded, and leaves no part empty") {
  CHECK(split_examples(numbered(100), 0.29, 1).second.size() == 29);
  CHECK(split_examples(numbered(7), 0.5, 1).second.size() == 4);
  CHECK(split_examples(numbered(7), 0.21, 1).second.size() == 1);
  CHECK(split_examples(numbered(2), 0.5, 1).first.size() == 1);
  CHECK_THROWS_WITH_AS(split_examples(numbered(7), 0.07, 1, where),
                       "split_examples at mine.cpp:7: a share between 0 and 1 that leaves both "
                       "parts something is needed, not 0.07 of 7",
                       Error);
  for (const double share : {0.0, 1.0, 1.5, -0.5, 0.95, std::numeric_limits<double>::quiet_NaN()})
    CHECK_THROWS_AS(split_examples(numbered(7), share, 1), Error);
  CHECK_THROWS_AS(split_examples({}, 0.5, 1), Error);
}
