// The verbs of ./learn that a student uses, on one course and its progress. Each returns an exit code.
#pragma once
#include <string>

#include <glocal/course/tutor/course.h>
#include <glocal/course/tutor/progress.h>
#include <glocal/course/tutor/screen.h>

namespace glocal::tutor {

constexpr int passed = 0, not_passed = 1, usage = 2;

class Lesson {
 public:
  explicit Lesson(const std::filesystem::path& folder) : course(read_course(folder)), progress(course) {}

  /// Tests the current exercise's public tests once, and marks it done when it passes.
  int run(bool full);
  /// The next hint; after the last one, all again.
  int hint();
  /// The solution, after passing or when the student gives up.
  int solution(bool give_up);
  /// Starts the current exercise again; what was there is kept as exercise.cpp.before.
  int reset();
  int list();
  /// All exercises in turn, and what they are worth.
  int check_all();
  /// Makes `name` the current exercise; "" leaves it.
  void choose(const std::string& name);
  /// To the next exercise when the current one is done, as after a break.
  void go_on();
  /// Watches exercise.cpp and runs its tests on every save; keys as `help` says. Needs a terminal.
  int watch();

  Course course;
  Progress progress;

 private:
  void print(const std::string& text) const;
  Paint paint_ = paint();
};

}  // namespace glocal::tutor
