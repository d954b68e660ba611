#include <glocal/app/command/fetch.h>

#include <spawn.h>
#include <stdlib.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

#include <glocal/core/error.h>
#include <glocal/core/io/file.h>
#include <glocal/datasets/readers/embedded.h>
#include <glocal/datasets/registry.h>

extern char** environ;

namespace fs = std::filesystem;

namespace glocal::app {
namespace {

// Runs a program with its output on stderr; returns its exit code, or -1 after a signal.
int run(std::vector<std::string> arguments) {
  std::vector<char*> argv;
  for (std::string& argument : arguments) argv.push_back(argument.data());
  argv.push_back(nullptr);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, STDERR_FILENO, STDOUT_FILENO);
  pid_t child = 0;
  const int error = posix_spawnp(&child, argv[0], &actions, nullptr, argv.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  if (error != 0)
    fail<IoError>("[fetch] cannot run {}: {}; install it with: apt-get install cmake", argv[0], std::strerror(error));
  int status = 0;
  while (waitpid(child, &status, 0) < 0 && errno == EINTR) continue;
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

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
  if (const int code = run(arguments); code != 0)
    fail<IoError>(
        "[fetch] {} could not be fetched (cmake ended with {}); the reasons are above. Give --mirror URL, or "
        "copy the files to {}",
        set.title, code, (destination / set.folders.front()).string());
  return destination / set.folders.front();
}

}  // namespace glocal::app
