// The folder a run writes: JSON files whole and atomically, .jsonl files line by line while the run goes on.
#pragma once
#include <cstdio>
#include <filesystem>
#include <map>
#include <memory>
#include <string>

#include <glocal/app/options.h>
#include <glocal/core/tensor.h>

namespace glocal::app {

/// A .jsonl file that grows by whole lines; what is written survives a crash of the process.
class JsonLines {
 public:
  explicit JsonLines(const std::filesystem::path& path);  ///< empties the file; throws IoError
  void append(const Json& line);                          ///< throws IoError

 private:
  std::filesystem::path path_;
  std::unique_ptr<std::FILE, int (*)(std::FILE*)> file_;
};

class RunFolder {
 public:
  /// Chooses the path and refuses what must not be overwritten, without writing anything. An empty `out` takes
  /// runs/`name`, numbered when it exists. Throws ValueError when `out` holds a run and force is false, or anything
  /// that is not a run.
  static RunFolder plan(const std::string& out, const std::string& name, bool force);
  /// The run folder `name` inside this one.
  RunFolder inside(const std::string& name) const { return RunFolder(path_ / name); }

  /// Makes the folder and removes the files of an earlier run in it. Throws IoError.
  void create() const;
  const std::filesystem::path& path() const { return path_; }

  void write(const std::string& file, const Json& json) const;
  void write_parameters(const std::map<std::string, Tensor>& parameters) const;  ///< params.npz
  JsonLines lines(const std::string& file) const { return JsonLines(path_ / file); }

 private:
  explicit RunFolder(std::filesystem::path path) : path_(std::move(path)) {}
  std::filesystem::path path_;
};

}  // namespace glocal::app
