#include <gradus/files.h>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <system_error>

namespace gradus {

namespace {

std::string reason() {
  return std::strerror(errno);
}

// Writes everything and makes sure that it has reached the disk; false if something failed.
bool write_all(int file, const std::string& contents) {
  std::size_t done = 0;
  while (done < contents.size()) {
    const ssize_t count = ::write(file, contents.data() + done, contents.size() - done);
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return false;
    done += static_cast<std::size_t>(count);
  }
  return ::fsync(file) == 0;
}

}  // namespace

std::string read_file(const std::string& path, std::size_t most, Where where) {
  std::error_code error;
  if (std::filesystem::is_directory(path, error))
    fail("read_file", where, "a file is wanted, " + path + " is a folder");
  std::ifstream file(path, std::ios::binary);
  if (!file) fail("read_file", where, "cannot open " + path + ": " + reason());
  std::string contents;
  char piece[65536];
  while (file.read(piece, sizeof piece) || file.gcount() > 0) {
    contents.append(piece, static_cast<std::size_t>(file.gcount()));
    if (contents.size() > most)
      fail("read_file", where,
           path + " is larger than the " + std::to_string(most) + " bytes allowed here");
  }
  if (file.bad()) fail("read_file", where, "cannot read " + path + ": " + reason());
  return contents;
}

void write_file(const std::string& path, const std::string& contents, Where where) {
  // The process number keeps two programs that write the same file apart.
  const std::string temporary = path + ".part" + std::to_string(::getpid());
  const int file = ::open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0644);
  if (file < 0) fail("write_file", where, "cannot create " + temporary + ": " + reason());
  const bool written = write_all(file, contents);
  const std::string why = written ? "" : reason();
  ::close(file);
  if (!written) {
    ::unlink(temporary.c_str());
    fail("write_file", where, "cannot write " + path + ": " + why);
  }
  if (std::rename(temporary.c_str(), path.c_str()) != 0) {
    const std::string rename_failed = reason();
    ::unlink(temporary.c_str());
    fail("write_file", where, "cannot rename " + temporary + " to " + path + ": " + rename_failed);
  }
}

void make_folder(const std::string& path, Where where) {
  std::error_code error;
  std::filesystem::create_directories(path, error);
  if (error || !std::filesystem::is_directory(path, error))
    fail("make_folder", where, "cannot make the folder " + path + ": " + error.message());
}

bool file_exists(const std::string& path) {
  std::error_code error;
  return std::filesystem::exists(path, error);
}

namespace {

// How many bytes the character that begins at `i` has, 0 if it is none (Unicode 15, table 3-7).
std::size_t utf8_length(const std::string& text, std::size_t i) {
  const auto byte = [&](std::size_t k) {
    return k < text.size() ? static_cast<unsigned char>(text[k]) : 0u;
  };
  const auto follows = [&](std::size_t k) { return (byte(k) & 0xC0) == 0x80; };
  const unsigned lead = byte(i);
  const unsigned next = byte(i + 1);
  if (lead < 0x80) return 1;
  if (lead >= 0xC2 && lead <= 0xDF) return follows(i + 1) ? 2 : 0;
  if (lead >= 0xE0 && lead <= 0xEF) {
    const bool overlong = lead == 0xE0 && next < 0xA0;
    const bool surrogate = lead == 0xED && next > 0x9F;
    return follows(i + 1) && follows(i + 2) && !overlong && !surrogate ? 3 : 0;
  }
  if (lead >= 0xF0 && lead <= 0xF4) {
    const bool outside = (lead == 0xF0 && next < 0x90) || (lead == 0xF4 && next > 0x8F);
    return follows(i + 1) && follows(i + 2) && follows(i + 3) && !outside ? 4 : 0;
  }
  return 0;
}

}  // namespace

void check_utf8(const std::string& text, const std::string& name, Where where) {
  for (std::size_t i = 0; i < text.size();) {
    const std::size_t length = utf8_length(text, i);
    if (length == 0)
      fail("check_utf8", where, name + " is not UTF-8 text: byte " + std::to_string(i));
    i += length;
  }
}

}  // namespace gradus
