#include <glocal/course/teacher/faults.h>

#include <unistd.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include <glocal/core/error.h>
#include <glocal/core/io/file.h>
#include <glocal/course/tutor/course.h>
#include <glocal/course/tutor/skeleton.h>
#include <glocal/course/tutor/workshop.h>

namespace glocal::tutor {

namespace fs = std::filesystem;

namespace {

std::string text_of(const TestRun& run) {
  std::string text = run.outcome == TestRun::Outcome::compile_error ? first_error(run.output) : "";
  for (const CaseResult& result : run.cases)
    for (const std::string& message : result.messages) text += result.name + ": " + message + "; ";
  return text;
}

// A mistake of mistakes.json must fail, with a message that points at it.
std::string missed(const Exercise& exercise, const std::string& solution, const nlohmann::json& mistake) {
  const auto text = [&](const char* key) { return mistake.at(key).get<std::string>(); };
  const std::string replace = text("replace"), what = text("what");
  const std::size_t at = solution.find(replace);
  if (at == std::string::npos) return fmt::format("mistakes.json: \"{}\" is not in the solution", replace);
  const fs::path source = builds_folder() / fmt::format("{}-mistake-{}.cpp", exercise.name, getpid());
  write_file_atomically(source.string(), std::string(solution).replace(at, replace.size(), text("by")));
  std::string said;
  for (const fs::path& test : {exercise.public_test(), exercise.hidden_test()}) {
    const TestRun run = run_tests(exercise, source, test, builds_folder(), {20});
    if (run.outcome == TestRun::Outcome::compile_error) said = "it does not compile: ";
    if (!run.passed()) said += text_of(run);
  }
  fs::remove(source);
  if (said.empty()) return fmt::format("nobody notices: {}", what);
  if (said.find(text("says")) == std::string::npos)
    return fmt::format("{}: the message does not point at it: {}", what, said);
  return "";
}

std::vector<std::string> missed_mistakes(const Exercise& exercise, const std::string& solution) {
  std::vector<std::string> found;
  const fs::path file = exercise.folder.parent_path() / "mistakes.json";
  if (!fs::exists(file)) return found;
  for (const nlohmann::json& mistake : nlohmann::json::parse(read_file(file.string(), 1 << 20))) {
    if (mistake.at("exercise") != exercise.name) continue;
    const std::string fault = missed(exercise, solution, mistake);
    if (!fault.empty()) found.push_back(fault);
  }
  return found;
}

}  // namespace

std::vector<std::string> faults(const Exercise& exercise) {
  std::vector<std::string> found;
  const auto fault = [&](const std::string& what) { found.push_back(exercise.name + ": " + what); };
  if (!fs::exists(exercise.solution()) || !fs::exists(exercise.hidden_test())) {
    fault("a whole course has solution.cpp and hidden_test.cpp");
    return found;
  }
  const std::string solution = read_file(exercise.solution().string(), 1 << 20);
  if (exercise.hints.size() != 3) fault(fmt::format("{} hints instead of three", exercise.hints.size()));
  for (const std::string& line : solution_lines(solution))
    for (const std::string& hint : exercise.hints)
      if (line.size() >= 12 && hint.find(line) != std::string::npos) fault("a hint holds this line: " + line);
  if (solution_lines(solution).empty()) fault("solution.cpp has no // BEGIN SOLUTION");
  const int points = case_points(exercise.public_test()) + case_points(exercise.hidden_test());
  if (points != exercise.points)
    fault(fmt::format("tests are worth {} points, course.json says {}", points, exercise.points));

  const fs::path builds = builds_folder();
  for (const fs::path& test : {exercise.public_test(), exercise.hidden_test()}) {
    const TestRun right = run_tests(exercise, exercise.solution(), test, builds, {20});
    if (!right.passed()) fault("the solution fails " + test.filename().string() + ": " + text_of(right));
  }
  const fs::path start = builds / fmt::format("{}-skeleton-{}.cpp", exercise.name, getpid());
  fs::create_directories(builds);
  write_file_atomically(start.string(), skeleton(solution, exercise.solution().string()));
  const TestRun wrong = run_tests(exercise, start, exercise.public_test(), builds, {20});
  fs::remove(start);
  if (wrong.outcome == TestRun::Outcome::compile_error) fault("the skeleton does not compile: " + text_of(wrong));
  if (wrong.passed()) fault("the skeleton passes its public tests");
  for (const std::string& what : missed_mistakes(exercise, solution)) fault(what);
  return found;
}

}  // namespace glocal::tutor
