// The box in which a student's program runs: little time, memory and disk, one process, no network,
// no files, no rights. Nothing that it prints or returns is believed.
#pragma once

#include <string>

namespace gradus {

struct Ran {
  std::string answers;  // what it wrote to file descriptor 3
  std::string printed;  // what it printed, cut after 500 characters
  std::string problem;  // how it ended without an answer: "no answer after 2 s of computing"
};

// Runs the program on `input`. Where the system lets us, it sees an empty folder as its whole file
// system (if it is linked statically), no other process, and a network without any other machine.
Ran run_boxed(const std::string& program, const std::string& input);

// What this machine does not let us keep away from the program; "" if nothing.
std::string gaps_of_box(const std::string& program);

}  // namespace gradus
