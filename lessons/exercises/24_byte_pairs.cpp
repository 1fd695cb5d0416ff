// Exercise 24: byte pairs. It belongs to lesson 23.
//
//   learn    makes of some words the merges, in their order. In each step it counts how often each
//            pair of neighbouring tokens stands in all words, the same word as often as it comes;
//            in a a a the pair a a stands twice. The most frequent pair is merged in all words: it
//            becomes a new token. Of those that are equally frequent it is the one with the lower
//            first id, and of these the one with the lower second id. It ends after `most` merges,
//            or when no pair stands there twice.
//   encode   cuts a word into bytes and makes the merges in the order in which they were learned
//   decode   gives the text of some tokens
//
// Ids are those of the lesson: byte b is 1 + b, and merge n, counted from 0, makes 257 + n. A merge
// goes from the left: of a a a the first two become one. No token crosses the border of a word.
// bytes_of(word) is there. A word has at least one byte; a pair is in the merges at most once.

#include <gradus/gradus.h>

#include "exercise.h"

#include <map>
#include <string>
#include <utility>
#include <vector>

using namespace gradus;

using Tokens = std::vector<int>;
using Words = std::vector<std::string>;
using Pair = std::pair<int, int>;
using Merges = std::vector<Pair>;

Tokens bytes_of(const std::string& word) {
  Tokens tokens;
  for (const char c : word) tokens.push_back(1 + (c & 0xFF));
  return tokens;
}

// A place for functions of your own, if you want some.
//> yours
// `token` wherever the pair stands.
Tokens merged(const Tokens& tokens, const Pair& pair, int token) {
  Tokens result;
  for (std::size_t i = 0; i < tokens.size(); ++i) {
    const bool both = i + 1 < tokens.size() && Pair{tokens[i], tokens[i + 1]} == pair;
    result.push_back(both ? token : tokens[i]);
    if (both) ++i;
  }
  return result;
}

int times_of(const std::vector<Tokens>& texts, Pair& best) {
  std::map<Pair, int> counts;
  for (const Tokens& tokens : texts)
    for (std::size_t i = 1; i < tokens.size(); ++i) ++counts[{tokens[i - 1], tokens[i]}];
  int most = 0;
  for (const auto& [pair, count] : counts)
    if (count > most) best = pair, most = count;
  return most;
}
//<

Merges learn(const Words& words, std::size_t most) {
  //> yours  todo(words, most);
  std::vector<Tokens> texts;
  for (const std::string& word : words) texts.push_back(bytes_of(word));
  Merges merges;
  for (Pair best; merges.size() < most && times_of(texts, best) >= 2;) {
    const int token = 257 + int(merges.size());
    for (Tokens& tokens : texts) tokens = merged(tokens, best, token);
    merges.push_back(best);
  }
  return merges;
  //<
}

Tokens encode(const std::string& word, const Merges& merges) {
  //> yours  todo(word, merges);
  Tokens tokens = bytes_of(word);
  int token = 257;
  for (const Pair& pair : merges) tokens = merged(tokens, pair, token++);
  return tokens;
  //<
}

std::string decode(const Tokens& tokens, const Merges& merges) {
  //> yours  todo(tokens, merges);
  std::string text;
  for (const int token : tokens) {
    if (token < 257) {
      text += char(token - 1);
      continue;
    }
    const Pair& pair = merges[std::size_t(token - 257)];
    text += decode({pair.first, pair.second}, merges);
  }
  return text;
  //<
}

// ## How it is asked

// In letters: "e|s". An id that neither a byte nor an earlier merge has is shown as it is.
std::string letters_of(int token, const Merges& merges) {
  const std::size_t n = std::size_t(token - 257);
  if (token >= 1 && token <= 256) return std::string(1, char(token - 1));
  if (token < 1 || n >= merges.size()) return "?" + std::to_string(token);
  const Merges before(merges.begin(), merges.begin() + Index(n));
  return letters_of(merges[n].first, before) + letters_of(merges[n].second, before);
}

void answer(const Case& given, Answers& answers) {
  if (given.has("words")) {
    const Merges merges = learn(given.lines("words"), std::size_t(given.count("most")));
    Words letters;
    for (std::size_t n = 0; n < merges.size() && n < 100; ++n)
      letters.push_back(letters_of(merges[n].first, merges) + "|" +
                        letters_of(merges[n].second, merges));
    return answers.add("merges", letters);
  }
  Merges merges;
  const Ids pairs = given.ids("merges");
  for (std::size_t i = 0; i < pairs.values.size(); i += 2)
    merges.push_back({pairs.values[i], pairs.values[i + 1]});
  if (given.has("tokens")) return answers.add("text", decode(given.ids("tokens").values, merges));
  const Tokens tokens = encode(given.text("word"), merges);
  std::string letters;
  for (const int token : tokens)
    letters += (letters.empty() ? "" : "|") + letters_of(token, merges);
  answers.add("letters", letters);
  answers.add("tokens", std::vector<double>(tokens.begin(), tokens.end()));
}

Case& ask(Cases& cases, const std::string& name, const Merges& merges) {
  Tokens flat;
  for (const auto& [first, second] : merges) flat.insert(flat.end(), {first, second});
  return cases.add(name).give("merges", Ids({Index(merges.size()), 2}, flat));
}

void ask_learn(Cases& cases, const std::string& name, const Words& words, Index most = 20) {
  cases.add(name).give("words", words).give("most", most);
}

Words some_words(Cases& cases, const std::string& letters, Index count) {
  Words words;
  for (Index i = 0; i < count; ++i) {
    words.push_back("");
    for (Index left = cases.size(2, 7); left > 0; --left)
      words.back() += letters[std::size_t(cases.size(0, Index(letters.size()) - 1))];
  }
  return words;
}

void cases(Cases& cases) {
  std::vector<char> some(26);
  for (std::size_t i = 0; i < 26; ++i) some[i] = char('a' + i);
  cases.random.shuffle(some);
  std::sort(some.begin(), some.begin() + 4);
  const std::string a(1, some[0]), b(1, some[1]), c(1, some[2]), d(1, some[3]);
  const int A = 1 + some[0], B = 1 + some[1], C = 1 + some[2];

  cases.group("learn", 2);
  ask_learn(cases, "learn, a pair that stands three times", {a + b, a + b, a + b});
  ask_learn(cases, "learn, a pair that stands twice", {a + b, a + b});
  ask_learn(cases, "learn, no pair stands twice", {a + b, c + d});
  ask_learn(cases, "learn, equals: the lower first one", {b + c, b + c, a + d, a + d}, 1);
  ask_learn(cases, "learn, equals: the lower second one", {a + d, a + d, a + b, a + b}, 1);
  ask_learn(cases, "learn, equals: it stands first", {a + b, a + b, c + d, c + d}, 1);
  ask_learn(cases, "learn, two merges", {a + b + c, a + b + c, b + c});
  ask_learn(cases, "learn, two merges are wanted of three", {a + b + c + d, a + b + c + d, b + c},
            2);
  ask_learn(cases, "learn, twice in one word", {a + b + a + b, c + d});
  ask_learn(cases, "learn, one letter three times", {a + a + a});
  ask_learn(cases, "learn, three times and another", {a + a + a + b, a + a + a + b});
  ask_learn(cases, "learn, words side by side", {d + a, b + d, d + a, b + d});
  ask_learn(cases, "learn, many words", some_words(cases, a + b + c, cases.size(9, 12)));
  cases.group("encode", 2);
  ask(cases, "encode, one merge", {{A, B}}).give("word", a + b + c);
  ask(cases, "encode, no pair is known", {{A, B}}).give("word", b + a);
  ask(cases, "encode, two that want the same letter", {{B, C}, {A, B}}).give("word", a + b + c);
  ask(cases, "encode, one after the other", {{A, B}, {257, C}}).give("word", a + b + c + a + b);
  ask(cases, "encode, a longer token was learned later", {{B, C}, {A, B}, {258, A}})
      .give("word", a + b + c + a + b + a);
  ask(cases, "encode, the end of a token was learned first", {{B, C}, {A, 257}, {A, B}})
      .give("word", a + b + c);
  ask(cases, "encode, five times the same letter", {{A, A}}).give("word", a + a + a + a + a);
  const Merges merges = learn(some_words(cases, a + b + c, 12), std::size_t(cases.size(9, 12)));
  for (const std::string& word : some_words(cases, a + b + c, 3))
    ask(cases, "encode, a new word", merges).give("word", word + word + a);
  cases.group("decode", 1);
  ask(cases, "decode, bytes", {{A, B}}).give("tokens", Ids({B, A}));
  ask(cases, "decode, a merge", {{A, B}}).give("tokens", Ids({C, 257}));
  ask(cases, "decode, a merge of merges", {{A, B}, {257, C}, {C, 258}})
      .give("tokens", Ids({259, 257, A}));
  ask(cases, "decode, a letter of two bytes", {{A, B}}).give("tokens", Ids({257, 196, 170}));
}
