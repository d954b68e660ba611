#include <glocal/course/tutor/lesson.h>

#include <fmt/core.h>

#include <cstdio>

#include <glocal/core/error.h>
#include <glocal/core/io/file.h>

namespace glocal::tutor {

namespace fs = std::filesystem;

void Lesson::print(const std::string& text) const {
  std::fwrite(text.data(), 1, text.size(), stdout);
  std::fflush(stdout);
}

void Lesson::choose(const std::string& name) {
  if (!name.empty()) progress.go_to(course.find(name));
}

void Lesson::go_on() {
  if (progress.done(progress.current())) progress.next();
}

int Lesson::run(bool full) {
  const Exercise& exercise = progress.current();
  progress.go_to(exercise);  // passing alone must not move on
  prepare(exercise);
  const TestRun result = run_tests(exercise, exercise.work(), exercise.public_test(), builds_folder());
  if (result.passed() != progress.done(exercise)) progress.set_done(exercise, result.passed());
  print(where(course, progress, paint_) + show(result, exercise, full, paint_));
  return result.passed() ? passed : not_passed;
}

int Lesson::hint() {
  const Exercise& exercise = progress.current();
  const int all = static_cast<int>(exercise.hints.size());
  const int shown = std::min(progress.hints(exercise) + 1, all);
  progress.set_hints(exercise, shown);
  for (int i = 0; i < shown; ++i)
    print(fmt::format("hint {} of {}: {}\n", i + 1, all, exercise.hints[static_cast<std::size_t>(i)]));
  return passed;
}

int Lesson::solution(bool give_up) {
  const Exercise& exercise = progress.current();
  if (!fs::exists(exercise.solution())) {
    print("This copy of the course has no solutions.\n");
    return not_passed;
  }
  if (!progress.done(exercise) && !give_up) {
    print(fmt::format("{} does not pass yet. ./learn hint helps; ./learn solution --give-up shows it all the same.\n",
                      exercise.name));
    return not_passed;
  }
  if (!progress.done(exercise)) progress.set_seen(exercise);
  print(read_file(exercise.solution().string(), 1 << 20));
  return passed;
}

int Lesson::reset() {
  const Exercise& exercise = progress.current();
  if (fs::exists(exercise.work())) fs::rename(exercise.work(), exercise.work().string() + ".before");
  prepare(exercise);
  progress.set_done(exercise, false);
  print(fmt::format("{} starts again; your last text is kept in {}.before\n", exercise.name, exercise.work().string()));
  return passed;
}

int Lesson::list() {
  print(tutor::list(course, progress, paint_));
  return passed;
}

int Lesson::check_all() {
  int points = 0, all = 0;
  for (const Exercise& exercise : course.exercises) {
    all += exercise.points;
    if (!fs::exists(exercise.work())) {
      print(fmt::format("  {:<24} not begun\n", exercise.name));
      continue;
    }
    const TestRun result = run_tests(exercise, exercise.work(), exercise.public_test(), builds_folder());
    if (result.passed() != progress.done(exercise)) progress.set_done(exercise, result.passed());
    points += result.passed() ? exercise.points : 0;
    print(fmt::format("  {:<24} {}\n", exercise.name, result.passed() ? paint_.good("passed") : paint_.bad("failed")));
  }
  print(fmt::format("{} of {} exercises pass their public tests, {} of {} points\n", progress.count_done(),
                    course.exercises.size(), points, all));
  return progress.count_done() == static_cast<int>(course.exercises.size()) ? passed : not_passed;
}

}  // namespace glocal::tutor
