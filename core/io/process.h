// Runs another program to its end, without a shell.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace glocal {

struct ProcessLimits {
  double seconds = 60;                          ///< of the clock; processors may give twice of it
  std::int64_t bytes = std::int64_t{4} << 30;   ///< of address space; 0: no limit
  std::int64_t output = std::int64_t{1} << 20;  ///< of output kept; the rest is read and dropped
};

struct ProcessOptions {
  enum class Output { joined, apart, to_stderr };
  std::string input = {};          ///< what it can read
  Output output = Output::joined;  ///< joined: in the order written; to_stderr: shown there at once and not kept
  std::string if_missing = {};     ///< ends the error of a program that is not there: what to do
  std::optional<ProcessLimits> limits = {};  ///< with limits, everything that it started is killed with it
};

struct Finished {
  enum class How { exited, signalled, timed_out };
  How how = How::exited;
  int code = 0;        ///< exit code, or the signal's number
  std::string output;  ///< of joined: standard output and error
  std::string errors;  ///< of apart: standard error
  double seconds = 0;

  bool well() const { return how == How::exited && code == 0; }
  std::string ending() const;  ///< "exit code 3", "signal 9 (Killed)", "stopped after 20 s"
};

/// arguments[0] is looked up in PATH. Throws IoError when it cannot be started. Where SIGCHLD is ignored the system
/// keeps no exit codes, and it counts as 0.
Finished run_process(std::vector<std::string> arguments, const ProcessOptions& options = {});

}  // namespace glocal
