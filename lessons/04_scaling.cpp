// Lesson 4: why attention divides by √d.
//
// The score of a query and a key is their dot product, q·k = q₁k₁ + q₂k₂ + … + q_d k_d. Let each
// number have mean 0 and variance 1 (variance: the mean of the squared distance from the mean; its
// root is the deviation), and let all be independent: none says anything about another. Then every
// q meets every k equally often, and the mean of a product is the product of the means. So qk has
// mean 0 · 0 = 0, and its variance, the mean of q²k², is 1 · 1 = 1. Variances of independent
// numbers also add up, as (a + b)² is a² + b² + 2ab and the mean of ab 0: q·k has mean 0, variance
// d and deviation √d. Softmax turns differences of scores into ratios of weights (two that differ
// by 5 into e⁵ = 148 to 1), so with large scores it gives nearly everything to one key: attention
// has decided before anything was learned, and where softmax has decided it passes almost no
// gradient on. (Score j gets p_j (g_j - Σ g p), lesson 3, section 3: p_j is near 0 for the losers,
// and for the winner Σ g p is near its own g_j.) Dividing by c divides a variance, a mean of
// squares, by c². So dividing by √d, not by d, brings it back to 1 whatever d is:
//
//   weights = softmax(q·k / √d)
//
// This lesson measures all of that over N = 512 random queries with T = 8 random keys each:
//
//   query [N, 1, d]   key [N, T, d]   value [N, T, 1]
//   scores and weights [N, 1, T]      output [N, 1, 1]
//
// Source: Vaswani et al. 2017, section 3.2.1 and footnote 4, which argue that the variance is d and
// suspect the rest. Runs in about a second on two cores.

#include <gradus/gradus.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <vector>

using namespace gradus;

// ## What is measured
//
// Entropy says how evenly weights are spread: -Σ w ln w, the mean of -ln w in which each counts
// with its weight w. T equal weights have ln T, the most there can be; a single weight of 1 has 0.
// (log_softmax gives ln w also where w itself is too small for a float.)
struct Measured {
  Tensor weights;                      // [N, 1, T]
  double variance = 0;                 // of the scores
  double entropy = 0;                  // of the weights; mean over the queries
  double largest = 0;                  // the largest weight; mean over the queries
  double score_gradient = 0;           // mean absolute gradient that reaches a score
  std::vector<Scalar> query_gradient;  // and that reaches a query: one number for each, sorted
};

Tensor absolute(const Tensor& x) {
  return sqrt(x * x);
}

double mean_of(const Tensor& x) {
  return static_cast<double>(mean(x).item());
}

// The output of attention with one number for a value, v [N, T, 1], is one number for each query.
// Its gradient says how the query would have to change to make the output larger: a network learns
// from nothing else. The seed (the 1 of Random) is always the same, so both ways of scoring see the
// same queries, keys and values.
Measured measure(Index d, bool divide) {
  const Index N = 512, T = 8;
  Random random(1);
  Tensor query = Tensor::normal({N, 1, d}, 0, 1, random).requires_grad(true).named("query");
  const Tensor key = Tensor::normal({N, T, d}, 0, 1, random).named("key");
  const Tensor value = Tensor::normal({N, T, 1}, 0, 1, random).named("value");

  const Tensor products = matmul(query, key, {.transpose_b = true});  // [N, 1, T]
  const Scalar scale = divide ? 1 / std::sqrt(static_cast<Scalar>(d)) : Scalar(1);
  const Tensor scores = (products * scale).named("scores");        // [N, 1, T]
  const Tensor weights = softmax(scores).named("weights");         // [N, 1, T]
  const Tensor output = matmul(weights, value).named("output");    // [N, 1, 1]
  const Tensor entropy = -sum(weights * log_softmax(scores), -1);  // [N, 1]
  sum(output).backward();

  Measured result;
  result.weights = weights;
  const Tensor distance = scores - mean(scores);
  result.variance = mean_of(distance * distance);
  result.entropy = mean_of(entropy);
  result.largest = mean_of(max(weights, -1));
  result.score_gradient = mean_of(absolute(scores.grad()));
  const Tensor sizes = mean(absolute(query.grad()), {1, 2});  // [N]
  result.query_gradient.assign(sizes.values().begin(), sizes.values().end());
  std::sort(result.query_gradient.begin(), result.query_gradient.end());
  return result;
}

double mean_of(const std::vector<Scalar>& values) {
  double total = 0;
  for (const Scalar value : values) total += static_cast<double>(value);
  return total / static_cast<double>(values.size());
}

// The one in the middle: half of the (sorted) values are smaller.
double median_of(const std::vector<Scalar>& values) {
  return static_cast<double>(values[values.size() / 2]);
}

// How many of the values are below a hundredth of their mean, in percent.
double asleep(const std::vector<Scalar>& values) {
  const double limit = mean_of(values) / 100;
  std::size_t count = 0;
  while (static_cast<double>(values[count]) < limit) ++count;
  return 100 * static_cast<double>(count) / static_cast<double>(values.size());
}

int main() try {
  // ## Softmax of larger and larger scores
  //
  // First by hand, with three scores 0, 1, 2 and the same times 4 and times 16. The slope is how
  // much the largest weight w grows when its own score grows: it is w (1 - w), computed here by
  // backward(). Once w is 1, the slope is 0, and so is every gradient that comes through it: from
  // such scores nothing is learned. (detach() gives the same values without what they were made of,
  // as if they had just been typed in; so they are the place where backward() ends.)
  std::printf("%18s   %-32s %s\n", "scores", "weights", "slope of the last weight");
  for (const Scalar factor : {Scalar(1), Scalar(4), Scalar(16)}) {
    Tensor scores = (Tensor::vector({0, 1, 2}) * factor).detach().requires_grad(true);  // [3]
    const Tensor weights = softmax(scores);                                             // [3]
    sum(slice(weights, 0, 2, 3)).backward();
    const Tensor slope = slice(scores.grad(), 0, 2, 3);
    for (const Scalar score : scores.values()) std::printf("%6.1f", static_cast<double>(score));
    std::printf("  ");
    for (const Scalar w : weights.values()) std::printf(" %.7f", static_cast<double>(w));
    std::printf("    %.7f\n", static_cast<double>(slope.item()));
  }

  // ## The variance of q·k is d
  //
  // Now with random queries and keys; 512 queries with 8 keys each are 4096 scores. The variance
  // measured is not d exactly, as with any sample, but stays by it. Divided by √d it stays by 1.
  const std::vector<Index> sizes = {4, 16, 64, 256, 1024};
  std::vector<Measured> without, with;
  for (const Index d : sizes) {
    without.push_back(measure(d, false));
    with.push_back(measure(d, true));
  }
  std::printf("\n%6s   %-22s %s\n", "d", "variance of q·k", "variance of q·k / √d");
  for (std::size_t i = 0; i < sizes.size(); ++i)
    std::printf("%6d %15.4f %24.4f\n", static_cast<int>(sizes[i]), without[i].variance,
                with[i].variance);

  // ## The weights
  //
  // Without the division the entropy falls towards 0 and the largest of the 8 weights rises towards
  // 1, for queries and keys that know nothing yet. With it, d makes hardly a difference.
  const double most = static_cast<double>(log(Tensor::scalar(8)).item());
  std::printf("\n         entropy (8 equal weights: %.4f)    largest weight\n", most);
  std::printf("%6s   %10s %14s %14s %14s\n", "d", "q·k", "q·k / √d", "q·k", "q·k / √d");
  for (std::size_t i = 0; i < sizes.size(); ++i)
    std::printf("%6d %10.4f %14.4f %13.4f %14.4f\n", static_cast<int>(sizes[i]), without[i].entropy,
                with[i].entropy, without[i].largest, with[i].largest);
  write_file("build/lesson04_without.svg",
             histogram_svg("d = 1024: weights from q·k", without.back().weights));
  write_file("build/lesson04_with.svg",
             histogram_svg("d = 1024: weights from q·k / √d", with.back().weights));

  // ## The gradient that reaches the scores
  //
  // The chain rule goes backward: first from the output to the scores, through softmax. Without
  // the division less and less comes through; with it about the same for every d.
  std::printf("\n         mean absolute gradient at the scores\n");
  std::printf("%6s   %10s %14s\n", "d", "q·k", "q·k / √d");
  for (std::size_t i = 0; i < sizes.size(); ++i)
    std::printf("%6d %10.4f %14.4f\n", static_cast<int>(sizes[i]), without[i].score_gradient,
                with[i].score_gradient);

  // ## The gradient that reaches the query
  //
  // Then from the scores to the query: the gradient of each score, times its key, times 1/√d if we
  // divided. Look at the mean first. It falls with d in both columns, and it is even smaller with
  // the division! The mean hides what matters, which is who gets it:
  //
  // - With the division every query gets about the same: mean and median agree, and nobody is left
  //   out. That it falls as 1/√d, for all alike, is harmless: with a rate √d times as large the
  //   steps are the same, and Adam (lesson 3) divides the factor out by itself.
  // - Without it the mean comes more and more from few queries. (They must be those with two keys
  //   in a near tie: elsewhere one w is near 1, and w (1 - w) near 0.) The median query gets a
  //   quarter of the mean at d = 64, a hundredth at 256 and next to nothing at 1024: a learning
  //   rate that helped it would throw the few far off.
  //
  // "asleep" counts the queries whose gradient is below a hundredth of the mean.
  std::printf("\n         absolute gradient at the query\n");
  std::printf("         %-34s %s\n", "q·k", "q·k / √d");
  std::printf("%6s %10s %11s %9s  %10s %11s %9s\n", "d", "mean", "median", "asleep", "mean",
              "median", "asleep");
  for (std::size_t i = 0; i < sizes.size(); ++i) {
    std::printf("%6d", static_cast<int>(sizes[i]));
    for (const Measured* measured : {&without[i], &with[i]})
      std::printf(" %10.6f %11.6f %8.1f%%", mean_of(measured->query_gradient),
                  median_of(measured->query_gradient), asleep(measured->query_gradient));
    std::printf("\n");
  }
} catch (const Error& error) {
  std::fprintf(stderr, "%s\n", error.what());
  return 1;
}

// ## In the debugger
//
// Stop in measure() at the line of backward() and look at the weights of the first queries with
// `print weights`, first for divide = false, then for true. Then `break Softmax::backward`: the
// formula of lesson 3, y (dy - Σ dy y) for weights y with the gradient dy, is 0 for every y of a
// row in which one y is 1 and the others are 0.
//
// ## Exercises
//
// 1. Divide by d instead of √d. Which entropy do the weights go to? What does attention do then?
// 2. Give the keys deviation 3 (the 1 before `random`). By what must one divide now, so that the
//    variance of the scores is 1 again?
// 3. Take T = 64 keys (and ln 64 in main). Do the weights become one-sided sooner or later?
// 4. Let the first key be the query itself, as for a word that looks at itself without W_q and W_k:
//    call the random ones `keys`, and take concatenate({query.detach(), slice(keys, 1, 1, T)}, 1)
//    as key. What is the mean of the first score now? How large is the largest weight, divided by
//    √d and not?
// 5. Start from uniform numbers between -√3 and √3, whose variance is 1 too. Do the tables change?
