#include <glocal/app/command/fetch.h>

#include <stdlib.h>

#include <filesystem>
#include <string>
#include <system_error>
#include <vector>

#include <glocal/core/error.h>
#include <glocal/core/io/file.h>
#include <glocal/core/io/process.h>
#include <glocal/datasets/readers/embedded.h>
#include <glocal/datasets/registry.h>

namespace fs = std::filesystem;

namespace glocal::app {
namespace {

// The embedded script as a file, for as long as CMake reads it.
class Script {
 public:
  Script() {
    std::string name = (fs::temp_directory_path() / "glocal-fetch-XXXXXX").string();
    if (mkdtemp(name.data()) == nullptr)
      fail<IoError>("[fetch] cannot make a folder in {}", fs::temp_directory_path().string());
    folder_ = name;
    const auto bytes = embedded::fetch_script;
    write_file_atomically(path(), {reinterpret_cast<const char*>(bytes.data()), bytes.size()});
  }
  ~Script() {
    std::error_code ignored;
    fs::remove_all(folder_, ignored);
  }
  Script(const Script&) = delete;
  Script& operator=(const Script&) = delete;
  std::string path() const { return (folder_ / "fetch.cmake").string(); }

 private:
  fs::path folder_;
};

}  // namespace

fs::path fetch(const datasets::SetInfo& set, const fs::path& destination, const std::string& mirror) {
  if (set.archives.empty())
    fail<ValueError>("[fetch] {} needs no download: use it with --dataset {}", set.title, set.name);
  const Script script;
  std::vector<std::string> arguments = {"cmake", "-DDATASET=" + set.name, "-DDESTINATION=" + destination.string()};
  if (!mirror.empty()) arguments.push_back("-DMIRROR=" + mirror);
  arguments.insert(arguments.end(), {"-P", script.path()});
  const Finished ran = run_process(
      arguments, {.output = ProcessOptions::Output::to_stderr, .if_missing = "install it with: apt-get install cmake"});
  if (!ran.well())
    fail<IoError>(
        "[fetch] {} could not be fetched (cmake: {}); the reasons are above. Give --mirror URL, or "
        "copy the files to {}",
        set.title, ran.ending(), (destination / set.folders.front()).string());
  return destination / set.folders.front();
}

}  // namespace glocal::app
