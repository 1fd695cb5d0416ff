// Whole numbers from the environment, as in STEPS=2 before a program.
#pragma once

namespace gradus {

// The value of the environment variable `name`; `otherwise` where it is not set. Errors: its text
// is not a whole number from `least` to `most`.
int setting(const char* name, int otherwise, int least, int most);

}  // namespace gradus
