// Lesson 20: translation.
//
// The translator of lesson 19 learns from 10,000 pairs of English and Spanish sentences, and then
// writes 2,000 new ones: a test of the same kind, and 1,000 sentences with an adjective and a noun
// that never stand side by side in the 10,000, such as "red house". They come from a grammar;
// lessons/data/make_pairs.cpp says what it asks of a translator.
//
// Beside it learns the kind of translator that there was before attention (Sutskever et al. 2014,
// Cho et al. 2014). A GRU (lesson 15) reads the English sentence, and its last state is all that a
// second GRU is given to write from: H numbers (H counts no heads here), however long the sentence.
//
//   Transformer   encoded [B, S, D], a vector for each word, which every word written looks at
//   GRUs          encoded [B, H], one vector
//
// `make translate` runs it, in less than a minute on two cores; EPOCHS=n sets the epochs, PAIRS=n
// how many sentences. Lesson 25 does it with real ones. Source: Chollet 2021, section 11.5.

#include <gradus/gradus.h>

#include <algorithm>
#include <cstdio>

using namespace gradus;
using Pairs = std::vector<SentencePair>;
using Words = std::vector<std::string>;
// Room for the words of both languages, and for those of a sentence with its two marks.
constexpr Index V = 400, longest = 32, H = 128;

// ## Two translators
//
// Lesson 19's translator, a little larger and with four heads; below it a GRU for each language.
// With H = 128 these have twice as many parameters.
struct Transformer : SequenceModel {
  Transformer() : SequenceModel("Transformer") {
    add("english", english);
    add("encoder", encoder);
    add("spanish", spanish);
    add("decoder", decoder);
    add("next_word", next_word);
  }
  Tensor encode(const Batch& batch, Where where) override {
    return encoder(english(batch.source, where), batch.source_mask, where);  // [B, S, 64]
  }
  Tensor decode(const Batch& batch, const Tensor& encoded, Where where) override {
    const Tensor x = spanish(batch.ids, batch.first(), where);  // [B, T, 64]
    const Tensor y = decoder(x, encoded, batch.mask, batch.source_mask, batch.cache, where);
    return next_word(y, where);  // logits [B, T, V]
  }
  Random random{1};
  PositionalEmbedding english{longest, V, 64, random};
  TransformerEncoder encoder{64, 128, 4, random, {.key_dim = 16}};
  PositionalEmbedding spanish{longest, V, 64, random};
  TransformerDecoder decoder{64, 128, 4, random, {.key_dim = 16}};
  Dense next_word{64, V, random};
};

struct Recurrent : SequenceModel {
  Recurrent() : SequenceModel("Recurrent") {
    add("english", english);
    add("english_gates", english_gates);
    add("english_candidate", english_candidate);
    add("spanish", spanish);
    add("spanish_gates", spanish_gates);
    add("spanish_candidate", spanish_candidate);
    add("next_word", next_word);
  }
  // The states after the words [B, T, H], from h [B, H] on: [B, T, H].
  Tensor read(const Tensor& words, Tensor h, Dense& gates, Dense& candidate) {
    const Index B = words.shape()[0], T = words.shape()[1];
    std::vector<Tensor> states;
    for (Index t = 0; t < T; ++t) {
      const Tensor x = reshape(slice(words, 1, t, t + 1), {B, H});
      const Tensor z_and_r = gates(concatenate({x, h}, 1));  // [B, 2H]
      const Tensor z = slice(z_and_r, 1, 0, H), r = slice(z_and_r, 1, H, 2 * H);
      h = z * h + (1 - z) * candidate(concatenate({x, r * h}, 1));  // [B, H]
      states.push_back(h);
    }
    return reshape(concatenate(states, 1), {B, T, H});
  }
  Tensor encode(const Batch& batch, Where where) override {
    const Index B = batch.source.shape[0], S = batch.source.shape[1];
    const Tensor states = read(english(batch.source, where), Tensor::zeros({B, H}), english_gates,
                               english_candidate);  // [B, S, H]
    // The state after the last word, before padding: that of word t of text b is row b S + t.
    std::vector<int> last = batch.source_mask.lengths();
    for (Index b = 0; b < B; ++b) last[std::size_t(b)] += int(b * S) - 1;
    return embedding(reshape(states, {B * S, H}), Ids({B}, last), where);  // [B, H]
  }
  Tensor decode(const Batch& batch, const Tensor& encoded, Where where) override {
    const Tensor x = spanish(batch.ids, where);  // [B, T, H]
    return next_word(read(x, encoded, spanish_gates, spanish_candidate), where);
  }
  Random random{1};
  Embedding english{V, H, random}, spanish{V, H, random};
  Dense english_gates{2 * H, 2 * H, random, Activation::sigmoid};
  Dense english_candidate{2 * H, H, random, Activation::tanh};
  Dense spanish_gates{2 * H, 2 * H, random, Activation::sigmoid};
  Dense spanish_candidate{2 * H, H, random, Activation::tanh};
  Dense next_word{H, V, random};
};

// These are below main.
std::vector<Sample> samples(const Pairs& pairs, const TextVectorizer& words);
Words translate(SequenceModel& model, const Pairs& pairs, const TextVectorizer& words);
void judge(const char* name, const Pairs& pairs, const Words& written);

int main() try {
  // ## 1. How good is a translation?
  //
  // Right, as given, is not all: a wrong ending beats nonsense. BLEU (Papineni et al. 2002)
  // counts what share of the words written is in the given translation (a repeated one no more
  // often than there), and what share of the pairs of neighbours, the threes and the fours. It is
  // the fourth root of their product, times the brevity if too little was written: e^(1 - given
  // words / written words), in the second line e^(1 - 5/4) = 0.7788. Counts of sentences add up.
  for (const char* written : {"la casa roja es muy grande", "la casa roja es", "la roja casa es"})
    std::printf("%-27s %s\n", written, bleu({written}, {"la casa roja es grande"}).text().c_str());

  // ## 2. Both learn, and are judged
  TextVectorizer words({.max_tokens = V});
  Words lines = lines_of(read_file("lessons/data/pairs_train.tsv", 1 << 20));
  lines.push_back("⟨start⟩ ⟨end⟩");
  words.adapt(lines);
  Pairs training = read_pairs("lessons/data/pairs_train.tsv");
  Pairs testing = read_pairs("lessons/data/pairs_test.tsv");
  Pairs held_out = read_pairs("lessons/data/pairs_held_out.tsv");
  const auto most = std::size_t(setting("PAIRS", 20000, 1, 20000));
  for (Pairs* list : {&training, &testing, &held_out}) list->resize(std::min(most, list->size()));
  const Batches train(samples(training, words), {.size = 64}, 1);
  const Batches validation(samples(read_pairs("lessons/data/pairs_validation.tsv"), words));
  const int epochs = setting("EPOCHS", 8, 1, 1000);
  const Index steps = epochs * Index(train.count());
  Transformer transformer;
  Recurrent recurrent;
  for (SequenceModel* model : std::vector<SequenceModel*>{&transformer, &recurrent}) {
    Adam optimizer(model->parameters());
    std::printf("\n%s: %d parameters\n", model->kind().c_str(), int(model->parameter_count()));
    fit(*model, optimizer, train, validation,
        {.epochs = epochs,
         .schedule = Schedule::warmup_cosine(Scalar(5e-3), std::min<Index>(100, steps / 2), steps),
         .clip_norm = 1,  // longer gradients are shortened to 1 (lesson 15)
         .folder = "build/translate/" + model->kind()});
    judge("test", testing, translate(*model, testing, words));
    judge("held out", held_out, translate(*model, held_out, words));
  }

  // The Transformer has learned the rule, not the phrases: 990 are right with an adjective and a
  // noun that it saw only apart, as in "a house is red" (and 994 of the test, where fewer are
  // long). The GRUs write Spanish, but of more than 12 words no sentence is right, and of the new
  // combinations 131. All must fit into H numbers; but they also learned less (exercise 1).

  // ## 3. Who looks where
  //
  // Each row is a word that is to be said there (in lesson 19 it was the word read last), with the
  // weights by which that place looks at the English words (the mean of the four heads). "casa" and
  // "roja" cross over: nobody told the model to. "la" looks at "house", too, perhaps for "la" or
  // "el", and "compra" at "she", for which there is no word of its own.
  transformer.eval();
  transformer.decoder.attention_2.keep_weights();
  const SentencePair pair = {"she buys the red house", "compra la casa roja", ""};
  transformer(Batches(samples({pair}, words)).make({0}));
  const Tensor weights = mean(transformer.decoder.attention_2.weights, {0, 1});  // [T, S]
  print("\ncompra, la, casa, roja, ⟨end⟩ look at she, buys, the, red, house", weights, 2);
  write_file("build/lesson20.svg",
             attention_svg("Who looks where", split_words(pair.translation + " ⟨end⟩"),
                           split_words(pair.text), weights));
  std::printf("Picture: lesson20.svg in build.\n");
} catch (const Error& error) {
  std::fprintf(stderr, "%s\n", error.what());
  return 1;
}

std::vector<Sample> samples(const Pairs& pairs, const TextVectorizer& words) {
  std::vector<Sample> all;
  for (const auto& [text, translation, line] : pairs)
    all.push_back(next_ids(words.encode("⟨start⟩ " + translation + " ⟨end⟩"), words.encode(text)));
  return all;
}

// Always the likeliest word (lesson 21). GRUs, which have no cache, begin anew for each.
Words translate(SequenceModel& model, const Pairs& pairs, const TextVectorizer& words) {
  const int start = words.encode("⟨start⟩")[0], end = words.encode("⟨end⟩")[0];
  std::vector<std::vector<int>> sources;
  for (const SentencePair& pair : pairs) sources.push_back(words.encode(pair.text));
  Writer writer(model, std::vector(sources.size(), std::vector{start}),
                {.max_length = longest, .stop = end, .cache = model.kind() == "Transformer"},
                sources);
  while (writer.next()) continue;
  Words all;
  for (std::vector<int> text : writer.texts()) {
    std::erase_if(text, [&](int id) { return id == start || id == end; });
    all.push_back(words.decode(text));
  }
  return all;
}

// How many are right; BLEU; the shortest mistake (the English, what was written and what given).
void judge(const char* name, const Pairs& pairs, const Words& written) {
  Words given, mistake;
  int right[2] = {}, count[2] = {};
  for (std::size_t i = 0; i < pairs.size(); ++i) {
    given.push_back(pairs[i].translation);
    const bool is_long = split_words(pairs[i].text).size() > 12;
    ++count[is_long];
    right[is_long] += written[i] == given[i];
    if (written[i] != given[i] && (mistake.empty() || pairs[i].text.size() < mistake[0].size()))
      mistake = {pairs[i].text, written[i], given[i]};
  }
  std::printf("%s: right are %d/%d; of at most 12 words %d/%d, of more %d/%d\n  %s\n", name,
              right[0] + right[1], count[0] + count[1], right[0], count[0], right[1], count[1],
              bleu(written, given).text().c_str());
  for (const std::string& line : mistake) std::printf("    %s\n", line.c_str());
}

// ## In the debugger
//
// In the shell PAIRS=640 EPOCHS=1 make it soon. Break at Transformer::decode: `print encoded` is
// [64, S, 64] in training; at Recurrent::decode [64, 128]. Then `delete`, and at the line of
// write_file() `heat weights`.
//
// ## Exercises
//
// 1. Give the GRUs another seed (`random`), 20 epochs (EPOCHS=20), H = 256. What helps how much?
// 2. Feed the English words in reverse, in samples() and translate(). Whom does it help?
// 3. Give the GRUs attention: encode() returns all states, decode() begins with zeros and adds to
//    its own what they find in those: scaled_dot_product_attention(), source_mask. Who wins now?
// 4. Take the positions of the English words away: english.tokens(batch.source, where) in
//    Transformer::encode. Let judge() print ten mistakes. Which sentences need positions?
// 5. Vaswani et al. (equation 3) let the rate fall as 1/√step: Schedule::warmup_inverse_sqrt(rate,
//    100), without the line of `steps`. Is it better than the cosine, at its rate or another?
// 6. Write BLEU yourself: make exercise-21 judges it.
