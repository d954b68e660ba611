#include <glocal/app/run_folder.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <system_error>

#include <glocal/core/file.h>
#include <glocal/core/npy.h>

namespace glocal::app {
namespace fs = std::filesystem;
namespace {

// The one that makes it a run folder goes last: a removal that is cut short can be done again.
constexpr const char* files_of_a_run[] = {"meta.json",    "metrics.jsonl", "hparams.jsonl",    "timing.jsonl",
                                          "summary.json", "params.npz",    "last.safetensors", "best.safetensors",
                                          "report.html",  "config.json"};

bool holds_run(const fs::path& path) {
  std::error_code none;
  return fs::exists(path / "config.json", none);
}

// Anything but what a process that was killed at its start leaves: a lock that nobody holds, unfinished files.
bool holds_something(const fs::path& path) {
  std::error_code none;
  if (!fs::exists(path, none)) return false;
  return !fs::is_directory(path, none) ||
         std::any_of(fs::directory_iterator(path, none), fs::directory_iterator(),
                     [](const fs::directory_entry& entry) {
                       const std::string name = entry.path().filename().string();
                       return name != FolderLock::file_name && !is_temporary_name(name);
                     });
}

std::string reason() { return std::generic_category().message(errno); }

}  // namespace

JsonLines::JsonLines(const fs::path& path) : path_(path), file_(std::fopen(path.c_str(), "we"), &std::fclose) {
  if (!file_) fail<IoError>("[run] cannot create {}: {}", path.string(), reason());
  std::setvbuf(file_.get(), nullptr, _IONBF, 0);  // nothing of a failed line is left to be written later
}

JsonLines::JsonLines(const fs::path& path, std::int64_t length)
    : path_(path), file_(std::fopen(path.c_str(), "r+e"), &std::fclose), length_(length) {
  if (!file_) fail<IoError>("[run] cannot open {}: {}", path.string(), reason());
  std::setvbuf(file_.get(), nullptr, _IONBF, 0);
  const bool reached = length == 0 || (length > 0 && ::fseeko(file_.get(), length - 1, SEEK_SET) == 0 &&
                                       std::fgetc(file_.get()) == '\n');
  if (!reached) fail<DataError>("[run] {}: expected a line end at byte {}, found none", path.string(), length);
  if (::ftruncate(::fileno(file_.get()), length) != 0 || ::fseeko(file_.get(), length, SEEK_SET) != 0)
    fail<IoError>("[run] cannot cut {} to {} bytes: {}", path.string(), length, reason());
}

void JsonLines::append(const Json& line) {
  const std::string text = line.dump() + "\n";
  if (std::fwrite(text.data(), 1, text.size(), file_.get()) != text.size()) {
    const std::string why = reason();
    std::clearerr(file_.get());
    const bool cut = ::ftruncate(::fileno(file_.get()), length_) == 0 && ::fseeko(file_.get(), length_, SEEK_SET) == 0;
    fail<IoError>("[run] cannot write {}: {}{}", path_.string(), why, cut ? "" : "; its last line is not whole");
  }
  length_ += static_cast<std::int64_t>(text.size());
}

void JsonLines::sync() {
  if (::fsync(::fileno(file_.get())) != 0) fail<IoError>("[run] cannot flush {}: {}", path_.string(), reason());
}

RunFolder RunFolder::plan(const std::string& out, const std::string& name, bool force) {
  if (out.empty()) {
    fs::path path = fs::path("runs") / name;
    for (int i = 2; holds_something(path); ++i) path = fs::path("runs") / fmt::format("{}-{}", name, i);
    return RunFolder(path, false);
  }
  const bool full = holds_something(out);
  // A lock stands for a run that is just beginning: its config.json may be gone and not yet there again.
  const bool run = holds_run(out) || fs::exists(fs::path(out) / FolderLock::file_name);
  if (full && !run) fail<ValueError>("[run] {} exists and is no run folder; give another --out", out);
  if (full && !force) fail<ValueError>("[run] {} holds a run already; give another --out, or --force", out);
  return RunFolder(out, force);
}

RunFolder RunFolder::reopen(const std::string& path) {
  if (!holds_run(path)) fail<ValueError>("[run] {} is no run folder: it holds no config.json", path);
  RunFolder folder(path, false);
  folder.lock_->take(path);
  remove_stale_temporaries(path);
  return folder;
}

void RunFolder::create() const {
  try {
    fs::create_directories(path_);
  } catch (const fs::filesystem_error& error) {
    fail<IoError>("[run] cannot prepare {}: {}", path_.string(), error.code().message());
  }
  lock_->take(path_);
  if (!force_ && holds_run(path_))
    fail<ValueError>("[run] {} holds a run since a moment ago; give another --out, or --force", path_.string());
  remove_stale_temporaries(path_.string());
  try {
    for (const char* file : files_of_a_run) fs::remove(path_ / file);
  } catch (const fs::filesystem_error& error) {
    fail<IoError>("[run] cannot prepare {}: {}", path_.string(), error.code().message());
  }
}

void RunFolder::write(const std::string& file, const Json& json) const {
  write_file_atomically((path_ / file).string(), json.dump(2) + "\n");
}

void RunFolder::write_parameters(const std::map<std::string, Tensor>& parameters) const {
  save_npz((path_ / "params.npz").string(), parameters);
}

}  // namespace glocal::app
