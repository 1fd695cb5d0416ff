// Hostile files: libFuzzer makes them up, and the reader that the environment names reads them
// (FUZZ=tsv). A reader may refuse a file with an Error; a crash, a leak, anything else that is
// thrown or a promise that is broken ends the run.

#include <gradus/byte_pairs.h>
#include <gradus/files.h>
#include <gradus/fit.h>
#include <gradus/layers.h>
#include <gradus/operations.h>
#include <gradus/safetensors.h>

#include "../folder.h"

#include <cstdlib>
#include <map>

using namespace gradus;

namespace {

void promise(bool kept) {
  if (!kept) std::abort();
}

const Folder& folder() {
  static const Folder one;
  return one;
}

// What is written comes back. A file that begins with '{' is a header up to the first zero byte and
// then the numbers, so that the length before the header need not be guessed.
void safetensors(const std::string& bytes) {
  std::string contents = bytes;
  const std::size_t end = bytes.find('\0');
  if (bytes[0] == '{' && end != std::string::npos)
    contents = std::string{static_cast<char>(end & 255), static_cast<char>(end >> 8)} +
               std::string(6, '\0') + bytes.substr(0, end) + bytes.substr(end + 1);
  const TensorFile file = read_safetensors(folder().file("x", contents));
  write_safetensors(folder().path + "/y", file);
  const TensorFile again = read_safetensors(folder().path + "/y");
  promise(again.metadata == file.metadata && again.tensors.size() == file.tensors.size());
  for (std::size_t i = 0; i < file.tensors.size(); ++i) {
    const Tensor &a = file.tensors[i].tensor, &b = again.tensors[i].tensor;
    promise(file.tensors[i].name == again.tensors[i].name && a.shape() == b.shape());
    for (Index k = 0; k < a.size(); ++k) {
      const auto x = static_cast<float>(a.data()[k]), y = static_cast<float>(b.data()[k]);
      promise(x == y || (x != x && y != y));
    }
  }
}

// What is saved comes back, and every word is found under its own number.
void check_vocabulary(const TextVectorizer& vectorizer) {
  vectorizer.save(folder().path + "/y");
  TextVectorizer again(vectorizer.options());
  again.load(folder().path + "/y");
  promise(again.vocabulary() == vectorizer.vocabulary());
  for (std::size_t i = 2; i < vectorizer.vocabulary().size(); ++i)
    promise(again.encode(again.vocabulary()[i]).back() == static_cast<int>(i));
}

void vocabulary(const std::string& bytes) {
  TextVectorizer vectorizer({.max_tokens = 8, .bigrams = bytes[0] == 'b'});
  vectorizer.load(folder().file("x", bytes));
  check_vocabulary(vectorizer);
}

void text(const std::string& bytes) {
  try {
    check_utf8(bytes, "it");
  } catch (const Error&) {
  }
  const std::string standard = standardize(bytes);
  promise(standardize(standard) == standard);
  const std::size_t words = split_words(standard).size();
  TextVectorizer vectorizer({.max_tokens = 6, .max_length = 5, .bigrams = bytes[0] == 'b'});
  vectorizer.adapt({bytes, bytes});
  const std::size_t all = vectorizer.options().bigrams ? 2 * words - 1 : words;
  promise(vectorizer.encode(bytes).size() == std::min<std::size_t>(all, 5));
  check_vocabulary(vectorizer);
}

void tsv(const std::string& bytes) {
  const std::vector<Example> examples = read_tsv(folder().file("x", bytes));
  std::string lines;
  for (const Example& example : examples)
    lines += std::to_string(example.label) + "\t" + example.text + "\n";
  promise(texts_of(read_tsv(folder().file("x", lines))) == texts_of(examples));
  TextVectorizer vectorizer;
  vectorizer.adapt(texts_of(examples));
  promise(Batches(examples, vectorizer).examples() == examples.size());
}

// Bytes as an encoding, and as the text that one is learned from.
void byte_pairs(const std::string& bytes) {
  BytePairEncoding encoding({"[END]"});
  encoding.train({bytes, bytes}, 270);
  promise(encoding.decode(encoding.encode(bytes)) == bytes);
  encoding.save(folder().path + "/y");
  BytePairEncoding again({"[END]"});
  again.load(folder().path + "/y");
  promise(again.encode(bytes) == encoding.encode(bytes));
  again.load(folder().file("x", bytes));
}

void pairs(const std::string& bytes) {
  std::string lines;
  const std::vector<SentencePair> read = read_pairs(folder().file("x", bytes));
  for (const SentencePair& pair : read) lines += pair.text + "\t" + pair.translation + "\n";
  promise(read_pairs(folder().file("x", lines)).size() == read.size());
}

void review(const std::string& bytes) {
  make_folder(folder().path + "/pos");
  make_folder(folder().path + "/neg");
  folder().file("pos/1_9.txt", bytes);
  folder().file("neg/1_1.txt", "bad");
  const std::vector<Example> examples = read_review_folder(folder().path);
  promise(examples.size() == 2 && examples[1].text == without_mark(bytes));
  promise(!split_words(standardize(examples[1].text)).empty());
}

// The smallest model; it stops in the middle of a training when its calls are used up.
struct Model : TextClassifier {
  Model() : TextClassifier("Model") {
    add("words", words);
    add("dense", dense);
  }
  Tensor forward(const Ids& ids, const Mask& mask, Where where) override {
    if (calls-- == 0) throw Error("enough");
    return dense(mean_pooling(words(ids, where), mask, where), where);
  }
  Random random{1};
  Embedding words{4, 2, random};
  Dense dense{2, 1, random};
  int calls = 0;
};

// Trains for some calls of the model, from the state that lies in the folder; true at the end.
bool train(int calls) {
  static const std::vector<Example> examples{{"a", 0, ""}, {"b", 1, ""}, {"a b", 1, ""}};
  TextVectorizer vectorizer;
  vectorizer.adapt(texts_of(examples));
  const Batches batches(examples, vectorizer, {.size = 1}, 1);
  Model model;
  model.calls = calls;
  RMSprop optimizer(model.parameters(), {});
  FitOptions options;
  options.epochs = 2;
  options.folder = folder().path;
  options.save_every = 0;
  options.quiet = true;
  try {
    const History history = fit(model, optimizer, batches, batches, options);
    promise(history.best >= 0 && history.best < static_cast<int>(history.epochs.size()));
    return true;
  } catch (const Error&) {
    return false;
  }
}

// Bytes of a state saved in the second epoch are changed: of its numbers, or anywhere.
void state(const std::string& bytes) {
  const std::string path = folder().path + "/training.safetensors";
  static const std::string good = (promise(!train(8)), read_file(path, 1 << 20));
  std::string bad = good;
  const std::size_t numbers = good.find("\"numbers\":\"") + 11;
  const std::size_t range = bytes[0] & 1 ? good.size() - 8 : good.find('"', numbers) - numbers;
  const std::size_t from = bytes[0] & 1 ? 8 : numbers;
  for (std::size_t i = 1; i + 2 < bytes.size(); i += 3) {
    const auto high = static_cast<unsigned char>(bytes[i]);
    const auto low = static_cast<unsigned char>(bytes[i + 1]);
    bad[from + (high * 256u + low) % range] = bytes[i + 2];
  }
  folder().file("training.safetensors", bad);
  train(3);
}

const std::map<std::string, void (*)(const std::string&)> readers{
    {"safetensors", safetensors}, {"vocabulary", vocabulary}, {"text", text},     {"tsv", tsv},
    {"byte_pairs", byte_pairs},   {"pairs", pairs},           {"review", review}, {"state", state}};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  static const auto reader = readers.at(std::getenv("FUZZ"));
  if (size == 0) return 0;
  try {
    reader(std::string(data, data + size));
  } catch (const Error&) {
  }
  return 0;
}
