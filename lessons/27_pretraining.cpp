// Lesson 27: pretraining.
//
// Texts are plenty, labels are dear. A masked language model (Devlin et al. 2019, "BERT") learns
// from texts alone: some words are hidden, and it says which they were. For that it has to find out
// which words do the same work and which go together. Then it is shown a few labels.
//
//   pretraining   ids, some hidden [B, T] -> encoder [B, T, D] -> logits of the hidden ones [n, V]
//   fine-tuning   ids [B, T] -> the same encoder [B, T, D] -> pooling [B, 2 D] -> logit [B, 1]
//
// for B texts of T words out of V, of which n are hidden. Both share all parameters but those of
// their last layers. What is it worth? The same network learns from the same labels, once from the
// pretrained parameters and once from scratch. Pretraining sees the texts to learn from, not their
// labels, and nothing of the test.
//
// It takes some 10 seconds. `make pretraining DATA=/path/to/aclImdb` takes the real reviews of
// lesson 16, with 200, 2,000 and 20,000 labels, and 5,000 of the test: what came out is below main.
// EPOCHS=n and SEEDS=n make it shorter or longer. Sources: Devlin et al. 2019, section 3.1; Liu et
// al. 2019, "RoBERTa", section 4.1 (several copies of a text, with other words hidden); Dai and Le
// 2015, who pretrained on reviews before.

#include <gradus/gradus.h>

#include <algorithm>
#include <cstdio>

using namespace gradus;
using Examples = std::vector<Example>;

// ## The model
//
// A batch with one label for each text is to be judged; one with a label for each word is to be
// filled in where the label is not -1. Of the encoded words [B, T, D] only those are compared with
// the V words, which is most of the work: gradus::embedding() picks rows of a matrix by number.
struct Reader : SequenceModel {
  Reader(Index length, Index vocabulary, Index width, Random& random)
      : SequenceModel("Reader"),
        embedding(length, vocabulary, width, random),
        encoder(width, 2 * width, 2, random, {.key_dim = width / 2}),
        guess(width, vocabulary, random),
        dropout(Scalar(0.5), random),
        logit(2 * width, 1, random) {
    add("embedding", embedding);
    add("encoder", encoder);
    add("guess", guess);
    add("dropout", dropout);
    add("logit", logit);
  }

  Tensor decode(const Batch& batch, const Tensor&, Where where) override {
    const Tensor x = encoder(embedding(batch.ids, where), batch.mask, where);  // [B, T, D]
    const Index B = x.shape()[0], T = x.shape()[1], D = x.shape()[2];
    if (Index(batch.labels.size()) == B) {
      const Tensor most = max_pooling(x, batch.mask), middle = mean_pooling(x, batch.mask);
      return logit(dropout(concatenate({most, middle}, 1), where), where);  // [B, 1]
    }
    std::vector<int> hidden;  // the numbers of their rows in x as a matrix [B T, D]
    for (std::size_t i = 0; i < batch.labels.size(); ++i)
      if (batch.labels[i] != -1) hidden.push_back(int(i));
    const Index n = Index(hidden.size());
    return guess(gradus::embedding(reshape(x, {B * T, D}), {{n}, hidden}), where);  // [n, V]
  }

  Tensor loss(const Tensor& logits, const Batch& batch, Where where) const override {
    std::vector<int> wanted = batch.labels;
    std::erase(wanted, -1);
    return classification_loss(logits, wanted, where);
  }

  PositionalEmbedding embedding;
  TransformerEncoder encoder;
  Dense guess;
  Dropout dropout;
  Dense logit;
};

// ## Hiding words
//
// Of each text 15 % of the words, and one at least, are to be said. 80 % of those are replaced by
// ⟨mask⟩, whose id comes after the vocabulary; 10 % become any word, and 10 % stay. So the model
// must make something of words that it can read, too, and may not just repeat them: in fine-tuning
// all can be read. Each text comes `copies` times with other words hidden, lest the answers be
// learned by heart.
std::vector<Sample> hide_words(const std::vector<Sample>& texts, int mask, int copies) {
  Random random(1);
  std::vector<Sample> all;
  for (int copy = 0; copy < copies; ++copy)
    for (const Sample& text : texts) {
      const std::size_t T = text.ids.size();
      Sample sample{text.ids, std::vector<int>(T, -1)};
      const auto always = std::size_t(random.below(std::int64_t(T)));
      for (std::size_t t = 0; t < T; ++t) {
        if (t != always && random.uniform() >= Scalar(0.15)) continue;
        sample.labels[t] = text.ids[t];
        const Scalar how = random.uniform();
        if (how < Scalar(0.8)) sample.ids[t] = mask;
        if (how >= Scalar(0.9)) sample.ids[t] = int(2 + random.below(mask - 2));
      }
      all.push_back(sample);
    }
  return all;
}

// These are below main.
std::vector<Examples> read(const std::string& data);  // to learn from, to validate, to test
std::vector<Sample> samples(const Examples& reviews, const TextVectorizer& words);
void fill_in(Reader& reader, const TextVectorizer& words, const std::string& text);

int main(int argc, char** argv) try {
  // ## 1. The reviews
  //
  // Of the shipped ones those that exchange a noun for another, as "i expected a mess and got a
  // triumph". Each of them has a good noun and a bad one, and says nowhere which is which.
  const std::string data = argc > 1 ? argv[1] : "";
  const bool real = !data.empty();
  const std::vector<Examples> parts = read(data);
  TextVectorizer words({.max_tokens = real ? 10000 : 2000, .max_length = 100000});
  words.adapt(texts_of(parts[0]));
  const int mask = int(words.vocabulary().size()), width = real ? 64 : 32;
  const std::vector<Sample> train = samples(parts[0], words);
  const std::vector<Sample> validation = samples(parts[1], words);
  const Batches test(samples(parts[2], words), {.shuffle = false});
  std::printf("%zu reviews to learn from, %zu to validate, %zu to test; %d words\n", train.size(),
              validation.size(), test.examples(), mask);

  // ## 2. Pretraining
  //
  // "right" counts hidden words. Without any knowledge the loss is ln V; whoever knows what kind of
  // word is missing, but not which of them, has a loss between that and 0.
  const int epochs = setting("EPOCHS", real ? 1 : 5, 1, 1000);
  const std::string folder =
      real ? "build/pretraining-real-" + std::to_string(epochs) : "build/pretraining";
  const Batches texts(hide_words(train, mask, real ? 8 : 4 * epochs), {}, 1);
  Random random(1);
  Reader reader(256, mask + 1, width, random);
  if (!real || !file_exists(folder + "/best.safetensors")) {
    Adam adam(reader.parameters());
    const auto schedule = Schedule::warmup_cosine(Scalar(2e-3), 100, epochs * Index(texts.count()));
    fit(reader, adam, texts, Batches(hide_words(validation, mask, 1), {.shuffle = false}),
        {.epochs = epochs, .schedule = schedule, .folder = folder});
  }
  load_weights(folder + "/best.safetensors", reader);

  // ## 3. What it has learned
  //
  // The likeliest words for ⟨mask⟩, in per cent. Where a bad noun was expected a good one is got:
  // the texts have made two kinds of the twelve nouns. Which of the two is praise, no text says.
  const std::vector<const char*> questions[] = {
      {"i expected a mess and got a ⟨mask⟩", "i expected a joy and got a ⟨mask⟩"},
      {"the acting was ⟨mask⟩ and the story was dull", "this film is a ⟨mask⟩ of time"}};
  for (const char* const question : questions[real]) fill_in(reader, words, question);

  // ## 4. A few labels
  //
  // The median of five seeds, with the lowest and the highest. (All five pretrained ones begin with
  // the same weights.) The epoch is chosen by validation, with no more labels than there are to
  // learn from. One of the 82 test reviews is 0.012. With 50 labels nothing is to be seen beyond
  // the spread. With 100 the worst pretrained one is ahead of the best from scratch, and with 200
  // nearly always right: that there are two kinds of nouns need not be learned from labels, only
  // which of them is praise, and which place counts. Pairs of words tell that place (a noun after
  // "the" did not come true): counting them is ahead with 50 labels, as good with 100, then behind.
  std::printf("\n%6s  %s  %s  %-22s  %s\n", "labels", "words", "pairs", "from scratch",
              "pretrained");
  const int starts = setting("SEEDS", 5, 1, 100);
  std::vector<Curve> dots;
  for (const std::size_t labels :
       real ? std::vector<std::size_t>{200, 2000, 20000} : std::vector<std::size_t>{50, 100, 200}) {
    const auto first = [&](auto list) {
      list.resize(std::min(list.size(), labels));
      return list;
    };
    double counted[2];
    for (const bool two : {false, true}) {
      BagOfWords bag(20000, two);
      bag.fit(first(parts[0]), first(parts[1]));
      counted[two] = bag.evaluate(parts[2]).accuracy();
    }
    for (const bool pretrained : {false, true}) {
      Curve& row = dots.emplace_back();
      row.name = std::to_string(labels) + (pretrained ? " pretrained" : " from scratch");
      for (std::uint64_t seed = 1; seed <= std::uint64_t(starts); ++seed) {
        Random start(seed);
        Reader model(256, mask + 1, width, start);
        if (pretrained) load_weights(folder + "/best.safetensors", model);
        const Batches few(first(train), {}, seed);
        const int turns = !real ? 12 * epochs : labels == 200 ? 20 : labels == 2000 ? 8 : 3;
        const auto rate = Scalar(real ? 1e-3 : 2e-3);
        Adam adam(model.parameters());
        fit(model, adam, few, Batches(first(validation), {.shuffle = false}),
            {.epochs = turns,
             .schedule = Schedule::warmup_cosine(rate, 2, turns * Index(few.count())),
             .quiet = true});
        row.values.push_back(evaluate(model, test).accuracy());
      }
    }
    std::printf("%6zu  %.3f  %.3f", labels, counted[0], counted[1]);
    for (std::vector<double> a : {dots.end()[-2].values, dots.back().values}) {
      std::sort(a.begin(), a.end());
      std::printf("  %.3f (%.3f to %.3f)", a[a.size() / 2], a[0], a.back());
    }
    std::printf("\n");
    std::fflush(stdout);
  }
  write_file("build/lesson27_labels.svg",
             dots_svg("With so many labels, test reviews right", dots, "accuracy"));
} catch (const Error& error) {
  std::fprintf(stderr, "%s\n", error.what());
  return 1;
}

std::vector<Examples> read(const std::string& data) {
  if (!data.empty()) {
    const SplitExamples parts = split_examples(read_review_folder(data + "/train"), 0.2, 1337);
    const SplitExamples test = split_examples(read_review_folder(data + "/test"), 0.2, 1337);
    return {parts.first, parts.second, test.second};
  }
  std::vector<Examples> parts;
  const std::vector<std::string> nouns = split_words("mess disaster bore failure chore waste");
  for (const std::string name : {"train", "validation", "test"}) {
    parts.push_back(read_tsv("lessons/data/" + name + ".tsv"));
    std::erase_if(parts.back(), [&](const Example& example) {
      const std::vector<std::string> text = split_words(standardize(example.text));
      return std::find_first_of(text.begin(), text.end(), nouns.begin(), nouns.end()) == text.end();
    });
  }
  return parts;
}

// Of a longer text the first 64 words and the last 192: the verdict often stands at the end.
std::vector<Sample> samples(const Examples& reviews, const TextVectorizer& words) {
  std::vector<Sample> all;
  for (const Example& review : reviews) {
    std::vector<int> ids = words.encode(review.text);
    if (ids.size() > 256) ids.erase(ids.begin() + 64, ids.end() - 192);
    all.push_back({ids, {review.label}});
  }
  return all;
}

void fill_in(Reader& reader, const TextVectorizer& words, const std::string& text) {
  const int mask = int(words.vocabulary().size());
  Sample question{words.encode(text), {}};
  for (int& id : question.ids) {
    question.labels.push_back(id == 1 ? 0 : -1);  // ⟨mask⟩ is no word of the vocabulary
    if (id == 1) id = mask;
  }
  const Tensor p = softmax(reader(Batches({question}).make({0})));  // [1, V]
  std::vector<int> order;
  for (int id = 2; id < mask; ++id) order.push_back(id);
  std::stable_sort(order.begin(), order.end(),
                   [&](int a, int b) { return p.data()[a] > p.data()[b]; });
  std::printf("%s\n ", text.c_str());
  for (const int id : std::span(order).first(6))
    std::printf(" %s %.0f", words.decode({id}).c_str(), 100 * double(p.data()[id]));
  std::printf("\n");
}

// ## What came out
//
// `make pretraining DATA=/path/to/aclImdb`; of 5,000 test reviews are right (five starts)
//
//   labels  words  pairs  from scratch            pretrained
//      200  0.754  0.753  0.669 (0.647 to 0.674)  0.743 (0.735 to 0.752)
//     2000  0.855  0.860  0.817 (0.781 to 0.828)  0.807 (0.798 to 0.817)
//    20000  0.891  0.902  0.881 (0.870 to 0.882)  0.876 (0.872 to 0.878)
//
// With 200 labels pretraining is worth more than the spread; with more no difference can be told
// from chance. Counting words is ahead in every row. Why is seen in what is said for "the acting
// was ⟨mask⟩": movie (12 %), was (7 %), the (5 %). The loss on hidden validation words is 5.74; to
// know only how frequent each word is gives 6.36, and ln V = 9.21. So it has learned a little of
// which words go together. It took 6 minutes of one core, all else some 15. These texts have 3.6
// million words; those of BERT had 3,300 million.
//
// Each text comes 8 times, each time with other words hidden. Of 2 copies, seen 5 times each, the
// training loss fell from 5.79 to 5.60 in the third epoch and that of validation stayed at 5.83:
// what had been hidden was learned by heart.
//
// ## In the debugger
//
// Break at Reader::decode. In pretraining `print batch.ids` shows 115, the id of ⟨mask⟩, and
// batch.labels has the words that stood there and those that were exchanged or stayed, -1
// elsewhere. At the last line `print hidden` has their places. In fine-tuning there are B labels:
// `tbreak 27_pretraining.cpp:N`, N being the line of max_pooling().
//
// ## Exercises
//
// 1. Hide the same words in all copies: let `random` begin anew for each. What becomes of the two
//    losses, and of the accuracy with 100 labels?
// 2. Keep the encoder as pretraining left it: in fine-tuning say requires_grad(false) of all
//    parameters but those of `logit`, and give Adam these. Which column changes most?
// 3. Pretrain on the first 200 texts only, with so many more copies that the steps stay as many.
//    Was it the task that helped, or the texts?
// 4. Pretrain on the whole of train.tsv, where words are also negated. What must a model know there
//    to say which kind of word is hidden in "it starts ⟨mask⟩ but it ends not dull"?
