// What a student is told.
#pragma once

#include "verdict.h"

namespace gradus {

// "[[2 -1] [0 3]]", cut after some numbers.
std::string brief(const Item& item);

// What is odd about an item, such as "row sums 2 and 1, not 1" or "its shape is [2, 3], not [3,
// 2]". Requires: they differ.
std::string oddity(const Item& yours, const Item& right, double tolerance);

// The first step or answer that differs, next to the right one; both null if none does.
struct Difference {
  const Item* yours = nullptr;
  const Item* right = nullptr;
};
Difference first_difference(const Outcome& yours, const Outcome& right, double tolerance);

// All that follows the list of cases. `source` is the name of the student's file.
std::string message_of(const CaseFile& file, const std::vector<Outcome>& yours,
                       const Verdict& verdict, const std::string& source);

}  // namespace gradus
