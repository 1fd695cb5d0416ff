// Reading and writing whole files, with errors that say which file and why.
#pragma once

#include <gradus/error.h>

#include <cstdint>
#include <vector>

namespace gradus {

// The contents of a file. Errors: it cannot be read, or it is larger than `most` bytes.
std::string read_file(const std::string& path, std::uint64_t most, Where where = here());

// Some programs begin a text with a byte order mark, which would stick to the first word.
std::string without_mark(const std::string& text);
// The lines of a text without such a mark; a line ends with LF, CR LF or CR.
std::vector<std::string> lines_of(const std::string& text);

// Writes to a temporary name beside the path, PATH.writing, and renames it at the end, so that the
// path holds either what it held before or all of the new contents, also when two threads or
// programs write it at once. Folders that are missing are made; a link is followed; a file that was
// there keeps its permissions. Errors: anything that goes wrong (a full disk, a folder that may not
// be written to, a path that is no file), after the temporary file is removed.
void write_file(const std::string& path, const std::string& contents, Where where = here());

// Makes a folder and those above it; does nothing if it is there. Errors: it cannot be made.
void make_folder(const std::string& path, Where where = here());

bool file_exists(const std::string& path);

// Errors: the text is not UTF-8; says at which byte. `name` is what the text is called there.
void check_utf8(const std::string& text, const std::string& name, Where where = here());

}  // namespace gradus
