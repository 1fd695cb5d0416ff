#include <gradus/files.h>

#include "../open_file.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <new>

namespace gradus {

namespace {

namespace fs = std::filesystem;

// Where a path that does not begin with / was looked for: a lesson may be started in any folder.
std::string looked_in(const std::string& path) {
  std::error_code error;
  return path.starts_with('/') ? "" : " in " + fs::current_path(error).string();
}

std::string reason() {
  return std::strerror(errno);
}

// A folder cannot be read, a pipe may never end, and a device must not be replaced.
void check_is_file(const std::string& path, const char* what, const Where& where) {
  std::error_code error;
  const fs::file_status status = fs::status(path, error);
  if (fs::exists(status) && !fs::is_regular_file(status))
    fail(what, where, "a file is wanted, ", path, " is a ",
         fs::is_directory(status) ? "folder" : "pipe or a device");
}

// Makes this all that the file holds and waits until the disk has it; false if something failed.
bool write_all(int file, const std::string& contents) {
  if (::ftruncate(file, 0) != 0) return false;
  std::size_t done = 0;
  while (done < contents.size()) {
    const ssize_t count = ::write(file, contents.data() + done, contents.size() - done);
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return false;
    done += static_cast<std::size_t>(count);
  }
  return ::fsync(file) == 0;
}

// Opens a file when no other thread or program writes it; below 0 if that failed. A program that
// is killed leaves its file behind, but no lock, and the next one takes the file over.
int open_alone(const std::string& path) {
  for (;;) {
    const int file = ::open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0666);
    if (file < 0) return file;
    while (::flock(file, LOCK_EX) != 0 && errno == EINTR) continue;
    // Whoever held the lock has renamed or removed the file; then this is another's by now.
    struct stat opened {
    }, named{};
    if (::fstat(file, &opened) == 0 && ::stat(path.c_str(), &named) == 0 &&
        opened.st_ino == named.st_ino)
      return file;
    ::close(file);
  }
}

// The file that a link stands for, through links to links.
fs::path behind_links(fs::path path) {
  std::error_code error;
  for (int links = 0; links < 40 && fs::is_symlink(path, error); ++links)
    path = path.parent_path() / fs::read_symlink(path, error);
  return path;
}

// How many bytes the character that begins at `i` has, 0 if it is none (Unicode 15, table 3-6).
std::size_t utf8_length(const std::string& text, std::size_t i) {
  const auto byte = [&](std::size_t k) { return static_cast<unsigned char>(text[k]); };
  const unsigned lead = byte(i);
  if (lead < 0x80) return 1;
  const std::size_t length = lead < 0xC0 ? 0 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
  if (length == 0 || i + length > text.size()) return 0;
  unsigned code = lead & (0xFFu >> length);
  for (std::size_t k = i + 1; k < i + length; ++k) {
    if ((byte(k) & 0xC0) != 0x80) return 0;
    code = code << 6 | (byte(k) & 0x3F);
  }
  // Of several ways to write a character only the shortest is valid; surrogates are none.
  const unsigned smallest = length == 2 ? 0x80 : length == 3 ? 0x800 : 0x10000;
  const bool surrogate = code >= 0xD800 && code < 0xE000;
  return code < smallest || code > 0x10FFFF || surrogate ? 0 : length;
}

}  // namespace

OpenFile::OpenFile(const std::string& of_path, Where of_where) : path(of_path), where(of_where) {
  check_is_file(path, "read_file", where);
  stream.open(path, std::ios::binary | std::ios::ate);
  const std::string why = stream ? "" : reason();
  if (!stream) fail("read_file", where, "cannot open ", path, looked_in(path), ": ", why);
  left = static_cast<std::uint64_t>(stream.tellg());
  stream.seekg(0);
}

std::string OpenFile::take(std::uint64_t count) {
  if (count > left) fail("read_file", where, path, " is cut short");
  std::string bytes;
  try {
    bytes.resize(count);
  } catch (const std::bad_alloc&) {
    fail("read_file", where, path, " does not fit in memory");
  }
  if (!stream.read(bytes.data(), static_cast<std::streamsize>(count)))
    fail("read_file", where, "cannot read ", path, ": ", reason());
  left -= count;
  return bytes;
}

std::string read_file(const std::string& path, std::uint64_t most, Where where) {
  OpenFile file(path, where);
  if (file.left > most)
    fail("read_file", where, path, " is larger than the ", most, " bytes allowed here");
  return file.take(file.left);
}

std::string without_mark(const std::string& text) {
  return text.substr(text.compare(0, 3, "\xEF\xBB\xBF") == 0 ? 3 : 0);
}

std::vector<std::string> lines_of(const std::string& marked) {
  const std::string text = without_mark(marked);
  std::vector<std::string> lines;
  for (std::size_t begin = 0; begin < text.size();) {
    const std::size_t end = std::min(text.find_first_of("\r\n", begin), text.size());
    lines.push_back(text.substr(begin, end - begin));
    begin = end + (text.compare(end, 2, "\r\n") == 0 ? 2 : 1);
  }
  return lines;
}

void write_file(const std::string& path, const std::string& contents, Where where) {
  check_is_file(path, "write_file", where);
  const fs::path target = behind_links(path);
  if (target.has_parent_path()) make_folder(target.parent_path().string(), where);
  const std::string temporary = target.string() + ".writing";
  const int file = open_alone(temporary);
  if (file < 0) fail("write_file", where, "cannot create ", temporary, ": ", reason());
  std::error_code error;
  const fs::file_status before = fs::status(target, error);
  if (fs::exists(before)) fs::permissions(temporary, before.permissions(), error);
  const bool written =
      write_all(file, contents) && std::rename(temporary.c_str(), target.c_str()) == 0;
  const std::string why = reason();
  if (!written) ::unlink(temporary.c_str());
  ::close(file);
  if (!written) fail("write_file", where, "cannot write ", path, ": ", why);
}

void make_folder(const std::string& path, Where where) {
  std::error_code error, unknown;
  fs::create_directories(path, error);
  if (fs::exists(path, unknown) && !fs::is_directory(path, unknown))
    error = std::make_error_code(std::errc::not_a_directory);  // libc++ says that it exists
  if (error) fail("make_folder", where, "cannot make the folder ", path, ": ", error.message());
}

bool file_exists(const std::string& path) {
  std::error_code error;
  return fs::exists(path, error);
}

void check_utf8(const std::string& text, const std::string& name, Where where) {
  for (std::size_t i = 0; i < text.size();) {
    const std::size_t length = utf8_length(text, i);
    if (length == 0) fail("check_utf8", where, name, " is not UTF-8 text: byte ", i);
    i += length;
  }
}

}  // namespace gradus
