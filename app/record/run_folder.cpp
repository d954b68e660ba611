#include <glocal/app/record/run_folder.h>

#include <fcntl.h>
#include <fmt/core.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include <glocal/app/record/lock.h>
#include <glocal/app/record/numbers.h>
#include <glocal/app/settings/json_text.h>
#include <glocal/core/error.h>
#include <glocal/core/io/file.h>
#include <glocal/core/io/npy.h>
#include <glocal/core/tensor.h>

namespace glocal::app {
namespace fs = std::filesystem;
namespace {

// The one that makes it a run folder goes last: a removal that is cut short can be done again.
constexpr const char* files_of_a_run[] = {"meta.json",        "metrics.jsonl",     "hparams.jsonl", "timing.jsonl",
                                          "summary.json",     "params.npz",        "progress.json", "last.safetensors",
                                          "best.safetensors", "model.safetensors", "labels.json",   "report.html",
                                          "rehearsal.json",   "config.json"};

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

namespace {

// No link is followed: what it points to belongs to somebody else.
std::FILE* open_lines(const fs::path& path, int flags, const char* mode) {
  const int descriptor = ::open(path.c_str(), flags | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK, 0666);
  if (descriptor < 0 && errno == ELOOP)
    fail<IoError>("[run] {} is a symbolic link, which is not followed; put the file itself there", path.string());
  struct stat status {};
  const bool regular = descriptor >= 0 && ::fstat(descriptor, &status) == 0 && S_ISREG(status.st_mode);
  if (descriptor >= 0 && (!regular || status.st_nlink > 1)) {
    ::close(descriptor);
    fail<IoError>("[run] {} is no file of its own but {}", path.string(),
                  regular ? "a link to another one" : "something else");
  }
  std::FILE* file = descriptor < 0 ? nullptr : ::fdopen(descriptor, mode);
  if (!file) fail<IoError>("[run] cannot open {}: {}", path.string(), reason());
  std::setvbuf(file, nullptr, _IONBF, 0);  // nothing of a failed line is left to be written later
  return file;
}

std::FILE* new_lines(const fs::path& path) {
  if (::unlink(path.c_str()) != 0 && errno != ENOENT)
    fail<IoError>("[run] cannot replace {}: {}", path.string(), reason());
  return open_lines(path, O_WRONLY | O_CREAT | O_EXCL, "w");
}

}  // namespace

std::string folder_word(const std::string& text) {
  const std::size_t colon = text.find(':');
  if (colon == std::string::npos) return text;
  fs::path path = fs::path(text.substr(colon + 1)).lexically_normal();
  if (!path.has_filename()) path = path.parent_path();
  std::string word = text.substr(0, colon) + "-" + path.stem().string().substr(0, 40);
  for (char& c : word)
    if (std::isalnum(static_cast<unsigned char>(c)) == 0 && c != '_') c = '-';
  return word;
}

JsonLines::JsonLines(const fs::path& path) : path_(path), file_(new_lines(path), &std::fclose) {}

JsonLines::JsonLines(const fs::path& path, std::int64_t length)
    : path_(path), file_(open_lines(path, O_RDWR, "r+"), &std::fclose), length_(length) {
  const bool reached = length == 0 || (length > 0 && ::fseeko(file_.get(), length - 1, SEEK_SET) == 0 &&
                                       std::fgetc(file_.get()) == '\n');
  if (!reached) fail<DataError>("[run] {}: expected a line end at byte {}, found none", path.string(), length);
  if (::ftruncate(::fileno(file_.get()), length) != 0 || ::fseeko(file_.get(), length, SEEK_SET) != 0)
    fail<IoError>("[run] cannot cut {} to {} bytes: {}", path.string(), length, reason());
}

void JsonLines::append(const Json& line) {
  const std::string text = json_dump(line) + "\n";
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

RunFolder RunFolder::at(fs::path path, bool force, bool numbered, bool within) {
  const auto place = std::make_shared<Place>();
  place->path = std::move(path);
  place->force = force;
  place->numbered = numbered;
  place->within = within;
  return RunFolder(place);
}

RunFolder RunFolder::inside(const std::string& name) const {
  return at(path() / name, place_->force, /*numbered=*/false, /*within=*/true);
}

RunFolder RunFolder::plan(const std::string& out, const std::string& name, bool force) {
  if (out.empty()) return at(fs::path("runs") / name, false, /*numbered=*/true);
  const bool full = holds_something(out);
  // A lock stands for a run that is just beginning: its config.json may be gone and not yet there again.
  const bool run = holds_run(out) || fs::exists(fs::path(out) / FolderLock::file_name);
  if (full && !run) fail<ValueError>("[run] {} exists and is no run folder; give another --out", out);
  if (full && !force) fail<ValueError>("[run] {} holds a run already; give another --out, or --force", out);
  return at(out, force);
}

RunFolder RunFolder::reopen(const std::string& path) {
  if (!holds_run(path)) fail<ValueError>("[run] {} is no run folder: it holds no config.json", path);
  const RunFolder folder = at(path, false);
  folder.place_->lock.take(path);
  remove_stale_temporaries(path);
  return folder;
}

// runs/NAME, runs/NAME-2, ...: making a folder is atomic, so of runs that begin at once each gets one of its own.
void RunFolder::take_number() const {
  const fs::path first = place_->path;
  fs::create_directories(first.parent_path());
  for (int i = 1;; ++i) {
    place_->path = i == 1 ? first : fs::path(fmt::format("{}-{}", first.string(), i));
    if (::mkdir(place_->path.c_str(), 0777) != 0 && errno != EEXIST)
      fail<IoError>("[run] cannot prepare {}: {}", place_->path.string(), reason());
    // It may be what a process left that was killed at its start, or that of one which is just beginning.
    if (holds_something(place_->path) || !place_->lock.take_or_holder(place_->path).empty()) continue;
    if (!holds_something(place_->path)) return;
    place_->lock.release();
  }
}

void RunFolder::create() const {
  const fs::path& folder = place_->path;
  try {
    if (place_->within && fs::is_symlink(folder))
      fail<IoError>("[run] {} is a symbolic link, which is not followed; remove it", folder.string());
    if (place_->numbered)
      take_number();
    else
      fs::create_directories(folder);
    place_->lock.take(folder);
    if (!place_->force && holds_run(folder))
      fail<ValueError>("[run] {} holds a run since a moment ago; give another --out, or --force", folder.string());
    remove_stale_temporaries(folder.string());
    remove_numbers(0);
    for (const char* file : files_of_a_run) fs::remove(folder / file);
  } catch (const fs::filesystem_error& error) {
    fail<IoError>("[run] cannot prepare {}: {}", folder.string(), error.code().message());
  }
}

void RunFolder::write(const std::string& file, const Json& json) const {
  write_file_atomically((path() / file).string(), json_dump(json, 2) + "\n");
}

void RunFolder::remove_numbers(std::int64_t first) const {
  std::error_code error;
  std::vector<fs::path> found;
  for (const fs::directory_entry& entry : fs::directory_iterator(path(), error))
    if (record_of(entry.path().filename().string()).value_or(-1) >= first) found.push_back(entry.path());
  for (const fs::path& file : found)
    if (!error) fs::remove(file, error);
  if (error) fail<IoError>("[run] cannot prepare {}: {}", path().string(), error.message());
}

void RunFolder::write_parameters(const std::map<std::string, Tensor>& parameters) const {
  save_npz((path() / "params.npz").string(), parameters);
}

}  // namespace glocal::app
