#include <glocal/course/teacher/grade.h>

#include <nlohmann/json.hpp>

#include <glocal/core/error.h>
#include <glocal/core/text/xml.h>
#include <glocal/course/tutor/course.h>

namespace glocal::tutor {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

namespace {

fs::path submitted(const Exercise& exercise, const fs::path& submission) {
  if (submission.empty()) return exercise.work();
  const fs::path flat = submission / (exercise.name + ".cpp");
  return fs::exists(flat) ? fs::absolute(flat) : fs::absolute(submission / exercise.name / "exercise.cpp");
}

std::string joined(const std::vector<std::string>& messages) {
  std::string text;
  for (const std::string& message : messages) text += message + "\n";
  return text;
}

// The names and points of a test file's cases, for what cannot even be run.
std::vector<Mark> all_failed(const Exercise& exercise, bool hidden, const std::string& why) {
  const int points = hidden || !fs::exists(exercise.hidden_test()) ? exercise.points : 0;
  return {{exercise.name, hidden ? "hidden tests" : "public tests", hidden, false, 0, points, why}};
}

std::vector<Mark> mark(const Exercise& exercise, const fs::path& source, bool hidden, const ProcessLimits& limits) {
  if (!fs::exists(source)) return all_failed(exercise, hidden, "not handed in");
  const fs::path& test = hidden ? exercise.hidden_test() : exercise.public_test();
  const TestRun run = run_tests(exercise, source, test, builds_folder(), limits);
  if (run.outcome == TestRun::Outcome::compile_error) return all_failed(exercise, hidden, first_error(run.output));
  std::vector<Mark> marks;
  int counted = 0;
  for (const CaseResult& result : run.cases) {
    marks.push_back({exercise.name, result.name, hidden, result.passed, result.passed ? result.points : 0,
                     result.points, joined(result.messages)});
    counted += result.points;
  }
  // A program that stopped early leaves cases out; they count as failed.
  const int worth = case_points(test);
  if (counted < worth)
    marks.push_back(
        {exercise.name, "what was not reached", hidden, false, 0, worth - counted, "the tests stopped early"});
  return marks;
}

}  // namespace

std::vector<Mark> grade(const Course& course, const fs::path& submission, const ProcessLimits& limits) {
  std::vector<Mark> marks;
  for (const Exercise& exercise : course.exercises) {
    const fs::path source = submitted(exercise, submission);
    for (const bool hidden : {false, true}) {
      if (hidden && !fs::exists(exercise.hidden_test())) continue;
      for (Mark& one : mark(exercise, source, hidden, limits)) marks.push_back(std::move(one));
    }
  }
  return marks;
}

std::string gradescope(const std::vector<Mark>& marks) {
  Json tests = Json::array();
  int score = 0;
  for (const Mark& mark : marks) {
    score += mark.score;
    tests.push_back({{"name", mark.exercise + ": " + mark.test},
                     {"score", mark.score},
                     {"max_score", mark.most},
                     {"status", mark.passed ? "passed" : "failed"},
                     {"output", mark.output},
                     {"visibility", mark.hidden ? "after_published" : "visible"}});
  }
  const Json all{{"score", score}, {"tests", std::move(tests)}};
  return all.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

std::string junit(const std::vector<Mark>& marks) {
  std::string body;
  int failures = 0;
  for (const Mark& mark : marks) {
    failures += !mark.passed;
    body += fmt::format("  <testcase classname=\"{}\" name=\"{}\"", xml_text(mark.exercise), xml_text(mark.test));
    body += mark.passed ? "/>\n" : fmt::format("><failure>{}</failure></testcase>\n", xml_text(mark.output));
  }
  return fmt::format(
      "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuite name=\"glocal course\" tests=\"{}\" failures=\"{}\">\n"
      "{}</testsuite>\n",
      marks.size(), failures, body);
}

}  // namespace glocal::tutor
