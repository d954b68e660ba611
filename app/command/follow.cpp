#include <glocal/app/command/follow.h>

#include <fmt/core.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include <glocal/app/command/exit_code.h>
#include <glocal/app/record/lock.h>
#include <glocal/app/record/progress_file.h>
#include <glocal/app/record/read_run.h>
#include <glocal/app/record/run_record.h>
#include <glocal/app/settings/json_record.h>
#include <glocal/app/settings/json_text.h>
#include <glocal/app/settings/options.h>
#include <glocal/app/terminal/progress.h>
#include <glocal/app/terminal/signals.h>
#include <glocal/core/error.h>
#include <glocal/core/io/file.h>
#include <glocal/core/stopwatch.h>
#include <glocal/core/text/printable.h>

namespace glocal::app {
namespace fs = std::filesystem;
namespace {

bool there(const fs::path& path) {
  std::error_code ignored;
  return fs::exists(path, ignored);
}

// A file that may be replaced, or gone, at any moment.
std::optional<Json> json_if_there(const fs::path& file) {
  try {
    return there(file) ? std::optional(read_json(file)) : std::nullopt;
  } catch (const Error&) {
    if (there(file)) throw;
    return std::nullopt;
  }
}

// progress.json may be read while it is written, and is empty before the first step.
std::optional<Json> progress_in(const fs::path& folder) {
  for (int attempt = 0;; ++attempt) {
    std::error_code ignored;
    if (fs::file_size(folder / ProgressFile::name, ignored) == 0) return std::nullopt;
    try {
      return json_if_there(folder / ProgressFile::name);
    } catch (const DataError&) {
      if (attempt == 20) throw;
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
    }
  }
}

std::optional<Standing> standing_in(const fs::path& folder) {
  const std::optional<Json> json = progress_in(folder);
  if (!json) return {};
  try {
    Standing standing;
    read_record(standing, *json, (folder / ProgressFile::name).string());
    return standing;
  } catch (const nlohmann::json::exception& error) {
    fail<DataError>("[follow] {} is not what a run writes: {}", (folder / ProgressFile::name).string(),
                    printable(error.what()));
  }
}

// A folder as it is at one moment.
struct Sight {
  std::optional<Json> config, summary;
  bool locked = false;  // or it was, by a process that was killed
  std::optional<Standing> standing;
  std::string run;  // of a comparison: the one that goes on, "glocal-seed0"
  std::size_t runs = 1, ended = 0;

  std::string status() const { return summary ? text_at(*summary, "status") : ""; }
};

std::vector<std::string> runs_of_comparison(const Json& config) {
  std::vector<std::string> names;
  try {
    const std::uint64_t seed = config.at("seed");
    for (std::uint64_t i = 0; i < config.at("seeds").get<std::uint64_t>(); ++i)
      for (const Json& estimator : config.at("estimators"))
        names.push_back(fmt::format("{}-seed{}", estimator.get<std::string>(), seed + i));
  } catch (const nlohmann::json::exception& error) {
    fail<DataError>("[follow] config.json is not that of a comparison: {}", printable(error.what()));
  }
  return names;
}

Sight look(const fs::path& folder) {
  Sight sight;
  sight.config = json_if_there(folder / "config.json");
  if (!sight.config) return sight;
  sight.locked = there(folder / FolderLock::file_name);
  sight.summary = json_if_there(folder / "summary.json");
  sight.standing = standing_in(folder);
  if (text_at(*sight.config, "command") != "compare") return sight;
  const std::vector<std::string> names = runs_of_comparison(*sight.config);
  sight.runs = names.size();
  for (const std::string& name : names) {
    const bool goes_on = there(folder / name / FolderLock::file_name);
    sight.ended += !goes_on && there(folder / name / "summary.json");
    if (!goes_on) continue;
    sight.run = name;
    sight.standing = standing_in(folder / name);
  }
  return sight;
}

std::string words(const Sight& sight) {
  std::string text;
  if (sight.runs > 1) text = fmt::format("run {} of {}  ", std::min(sight.ended + 1, sight.runs), sight.runs);
  if (!sight.standing) return text + (sight.run.empty() ? "begins" : sight.run + " begins");
  const Standing& s = *sight.standing;
  const double left = s.seconds_left();
  return text + fmt::format("{}  {}/{} steps  {:.0f}/s  {}  {}", sight.run.empty() ? s.estimator : sight.run, s.done,
                            s.total, s.rate(), std::isnan(left) ? "" : time_left(left) + " left", s.note);
}

Json json_of(const Sight& sight, const std::string& status) {
  Json json{{"status", status}};
  if (sight.runs > 1) json.update({{"run", sight.run}, {"ended", sight.ended}, {"runs", sight.runs}});
  if (sight.standing) {
    json.update(written(*sight.standing));
    json["rate"] = sight.standing->rate();
    json["seconds_left"] = sight.standing->seconds_left();
  }
  return json;
}

// Prints what has changed, now and then.
class Printer {
 public:
  explicit Printer(bool json)
      : json_(json), redraws_(!json && ::isatty(STDOUT_FILENO) && ProgressLine::style(false) == terminal) {}

  void show(const Sight& sight) {
    if (since_.seconds() < (redraws_ ? 0.2 : json_ ? 1.0 : 3.0) && !last_.empty()) return;
    const std::string line = json_ ? json_dump(json_of(sight, "running")) : words(sight);
    if (line == last_) return;
    last_ = line;
    since_.restart();
    print(redraws_ ? "\r\x1b[K\x1b[?7l" + printable(line) + "\x1b[?7h" : (json_ ? line : printable(line)) + "\n");
  }
  void wait_for(const fs::path& folder) {
    if (!json_ && last_.empty()) print(fmt::format("waiting for a run in {}\n", printable(folder.string())));
    if (json_ && last_.empty()) print(json_dump(Json{{"status", "waiting"}}) + "\n");
    if (last_.empty()) last_ = "waiting";
  }
  void end(const Sight& sight, const std::string& status, const std::string& text) {
    print((redraws_ ? "\r\x1b[K" : "") + (json_ ? json_dump(json_of(sight, status)) : printable(text)) + "\n");
  }

 private:
  static constexpr auto terminal = ProgressLine::Style::terminal;
  static void print(const std::string& text) {
    fmt::print("{}", text);
    std::fflush(stdout);
  }
  bool json_, redraws_;
  std::string last_;
  Stopwatch since_;
};

// What the run came to, and the exit code.
std::pair<std::string, int> ending(const fs::path& folder, const Sight& sight) {
  const std::string status = sight.status(), name = folder.string();
  if (status == "ok") {
    const double accuracy = number_at(*sight.summary, {"test", "accuracy"});
    const std::string score = std::isnan(accuracy) ? "" : fmt::format(": test accuracy {:.2f} %", 100 * accuracy);
    return {fmt::format("{} is done{}", name, score), 0};
  }
  const std::string error = text_at(*sight.summary, "error");
  return {fmt::format("{} {}{}", name,
                      status == "diverged" ? "diverged"
                      : status == "failed" ? "failed"
                                           : "was stopped",
                      error.empty() ? "" : ": " + error),
          status == "diverged" ? diverged : input_output};
}

}  // namespace

int follow_run(const fs::path& folder, bool json) {
  Printer printer(json);
  Sight sight;
  bool seen = false;
  constexpr double patience = 3;
  Stopwatch silent, asked;  // since anything changed, and since it was asked whether the lock is held
  std::string before;
  for (;; std::this_thread::sleep_for(std::chrono::milliseconds(200))) {
    try {
      throw_if_interrupted();
    } catch (const Interrupted& interrupted) {
      throw Interrupted{interrupted.signal, "no longer followed; the run is as it was"};
    }
    Sight now = look(folder);
    if (!now.config) {
      if (!seen) {
        printer.wait_for(folder);
        continue;
      }
      if (silent.seconds() < 2) continue;  // a run that --force replaces begins with an empty folder
      printer.end(sight, "gone", fmt::format("{} is gone", folder.string()));
      return input_output;
    }
    seen = true;
    sight = std::move(now);
    if (sight.summary && !sight.locked) {
      const auto [text, code] = ending(folder, sight);
      printer.end(sight, sight.status(), text);
      return code;
    }
    const std::string state = json_of(sight, "").dump();
    if (state != before) silent.restart();
    before = state;
    printer.show(sight);
    // The file of the lock outlives a process that is killed; the lock itself does not.
    if (silent.seconds() < patience || asked.seconds() < patience) continue;
    asked.restart();
    if (!FolderLock::holder_of(folder).empty()) continue;
    if (look(folder).summary && !there(folder / FolderLock::file_name)) continue;  // it ended just now
    printer.end(sight, "killed",
                fmt::format("{} was killed{}; --resume goes on with it", folder.string(),
                            sight.standing ? fmt::format(" after step {}", sight.standing->step) : ""));
    return input_output;
  }
}

}  // namespace glocal::app
