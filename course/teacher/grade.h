// Marks, for a teacher and for autograders.
#pragma once
#include <filesystem>
#include <string>
#include <vector>

#include <glocal/course/tutor/course.h>
#include <glocal/course/tutor/workshop.h>

namespace glocal::tutor {

/// One test of an exercise, marked.
struct Mark {
  std::string exercise, test;
  bool hidden = false, passed = false;
  int score = 0, most = 0;
  std::string output;
};

/// Runs public and hidden tests on every exercise.cpp of the course, or on NAME.cpp or NAME/exercise.cpp in
/// `submission` where that is given. What is missing or does not compile scores 0.
std::vector<Mark> grade(const Course& course, const std::filesystem::path& submission, const ProcessLimits& limits);

/// Gradescope's results.json (autograder specification, "tests" with visibility).
std::string gradescope(const std::vector<Mark>& marks);
/// JUnit XML, one testsuite an exercise.
std::string junit(const std::vector<Mark>& marks);

}  // namespace glocal::tutor
