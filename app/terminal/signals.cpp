#include <glocal/app/terminal/signals.h>

#include <signal.h>
#include <sys/types.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <csignal>
#include <cstdlib>
#include <ctime>

namespace glocal::app {
namespace {

constexpr long patience = 1'500'000'000;  // nanoseconds
std::atomic<int> caught = 0;
static_assert(std::atomic<int>::is_always_lock_free, "set by signal handlers, maybe on two threads at once");
timer_t deadline{};

// Written as a whole before `length` says so: a signal may come in between.
std::array<char, 4096> farewell{};
std::atomic<std::size_t> length = 0;

void set_deadline(long nanoseconds) {
  const itimerspec when{{}, {nanoseconds / 1'000'000'000, nanoseconds % 1'000'000'000}};
  timer_settime(deadline, 0, &when, nullptr);
}

[[noreturn]] void leave(int signal) {
  [[maybe_unused]] const ssize_t written = ::write(STDERR_FILENO, farewell.data(), length);
  ::_exit(128 + signal);
}

extern "C" void remember(int signal) {
  int none = 0;
  if (caught.compare_exchange_strong(none, signal)) return set_deadline(patience);
  if (signal != SIGHUP) leave(signal);  // a terminal that closes may send more than one
}

extern "C" void run_out_of_time(int) { leave(caught); }

}  // namespace

void catch_signals() {
  on_leaving("interrupted");
  struct sigaction action {};
  action.sa_flags = SA_RESTART;
  action.sa_handler = run_out_of_time;
  sigaction(SIGALRM, &action, nullptr);
  sigevent event{};
  event.sigev_notify = SIGEV_SIGNAL;
  event.sigev_signo = SIGALRM;
  timer_create(CLOCK_MONOTONIC, &event, &deadline);
  action.sa_handler = remember;
  sigaction(SIGINT, &action, nullptr);
  sigaction(SIGTERM, &action, nullptr);
  struct sigaction inherited {};
  sigaction(SIGHUP, nullptr, &inherited);
  if (inherited.sa_handler != SIG_IGN) sigaction(SIGHUP, &action, nullptr);  // else nohup has started this
  std::signal(SIGPIPE, SIG_IGN);                                             // a reader that is gone is no end of a run
  std::signal(SIGXFSZ, SIG_IGN);  // a file-size limit is an error of write(), exit code 4, and no core dump
}

void throw_if_interrupted() {
  static const char* chosen = std::getenv("GLOCAL_INTERRUPT_AT");
  static const long place = chosen ? std::atol(chosen) : 0;
  static long calls = 0;
  if (++calls == place) std::raise(SIGINT);
  if (caught) throw Interrupted{caught};
}

void on_leaving(const std::string& message) {
  const std::string line = "glocal: " + message + "\n";
  length = 0;
  std::copy_n(line.begin(), std::min(line.size(), farewell.size()), farewell.begin());
  length = std::min(line.size(), farewell.size());
}

void no_hurry() { set_deadline(0); }

}  // namespace glocal::app
