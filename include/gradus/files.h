// Reading and writing whole files, with errors that say which file and why.
#pragma once

#include <gradus/error.h>

#include <cstddef>
#include <string>

namespace gradus {

// The contents of a file. Errors: it cannot be read, or it is larger than `most` bytes.
std::string read_file(const std::string& path, std::size_t most, Where where = here());

// Writes to a temporary name beside the path and renames it at the end, so that the path holds
// either what it held before or all of the new contents. Errors: anything that goes wrong (a full
// disk, a folder that may not be written to); the temporary file is removed.
void write_file(const std::string& path, const std::string& contents, Where where = here());

// Makes a folder and those above it; does nothing if it is there. Errors: it cannot be made.
void make_folder(const std::string& path, Where where = here());

bool file_exists(const std::string& path);

// Errors: the text is not UTF-8; says at which byte. `name` is what the text is called there.
void check_utf8(const std::string& text, const std::string& name, Where where = here());

}  // namespace gradus
