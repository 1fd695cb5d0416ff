// Lesson 19: the decoder.
//
// A translator has two halves. The encoder (lesson 10) reads the sentence that is to be translated,
// the source. The decoder writes the translation, the target, word by word: it reads what is
// written so far and says which word comes next. Its words look at two places:
//
//   self-attention    at the words written so far, not at later ones: the causal mask of lesson 6
//   cross-attention   at the source, all of it
//
// Cross-attention is the attention of lesson 1 between two sentences. The T words of the target
// ask; the S words of the source, as they come out of the encoder, have the keys and the values:
//
//   query   = x W_q, from the target         key, value = encoded W_k, encoded W_v, from the source
//   weights = softmax(query keyᵀ / √d)       [T, S]: a row for each word of the target
//
// Sources: Bahdanau et al. 2015, "Neural machine translation by jointly learning to align and
// translate" (cross-attention came first); Vaswani et al. 2017, sections 3.1 and 3.2.3; Chollet
// 2021, section 11.5.3. About two seconds on two cores; EPOCHS=n trains for n epochs only.

#include <gradus/gradus.h>

#include <algorithm>
#include <cstdio>

using namespace gradus;
using Text = std::vector<int>;
using Words = std::vector<std::string>;

constexpr Index D = 32, V = 364;  // V words in both languages together
constexpr std::size_t most = 7;   // words of a translation, with the marks before and behind it

// ## A small translator
//
// Both languages have vectors for words and positions (lesson 8) and one block. The decoder is also
// given what the encoder made; it adds the causal mask itself. At the end a Dense layer says how
// well each word would come next. A SequenceModel has encode() and decode(). A Sample has the ids
// that the decoder reads, a label for each, and the source, which the encoder reads; a Batch has
// those of several, and masks. (first() and cache are for writing: lesson 21.)
struct Translator : SequenceModel {
  Translator() : SequenceModel("Translator") {
    add("english", english);
    add("encoder", encoder);
    add("spanish", spanish);
    add("decoder", decoder);
    add("next_word", next_word);
  }
  Tensor encode(const Batch& batch, Where where) override {
    return encoder(english(batch.source, where), batch.source_mask, where);  // [B, S, D]
  }
  Tensor decode(const Batch& batch, const Tensor& encoded, Where where) override {
    const Tensor x = spanish(batch.ids, batch.first(), where);  // [B, T, D]
    const Tensor y = decoder(x, encoded, batch.mask, batch.source_mask, batch.cache, where);
    return next_word(y, where);  // logits [B, T, V]
  }
  Random random{1};
  PositionalEmbedding english{most, V, D, random};
  TransformerEncoder encoder{D, 64, 2, random, {.key_dim = 16}};
  PositionalEmbedding spanish{most, V, D, random};
  TransformerDecoder decoder{D, 64, 2, random, {.key_dim = 16}};
  Dense next_word{D, V, random};
};

// These are below main.
void show(const char* title, const Tensor& matrix, const Words& rows, const Words& columns);
std::vector<Sample> sentences(const char* part, std::size_t count, const TextVectorizer& words,
                              bool shifted);
Text write(Translator& model, const Sample& sentence, std::ptrdiff_t given);

int main() try {
  // ## 1. Cross-attention by hand
  //
  // The source is "the red house burns". Of "la casa roja arde" the decoder has written ⟨start⟩ la
  // casa; each of these three words must say which comes next: la, casa, roja. Its query is what
  // may follow it in Spanish: an article at the start, then a thing, after that a quality. A key is
  // what an English word is: "red" is a quality, and a little of the thing that it describes. A
  // value is what the dictionary says. (Lesson 1 has the matrices that make them.)
  const Tensor query = Tensor::matrix({{3, 0, 0, 0}, {0, 3, 0, 0}, {0, 0, 3, 0}});
  const Tensor key = Tensor::matrix({{2, 0, 0, 0}, {0, 1, 2, 0}, {0, 2, 0, 0}, {0, 0, 0, 2}});
  const Tensor value = Tensor::matrix({{1, 0, 0, 0}, {0, 0, 1, 0}, {0, 1, 0, 0}, {0, 0, 0, 1}});
  const Words source = {"the", "red", "house", "burns"}, target = {"⟨start⟩", "la", "casa"};
  const Words kinds = {"article", "thing", "quality", "act"}, next = {"la", "casa", "roja", "arde"};
  show("query", query, target, kinds);
  show("\nkey", key, source, kinds);

  // For "la" and "house": 3·2 / √4 = 3, for "la" and "red" 3·1 / 2 = 1.5. No mask is needed, for
  // all of the source may be seen (in a batch, all but its padding). In each row of the context the
  // largest number is the word that comes next. The order is that of Spanish, "casa" before "roja",
  // though nothing in the source was moved.
  const Tensor scores = matmul(query, key, {.transpose_b = true}) / 2;  // [T, S]
  const Tensor weights = softmax(scores);                               // [T, S]
  const Tensor context = matmul(weights, value);                        // [T, 4]
  show("\nscores = query keyᵀ / √d", scores, target, source);
  show("\nweights = softmax(scores)", weights, target, source);
  show("\ncontext = weights value", context, target, next);
  write_file("build/lesson19_by_hand.svg",
             attention_svg("Cross-attention by hand", target, source, weights));

  // ## 2. The decoder block from its parts
  //
  // Three parts, where the encoder block has two, each with a way round it and a norm (lesson 9):
  // a, b and `out` below. TransformerDecoder computes the same, number by number.
  Random random(19);
  TransformerDecoder block(6, 12, 2, random);
  const Tensor x = Tensor::normal({1, 3, 6}, 0, 1, random);                   // [B, T, D]
  const Tensor encoded = Tensor::normal({1, 4, 6}, 0, 1, random);             // [B, S, D]
  const Tensor a = block.norm_1(x + block.attention_1(x, Mask::causal()));    // [B, T, D]
  const Tensor b = block.norm_2(a + block.attention_2(a, encoded, encoded));  // [B, T, D]
  const Tensor out = block.norm_3(b + block.dense_2(block.dense_1(b)));       // [B, T, D]
  const Tensor one_call = block(x, encoded);                                  // [B, T, D]
  print("\nThe block from its parts", out);
  print("TransformerDecoder", one_call);
  std::printf("the same to the last bit: %s\n",
              std::ranges::equal(out.values(), one_call.values()) ? "yes" : "no");

  // ## 3. The shifted target
  //
  // A translation stands between two marks: the decoder begins after ⟨start⟩, and says ⟨end⟩ when
  // it has finished. One that is known trains all positions at once: each reads the right words so
  // far, whatever the decoder itself would have written (teacher forcing), and must say the next.
  // So the labels are the words, one place further; next_ids() makes both. (Padding has the label
  // -1, which counts neither in the loss nor in what is right.) One vocabulary holds the words of
  // both languages.
  Words texts = {"⟨start⟩ ⟨end⟩"};
  for (const SentencePair& pair : read_pairs("lessons/data/pairs_train.tsv"))
    texts.insert(texts.end(), {pair.text, pair.translation});
  TextVectorizer words({.max_tokens = V});
  words.adapt(texts);
  const std::vector<Sample> testing = sentences("test", 200, words, false);
  const Sample& whole = testing[4];
  const Sample sample = next_ids(whole.ids, whole.source);
  std::printf("\n%s\n  reads  %s\n  labels %s\n", words.decode(sample.source).c_str(),
              words.decode(sample.ids).c_str(), words.decode(sample.labels).c_str());

  // ## 4. What leaks without the shift
  //
  // Two translators, the same but for their labels. The second is to say the very words that it
  // reads. (So it has 200 labels more: ⟨start⟩.) On new sentences it is right every time, and its
  // loss is far below that of the first: copying a word needs no Spanish. But when it writes, all
  // that it can copy is the last word. What counts is not the accuracy, which is that of single
  // words after right ones, but what a model writes.
  for (const bool shifted : {true, false}) {
    const Batches train(sentences("train", 1000, words, shifted), {.size = 32}, 1);
    const Batches validation(sentences("validation", 200, words, shifted));
    const Batches test(sentences("test", 200, words, shifted));
    Translator model;
    Adam optimizer(model.parameters(), {.learning_rate = Scalar(3e-3)});
    const int epochs = setting("EPOCHS", 20, 1, 10000);
    fit(model, optimizer, train, validation, {.epochs = epochs, .quiet = true});
    int right = 0;
    for (const Sample& one : testing) right += write(model, one, 1) == one.ids;
    std::printf("\n%s: %s\n  sentences written right: %d of 200\n",
                shifted ? "Shifted" : "Not shifted", evaluate(model, test).text().c_str(), right);
    std::printf("  from the start:    %s\n", words.decode(write(model, whole, 1)).c_str());
    std::printf("  after three words: %s\n", words.decode(write(model, whole, 3)).c_str());
    if (!shifted) break;

    // What the first has learned of order (the mean of its two heads): at "este" it looks at
    // "bridge", and only then at "new". At ⟨start⟩ it looks at "wash" and at "i": "lavo" is both.
    // To say ⟨end⟩ it needs no word, and looks at all, though not evenly.
    model.decoder.attention_2.keep_weights();
    evaluate(model, Batches({sample}));
    const Tensor learned = mean(model.decoder.attention_2.weights, {0, 1});  // [T, S]
    const Words spanish = split_words(words.decode(sample.ids)),
                english = split_words(words.decode(sample.source));
    show("\nIts cross-attention", learned, spanish, english);
    write_file("build/lesson19_learned.svg",
               attention_svg("Cross-attention, learned", spanish, english, learned));
  }
  std::printf("Pictures: lesson19_by_hand.svg and lesson19_learned.svg in build.\n");
} catch (const Error& error) {
  std::fprintf(stderr, "%s\n", error.what());
  return 1;
}

void show(const char* title, const Tensor& matrix, const Words& rows, const Words& columns) {
  std::printf("%s %s\n", title, to_string(matrix.shape()).c_str());
  for (const std::string& column : columns) std::printf("%9s", column.c_str());
  const Scalar* x = matrix.data();
  for (const std::string& row : rows) {
    std::printf("\n");
    for (std::size_t j = 0; j < columns.size(); ++j) std::printf("%9.4f", double(*x++));
    std::printf("   %s", row.c_str());
  }
  std::printf("\n");
}

// The first `count` of at most five words.
std::vector<Sample> sentences(const char* part, std::size_t count, const TextVectorizer& words,
                              bool shifted) {
  std::vector<Sample> all;
  for (const SentencePair& pair : read_pairs(std::string("lessons/data/pairs_") + part + ".tsv")) {
    const Text source = words.encode(pair.text);
    const Text target = words.encode("⟨start⟩ " + pair.translation + " ⟨end⟩");
    if (source.size() > most - 2 || target.size() > most || all.size() == count) continue;
    all.push_back(shifted ? next_ids(target, source) : Sample{target, target, source});
  }
  return all;
}

// After the `given` first words a Writer (lesson 21) adds the likeliest, one by one, until ⟨end⟩.
Text write(Translator& model, const Sample& sentence, std::ptrdiff_t given) {
  const Text prompt(sentence.ids.begin(), sentence.ids.begin() + given);
  Writer writer(model, {prompt}, {.max_length = most, .stop = sentence.ids.back()},
                {sentence.source});
  while (writer.next()) {
  }
  return writer.texts()[0];
}

// ## In the debugger
//
// `break gradus::TransformerDecoder::operator()` and `continue` twice (the first stop only hands
// on): section 2. `next` goes through the three parts; `print a` and `print b` show what the first
// two made, [1, 3, 6]. `delete`, then `break Translator::decode if batch.cache != 0`: while it
// writes, batch.ids is one word, and earlier ones are in the cache (lesson 21). `delete`, and
// `break 19_decoder.cpp:N`, where N is the line of show("Its cross-attention" …): there `heat
// learned`.
//
// ## Exercises
//
// 1. Find three rows of `query` that make it write "la roja casa" (`target`: ⟨start⟩, la, roja).
// 2. Move "red" to the end of `source`, with its rows of key and value. What changes in the
//    weights, what in the context? From where, then, does a decoder know the order of the source?
// 3. In section 2, multiply x by Tensor::matrix({{1}, {1}, {2}}), so that word 2 is another. Which
//    rows of the output change? Which if a word of `encoded` is another? Say it first.
// 4. Let encode() return zeros (* 0). How can nearly a third of "Shifted"'s words be right?
// 5. Leave the future open: compute y in decode() by the three lines of section 2 (of `decoder`),
//    with batch.mask in place of Mask::causal(), batch.source_mask as fourth argument of
//    attention_2, and .cache = false in write(). How right is "Shifted" now? What does it write?
// 6. Write the shift and both looks yourself: make exercise-20 judges them.
