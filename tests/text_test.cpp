// From text to numbers: how words are made, counted, numbered and kept in a file.

#include <doctest/doctest.h>
#include <gradus/baseline.h>
#include <gradus/files.h>
#include <gradus/reviews.h>
#include <gradus/text.h>

#include "folder.h"

using namespace gradus;
using Words = std::vector<std::string>;

namespace {

const Where where = Where::at("mine.cpp", 7);

// A vectorizer that has seen these texts.
TextVectorizer adapted(const std::vector<std::string>& texts, TextVectorizerOptions options) {
  TextVectorizer vectorizer(options);
  vectorizer.adapt(texts);
  return vectorizer;
}

}  // namespace

TEST_CASE("text is standardised as Keras does it") {
  CHECK(standardize("Don't STOP, <br />it's \"great\"!") == "dont stop br its great");
  CHECK(standardize("ABCXYZ abcxyz 0123456789") == "abcxyz abcxyz 0123456789");
  // Deleted, not replaced by a space; white space stays as it is.
  CHECK(standardize("well-known\t 10/10\n(2.5)") == "wellknown\t 1010\n25");
  CHECK(standardize("Éclair naïve – “quoted”") == "Éclair naïve – “quoted”");
  CHECK(standardize("").empty());
  // Of the 128 characters of ASCII exactly these are punctuation, and 26 are capital letters.
  const std::string punctuation = "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~";
  for (int code = 0; code < 128; ++code) {
    const char c = static_cast<char>(code);
    const bool capital = std::string("ABCDEFGHIJKLMNOPQRSTUVWXYZ").find(c) != std::string::npos;
    const std::string kept(1, capital ? static_cast<char>(code + 32) : c);
    CHECK(standardize({'a', c}) == "a" + (punctuation.find(c) < 32 ? "" : kept));
  }
}

TEST_CASE("words are what stands between white space") {
  CHECK(split_words(" a\tbc\n\nd\ve\ff\rg ") == Words{"a", "bc", "d", "e", "f", "g"});
  CHECK(split_words("one") == Words{"one"});
  CHECK(split_words("").empty());
  CHECK(split_words(" \n").empty());
  CHECK(split_words("a\xC2\xA0z") == Words{"a\xC2\xA0z"});  // a space outside ASCII is a letter
}

TEST_CASE("the vocabulary is by frequency, and by bytes where that is equal") {
  // d three times; a, b, c twice; é, z, A (which is an a) once.
  const std::vector<std::string> texts{"d b c é d", "b, z! a c D A"};
  CHECK(adapted(texts, {}).vocabulary() == Words{"", "[UNK]", "d", "a", "b", "c", "z", "é"});
  CHECK(adapted({"10 9 a b1 b"}, {}).vocabulary() == Words{"", "[UNK]", "10", "9", "a", "b", "b1"});
}

TEST_CASE("max_tokens counts padding and the unknown word") {
  const std::vector<std::string> texts{"a a a b b c"};
  CHECK(adapted(texts, {.max_tokens = 3}).vocabulary() == Words{"", "[UNK]", "a"});
  CHECK(adapted(texts, {.max_tokens = 4}).vocabulary() == Words{"", "[UNK]", "a", "b"});
  CHECK(adapted(texts, {.max_tokens = 6}).vocabulary().size() == 5);
  CHECK_THROWS_WITH_AS(TextVectorizer({.max_tokens = 2}, where),
                       "TextVectorizer at mine.cpp:7: max_tokens must be at least 3: padding, "
                       "unknown, and a word",
                       Error);
  CHECK(TextVectorizer().options().max_tokens == 20000);
  CHECK(TextVectorizer().options().max_length == 600);
  CHECK_FALSE(TextVectorizer().options().bigrams);
}

TEST_CASE("each word becomes its number, 1 if it is unknown, up to max_length of them") {
  const TextVectorizer vectorizer = adapted({"a a a b b c"}, {.max_tokens = 4, .max_length = 5});
  using Numbers = std::vector<int>;
  CHECK(vectorizer.encode("b, A; c what?") == Numbers{3, 2, 1, 1});
  CHECK(vectorizer.encode("a b c b a") == Numbers{2, 3, 1, 3, 2});
  CHECK(vectorizer.encode("a b c b a b") == Numbers{2, 3, 1, 3, 2});
  CHECK(vectorizer.encode("[UNK]") == Numbers{1});
  CHECK(adapted({"a"}, {.max_length = 1}).encode("b a") == Numbers{1});
  CHECK_THROWS_WITH_AS(vectorizer.encode(" ... ", where),
                       "encode at mine.cpp:7: there is no word in the text \" ... \"", Error);
  CHECK_THROWS_WITH_AS(TextVectorizer().encode("a", where),
                       "encode at mine.cpp:7: there is no vocabulary yet: adapt() comes first",
                       Error);
  CHECK_THROWS_WITH_AS(TextVectorizer({.max_length = 0}, where),
                       "TextVectorizer at mine.cpp:7: max_length must be at least 1", Error);
  CHECK_THROWS_WITH_AS(TextVectorizer().adapt({"", " ?"}, where),
                       "adapt at mine.cpp:7: there is no word in the texts", Error);
}

TEST_CASE("a new vocabulary takes the place of the old") {
  TextVectorizer vectorizer = adapted({"a b"}, {});
  vectorizer.adapt({"c"});
  CHECK(vectorizer.vocabulary() == Words{"", "[UNK]", "c"});
  CHECK(vectorizer.encode("a c") == std::vector<int>{1, 2});
}

TEST_CASE("numbers become words again, without padding") {
  const TextVectorizer vectorizer = adapted({"a a b"}, {});
  CHECK(vectorizer.decode({0, 3, 1, 2, 0, 0}) == "b [UNK] a");
  CHECK(vectorizer.decode({}).empty());
  for (const int outside : {-1, 4})
    CHECK_THROWS_WITH_AS(vectorizer.decode({2, outside}, where),
                         ("decode at mine.cpp:7: there is no word " + std::to_string(outside) +
                          " in a vocabulary of 4")
                             .c_str(),
                         Error);
}

TEST_CASE("pairs of neighbours come after the words, and the text is cut after both") {
  const std::vector<std::string> texts{"Not good, not bad", "not good"};
  // not: 3; good, "not good": 2; bad, "good not", "not bad": 1.
  const Words words{"", "[UNK]", "not", "good", "not good", "bad", "good not", "not bad"};
  const TextVectorizer vectorizer = adapted(texts, {.max_length = 6, .bigrams = true});
  CHECK(vectorizer.vocabulary() == words);
  CHECK(vectorizer.encode("not good bad") == std::vector<int>{2, 3, 5, 4, 1});
  CHECK(vectorizer.encode("bad") == std::vector<int>{5});
  CHECK(vectorizer.encode("not bad not bad") == std::vector<int>{2, 5, 2, 5, 7, 1});
  const Folder folder;
  vectorizer.save(folder.path + "/words");
  TextVectorizer loaded({.bigrams = true});
  loaded.load(folder.path + "/words");
  CHECK(loaded.vocabulary() == words);
  CHECK_THROWS_WITH_AS(TextVectorizer().load(folder.path + "/words"),
                       doctest::Contains("words:3: no text gives the word \"not good\""), Error);
}

TEST_CASE("a vocabulary comes back from its file, whatever ends the lines") {
  const Folder folder;
  const std::string path = folder.path + "/words";
  const TextVectorizer vectorizer = adapted({"good good é 7"}, {});
  vectorizer.save(path);
  CHECK(read_file(path, 100) == "good\n7\né\n");
  for (const std::string file : {"good\n7\né\n", "good\n7\né", "good\r\n7\r\né\r\n", "good\r7\ré",
                                 "\xEF\xBB\xBFgood\n7\né\n"}) {
    TextVectorizer loaded({.max_tokens = 5});
    loaded.load(folder.file("words", file));
    CHECK(loaded.vocabulary() == Words{"", "[UNK]", "good", "7", "é"});
    CHECK(loaded.encode("Good é 8") == std::vector<int>{2, 4, 1});
  }
}

TEST_CASE("a vocabulary that would make words unknown is neither loaded nor written") {
  const Folder folder;
  const auto refused = [&](const std::string& file, const std::string& problem) {
    const std::string path = folder.file("words", file);
    TextVectorizer vectorizer = adapted({"old"}, {.max_tokens = 5});
    CHECK_THROWS_WITH_AS(vectorizer.load(path, where),
                         ("vocabulary at mine.cpp:7: " + path + problem).c_str(), Error);
    CHECK(vectorizer.vocabulary() == Words{"", "[UNK]", "old"});
  };
  for (const std::string word : {"", " ", "Good", "good!", "a b", " a", "a ", "a\tb"})
    refused("one\n" + word + "\nthree\n", ":2: no text gives the word \"" + word + "\"");
  refused("a\nb\na\n", ":3: the word \"a\" stands twice");
  refused("a\nb\nc\nd\n", ":4: max_tokens allows only 3 words");
  CHECK_THROWS_WITH_AS(
      TextVectorizer().load(folder.file("words", ""), where),
      ("vocabulary at mine.cpp:7: there is no word in " + folder.path + "/words").c_str(), Error);
  CHECK_THROWS_WITH_AS(
      TextVectorizer().load(folder.file("words", "a\nb\xE9\n"), where),
      ("check_utf8 at mine.cpp:7: " + folder.path + "/words:2 is not UTF-8 text: byte 1").c_str(),
      Error);
  CHECK_THROWS_WITH_AS(TextVectorizer().load(folder.path + "/none", where),
                       doctest::Contains("read_file at mine.cpp:7: cannot open"), Error);
  const std::string path = folder.path + "/new";
  CHECK_THROWS_WITH_AS(TextVectorizer().save(path, where), doctest::Contains("no word in"), Error);
  CHECK_THROWS_WITH_AS(adapted({"caf\xE9"}, {}).save(path), doctest::Contains("new:1 is not UTF"),
                       Error);
  CHECK_THROWS_WITH_AS(adapted({"\xEF\xBB\xBFgood"}, {}).save(path, where),
                       "vocabulary at mine.cpp:7: the first word begins with a byte order mark",
                       Error);
  CHECK_FALSE(file_exists(path));
}

TEST_CASE("counting words learns what words say, and nothing where only their order does") {
  std::vector<Example> by_word, by_order;
  for (int i = 0; i < 200; ++i) {
    const bool good = i % 2 == 0;
    const std::string name = "film" + std::to_string(i);
    by_word.push_back({name + (good ? " is fine" : " is poor"), good, ""});
    by_order.push_back({good ? "not poor but fine" : "not fine but poor", good, ""});
  }
  BagOfWords words(1000, false);
  words.fit(by_word, by_word);
  CHECK(words.evaluate(by_word).accuracy() == 1);
  BagOfWords order(1000, false);
  order.fit(by_order, by_order);
  CHECK(order.evaluate(by_order).accuracy() == 0.5);
  BagOfWords pairs(1000, true);
  pairs.fit(by_order, by_order);
  CHECK(pairs.evaluate(by_order).accuracy() == 1);
}
