// The folder a run writes: JSON files whole and atomically, .jsonl files line by line while the run goes on.
#pragma once
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <utility>

#include <glocal/app/record/lock.h>
#include <glocal/app/settings/options.h>
#include <glocal/core/tensor.h>

namespace glocal::app {

/// A .jsonl file that grows by whole lines; what is written survives a crash of the process. No link is followed.
class JsonLines {
 public:
  explicit JsonLines(const std::filesystem::path& path);  ///< a new file in place of what is there; throws IoError
  /// Goes on after the first `length` bytes and forgets the rest. Throws DataError when the file has no line end there,
  /// IoError when it cannot be opened or cut, or is a link.
  JsonLines(const std::filesystem::path& path, std::int64_t length);

  void append(const Json& line);  ///< throws IoError, leaving the lines before it
  void sync();                    ///< what was appended survives a crash of the machine; throws IoError
  std::int64_t length() const { return length_; }  ///< bytes, always at a line end

 private:
  std::filesystem::path path_;
  std::unique_ptr<std::FILE, int (*)(std::FILE*)> file_;
  std::int64_t length_ = 0;
};

/// A text as part of a folder's name: "npz:data/a b.npz" as "npz-a-b", a short one without what shells and paths take
/// apart.
std::string folder_word(const std::string& text);

/// Copies share the folder and its lock, which is held from create() or reopen() until the last of them is gone.
class RunFolder {
 public:
  /// Chooses the path and refuses what must not be overwritten, without writing anything. An empty `out` takes
  /// runs/`name`, and create() the first number that is free then. Throws ValueError when `out` holds a run and force
  /// is false, or anything that is not a run.
  static RunFolder plan(const std::string& out, const std::string& name, bool force);
  /// The folder of a run that is to go on: nothing of it is removed but temporary files of a killed process. Throws
  /// ValueError when it holds no run or another process runs in it, IoError.
  static RunFolder reopen(const std::string& path);
  /// The run folder `name` inside this one.
  RunFolder inside(const std::string& name) const;

  /// Makes the folder and removes the files of an earlier run in it. Throws ValueError when another process runs in it,
  /// or has done so since plan() and force is false; IoError.
  void create() const;
  const std::filesystem::path& path() const { return place_->path; }  ///< of a numbered one only after create()

  void write(const std::string& file, const Json& json) const;
  /// Removes the .npz files of lines `first`, first + 1, ... of hparams.jsonl. Throws IoError.
  void remove_numbers(std::int64_t first) const;
  void write_parameters(const std::map<std::string, Tensor>& parameters) const;  ///< params.npz
  JsonLines lines(const std::string& file) const { return JsonLines(path() / file); }
  JsonLines lines(const std::string& file, std::int64_t length) const { return JsonLines(path() / file, length); }

 private:
  struct Place {
    std::filesystem::path path;
    bool force = false;
    bool numbered = false;  // path is only the first to try
    bool within = false;    // another run folder, which it must not lead out of
    FolderLock lock;
  };
  explicit RunFolder(std::shared_ptr<Place> place) : place_(std::move(place)) {}
  static RunFolder at(std::filesystem::path path, bool force, bool numbered = false, bool within = false);
  void take_number() const;
  std::shared_ptr<Place> place_;
};

}  // namespace glocal::app
