// Byte-pair encoding: beside a plain one that goes over all texts for every pair.

#include <doctest/doctest.h>
#include <gradus/byte_pairs.h>
#include <gradus/files.h>
#include <gradus/layers.h>
#include <gradus/reviews.h>
#include <gradus/safetensors.h>

#include "folder.h"

#include <map>

using namespace gradus;
using doctest::Contains;

namespace {

const Where where = Where::at("mine.cpp", 7);

using Texts = std::vector<std::string>;
using Numbers = std::vector<int>;
using Pair = BytePairEncoding::Pair;

BytePairEncoding trained(const Texts& texts, int learned, const Texts& special = {}) {
  BytePairEncoding encoding(special);
  encoding.train(texts, 257 + static_cast<int>(special.size()) + learned);
  return encoding;
}

// What was learned, in order.
Texts learned(const BytePairEncoding& encoding, std::size_t special = 0) {
  return {encoding.tokens().begin() + 257 + static_cast<std::ptrdiff_t>(special),
          encoding.tokens().end()};
}

// The same by the definition, with the ids of no special tokens: byte b is 1 + b.
struct Plain {
  std::vector<Pair> pairs;

  static char kind(char c) {
    if (std::string(" \t\n\v\f\r").find(c) != std::string::npos) return 'w';
    if (std::string("0123456789").find(c) != std::string::npos) return 'd';
    const auto byte = static_cast<unsigned char>(c);
    return byte >= 128 || (byte >= 65 && byte <= 90) || (byte >= 97 && byte <= 122) ? 'l' : 'o';
  }
  static std::vector<Numbers> pieces(const std::string& text) {
    std::vector<Numbers> result;
    char last = '?';
    for (std::size_t i = 0; i < text.size(); ++i) {
      const bool after_first_space = !result.empty() && result.back() == Numbers{1 + ' '};
      const bool begins = result.empty() || result.back().size() == 64 ||
                          (kind(text[i]) != last && !after_first_space);
      // A space begins a piece of its own only where the run of white space begins.
      if (begins) result.push_back({});
      result.back().push_back(1 + static_cast<unsigned char>(text[i]));
      last = kind(text[i]);
    }
    return result;
  }
  static void replace(Numbers& ids, Pair pair, int id) {
    for (std::size_t i = 0; i + 1 < ids.size(); ++i)
      if (ids[i] == pair.first && ids[i + 1] == pair.second) {
        ids[i] = id;
        ids.erase(ids.begin() + static_cast<std::ptrdiff_t>(i) + 1);
      }
  }

  Plain(const Texts& texts, int count) {
    std::vector<Numbers> all;
    for (const std::string& text : texts)
      for (const Numbers& piece : pieces(text)) all.push_back(piece);
    while (static_cast<int>(pairs.size()) < count) {
      std::map<Pair, int> counts;
      for (const Numbers& piece : all)
        for (std::size_t i = 0; i + 1 < piece.size(); ++i) ++counts[{piece[i], piece[i + 1]}];
      Pair best;
      int most = 1;
      for (const auto& [pair, times] : counts)  // the lower pair first
        if (times > most) {
          most = times;
          best = pair;
        }
      if (most == 1) return;
      for (Numbers& piece : all) replace(piece, best, 257 + static_cast<int>(pairs.size()));
      pairs.push_back(best);
    }
  }
  Numbers encode(const std::string& text) const {
    Numbers all;
    for (Numbers piece : pieces(text)) {
      for (std::size_t i = 0; i < pairs.size(); ++i)
        replace(piece, pairs[i], 257 + static_cast<int>(i));
      all.insert(all.end(), piece.begin(), piece.end());
    }
    return all;
  }
};

std::string random_text(Random& random, const std::string& letters, std::int64_t length) {
  std::string text;
  for (std::int64_t i = 0; i < length; ++i)
    text += letters.empty() ? static_cast<char>(random.below(256))
                            : letters[static_cast<std::size_t>(
                                  random.below(static_cast<std::int64_t>(letters.size())))];
  return text;
}

}  // namespace

TEST_CASE("the most frequent pair becomes a token, until none occurs twice") {
  // abab and " abab": a b four times, then ab ab twice, then " " abab once, which is too few.
  const BytePairEncoding encoding = trained({"abab abab"}, 100);
  CHECK(learned(encoding) == Texts{"ab", "abab"});
  CHECK(encoding.size() == 259);
  CHECK(encoding.encode("abab ab") == Numbers{258, 1 + ' ', 257});
  CHECK(learned(trained({"abab abab"}, 1)) == Texts{"ab"});
  CHECK(learned(trained({}, 5)).empty());
  CHECK(learned(trained({"a", "b", ""}, 5)).empty());
}

TEST_CASE("of equally frequent pairs the lower ids come first; overlaps count") {
  CHECK(learned(trained({"cd", "cd", "ab", "ab"}, 9)) == Texts{"ab", "cd"});
  CHECK(learned(trained({"ac", "ac", "ab", "ab"}, 9)) == Texts{"ab", "ac"});
  CHECK(learned(trained({"bz", "bz", "cy", "cy"}, 9)) == Texts{"bz", "cy"});
  CHECK(learned(trained({"aaa"}, 9)) == Texts{"aa"});
  CHECK(trained({"aaa"}, 9).encode("aaaaa") == Numbers{257, 257, 1 + 'a'});
}

TEST_CASE("the pair that was learned first is put together first") {
  // b c three times, then a b twice: in abc b goes with c.
  const BytePairEncoding encoding = trained({"bc", "bc", "bc", "ab", "ab"}, 9);
  CHECK(learned(encoding) == Texts{"bc", "ab"});
  CHECK(encoding.encode("abc") == Numbers{1 + 'a', 257});
  CHECK(encoding.encode("abab") == Numbers{258, 258});
}

TEST_CASE("tokens stay within runs of letters, digits, spaces or others, with a space before") {
  const auto tokens = [](const std::string& text) {
    Texts result;
    const BytePairEncoding encoding = trained({text, text}, 1000);
    for (const int id : encoding.encode(text))
      result.push_back(encoding.tokens()[static_cast<std::size_t>(id)]);
    return result;
  };
  CHECK(tokens("don't stop 24/7") == Texts{"don", "'", "t", " stop", " 24", "/", "7"});
  CHECK(tokens("a  b\n\nc") == Texts{"a", "  ", "b", "\n\n", "c"});
  CHECK(tokens("él... ¡sí!") == Texts{"él", "...", " ¡sí", "!"});
  CHECK(tokens("ab ") == Texts{"ab", " "});
  const std::string sixty_four(64, 'x');
  CHECK(tokens(sixty_four + "xx y") == Texts{sixty_four, "xx", " y"});
}

TEST_CASE("with the index of pairs comes out what going over all texts gives") {
  Random random(1);
  std::vector<Texts> sets;
  Texts reviews = texts_of(read_tsv("lessons/data/test.tsv"));
  reviews.resize(60);
  sets.push_back(reviews);
  for (const std::string letters : {"ab", "ab ", "abc 1.", "aé\n  ", ""})
    for (int i = 0; i < 4; ++i) {
      Texts texts;
      for (int k = 0; k < 4; ++k) texts.push_back(random_text(random, letters, random.below(150)));
      sets.push_back(texts);
    }
  for (const Texts& texts : sets) {
    const BytePairEncoding encoding = trained(texts, 80);
    const Plain plain(texts, 80);
    REQUIRE(encoding.size() == 257 + static_cast<int>(plain.pairs.size()));
    for (std::size_t i = 0; i < plain.pairs.size(); ++i) {
      const auto& [a, b] = plain.pairs[i];
      CHECK(encoding.tokens()[257 + i] == encoding.tokens()[static_cast<std::size_t>(a)] +
                                              encoding.tokens()[static_cast<std::size_t>(b)]);
    }
    for (const std::string& text : texts) CHECK(encoding.encode(text) == plain.encode(text));
    const std::string fresh = random_text(random, "ab 1é", 300);
    CHECK(encoding.encode(fresh) == plain.encode(fresh));
  }
}

TEST_CASE("any bytes come back") {
  Random random(2);
  const BytePairEncoding encoding = trained(texts_of(read_tsv("lessons/data/test.tsv")), 300);
  CHECK(encoding.encode("").empty());
  for (int i = 0; i < 300; ++i) {
    const std::string text = random_text(random, i % 2 ? "" : "the film.\n 0", random.below(300));
    CHECK(encoding.decode(encoding.encode(text)) == text);
  }
  const std::string run(200000, 'e');  // in a time that grows with its length, not with the square
  CHECK(encoding.decode(encoding.encode(run)) == run);
}

TEST_CASE("special tokens come after padding, no text gives them, and they decode to nothing") {
  const BytePairEncoding encoding = trained({"[END] [END]"}, 50, {"[START]", "[END]"});
  CHECK(encoding.tokens()[0].empty());
  CHECK(encoding.tokens()[1] == "[START]");
  CHECK(encoding.tokens()[2] == "[END]");
  CHECK(encoding.tokens()[3 + 'a'] == "a");
  CHECK(encoding.tokens()[3 + 255] == "\xFF");
  for (const int id : encoding.encode("[START] [END]")) CHECK(id > 2);
  CHECK(encoding.decode({1, 0, 3 + 'a', 2, 3 + 'b', 0}) == "ab");
  CHECK(learned(encoding, 2)[0] == "EN");
  for (const Texts& names : {Texts{""}, Texts{"a", "a"}, Texts{"a\nb"}, Texts{"a\rb"}})
    CHECK_THROWS_WITH_AS(BytePairEncoding(names, where),
                         ("BytePairEncoding at mine.cpp:7: special tokens need names that are "
                          "lines and different, not \"" +
                          names.back() + "\"")
                             .c_str(),
                         Error);
  for (const int id : {-1, encoding.size()})
    CHECK_THROWS_WITH_AS(encoding.decode({id}, where),
                         ("decode at mine.cpp:7: there is no token " + std::to_string(id) +
                          " among " + std::to_string(encoding.size()))
                             .c_str(),
                         Error);
}

TEST_CASE("training again begins anew; fewer ids than bytes are refused") {
  BytePairEncoding encoding = trained({"abab"}, 5, {"[END]"});
  encoding.train({"cdcd"}, 300);
  CHECK(learned(encoding, 1) == Texts{"cd"});
  CHECK(encoding.encode("abcd") == Numbers{2 + 'a', 2 + 'b', 258});
  CHECK_THROWS_WITH_AS(encoding.train({"efef"}, 257, where),
                       "BytePairEncoding::train at mine.cpp:7: padding, special tokens and bytes "
                       "are 258 ids; at most 257 is too few",
                       Error);
  CHECK(learned(encoding, 1) == Texts{"cd"});
  encoding.train({"efef"}, 258);
  CHECK(learned(encoding, 1).empty());
}

TEST_CASE("an encoding comes back from its file, and one that is damaged is refused") {
  const Folder folder;
  const std::string path = folder.path + "/pairs";
  const BytePairEncoding encoding = trained({"abab abab cdcd ab"}, 9, {"[START]", "[END]"});
  encoding.save(path);
  BytePairEncoding loaded({"[START]", "[END]"});
  loaded.load(path);
  CHECK(loaded.tokens() == encoding.tokens());
  CHECK(loaded.encode("abab cd") == encoding.encode("abab cd"));
  const std::string good = read_file(path, 10000);
  BytePairEncoding kept = trained({"xyxy"}, 9, {"[START]", "[END]"});
  const auto refused = [&](const std::string& file) {
    folder.file("pairs", file);
    CHECK_THROWS_WITH_AS(kept.load(path, where),
                         ("BytePairEncoding::load at mine.cpp:7: " + path +
                          " is damaged, or has other special tokens")
                             .c_str(),
                         Error);
    CHECK(learned(kept, 2) == Texts{"xy"});
  };
  for (std::size_t i = 0; i < good.size(); ++i) {
    refused(good.substr(0, i));
    std::string bad = good;
    bad[i] = bad[i] == '1' ? '2' : '1';
    refused(bad);
  }
  refused(good + "\n");
  refused(good + "1000 1000\n");
  folder.file("pairs", good);
  for (const Texts& names : {Texts{}, Texts{"[START]"}, Texts{"[END]", "[START]"}})
    CHECK_THROWS_WITH_AS(BytePairEncoding(names).load(path), Contains("other special tokens"),
                         Error);
  CHECK_THROWS_WITH_AS(kept.load(folder.path + "/none", where),
                       Contains("read_file at mine.cpp:7: cannot open"), Error);
  const BytePairEncoding none({"[END]"});
  none.save(path);
  BytePairEncoding some = trained({"xyxy"}, 9, {"[END]"});
  some.load(path);
  CHECK(some.tokens() == none.tokens());
}

TEST_CASE("weights that were trained with another number of tokens are refused") {
  const Folder folder;
  Random random(1);
  const std::string path = folder.path + "/weights";
  Embedding before(trained({"abab", "abab"}, 1).size(), 2, random);
  save_weights(path, before);
  Embedding after(trained({"abab", "abab"}, 2).size(), 2, random);
  CHECK_THROWS_WITH_AS(load_weights(path, after), Contains("[258, 2]"), Error);
}
