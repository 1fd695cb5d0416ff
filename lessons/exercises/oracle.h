// An exercise in all its variants, as one program.
#pragma once

#include "verdict.h"

namespace gradus {

// answer() of the solution, of the exercise that is not solved, and of each variant in the order of
// the .mistakes file. variants.cpp writes the file that defines these two.
extern const std::vector<Answer> every_answer;
void make_cases(Cases& into);

}  // namespace gradus
