// Runs a program under limits: a student's endless loop or runaway memory ends there.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

namespace glocal::tutor {

struct Limits {
  double seconds = 60;                          ///< of the clock; the same bound holds for processor time
  std::int64_t bytes = std::int64_t{4} << 30;   ///< of address space; 0: no limit
  std::int64_t output = std::int64_t{1} << 20;  ///< of output kept; the rest is read and dropped
};

struct Finished {
  enum class How { exited, signalled, timed_out };
  How how = How::exited;
  int code = 0;        ///< exit code, or the signal's number
  std::string output;  ///< standard output and error, in the order written
  double seconds = 0;
};

/// arguments[0] is looked up in PATH. Everything the program started is killed with it. Throws IoError when it cannot
/// be started.
Finished run_limited(const std::vector<std::string>& arguments, const Limits& limits);

}  // namespace glocal::tutor
