// Exercise 20: the decoder. It belongs to lesson 19.
//
// Write what a decoder reads and is asked for, and its two looks: at the words written so far, and
// at the source.
//
//   shift    makes of a translation with its marks, such as ⟨start⟩ la casa ⟨end⟩, the words that
//            the decoder reads and, for each of these, its label: the word that comes next
//            (section 3). A translation has both marks, and may have nothing between them.
//   decode   a = x + self-attention, in which word t of the target sees the words 0 to t
//            b = a + cross-attention, in which each word of the target, as it is in a, sees all
//                words of the source, but not its padding
//
// Each attention is softmax(query keyᵀ / √D) value, with one head and with three matrices of its
// own. The norms and the feed-forward part of section 2 are left out. Of the S vectors of the
// source the first `words` are words, at least one; the others are padding, and what they hold must
// change nothing. Name the steps "a" and "b". scaled_dot_product_attention() may be used: its
// option .mask takes Mask::causal() and Mask::padding({n}), n the number of keys that are words.

#include <gradus/gradus.h>

#include "exercise.h"

#include <cmath>
#include <vector>

using namespace gradus;

struct Read {
  std::vector<int> ids, labels;  // one label for each id
};
struct Matrices {
  Tensor query, key, value;  // [D, D] each: a query is x W, W the first of them
};

Read shift(const std::vector<int>& translation) {
  //> yours  todo(translation);
  return {{translation.begin(), translation.end() - 1},
          {translation.begin() + 1, translation.end()}};
  //<
}

// x [T, D], the words of the target; encoded [S, D], those of the source; gives b [T, D].
Tensor decode(const Tensor& x, const Tensor& encoded, int words, const Matrices& self,
              const Matrices& cross) {
  //> yours  todo(x, encoded, words, self, cross);
  const auto look = [](const Tensor& from, const Tensor& at, const Matrices& by, const Mask& mask) {
    const Tensor query = matmul(from, by.query), key = matmul(at, by.key);
    return scaled_dot_product_attention(query, key, matmul(at, by.value), {.mask = mask});
  };
  const Mask source = Mask::padding({words});
  const Tensor a = (x + look(x, x, self, Mask::causal())).named("a");
  const Tensor b = (a + look(a, encoded, cross, source)).named("b");
  return b;
  //<
}

// ## How it is asked

void answer(const Case& given, Answers& answers) {
  if (given.has("translation")) {
    const Read read = shift(given.ids("translation").values);
    answers.add("ids", std::vector<double>(read.ids.begin(), read.ids.end()));
    return answers.add("labels", std::vector<double>(read.labels.begin(), read.labels.end()));
  }
  const auto matrices = [&](const std::string& of) -> Matrices {
    return {given.tensor(of + " query"), given.tensor(of + " key"), given.tensor(of + " value")};
  };
  answers.add("b", decode(given.tensor("x"), given.tensor("encoded"), int(given.count("words")),
                          matrices("self"), matrices("cross")));
}

// ⟨start⟩ is 2, ⟨end⟩ is 3.
void ask_shift(Cases& cases, const std::string& name, Index length) {
  std::vector<int> ids = cases.ids({length + 2}, 4, 99).values;
  ids.front() = 2;
  ids.back() = 3;
  cases.add(name).give("translation", Ids({length + 2}, ids));
}

// The source's numbers are others than the target's, and padding is large, so that it shows.
void ask_decode(Cases& cases, const std::string& name, Index T, Index words, Index padding,
                Index D) {
  std::vector<Tensor> encoded = {cases.whole({words, D}, 1, 3)};
  if (padding > 0) encoded.push_back(cases.whole({padding, D}, 7, 9));
  Case& asked = cases.add(name)
                    .give("x", cases.whole({T, D}, -2, 2))
                    .give("encoded", concatenate(encoded, 0))
                    .give("words", words);
  for (const std::string look : {"self ", "cross "}) {
    asked.give(look + "query", cases.whole({D, D}, -1, 1));
    asked.give(look + "key", cases.whole({D, D}, -1, 1));
    asked.give(look + "value", cases.whole({D, D}));
  }
}

void cases(Cases& cases) {
  cases.group("shift", 1);
  ask_shift(cases, "shift, 1 word", 1);
  ask_shift(cases, "shift, 3 words", 3);
  ask_shift(cases, "shift, no words", 0);
  ask_shift(cases, "shift, more words", cases.size(6, 9));
  cases.group("decode", 2);
  ask_decode(cases, "decode, 1 word each, D = 1", 1, 1, 0, 1);
  ask_decode(cases, "decode, 2 words each, D = 1", 2, 2, 0, 1);
  ask_decode(cases, "decode, 2 words each, D = 2", 2, 2, 0, 2);
  ask_decode(cases, "decode, 3 words of 2", 3, 2, 0, 3);
  ask_decode(cases, "decode, 2 words of 3", 2, 3, 0, 3);
  cases.group("padding", 1);
  ask_decode(cases, "decode, a source of 1 word and 1 of padding", 2, 1, 1, 2);
  ask_decode(cases, "decode, a source of 2 words and 3 of padding", 3, 2, 3, 2);
  ask_decode(cases, "decode, more of everything", cases.size(6, 9), cases.size(3, 5),
             cases.size(1, 3), 4);
}
