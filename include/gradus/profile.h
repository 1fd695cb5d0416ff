// Where the time goes: a table by operation. GRADUS_PROFILE=1 prints it at the end of any program.
#pragma once

#include <gradus/watcher.h>

#include <map>

namespace gradus {

class Profile : public Watcher {
 public:
  // calls, seconds forward and backward, for matrix products and attention how many multiplications
  // and additions, all told and in 10⁹ a second, share of the time; the most expensive first.
  // Optimiser steps and loading are not operations.
  std::string table() const;

  void before_forward() override { lap(); }
  void after_forward(const Tensor& out, std::span<const Edge> inputs) override;
  void before_backward(const Tensor& /*out*/) override { lap(); }
  void after_backward(const Tensor& out) override;

 private:
  struct Row {
    long calls = 0;
    double forward = 0, backward = 0;  // seconds
    double flops = 0;                  // of both
    double seconds() const { return forward + backward; }
  };
  double lap();  // seconds since the last one

  std::map<std::string, Row> rows_;
  double start_ = 0;
};

}  // namespace gradus
