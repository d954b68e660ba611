#include <glocal/course/tutor/workshop.h>

#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

#include <glocal/core/error.h>
#include <glocal/core/io/file.h>
#include <glocal/course/tutor/toolchain.h>

namespace glocal::tutor {

namespace fs = std::filesystem;
using Json = nlohmann::json;

namespace {

// "adds two numbers [2 points]"
int points_of(const std::string& name) {
  const std::size_t open = name.rfind('[');
  return open == std::string::npos ? 0 : std::atoi(name.c_str() + open + 1);
}

struct Results {
  std::vector<CaseResult> cases;
  bool whole = false;  // the program came to its end by itself
};

// A line per event, written by course/exercises/support/harness.cpp.
Results read_results(const fs::path& file) {
  Results results;
  std::ifstream lines(file);
  for (std::string line; std::getline(lines, line);) {
    const Json event = Json::parse(line, nullptr, false);
    if (!event.is_object()) continue;
    if (event.contains("case")) {
      const std::string name = event["case"].get<std::string>();
      results.cases.push_back({name, points_of(name), false, {}});
    } else if (event.contains("passed") && !results.cases.empty()) {
      results.cases.back().passed = event["passed"].get<bool>();
      results.cases.back().messages = event.value("messages", std::vector<std::string>{});
    }
    results.whole = results.whole || event.contains("end");
  }
  return results;
}

TestRun::Outcome outcome_of(const Finished& finished, const Results& results) {
  using Outcome = TestRun::Outcome;
  if (finished.how == Finished::How::timed_out) return Outcome::timed_out;
  const auto says = [&](const char* text) { return finished.output.find(text) != std::string::npos; };
  if (says("std::bad_alloc") || says("memory limit")) return Outcome::out_of_memory;
  if (finished.how == Finished::How::signalled || !results.whole) return Outcome::crashed;
  const bool all = !results.cases.empty() &&
                   std::all_of(results.cases.begin(), results.cases.end(), [](const auto& c) { return c.passed; });
  return all ? Outcome::passed : Outcome::failed;
}

std::string why(const Finished& finished, TestRun::Outcome outcome) {
  switch (outcome) {
    case TestRun::Outcome::timed_out:
      return fmt::format("still running after {:.0f} s: is there a loop that does not end?", finished.seconds);
    case TestRun::Outcome::out_of_memory:
      return "more memory asked for than there is: is something growing without end?";
    case TestRun::Outcome::crashed:
      return finished.how == Finished::How::signalled
                 ? fmt::format("the program crashed here ({})", strsignal(finished.code))
                 : fmt::format("the program left here by itself with exit code {}", finished.code);
    default: return "";
  }
}

}  // namespace

int TestRun::points() const {
  int total = 0;
  for (const CaseResult& result : cases) total += result.passed ? result.points : 0;
  return total;
}

TestRun run_tests(const Exercise& exercise, const fs::path& source, const fs::path& test, const fs::path& builds,
                  const ProcessLimits& limits) {
  fs::create_directories(builds);
  const std::string stem = fmt::format("{}-{}-{}", exercise.name, test.stem().string(), getpid());
  const fs::path program = builds / stem, results_file = builds / (stem + ".jsonl");
  const std::vector<std::string> compile{
      compiler,        std::string("@") + arguments_file, fmt::format("-DEXERCISE=\"{}\"", source.string()),
      test.string(),   std::string("@") + link_file,      "-o",
      program.string()};
  TestRun run;
  const Finished compiled = run_process(compile, {.limits = ProcessLimits{120, 0}});
  run.compile_seconds = compiled.seconds;
  if (!compiled.well()) {
    run.outcome = TestRun::Outcome::compile_error;
    run.output = compiled.output;
    return run;
  }
  setenv("GLOCAL_EXERCISE_RESULTS", results_file.c_str(), 1);
  setenv("GLOCAL_EXERCISE_FOLDER", source.parent_path().c_str(), 1);  // pictures go beside the source
  setenv("OPENBLAS_NUM_THREADS", "1", 1);
  const Finished tested = run_process({program.string()}, {.limits = limits});
  Results results = read_results(results_file);
  fs::remove(program);
  fs::remove(results_file);
  run.test_seconds = tested.seconds;
  run.output = tested.output;
  run.outcome = outcome_of(tested, results);
  run.cases = std::move(results.cases);
  const std::string reason = why(tested, run.outcome);
  if (!reason.empty()) {
    if (run.cases.empty()) run.cases.push_back({"before the first test", 0, false, {}});
    run.cases.back().passed = false;
    run.cases.back().messages.push_back(reason);
  }
  return run;
}

int case_points(const fs::path& test) {
  const std::string text = read_file(test.string(), 1 << 20);
  int total = 0;
  for (std::size_t at = text.find("TEST_CASE(\""); at != std::string::npos; at = text.find("TEST_CASE(\"", at + 1)) {
    const std::size_t begin = at + 11, end = text.find('"', begin);
    total += points_of(text.substr(begin, end - begin));
  }
  return total;
}

std::string first_error(const std::string& compiler_output) {
  std::istringstream lines(compiler_output);
  std::string found, line;
  bool inside = false;
  while (std::getline(lines, line)) {
    const bool starts =
        line.find(" error: ") != std::string::npos || line.find("undefined reference") != std::string::npos;
    const bool next = inside && (starts || line.find(" warning: ") != std::string::npos ||
                                 line.find(": In ") != std::string::npos || line.find(" note: ") != std::string::npos);
    if (next) break;
    inside = inside || starts;
    if (inside) found += line + "\n";
  }
  return found.empty() ? compiler_output : found;
}

fs::path builds_folder() {
  const char* chosen = std::getenv("GLOCAL_LEARN_BUILDS");
  return chosen ? fs::path(chosen) : fs::path(default_builds);
}

}  // namespace glocal::tutor
