// Compiles an exercise with its tests and runs them.
#pragma once
#include <filesystem>
#include <string>
#include <vector>

#include <glocal/core/io/process.h>
#include <glocal/course/tutor/course.h>

namespace glocal::tutor {

struct CaseResult {
  std::string name;
  int points = 0;  ///< what it is worth
  bool passed = false;
  std::vector<std::string> messages;  ///< why not
};

struct TestRun {
  enum class Outcome { passed, failed, compile_error, timed_out, out_of_memory, crashed };
  Outcome outcome = Outcome::passed;
  std::string output;  ///< of the compiler, or what the exercise printed
  std::vector<CaseResult> cases;
  double compile_seconds = 0, test_seconds = 0;

  bool passed() const { return outcome == Outcome::passed; }
  int points() const;  ///< of the cases passed; 0 unless all of them could run
};

/// The tests of `test` (public_test.cpp or hidden_test.cpp) on the exercise in `source`. Programs are made in `builds`.
/// Throws IoError when the compiler cannot be started.
TestRun run_tests(const Exercise& exercise, const std::filesystem::path& source, const std::filesystem::path& test,
                  const std::filesystem::path& builds, const ProcessLimits& limits = {20});

/// What the cases of a test file are worth: the sum of the numbers N in names that end in "[N points]".
int case_points(const std::filesystem::path& test);

/// The first error of the compiler with the lines that belong to it.
std::string first_error(const std::string& compiler_output);

/// Where programs of exercises are made.
std::filesystem::path builds_folder();

}  // namespace glocal::tutor
