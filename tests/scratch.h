// A folder of a test's own, that goes away with it.
#pragma once
#include <doctest/doctest.h>
#include <stdlib.h>  // NOLINT(modernize-deprecated-headers): mkdtemp is POSIX's

#include <filesystem>
#include <string>

#include <glocal/core/io/file.h>

/// Never one that exists: a process that was killed leaves its folder, and numbers of processes come again.
class Scratch {
 public:
  Scratch() {
    std::string name = (std::filesystem::temp_directory_path() / "glocal-test-XXXXXX").string();
    REQUIRE(mkdtemp(name.data()) != nullptr);
    path = name;
  }
  ~Scratch() {
    std::error_code ignored;  // a program that is being stopped may still write there
    std::filesystem::remove_all(path, ignored);
  }
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;

  std::string operator/(const std::string& name) const { return (path / name).string(); }
  /// Writes a file, in folders that are made for it; its path.
  std::string write(const std::string& name, const std::string& bytes) const {
    std::filesystem::create_directories((path / name).parent_path());
    glocal::write_file_atomically(*this / name, bytes);
    return *this / name;
  }

  std::filesystem::path path;
};
