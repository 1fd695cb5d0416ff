// Lesson 23: byte pairs.
//
// Into which tokens is a text to be cut? If into words, as in lesson 11, a word that is not in the
// vocabulary is lost. If into bytes, of which there are only 256, nothing is ever lost, but a text
// of ours becomes 4.4 times as long as in words and full stops, with 19 times the scores. Byte-pair
// encoding finds tokens in between. It begins with the bytes and makes a new token of the two
// neighbours that stand together most often:
//
//   count    how often does each pair of neighbouring tokens occur?
//   merge    write a new token wherever the most frequent pair stands
//   repeat   until there are as many tokens as one wants, or no pair occurs twice
//
// Sources: Sennrich, Haddow and Birch 2016, "Neural machine translation of rare words with subword
// units", algorithm 1; on bytes: Radford et al. 2019 (GPT-2), section 2.2. Runs in a second.

#include <gradus/gradus.h>

#include <algorithm>
#include <cstdio>
#include <map>

using namespace gradus;

using Tokens = std::vector<int>;  // 0 is padding, 1 + b is byte b, 257 + n what pair n became

struct Merge {
  int first, second;  // neighbours
  int count;          // how often they stand together
};
using Merges = std::vector<Merge>;

// A piece of text whose borders no token crosses, such as a word, and how often it occurs.
struct Piece {
  Tokens tokens;
  int count;
};

// ## Pieces
//
// Without them "e. i" might become a token. A piece is a run of letters, of digits, of white space
// or of other signs, with the space before it, of at most 64 bytes. Bytes from 128 on, of which é
// and ñ are made in UTF-8, count as letters.
int kind_of(char c) {
  if (c == ' ' || (c >= '\t' && c <= '\r')) return 0;
  if (c >= '0' && c <= '9') return 1;
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c & 0x80) ? 2 : 3;
}

std::vector<Tokens> cut(const std::string& text) {
  std::vector<Tokens> pieces;
  for (std::size_t begin = 0, end = 0; begin < text.size();) {
    if (text[begin] == ' ' && begin + 1 < text.size()) ++end;
    const int kind = kind_of(text[end]);
    while (end < text.size() && kind_of(text[end]) == kind && end - begin < 64) ++end;
    pieces.push_back({});
    for (; begin < end; ++begin) pieces.back().push_back(1 + (text[begin] & 0xFF));
  }
  return pieces;
}

std::vector<Piece> pieces_of(const std::vector<std::string>& texts) {
  std::map<Tokens, int> counts;
  for (const std::string& text : texts)
    for (const Tokens& tokens : cut(text)) ++counts[tokens];
  std::vector<Piece> pieces;
  for (const auto& [tokens, count] : counts) pieces.push_back({tokens, count});
  return pieces;
}

// ## Count
//
// The map goes from the lowest pair to the highest, and only a more frequent one takes the place of
// `best`: of equals the lowest. Some rule must choose, or two programs learn two vocabularies.
Merge most_frequent(const std::vector<Piece>& pieces) {
  std::map<std::pair<int, int>, int> counts;
  for (const Piece& piece : pieces)
    for (std::size_t i = 0; i + 1 < piece.tokens.size(); ++i)
      counts[{piece.tokens[i], piece.tokens[i + 1]}] += piece.count;
  Merge best = {};
  for (const auto& [pair, count] : counts)
    if (count > best.count) best = {pair.first, pair.second, count};
  return best;
}

// ## Merge
//
// From the left: a a a has the pair a a twice, and yet only the first two become one.
Tokens merged(const Tokens& tokens, const Merge& pair, int token) {
  Tokens result;
  for (const int next : tokens) {
    const bool both = !result.empty() && result.back() == pair.first && next == pair.second;
    if (both) result.pop_back();
    result.push_back(both ? token : next);
  }
  return result;
}

void learn(const Merge& pair, std::vector<Piece>& pieces, Merges& learned) {
  const int token = 257 + static_cast<int>(learned.size());
  for (Piece& piece : pieces) piece.tokens = merged(piece.tokens, pair, token);
  learned.push_back(pair);
}

// ## Encode and decode
//
// A new text is cut into bytes, and all merges are made in the order in which they were learned. So
// a word that was there in training ends as it did then.
Tokens encode(const std::string& text, const Merges& learned) {
  Tokens all;
  for (Tokens piece : cut(text)) {
    int token = 257;
    for (const Merge& pair : learned) piece = merged(piece, pair, token++);
    all.insert(all.end(), piece.begin(), piece.end());
  }
  return all;
}

std::string decode(const Tokens& tokens, const Merges& learned) {
  std::string text;
  for (const int token : tokens) {
    const Merge pair = token < 257 ? Merge{} : learned.at(static_cast<std::size_t>(token - 257));
    text += token < 257 ? std::string(1, static_cast<char>(token - 1))
                        : decode({pair.first, pair.second}, learned);
  }
  return text;
}

// "_se|e|s", with _ for a space and ? for a byte that is no sign by itself.
std::string show(const Tokens& tokens, const Merges& learned) {
  std::string line;
  for (const int token : tokens) line += (line.empty() ? "" : "|") + decode({token}, learned);
  for (char& c : line) c = c == ' ' ? '_' : c > ' ' && c <= '~' ? c : '?';
  return line;
}

int main() try {
  // ## One merge at a time
  //
  // Each line shows the text in its tokens, and the pair that is merged next. Two pairs occur three
  // times at first, _|s and s|e; a space is token 33, an s 116, so _|s comes first. And then s|e is
  // gone, for the s is a part of _s.
  const std::string small = "the sea sees the seal";
  std::vector<Piece> pieces = pieces_of({small});
  Merges few, learned;
  for (Merge best = most_frequent(pieces); best.count > 1; best = most_frequent(pieces)) {
    std::printf("%-41s   %-5s %d times\n", show(encode(small, few), few).c_str(),
                show({best.first, best.second}, few).c_str(), best.count);
    learn(best, pieces, few);
  }
  std::printf("%-41s   no pair twice\n", show(encode(small, few), few).c_str());

  // ## The reviews
  //
  // They have few different words, so after 592 merges no pair occurs twice, and each word is one
  // token. First come parts of many words; last, words that seldom begin a text (du became dust).
  const std::vector<std::string> reviews = texts_of(read_tsv("lessons/data/train.tsv"));
  pieces = pieces_of(reviews);
  Curve length{"tokens in a review", {}};
  std::printf("\nmerges   tokens   tokens in a review   squared\n");
  for (Merge best{0, 0, 2}; best.count > 1;) {
    const int merges = static_cast<int>(learned.size());
    double total = 0;
    for (const Piece& piece : pieces) total += double(piece.tokens.size()) * piece.count;
    const double now = total / double(reviews.size());
    if (merges > 0) length.values.push_back(now);
    best = most_frequent(pieces);
    if (merges == 0 || merges == 30 || merges == 100 || merges == 300 || best.count < 2)
      std::printf("%6d %8d %20.1f %9.0f\n", merges, 256 + merges, now, now * now);
    if (best.count > 1) learn(best, pieces, learned);
  }
  const int size = 257 + static_cast<int>(learned.size());
  std::printf("first %s, last %s\n", show({257, 258, 259, 260, 261, 262}, learned).c_str(),
              show({size - 4, size - 3, size - 2, size - 1}, learned).c_str());
  Curve words{"pieces in a review", length.values};
  for (double& value : words.values) value = length.values.back();
  write_file("build/lesson23_length.svg",
             curves_svg("The more merges, the shorter a review", {length, words}, 0, "merge"));
  std::printf("Picture: build/lesson23_length.svg; open it in a browser.\n\n");

  // ## A new text
  //
  // A word at the start of a text has no space before it: "tedious" is not "_tedious". "í" is two
  // bytes, which both remain, as no review has it: tokens fit texts like those they came from.
  for (const std::string text : {"it is tedious", "tedious", "my teachers", "un día frío"})
    std::printf("%s\n", show(encode(text, learned), learned).c_str());

  // ## The library's
  //
  // BytePairEncoding does the same, with a list of the pieces that have each pair, so that a merge
  // visits those only. Both must agree, and any bytes come back: half of the texts are random ones.
  //
  // Where a text begins and ends is said by special tokens, which stand for no bytes. They have
  // names; a text that holds a name gives its bytes, so that nobody can end a text from within it.
  BytePairEncoding library;
  library.train(reviews, 100000);
  int same_tokens = 0, same = 0, returned = 0;
  for (int token = 1; token < std::min(size, library.size()); ++token)
    same_tokens += decode({token}, learned) == library.decode({token});
  const std::vector<Example> tests = read_tsv("lessons/data/test.tsv");
  Random random(1);
  for (std::size_t i = 0; i < 200; ++i) {
    std::string text = tests[i].text;
    for (char& c : text) c = i < 100 ? c : static_cast<char>(random.below(256));
    same += encode(text, learned) == library.encode(text);
    returned += decode(encode(text, learned), learned) == text;
  }
  std::printf("\n%d tokens here, %d in the library, %d the same\n", size - 1, library.size() - 1,
              same_tokens);
  std::printf("of 200 texts %d encoded alike, %d come back\n", same, returned);
  const Tokens end = BytePairEncoding({"[START]", "[END]"}).encode("[END]");
  std::printf("[END] is token 2; the text \"[END]\" has %zu tokens\n", end.size());
} catch (const Error& error) {
  std::fprintf(stderr, "%s\n", error.what());
  return 1;
}

// ## In the debugger
//
// Break at `merged`: `print pair` and `print tokens` show what comes in (byte b is b + 1, so a
// space is 33), and `next` through the loop how `result` grows, in which two tokens become 257.
//
// ## Exercises
//
// 1. Merge "a rat and a cat and a hat" by hand until no pair occurs twice; then let the program.
// 2. Of equally frequent pairs take the last. How many tokens has the library at any place, too?
// 3. Let `cut` make one piece of a whole text, for the first 100 reviews. Which tokens cross the
//    borders of words? Does a review that was not among them take more tokens than with words cut?
// 4. Write an encoder that takes, from the left, the longest token that fits. What does it make of
//    "my teachers"? For how many words of lessons/data/pairs_train.tsv do the two differ?
// 5. Write learn, encode and decode yourself: make exercise-24 judges them.
