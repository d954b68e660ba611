// What a teacher uses: marks, copies of the course to hand out, and the check that the course itself is sound.
#pragma once
#include <filesystem>
#include <string>
#include <vector>

#include <glocal/tutor/course.h>
#include <glocal/tutor/workshop.h>

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
std::vector<Mark> grade(const Course& course, const std::filesystem::path& submission, const Limits& limits);

/// Gradescope's results.json (autograder specification, "tests" with visibility).
std::string gradescope(const std::vector<Mark>& marks);
/// JUnit XML, one testsuite an exercise.
std::string junit(const std::vector<Mark>& marks);

enum class Copy { student, staff };
/// Writes the course into a folder that is absent or empty: a student's has skeleton.cpp for solution.cpp and no hidden
/// tests. Throws ValueError for a folder that holds something.
void export_course(const Course& course, const std::filesystem::path& folder, Copy copy);

/// What is wrong with the course itself; empty when each skeleton compiles and fails, each solution passes its public
/// and hidden tests, points add up, no hint gives away a line of the solution, and
/// each mistake of mistakes.json (a text of the solution replaced by another) is caught with a message that says so.
std::vector<std::string> faults(const Exercise& exercise);

}  // namespace glocal::tutor
