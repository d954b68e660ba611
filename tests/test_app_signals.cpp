// What a process does that was asked to stop and comes to no place where it can.
#include <glocal/app/terminal/signals.h>
#include <glocal/core/stopwatch.h>

#include <doctest/doctest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <string>

#include "command.h"

namespace {

struct Left {
  int code = -1;
  double seconds = 0;  // after the last signal
  std::string said;
};

// A process that never looks whether it was interrupted is sent these signals one after the other.
Left left_after(std::initializer_list<int> signals) {
  int ready[2], said[2];
  REQUIRE(::pipe(ready) == 0);
  REQUIRE(::pipe(said) == 0);
  const pid_t process = ::fork();
  if (process == 0) {
    ::dup2(said[1], STDERR_FILENO);
    std::signal(SIGHUP, SIG_DFL);  // whatever the tests were started with
    glocal::app::catch_signals();
    glocal::app::on_leaving("go on with: this");
    if (::write(ready[1], "x", 1) != 1) ::_exit(1);
    for (;;) ::pause();
  }
  ::close(said[1]);
  char byte = 0;
  REQUIRE(::read(ready[0], &byte, 1) == 1);
  glocal::Stopwatch since_last;
  for (const int signal : signals) {
    if (signal != *signals.begin()) ::usleep(100'000);  // else both may wait and come in the order of their numbers
    since_last.restart();
    ::kill(process, signal);
  }
  int status = 0;
  ::waitpid(process, &status, 0);
  Left left;
  left.seconds = since_last.seconds();
  left.code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  for (char c = 0; ::read(said[0], &c, 1) == 1;) left.said += c;
  for (const int end : {ready[0], ready[1], said[0]}) ::close(end);
  return left;
}

// A long run with this way of taking SIGHUP, which is sent one `times` times as soon as it has written something.
struct Ended {
  int code = -1;
  std::string out;
};
Ended run_with_hangup(const std::string& out, void (*hangup)(int), int times, const char* steps) {
  const pid_t process = ::fork();
  if (process == 0) {
    std::signal(SIGHUP, hangup);
    ::execl(GLOCAL_COMMAND_PATH, "glocal", "train", "--hidden", "8", "--batch", "32", "--steps", steps, "--quiet",
            "--out", out.c_str(), nullptr);
    ::_exit(99);
  }
  const std::string lines = out + "/metrics.jsonl";
  for (int i = 0; i < 1000 && !(std::filesystem::exists(lines) && std::filesystem::file_size(lines) > 0); ++i)
    ::usleep(20'000);
  for (int i = 0; i < times; ++i) ::kill(process, SIGHUP);
  int status = 0;
  ::waitpid(process, &status, 0);
  const std::string summary = out + "/summary.json";
  return {WIFEXITED(status) ? WEXITSTATUS(status) : -1,
          std::filesystem::exists(summary) ? glocal::read_file(summary) : ""};
}

}  // namespace

TEST_SUITE("fast") {
  TEST_CASE("signals: a terminal that closes stops a run as SIGTERM does, once or twice, and nohup does not") {
    const Scratch scratch;
    for (const int times : {1, 2}) {
      const std::string run = scratch / ("run" + std::to_string(times));
      const Ended ended = run_with_hangup(run, SIG_DFL, times, "3000000");
      CHECK(ended.code == 129);
      CHECK(has(ended.out, "\"interrupted\""));
      CHECK(has(ended.out, "go on with: "));
      CHECK(std::filesystem::exists(run + "/last.safetensors"));
      std::filesystem::remove_all(run);
    }
    const Ended ended = run_with_hangup(scratch / "under-nohup", SIG_IGN, 1, "3000");
    CHECK(ended.code == 0);
    CHECK(has(ended.out, "\"ok\""));
  }

  TEST_CASE("signals: a process that cannot stop leaves within 2 s of the first and says how to go on") {
    const Left left = left_after({SIGTERM});
    CHECK(left.code == 143);
    CHECK(left.seconds > 1.4);
    CHECK(left.seconds < 2);
    CHECK(left.said == "glocal: go on with: this\n");
  }

  TEST_CASE("signals: a second one leaves at once") {
    for (const auto& [first, second] : {std::pair{SIGINT, SIGTERM}, {SIGTERM, SIGINT}, {SIGHUP, SIGTERM}}) {
      const Left left = left_after({first, second});
      CHECK(left.code == 128 + second);
      CHECK(left.seconds < 1);
      CHECK(left.said == "glocal: go on with: this\n");
    }
  }
}
