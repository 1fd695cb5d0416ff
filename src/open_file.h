// Reading a file piece by piece. (Not a public header: <fstream> would make each program that
// includes gradus.h take a fifth longer to compile.)
#pragma once

#include <gradus/error.h>

#include <cstdint>
#include <fstream>

namespace gradus {

// A file opened at its beginning, and how many bytes it has. Errors: it cannot be opened, or is no
// file but a folder, a pipe or a device.
struct OpenFile {
  explicit OpenFile(const std::string& path, Where where = here());
  std::string take(std::uint64_t count);  // the next bytes. Errors: there are fewer
  std::uint64_t left = 0;                 // bytes not yet taken
  std::string path;
  Where where;
  std::ifstream stream;
};

}  // namespace gradus
