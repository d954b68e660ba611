#include <glocal/app/report/gnuplot.h>

#include <spawn.h>
#include <stdio.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <string_view>
#include <system_error>

#include <glocal/core/error.h>

extern char** environ;

namespace glocal::app {
namespace {

// Plain files instead of pipes: three streams at once cannot block each other.
struct Stream {
  std::unique_ptr<std::FILE, int (*)(std::FILE*)> file{std::tmpfile(), &std::fclose};
  Stream() {
    if (!file) fail<IoError>("[plot] cannot make a temporary file: {}", std::generic_category().message(errno));
  }
  int number() const { return ::fileno(file.get()); }
  void write(std::string_view text) {
    const auto done = std::fwrite(text.data(), 1, text.size(), file.get());
    if (done != text.size() || std::fflush(file.get()) != 0)
      fail<IoError>("[plot] cannot write a temporary file: {}", std::generic_category().message(errno));
    std::rewind(file.get());
  }
  std::string read() {
    std::string text;
    char part[1 << 14];
    std::rewind(file.get());
    while (const auto count = std::fread(part, 1, sizeof part, file.get())) text.append(part, count);
    return text;
  }
};

}  // namespace

bool gnuplot_found() {
  const char* path = std::getenv("PATH");
  std::string_view folders = path ? path : "";
  while (!folders.empty()) {
    const auto colon = folders.find(':');
    const std::string program = std::string(folders.substr(0, colon)) + "/gnuplot";
    if (::access(program.c_str(), X_OK) == 0) return true;
    folders = colon == std::string_view::npos ? "" : folders.substr(colon + 1);
  }
  return false;
}

std::string run_gnuplot(const std::string& script) {
  Stream in, out, err;
  in.write(script);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, in.number(), 0);
  posix_spawn_file_actions_adddup2(&actions, out.number(), 1);
  posix_spawn_file_actions_adddup2(&actions, err.number(), 2);
  std::string program = "gnuplot", no_settings = "-d";
  char* const arguments[] = {program.data(), no_settings.data(), nullptr};
  pid_t child = 0;
  const int problem = ::posix_spawnp(&child, "gnuplot", &actions, nullptr, arguments, environ);
  posix_spawn_file_actions_destroy(&actions);
  if (problem != 0)
    fail<IoError>("[plot] cannot start gnuplot: {}; install it with: apt-get install gnuplot-nox",
                  std::generic_category().message(problem));
  int status = 0;
  while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  if (status != 0) fail<IoError>("[plot] gnuplot failed (status {}): {}", status, err.read());
  return out.read();
}

}  // namespace glocal::app
