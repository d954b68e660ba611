// Seconds since a moment, by a clock that nobody sets.
#pragma once
#include <chrono>

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

}  // namespace glocal
