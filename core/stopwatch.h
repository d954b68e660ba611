// Seconds since a moment, by a clock that nobody sets; and those that the processor worked.
#pragma once
#include <chrono>
#include <ctime>

namespace glocal {

class Stopwatch {
 public:
  /// Since it was made, or last restarted.
  double seconds() const { return std::chrono::duration<double>(Clock::now() - start_).count(); }
  void restart() { start_ = Clock::now(); }

 private:
  using Clock = std::chrono::steady_clock;
  Clock::time_point start_ = Clock::now();
};

/// Seconds of all threads of this process together, since it began.
inline double processor_seconds() {
  std::timespec now{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

}  // namespace glocal
