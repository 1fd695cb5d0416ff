// What an answer gave in one case: its answers, the tensors that were named on the way, and perhaps
// an error that ended it.
#pragma once

#include "exercise.h"

namespace gradus {

using Answer = void (*)(const Case& given, Answers& answers);

// Items of the kinds "answer", "trace" and "error".
using Outcome = std::vector<Item>;

// Calls answer() and looks on. What it throws is in the outcome.
Outcome outcome_of(Answer answer, const Case& given);

// All items of one kind.
std::vector<Item> items_of_kind(const std::vector<Item>& items, const std::string& kind);
// The text of the item "error"; "" if there is none.
std::string error_of(const Outcome& outcome);

}  // namespace gradus
