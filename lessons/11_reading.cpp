// Lesson 11: reading the model.
//
// The trained classifier says "negative". Why? Two answers can be computed.
//
//   attention          how much the words look at word j: the mean of column j of the weights
//                      [1, H, T, T] over all heads and all queries, times T. 1 is the share that
//                      every word would have if all looked evenly
//   leaving it out     how much the logit changes if word j is not there
//
// The first is a number inside the model and makes fine pictures. The second is an experiment, and
// asks what one wants to know: does the answer depend on this word? They need not agree. The
// logit is made from what flows along attention *and* along the residual, from the values, and by a
// maximum over all words, and attention shows only how much is looked at, not what comes of it.
//
// A word can be left out in two ways. To remove it makes a shorter text, in which all later words
// stand one place earlier. To hide it leaves the text as it is, and the mask forbids every query to
// look at it and the pooling to take it. Both are computed: an answer that only one of them gives
// says as much of the method as of the word.
//
// How well two measures agree on the order of a review's words is Spearman's rank correlation: 1
// for the same order, 0 for no connection, -1 for the reverse order.
//
// Sources: Jain and Wallace 2019, "Attention is not Explanation" (who correlate attention with
// leaving words out, as here); Wiegreffe and Pinter 2019, "Attention is not not Explanation";
// Spearman 1904. It takes about 6 seconds on two cores. STEPS=n in the environment trains for n
// epochs only.

#include <gradus/gradus.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>

using namespace gradus;

// ## The classifier of lesson 10
//
// without its dropout, as this training is short, and with a function more: without() hides a word
// in the middle of a text, where the mask of lesson 10 hides the padding at the end.
struct Classifier : TextClassifier {
  Classifier(Index vocabulary, Random& random)
      : TextClassifier("Classifier"),
        embedding(40, vocabulary, 32, random),
        encoder(32, 64, 2, random),
        logit(32, 1, random) {
    add("embedding", embedding);
    add("encoder", encoder);
    add("pooling", pooling);
    add("logit", logit);
  }

  Tensor forward(const Ids& ids, const Mask& mask, Where where) override {
    const Tensor words = embedding(ids, where);           // [B, T, 32]
    const Tensor encoded = encoder(words, mask, where);   // [B, T, 32]
    const Tensor review = pooling(encoded, mask, where);  // [B, 32]
    return logit(review, where);                          // [B, 1]
  }

  // The logit of one text when word `hidden` is neither looked at nor pooled.
  double without(const Ids& ids, Index hidden) {
    const Index length = ids.shape[1];
    std::vector<bool> allowed(static_cast<std::size_t>(length), true);
    allowed[static_cast<std::size_t>(hidden)] = false;
    const Mask mask = Mask::from({1, 1, length}, allowed);  // for every query the same
    const Tensor encoded = encoder(embedding(ids), mask);   // [1, T, 32]
    std::vector<Tensor> kept;                               // the words before and after it
    if (hidden > 0) kept.push_back(slice(encoded, 1, 0, hidden));
    if (hidden + 1 < length) kept.push_back(slice(encoded, 1, hidden + 1, length));
    return double(logit(pooling(concatenate(kept, 1))).item());
  }

  PositionalEmbedding embedding;
  TransformerEncoder encoder;
  GlobalMaxPooling pooling;
  Dense logit;
};

// ## The measures
struct Reading {
  std::vector<std::string> words;
  double logit = 0;
  std::vector<double> attention;  // received, 1 on average
  std::vector<double> removed;    // logit - logit of the text without the word
  std::vector<double> hidden;     // logit - logit with the word hidden
};

Reading read(Classifier& model, const TextVectorizer& vectorizer, const Example& example) {
  Reading reading;
  reading.words = split_words(standardize(example.text));
  const std::vector<int> numbers = vectorizer.encode(example.text);
  const Index length = static_cast<Index>(numbers.size());
  const Ids ids({1, length}, numbers);
  reading.logit = double(model(ids, {}).item());
  const Tensor received = mean(model.encoder.attention.weights, {0, 1, 2}) * Scalar(length);  // [T]
  for (Index j = 0; j < length; ++j) {
    reading.attention.push_back(double(received.at({j})));
    std::vector<int> others = numbers;
    others.erase(others.begin() + j);
    reading.removed.push_back(reading.logit -
                              double(model(Ids({1, length - 1}, others), {}).item()));
    reading.hidden.push_back(reading.logit - model.without(ids, j));
  }
  return reading;
}

std::vector<double> sizes(std::vector<double> values) {
  for (double& value : values) value = std::fabs(value);
  return values;
}

// The place of each value in the order from the smallest, 1, on; equal ones share their mean place.
std::vector<double> ranks(const std::vector<double>& values) {
  std::vector<double> result;
  for (const double value : values) {
    double smaller = 0, equal = 0;
    for (const double other : values) {
      smaller += other < value;
      equal += other == value;
    }
    result.push_back(smaller + (equal + 1) / 2);
  }
  return result;
}

// Spearman's: the correlation of the ranks a and b, with a' = a - mean and b' = b - mean:
// Σ a' b' / sqrt(Σ a'² Σ b'²).
double rank_correlation(const std::vector<double>& x, const std::vector<double>& y) {
  const std::vector<double> a = ranks(x), b = ranks(y);
  const double middle = (static_cast<double>(x.size()) + 1) / 2;  // the mean rank
  double ab = 0, aa = 0, bb = 0;
  for (std::size_t i = 0; i < x.size(); ++i) {
    ab += (a[i] - middle) * (b[i] - middle);
    aa += (a[i] - middle) * (a[i] - middle);
    bb += (b[i] - middle) * (b[i] - middle);
  }
  return aa * bb > 0 ? ab / std::sqrt(aa * bb) : 0;
}

std::size_t largest(const std::vector<double>& values) {
  return static_cast<std::size_t>(std::max_element(values.begin(), values.end()) - values.begin());
}

void show(const Reading& reading, const Example& example) {
  std::printf("\n\"%s\" (%s; the model's logit %+.3f)\n", example.text.c_str(),
              example.label ? "positive" : "negative", reading.logit);
  std::printf("  %-12s %9s %9s %9s\n", "word", "attention", "removed", "hidden");
  for (std::size_t j = 0; j < reading.words.size(); ++j)
    std::printf("  %-12s %9.3f %+9.3f %+9.3f\n", reading.words[j].c_str(), reading.attention[j],
                reading.removed[j], reading.hidden[j]);
  std::printf("  rank correlation of attention with |removed| %+.3f, with |hidden| %+.3f\n",
              rank_correlation(reading.attention, sizes(reading.removed)),
              rank_correlation(reading.attention, sizes(reading.hidden)));
}

int main() try {
  // ## 1. A model to read
  const std::vector<Example> training = read_tsv("lessons/data/train.tsv");
  const std::vector<Example> validating = read_tsv("lessons/data/validation.tsv");
  const std::vector<Example> testing = read_tsv("lessons/data/test.tsv");
  TextVectorizer vectorizer({.max_tokens = 2000, .max_length = 40});
  vectorizer.adapt(texts_of(training));
  const Batches train(training, vectorizer, {.size = 32}, 1);
  const Batches validation(validating, vectorizer, {.shuffle = false});
  const Batches test(testing, vectorizer, {.shuffle = false});
  Random random(1);
  Classifier model(static_cast<Index>(vectorizer.vocabulary().size()), random);
  Adam optimizer(model.parameters());
  const char* steps = std::getenv("STEPS");
  const int epochs = steps ? std::atoi(steps) : 10;
  fit(model, optimizer, train, validation,
      {.epochs = epochs,
       .schedule = Schedule::warmup_cosine(Scalar(3e-3), 200,
                                           epochs * static_cast<std::int64_t>(train.count())),
       .folder = ""});
  std::printf("test: %s\n", evaluate(model, test).text().c_str());

  // ## 2. A few reviews, word by word
  //
  // A positive number under "removed" or "hidden" means that the word speaks for "positive":
  // without it the logit is lower. For the last word of a review the two must agree to the last
  // digit, as nothing stands after it that could move.
  model.eval();
  const NoGrad no_grad;
  model.encoder.attention.keep_weights();
  const std::size_t count = 100;
  std::vector<Reading> readings;
  for (std::size_t i = 0; i < count; ++i) readings.push_back(read(model, vectorizer, testing[i]));
  std::vector<AttendedText> page;
  for (std::size_t i = 0; i < 4; ++i) {
    show(readings[i], testing[i]);
    const Index length = static_cast<Index>(readings[i].words.size());
    const Batch batch = test.make({i});
    model(batch.ids, batch.mask);
    const Tensor weights = reshape(model.encoder.attention.weights, {2, length, length});
    write_file("build/reading_" + std::to_string(i + 1) + ".svg",
               attention_svg(testing[i].text, readings[i].words, readings[i].words, weights));
    page.push_back({testing[i].text, readings[i].words, weights});
  }
  write_file("build/reading.html", attention_html("Who looks at whom in four reviews", page));
  std::printf("\nPictures of these: build/reading_1.svg to build/reading_4.svg\n");
  std::printf("Word by word, to point at with the mouse: build/reading.html\n");

  // ## 3. A hundred reviews
  //
  // In about three reviews of four the word that is looked at most is also the one that the answer
  // depends on most. The order of all the words agrees far less. But neither do the two ways of
  // leaving a word out agree on it, although they nearly always name the same word first: most
  // words hardly matter, and which of them matters a little less is chance. So attention is a fair
  // hint where to look first. It is no measure of how much a word counts, and says nothing of the
  // direction in which it pulls.
  double with_removed = 0, with_hidden = 0, both_ways = 0;
  int same_removed = 0, same_hidden = 0, same_both = 0;
  std::size_t best = count, worst = count;
  std::vector<double> correlations;
  for (std::size_t i = 0; i < count; ++i) {
    const Reading& r = readings[i];
    const std::vector<double> removed = sizes(r.removed), hidden = sizes(r.hidden);
    correlations.push_back(rank_correlation(r.attention, hidden));
    with_removed += rank_correlation(r.attention, removed) / double(count);
    with_hidden += correlations[i] / double(count);
    both_ways += rank_correlation(removed, hidden) / double(count);
    same_removed += largest(r.attention) == largest(removed);
    same_hidden += largest(r.attention) == largest(hidden);
    same_both += largest(removed) == largest(hidden);
    if (r.words.size() < 10) continue;  // in a short review the order agrees by chance
    if (best == count || correlations[i] > correlations[best]) best = i;
    if (worst == count || correlations[i] < correlations[worst]) worst = i;
  }
  std::printf("\nOver %zu reviews            mean rank correlation   same word first\n", count);
  std::printf("  attention and |removed|  %+21.3f   %15d\n", with_removed, same_removed);
  std::printf("  attention and |hidden|   %+21.3f   %15d\n", with_hidden, same_hidden);
  std::printf("  |removed| and |hidden|   %+21.3f   %15d\n", both_ways, same_both);

  // ## 4. Where they agree, and where they do not
  //
  // By the correlation with |hidden|, among the reviews of ten words or more. Where they agree, a
  // denied word decides: it and its "not" are looked at, and little else matters. Where they do
  // not, compare the column of attention with the column "hidden": a word that is looked at about
  // twice as much as the average may change nothing when it is hidden, and others that are hardly
  // looked at change the logit by 1.
  std::printf("\nBest agreement:");
  show(readings[best], testing[best]);
  std::printf("\nWorst agreement:");
  show(readings[worst], testing[worst]);
} catch (const Error& error) {
  std::fprintf(stderr, "%s\n", error.what());
  return 1;
}

// ## In the debugger
//
// Break in Classifier::without() and step through one call: the mask forbids one column of the
// weights, and concatenate() leaves the same word out of the pooling. In attention_weights() look
// at the column of that word: all zeros.

// ## Exercises
//
// 1. Leave out two neighbouring words at once ("not dull"). When is that more than the sum of the
//    two words alone?
// 2. A third measure: the gradient of the logit with respect to the embedding of each word, times
//    that embedding. With which of the others does it agree?
// 3. Look at the two heads by themselves instead of at their mean. Does one of them agree better?
// 4. Read an untrained model (STEPS=1) in the same way. Which of the tables could have told you
//    that it knows nothing?
// 5. The pooling takes the largest value of each feature. Print from which word each comes, and
//    compare with the last column.
