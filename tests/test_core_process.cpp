#include <doctest/doctest.h>

#include <csignal>
#include <cstdint>
#include <string>

#include <glocal/core/error.h>
#include <glocal/core/io/process.h>

using namespace glocal;
using Output = ProcessOptions::Output;

namespace {

Finished shell(const std::string& line, const ProcessOptions& options = {}) {
  return run_process({"sh", "-c", line}, options);
}

}  // namespace

TEST_SUITE("fast") {
  TEST_CASE("process: input, output and exit code") {
    const Finished ran =
        run_process({"sh", "-c", "cat; echo \"$0 $1\" >&2; exit 3", "a b", "$HOME"}, {.input = "in\n"});
    CHECK(ran.how == Finished::How::exited);
    CHECK(ran.code == 3);
    CHECK_FALSE(ran.well());
    CHECK(ran.output == "in\na b $HOME\n");  // no shell of ours has read the arguments
    CHECK(ran.ending() == "exit code 3");
    CHECK(run_process({"cat"}).well());  // nothing to read is the end of it, not this program's input
  }

  TEST_CASE("process: outputs apart, and more of both than a pipe holds") {
    const Finished ran = shell("head -c 300000 /dev/zero >&2; cat; echo end",
                               {.input = std::string(200000, 'x'), .output = Output::apart});
    CHECK(ran.output == std::string(200000, 'x') + "end\n");
    CHECK(ran.errors.size() == 300000);
    CHECK(shell("exit 0", {.output = Output::to_stderr}).well());
  }

  TEST_CASE("process: a program that is missing or cannot be run is an error that says what to do") {
    CHECK_THROWS_WITH_AS(run_process({"no-such-program"}, {.if_missing = "install it"}),
                         "[process] cannot start no-such-program: No such file or directory; install it", IoError);
    CHECK_THROWS_WITH_AS(run_process({"/dev/null"}, {.limits = ProcessLimits{}}),
                         "[process] cannot start /dev/null: Permission denied", IoError);
  }

  TEST_CASE("process: a signal is told from an exit code") {
    const Finished ran = shell("echo last words; kill -SEGV $$");
    CHECK(ran.how == Finished::How::signalled);
    CHECK(ran.code == SIGSEGV);
    CHECK(ran.output == "last words\n");
    CHECK(ran.ending() == "signal 11 (Segmentation fault)");
  }

  TEST_CASE("process: its time is the time it took") {
    const Finished quick = run_process({"true"}, {.limits = ProcessLimits{50}});
    CHECK(quick.seconds > 0);
    CHECK(quick.seconds < 40);
  }

  TEST_CASE("process: what a program started is killed with it") {
    const Finished late = shell("sleep 30 & sleep 30 & echo begun; sleep 30", {.limits = ProcessLimits{0.5}});
    CHECK(late.how == Finished::How::timed_out);
    CHECK(late.output == "begun\n");
    CHECK(late.seconds < 3);
    CHECK(late.ending().starts_with("stopped after"));
    const Finished left = shell("yes & echo gone", {.limits = ProcessLimits{20, 0, 1000}});
    CHECK(left.well());
    CHECK(left.output.size() <= 1000);
    CHECK(left.seconds < 10);
  }

  TEST_CASE("process: silence is waited for without an end of its own, with a limit and without") {
    CHECK(shell("exec >&- 2>&-; sleep 0.1; exit 4").code == 4);
    CHECK(shell("exec >&- 2>&-; sleep 0.1; exit 5", {.limits = ProcessLimits{20}}).code == 5);
    CHECK(shell("exec >&- 2>&-; sleep 30", {.limits = ProcessLimits{0.2}}).how == Finished::How::timed_out);
  }

  TEST_CASE("process: its end is seen where SIGCHLD is ignored") {
    const auto before = std::signal(SIGCHLD, SIG_IGN);
    const Finished free = shell("echo said"), limited = shell("echo said", {.limits = ProcessLimits{20}});
    std::signal(SIGCHLD, before);
    CHECK(free.output == "said\n");
    CHECK(limited.output == "said\n");
    CHECK(limited.well());
  }

  TEST_CASE("process: limits of memory and of output hold") {
    const Finished much = shell("head -c 5000000 /dev/zero", {.limits = ProcessLimits{20, 0, 100}});
    CHECK(much.well());
    CHECK(much.output.size() == 100);
    CHECK(shell("sleep 0.2; ulimit -v", {.limits = ProcessLimits{20, std::int64_t{1} << 30}})
              .output.ends_with("1048576\n"));
  }
}
