#include <glocal/core/io/process.h>

#include <fcntl.h>
#include <fmt/core.h>
#include <poll.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cmath>
#include <csignal>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include <glocal/core/error.h>
#include <glocal/core/stopwatch.h>

extern char** environ;

namespace glocal {
namespace {

std::string reason(int number) { return std::generic_category().message(number); }

class Descriptor {
 public:
  explicit Descriptor(int number) : number_(number) {}
  ~Descriptor() { close(); }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int number() const { return number_; }
  void close() {
    if (number_ >= 0) ::close(std::exchange(number_, -1));
  }

 private:
  int number_;
};

// What the program reads: a file without a name, at which nobody waits for anybody.
struct Input : Descriptor {
  explicit Input(std::string_view text) : Descriptor(::memfd_create("input", MFD_CLOEXEC)) {
    bool well = number() >= 0;
    while (well && !text.empty()) {
      const ssize_t count = ::write(number(), text.data(), text.size());
      well = count >= 0 || errno == EINTR;
      text.remove_prefix(static_cast<std::size_t>(std::max<ssize_t>(count, 0)));
    }
    if (!well || ::lseek(number(), 0, SEEK_SET) != 0)
      fail<IoError>("[process] cannot keep what a program shall read: {}", reason(errno));
  }
};

// What the program writes: a pipe, and what came through it.
class Output {
 public:
  Output() : Output(ends()) {}
  int writer() const { return writer_.number(); }
  void started() { writer_.close(); }
  /// What to wait for; nothing more will come when its number is negative.
  pollfd ready() const { return {reader_.number(), POLLIN, 0}; }
  /// Whether something came. Keeps the first `most` bytes.
  bool take(std::int64_t most) {
    char part[1 << 14];
    const ssize_t count = ::read(reader_.number(), part, sizeof part);
    if (count == 0 || (count < 0 && errno != EINTR)) reader_.close();
    const std::int64_t room = most - static_cast<std::int64_t>(text.size());
    if (count > 0 && room > 0) text.append(part, static_cast<std::size_t>(std::min<std::int64_t>(room, count)));
    return count > 0;
  }
  std::string text;

 private:
  static std::array<int, 2> ends() {
    std::array<int, 2> both;
    if (::pipe2(both.data(), O_CLOEXEC) != 0) fail<IoError>("[process] cannot make a pipe: {}", reason(errno));
    return both;
  }
  explicit Output(std::array<int, 2> both) : reader_(both[0]), writer_(both[1]) {}
  Descriptor reader_, writer_;
};

pid_t spawn(std::vector<std::string>& arguments, const ProcessOptions& options, int input, int output, int errors) {
  std::vector<char*> words;
  for (std::string& argument : arguments) words.push_back(argument.data());
  words.push_back(nullptr);
  posix_spawn_file_actions_t actions;
  posix_spawnattr_t attributes;
  ::posix_spawn_file_actions_init(&actions);
  ::posix_spawnattr_init(&attributes);
  ::posix_spawn_file_actions_adddup2(&actions, input, STDIN_FILENO);
  ::posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO);
  ::posix_spawn_file_actions_adddup2(&actions, errors, STDERR_FILENO);
  if (options.limits) ::posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP);
  pid_t child = 0;
  const int problem = ::posix_spawnp(&child, words[0], &actions, &attributes, words.data(), environ);
  ::posix_spawnattr_destroy(&attributes);
  ::posix_spawn_file_actions_destroy(&actions);
  if (problem != 0)
    fail<IoError>("[process] cannot start {}: {}{}{}", arguments[0], reason(problem),
                  options.if_missing.empty() ? "" : "; ", options.if_missing);
  return child;
}

void limit(pid_t process, decltype(RLIMIT_CPU) what, rlim_t value) {
  const rlimit both{value, value};
  ::prlimit(process, what, &both, nullptr);
}

// The program may have begun: no limit looks back, and each holds from here on.
void limit(pid_t process, const ProcessLimits& limits) {
  limit(process, RLIMIT_CPU, static_cast<rlim_t>(std::ceil(2 * limits.seconds)) + 1);
  limit(process, RLIMIT_CORE, 0);
  limit(process, RLIMIT_FSIZE, rlim_t{1} << 30);
  if (limits.bytes > 0) limit(process, RLIMIT_AS, static_cast<rlim_t>(limits.bytes));
}

}  // namespace

std::string Finished::ending() const {
  if (how == How::timed_out) return fmt::format("stopped after {:.3g} s", seconds);
  return how == How::exited ? fmt::format("exit code {}", code)
                            : fmt::format("signal {} ({})", code, ::strsignal(code));
}

Finished run_process(std::vector<std::string> arguments, const ProcessOptions& options) {
  using Mode = ProcessOptions::Output;
  const Input input(options.input);
  Output output, errors;
  const bool shown = options.output == Mode::to_stderr;
  const Stopwatch clock;
  const pid_t child = spawn(arguments, options, input.number(), shown ? STDERR_FILENO : output.writer(),
                            shown                           ? STDERR_FILENO
                            : options.output == Mode::apart ? errors.writer()
                                                            : output.writer());
  if (options.limits) limit(child, *options.limits);
  output.started(), errors.started();

  Finished finished;
  const std::int64_t most = options.limits ? options.limits->output : std::numeric_limits<std::int64_t>::max();
  int status = 0;
  for (bool ended = false, more = true; !ended || more;) {
    std::array<pollfd, 2> ready{output.ready(), errors.ready()};
    const bool open = ready[0].fd >= 0 || ready[1].fd >= 0;
    // Its end is looked for before its words: what it said last is still in the pipe then.
    if (!ended) {
      const pid_t gone = ::waitpid(child, &status, open || options.limits ? WNOHANG : 0);
      ended = gone == child || (gone < 0 && errno == ECHILD);  // SIGCHLD is ignored: how it ended is nobody's to know
    }
    if (options.limits && (ended || clock.seconds() > options.limits->seconds)) {
      if (!ended) finished.how = Finished::How::timed_out;
      ::kill(-child, SIGKILL);  // and what it started
    }
    if (open || !ended) ::poll(ready.data(), ready.size(), ended ? 0 : open ? 20 : 1);
    more = ready[0].revents != 0 && output.take(most);
    more = (ready[1].revents != 0 && errors.take(most)) || more;
  }
  finished.seconds = clock.seconds();
  finished.output = std::move(output.text), finished.errors = std::move(errors.text);
  if (finished.how == Finished::How::timed_out) return finished;
  finished.how = WIFSIGNALED(status) ? Finished::How::signalled : Finished::How::exited;
  finished.code = WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status);
  if (options.limits && finished.how == Finished::How::signalled && finished.code == SIGXCPU)
    finished.how = Finished::How::timed_out;
  return finished;
}

}  // namespace glocal
