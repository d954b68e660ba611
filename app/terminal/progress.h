// How far a run is, on stderr: one line that is redrawn on a terminal, a plain line every few seconds elsewhere.
#pragma once
#include <cstdint>
#include <string>

#include <glocal/core/stopwatch.h>

namespace glocal::app {

class ProgressLine {
 public:
  enum class Style { none, plain, terminal };
  /// none when quiet; terminal when stderr is one and is not "dumb".
  static Style style(bool quiet);

  /// `total` steps, at least 1, all of about the same price.
  ProgressLine(std::string label, std::int64_t total, Style style);
  /// So many steps were done before the clock started.
  void begin_at(std::int64_t done) { before_ = done; }
  ~ProgressLine() { finish(); }
  ProgressLine(const ProgressLine&) = delete;
  ProgressLine& operator=(const ProgressLine&) = delete;

  /// Says that `done` steps are done; draws at most ten times a second (every 3 s in plain lines).
  void update(std::int64_t done, const std::string& note);
  /// Clears the line on a terminal.
  void finish();
  /// The line as it is drawn, `seconds` after the start.
  std::string text(std::int64_t done, double seconds, const std::string& note) const;

 private:
  std::string label_;
  std::int64_t total_, before_ = 0;
  Style style_;
  Stopwatch since_start_, since_drawn_;
  bool visible_ = false;
};

/// "0.4 s", "12 s", "3 min 20 s", "2 h 5 min".
std::string duration(double seconds);
/// The same, from an hour on in hours alone: "2.4 h".
std::string time_left(double seconds);
/// "12.3 MB", "1.2 GB".
std::string size_text(std::int64_t bytes);
std::string size_text(double bytes);  ///< of a number from a file, whatever it is

}  // namespace glocal::app
