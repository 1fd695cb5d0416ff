// A folder for the files of one test, deleted at its end.
#pragma once

#include <gradus/error.h>

#include <stdlib.h>

#include <filesystem>
#include <fstream>
#include <string>

struct Folder {
  Folder() {
    path = (std::filesystem::temp_directory_path() / "gradus-XXXXXX").string();
    if (!mkdtemp(path.data())) throw gradus::Error("cannot make " + path);
  }
  ~Folder() { std::filesystem::remove_all(path); }

  // Makes a file of this folder and says where it is.
  std::string file(const std::string& name, const std::string& contents) const {
    std::ofstream(path + "/" + name, std::ios::binary) << contents;  // quicker than write_file()
    return path + "/" + name;
  }
  std::size_t count() const {
    std::size_t files = 0;
    for ([[maybe_unused]] const auto& file : std::filesystem::directory_iterator(path)) ++files;
    return files;
  }

  std::string path;
};
