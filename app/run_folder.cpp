#include <glocal/app/run_folder.h>

#include <cerrno>
#include <system_error>

#include <glocal/core/file.h>
#include <glocal/core/npy.h>

namespace glocal::app {
namespace fs = std::filesystem;
namespace {

constexpr const char* files_of_a_run[] = {"config.json",  "meta.json",    "metrics.jsonl", "hparams.jsonl",
                                          "timing.jsonl", "summary.json", "params.npz",    "report.html"};

bool holds_something(const fs::path& path) {
  std::error_code none;
  return fs::exists(path, none) && (!fs::is_directory(path, none) || !fs::is_empty(path, none));
}

std::string reason() { return std::generic_category().message(errno); }

}  // namespace

JsonLines::JsonLines(const fs::path& path) : path_(path), file_(std::fopen(path.c_str(), "we"), &std::fclose) {
  if (!file_) fail<IoError>("[run] cannot create {}: {}", path.string(), reason());
}

void JsonLines::append(const Json& line) {
  const std::string text = line.dump() + "\n";
  if (std::fwrite(text.data(), 1, text.size(), file_.get()) != text.size() || std::fflush(file_.get()) != 0)
    fail<IoError>("[run] cannot write {}: {}", path_.string(), reason());
}

RunFolder RunFolder::plan(const std::string& out, const std::string& name, bool force) {
  if (out.empty()) {
    fs::path path = fs::path("runs") / name;
    for (int i = 2; holds_something(path); ++i) path = fs::path("runs") / fmt::format("{}-{}", name, i);
    return RunFolder(path);
  }
  const bool full = holds_something(out);
  if (full && !fs::exists(fs::path(out) / "config.json"))
    fail<ValueError>("[run] {} exists and is no run folder; give another --out", out);
  if (full && !force) fail<ValueError>("[run] {} holds a run already; give another --out, or --force", out);
  return RunFolder(out);
}

void RunFolder::create() const {
  try {
    fs::create_directories(path_);
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
