// Lesson 11: from text to tensors.
//
// A network computes with numbers, and a review is a string. Five steps lead from one to the other:
//
//   1. standardise    "Not GOOD, not bad!"  ->  "not good not bad"
//   2. split          four words
//   3. number         each word's place in the vocabulary; 0 is padding, 1 a word never seen
//   4. batch          texts of a batch side by side, [B, T], padded with 0 to the longest
//   5. embed          each number becomes a row of a table, [B, T, D]; the table is learned
//
// B is the number of texts in the batch, T the number of words of the longest, D how many numbers
// stand for a word.
//
// Padding is there only because a tensor has straight edges. It must not count: not in attention
// (lesson 6), and not in a mean or a metric (a count such as the share of right answers), as the
// end of this lesson shows.
//
// Source: Chollet, Deep Learning with Python, 2nd edition, section 11.2. Runs in a second.

#include <gradus/gradus.h>

#include <cstdio>
#include <string>
#include <vector>

using namespace gradus;

// What main prints with; it stands below.
void show(const char* title, const Ids& ids);

int main() try {
  // ## Standardise and split
  //
  // Capital letters and punctuation carry little, and without them "Good", "good" and "good!" are
  // one word that is seen three times as often.
  const std::vector<std::string> texts = lines_of("Not GOOD, not bad!\nGood.\na bad, bad film");
  for (const std::string& text : texts)
    std::printf("%-22s -> %s\n", text.c_str(), standardize(text).c_str());

  // ## The vocabulary
  //
  // The words of the training texts, the most frequent first; words that are equally frequent come
  // in the order of the alphabet, so that the same texts always give the same numbers. In the three
  // above "bad" occurs three times, "good" and "not" twice, "a" and "film" once. At most 6 numbers
  // are allowed here, the two special ones counted in: none is left for "film".
  TextVectorizer small({.max_tokens = 6, .max_length = 8});
  small.adapt(texts);
  std::printf("\n");
  for (std::size_t i = 0; i < small.vocabulary().size(); ++i)
    std::printf("%zu %s\n", i,
                small.vocabulary()[i].empty() ? "(padding)" : small.vocabulary()[i].c_str());

  // A word outside the vocabulary becomes 1. What it was is lost: decoding shows [UNK].
  for (const std::string text : {"good film", "a good masterpiece"}) {
    std::printf("%-20s ->", text.c_str());
    for (const int id : small.encode(text)) std::printf(" %d", id);
    std::printf(" -> %s\n", small.decode(small.encode(text)).c_str());
  }

  // ## A batch
  //
  // Texts differ in length, the rows of a tensor do not: shorter texts are filled up with 0. The
  // mask remembers which positions are words. (Each Example is text, label, source.)
  std::vector<Example> examples;
  for (const std::string& text : texts) examples.push_back({text, 0, "here"});
  const Batches three(examples, small, {.shuffle = false, .group_by_length = false});
  const Batch batch = three.make({0, 1, 2});
  std::printf("\n");
  show("ids", batch.ids);
  std::printf("words of each text:");
  Tensor is_word = Tensor::zeros({3, 4});
  for (Index b = 0; b < 3; ++b) {
    int words = 0;
    for (Index t = 0; t < batch.ids.shape[1]; ++t) {
      words += batch.mask.allows(b, 0, 0, t) ? 1 : 0;
      is_word.mutable_data()[b * 4 + t] = batch.mask.allows(b, 0, 0, t);
    }
    std::printf(" %d", words);
  }
  std::printf("\n");
  write_file(
      "build/lesson11_batch.svg",
      attention_svg("A batch: 1 for a word, nothing for padding", {"text 1", "text 2", "text 3"},
                    {"word 1", "word 2", "word 3", "word 4"}, is_word));

  // ## Padding costs
  //
  // On the reviews that come with the project: what share of all positions is padding if every text
  // is padded to 40 words, if a batch, of 32 texts, is padded to its own longest text, and if texts
  // of like length share a batch as well (the 1 is the seed of the shuffling). Attention pays for
  // padding with the square of the length, as each position looks at each.
  const std::vector<Example> reviews = read_tsv("lessons/data/train.tsv");
  TextVectorizer vectorizer({.max_tokens = 2000, .max_length = 40});
  vectorizer.adapt(texts_of(reviews));
  const Batches to_40(reviews, vectorizer, {.group_by_length = false, .pad_to = 40}, 1);
  const Batches to_longest(reviews, vectorizer, {.group_by_length = false}, 1);
  const Batches grouped(reviews, vectorizer, {}, 1);
  std::printf("\n%zu reviews, %zu different words\n", reviews.size(),
              vectorizer.vocabulary().size() - 2);
  std::printf("padded to 40 words              %5.1f %% padding\n", 100 * to_40.padding_share(0));
  std::printf("padded to the longest of 32     %5.1f %% padding\n",
              100 * to_longest.padding_share(0));
  std::printf("texts of like length together   %5.1f %% padding\n", 100 * grouped.padding_share(0));

  // ## The embedding
  //
  // Number i stands for row i of a table [V, D], here of V = 6 words and D = 2 numbers, random ones
  // at first, which training moves. Looking up is copying; going back, a row receives the gradients
  // of all places where its word stands, and the rows of absent words receive none.
  Random random(1);
  Embedding embedding(6, 2, random);
  const Tensor table = embedding.parameters()[0].tensor;
  const Tensor vectors = embedding(batch.ids);  // [3, 4, 2]
  std::printf("\n");
  print("table [V, D]", table);
  print("vectors [B, T, D] of the first text", slice(vectors, 0, 0, 1));
  sum(vectors).backward();
  print("gradient of the table when the loss is the sum of all vectors", table.grad());

  // Each row's gradient is how often its number stands in the batch. Row 0, the padding, has as
  // much as the most frequent word, though it says nothing.

  // ## The denominator
  //
  // The mean over all positions of a text that is mostly padding is mostly padding. The mean over
  // its words divides by their number. The second text is one word and three times padding. And
  // what hides padding from the result hides it from the gradient, too: row 0 now receives nothing,
  // and row 3, "good", 1 from the second text, where it is the only word, and 1/4 from the first.
  const Tensor naive = mean(vectors, {1});                  // [B, D]: divides by T = 4
  const Tensor masked = mean_pooling(vectors, batch.mask);  // [B, D]: by the number of words
  std::printf("\n");
  print("mean over positions [B, D]", naive);
  print("mean over words [B, D]", masked);
  embedding.parameters()[0].tensor.clear_grad();
  sum(masked).backward();
  print("gradient of the table when the loss is the sum of these", table.grad());

  // The same trap waits in a metric. A model is to name the word at each position, and these are
  // its answers. At padding the answer is easy; counted over positions it looks better than it is.
  // So a metric here always prints what it divides by.
  const std::vector<int> answers = {4, 3, 2, 2,   // wrong at one of four words
                                    3, 0, 0, 0,   // right at one word and three times padding
                                    5, 2, 3, 3};  // wrong at two of four words
  int positions = 0, words = 0, right = 0, right_words = 0;
  for (const int answer : answers) {
    const int id = batch.ids.values[static_cast<std::size_t>(positions++)];
    words += id != 0;
    right += answer == id;
    right_words += answer == id && id != 0;
  }
  std::printf("\nright over positions: %d/%d = %.4f\n", right, positions,
              double(right) / positions);
  std::printf("right over words:     %d/%d = %.4f\n", right_words, words,
              double(right_words) / words);
} catch (const Error& error) {
  std::fprintf(stderr, "%s\n", error.what());
  return 1;
}

// The numbers of a batch, text by text.
void show(const char* title, const Ids& ids) {
  std::printf("%s %s\n", title, to_string(ids.shape).c_str());
  const Index columns = ids.shape[-1];
  for (std::size_t i = 0; i < ids.values.size(); ++i)
    std::printf("%4d%s", ids.values[i], (static_cast<Index>(i) + 1) % columns ? "" : "\n");
}

// ## In the debugger
//
// Step into small.adapt(texts): the words are counted, then sorted. Stop at the call of `make` and
// step in to see a batch being filled; `print table` and `print table.grad()` after backward().
//
// ## Exercises
//
// 1. Raise max_tokens from 6 to 7. Which word gets the new number, and why that one?
// 2. Write a function that makes a word of each "!" (puts " exclaimed" in its place), and let it
//    change the texts before adapt() and the batch see them. Which ids change? No review that comes
//    with the project has a "!"; in which would you expect it to help, and in which not?
// 3. Batches of 1 need no padding at all. What speaks against them? (After lesson 12: give it the
//    training reviews with {.size = 1}, and compare time and losses of two epochs, EPOCHS=2.)
// 4. Grouping by length makes the reviews of a batch alike, and without shuffling they come from
//    short to long in each epoch. Give lesson 12's `train` {.size = 32, .shuffle = false}: what
//    becomes of the validation losses of 12 epochs (EPOCHS=12, with and without), and why?
// 5. Make the row of the padding large (`table` without const, its first two mutable_data())
//    before the words are looked up, and compare both means.
// 6. Make a batch of texts yourself: make exercise-12 judges it.
