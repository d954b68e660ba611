// Timing of a repeated step and its memory; the line of JSON that every program of the comparison prints.
#pragma once
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <string>
#include <vector>

#include <glocal/core/stopwatch.h>

#include "process.h"

namespace glocal::bench {

struct Timing {
  double median_s = 0, min_s = 0;
  std::size_t n = 0;
  double base_rss_mb = 0;  ///< before the first step
  double peak_rss_mb = 0;  ///< since then

  /// No time, and the memory of the process up to here.
  static Timing of_process() { return {0, 0, 1, memory_mb("VmRSS:"), memory_mb("VmHWM:")}; }
};

/// Warms up, then repeats `step` for `seconds`: at least three times, or once when that takes three times as long.
template <class Warm, class Step>
Timing measure(const Warm& warm_up, const Step& step, double seconds) {
  Timing timing;
  reset_peak_rss();
  timing.base_rss_mb = memory_mb("VmRSS:");
  warm_up();
  std::vector<double> samples;
  const Stopwatch whole;
  for (double total = 0; total < seconds || (samples.size() < 3 && total < 3 * seconds);) {
    const Stopwatch one;
    step();
    samples.push_back(one.seconds());
    total = whole.seconds();
  }
  timing.peak_rss_mb = memory_mb("VmHWM:");
  std::sort(samples.begin(), samples.end());
  timing.n = samples.size();
  timing.min_s = samples.front();
  timing.median_s = samples[samples.size() / 2];
  return timing;
}

inline std::string to_json(const std::string& name, int threads, const std::string& isa, const Timing& timing,
                           double gflop, const std::vector<double>& answer) {
  return fmt::format(R"({{"name": "{}", "threads": {}, "isa": "{}", "median_s": {:.6g}, "min_s": {:.6g}, "n": {}, )"
                     R"("peak_rss_mb": {:.1f}, "base_rss_mb": {:.1f}, "gflop": {:.6g}, "answer": [{:.9g}]}})",
                     name, threads, isa, timing.median_s, timing.min_s, timing.n, timing.peak_rss_mb,
                     timing.base_rss_mb, gflop, fmt::join(answer, ", "));
}

}  // namespace glocal::bench
