#include <glocal/app/terminal/progress.h>

#include <fmt/core.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <utility>

#include <glocal/app/terminal/say.h>
#include <glocal/core/stopwatch.h>

namespace glocal::app {
namespace {

bool set(const char* variable) {
  const char* value = std::getenv(variable);
  return value && *value;
}

}  // namespace

ProgressLine::Style ProgressLine::style(bool quiet) {
  if (quiet) return Style::none;
  const char* terminal = std::getenv("TERM");
  const bool redraws = ::isatty(STDERR_FILENO) && terminal && std::string_view(terminal) != "dumb";
  return redraws ? Style::terminal : Style::plain;
}

ProgressLine::ProgressLine(std::string label, std::int64_t total, Style style)
    : label_(std::move(label)), total_(std::max<std::int64_t>(1, total)), style_(style) {}

std::string ProgressLine::text(std::int64_t done, double seconds, const std::string& note) const {
  constexpr int width = 24;
  const double share = static_cast<double>(done) / static_cast<double>(total_);
  std::string bar;
  if (style_ == Style::terminal) {
    const int filled = static_cast<int>(share * width);
    for (int i = 0; i < filled; ++i) bar += "━";
    const bool colours = !set("NO_COLOR");
    if (colours) bar += "\x1b[2m";
    for (int i = filled; i < width; ++i) bar += colours ? "─" : " ";
    if (colours) bar += "\x1b[0m";
    bar = "  " + bar;
  }
  const double rate = seconds > 0 ? static_cast<double>(done - before_) / seconds : 0;
  const std::string left = rate > 0 ? time_left(static_cast<double>(total_ - done) / rate) + " left" : "";
  return fmt::format("{}{}  {}/{} steps  {:.0f}/s  {}  {}", label_, bar, done, total_, rate, left, note);
}

void ProgressLine::update(std::int64_t done, const std::string& note) {
  if (style_ == Style::none) return;
  if (since_drawn_.seconds() < (style_ == Style::terminal ? 0.1 : 3.0)) return;
  since_drawn_.restart();
  const std::string line = text(done, since_start_.seconds(), note);
  if (style_ == Style::terminal) {
    say("\r\x1b[K\x1b[?7l{}\x1b[?7h", line);  // cut at the right edge, not wrapped
    visible_ = true;
  } else {
    say("{}\n", line);
  }
}

void ProgressLine::finish() {
  if (visible_) say("\r\x1b[K");
  visible_ = false;
}

std::string duration(double seconds) {
  if (seconds < 9.95) return fmt::format("{:.1f} s", seconds);
  const auto whole = static_cast<std::int64_t>(std::llround(std::min(seconds, 0x1p53)));
  if (whole < 120) return fmt::format("{} s", whole);
  if (whole < 7200) return fmt::format("{} min {} s", whole / 60, whole % 60);
  return fmt::format("{} h {} min", whole / 3600, whole % 3600 / 60);
}

std::string time_left(double seconds) {
  return seconds < 3600 ? duration(seconds) : fmt::format("{:.1f} h", seconds / 3600);
}

std::string size_text(std::int64_t bytes) { return size_text(static_cast<double>(bytes)); }

std::string size_text(double bytes) {
  const double megabytes = bytes * 1e-6;
  return megabytes < 1000 ? fmt::format("{:.1f} MB", megabytes) : fmt::format("{:.1f} GB", megabytes * 1e-3);
}

}  // namespace glocal::app
