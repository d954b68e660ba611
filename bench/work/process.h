// Resident memory of this process, from /proc/self/status.
#pragma once
#include <cstdlib>
#include <fstream>
#include <string>

namespace glocal::bench {

/// A field such as "VmRSS:" in MiB; 0 where the system has no such file.
inline double memory_mb(const std::string& field) {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);)
    if (line.starts_with(field)) return std::atof(line.c_str() + field.size()) / 1024;
  return 0;
}

/// The peak ("VmHWM:") counts from here on.
inline void reset_peak_rss() { std::ofstream("/proc/self/clear_refs") << 5; }

}  // namespace glocal::bench
