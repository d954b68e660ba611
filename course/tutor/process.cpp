#include <glocal/course/tutor/process.h>

#include <fcntl.h>
#include <poll.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cmath>
#include <csignal>
#include <system_error>

#include <glocal/core/error.h>

namespace glocal::tutor {
namespace {

void limit(int what, rlim_t value) {
  const rlimit both{value, value};
  setrlimit(what, &both);
}

// In the child, between fork and exec: system calls only.
[[noreturn]] void become(char* const* arguments, const Limits& limits, int output) {
  setpgid(0, 0);
  const int nothing = open("/dev/null", O_RDONLY);
  dup2(nothing, STDIN_FILENO);
  dup2(output, STDOUT_FILENO);
  dup2(output, STDERR_FILENO);
  limit(RLIMIT_CPU, static_cast<rlim_t>(std::ceil(2 * limits.seconds)) + 1);
  limit(RLIMIT_CORE, 0);
  limit(RLIMIT_FSIZE, rlim_t{1} << 30);
  if (limits.bytes > 0) limit(RLIMIT_AS, static_cast<rlim_t>(limits.bytes));
  execvp(arguments[0], arguments);
  _exit(127);
}

}  // namespace

Finished run_limited(const std::vector<std::string>& arguments, const Limits& limits) {
  using Clock = std::chrono::steady_clock;
  std::vector<char*> words;
  for (const std::string& argument : arguments) words.push_back(const_cast<char*>(argument.c_str()));
  words.push_back(nullptr);
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0)
    fail<IoError>("[learn] cannot make a pipe: {}", std::generic_category().message(errno));
  const auto start = Clock::now();
  const pid_t child = fork();
  if (child < 0) fail<IoError>("[learn] cannot start {}: {}", arguments[0], std::generic_category().message(errno));
  if (child == 0) become(words.data(), limits, ends[1]);
  setpgid(child, child);
  close(ends[1]);

  Finished finished;
  const auto elapsed = [&] { return std::chrono::duration<double>(Clock::now() - start).count(); };
  bool ended = false;
  int status = 0;
  while (!ended) {
    if (elapsed() > limits.seconds && finished.how != Finished::How::timed_out) {
      finished.how = Finished::How::timed_out;
      kill(-child, SIGKILL);
    }
    pollfd ready{ends[0], POLLIN, 0};
    poll(&ready, 1, 20);
    char buffer[1 << 14];
    const ssize_t count = (ready.revents & (POLLIN | POLLHUP)) ? read(ends[0], buffer, sizeof buffer) : 0;
    const std::int64_t room = limits.output - static_cast<std::int64_t>(finished.output.size());
    if (count > 0 && room > 0)
      finished.output.append(buffer, static_cast<std::size_t>(std::min<std::int64_t>(room, count)));
    ended = count <= 0 && waitpid(child, &status, WNOHANG) == child;
  }
  kill(-child, SIGKILL);  // what it left behind
  close(ends[0]);
  finished.seconds = elapsed();
  if (finished.how == Finished::How::timed_out) return finished;
  finished.how = WIFSIGNALED(status) ? Finished::How::signalled : Finished::How::exited;
  finished.code = WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status);
  if (finished.how == Finished::How::signalled && finished.code == SIGXCPU) finished.how = Finished::How::timed_out;
  return finished;
}

}  // namespace glocal::tutor
