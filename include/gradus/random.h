// Random numbers that are the same on every machine.
//
// Number n of a stream is a hash of (seed + n · a constant): SplitMix64 (Steele, Lea and Flood
// 2014, "Fast Splittable Pseudorandom Number Generators", figure 17). So any number can be had
// without those before it, and where a stream stands is a single count.
#pragma once

#include <gradus/error.h>
#include <gradus/scalar.h>

#include <cstddef>
#include <utility>
#include <vector>

namespace gradus {

// Number `n` of the stream of `seed`: 64 random bits.
std::uint64_t random_bits(std::uint64_t seed, std::uint64_t n);

class Random {
 public:
  explicit Random(std::uint64_t seed) : seed_(seed) {}

  std::uint64_t next() { return random_bits(seed_, count_++); }
  Scalar uniform();                         // 0 <= x < 1
  Scalar uniform(Scalar low, Scalar high);  // low <= x <= high
  Scalar normal();                          // mean 0, deviation 1 (Box and Muller 1958)
  // 0 … count - 1, each equally likely. Errors: a count below 1.
  std::int64_t below(std::int64_t count, Where where = here());

  template <class T>
  void shuffle(std::vector<T>& items) {  // every order equally likely (Fisher and Yates)
    for (std::size_t left = items.size(); left > 1; --left)
      std::swap(items[left - 1],
                items[static_cast<std::size_t>(below(static_cast<std::int64_t>(left)))]);
  }

  std::uint64_t count() const { return count_; }  // how many numbers were taken

 private:
  std::uint64_t seed_;
  std::uint64_t count_ = 0;
};

}  // namespace gradus
