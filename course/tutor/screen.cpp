#include <glocal/course/tutor/screen.h>

#include <fmt/core.h>
#include <unistd.h>

#include <cstdlib>
#include <sstream>

namespace glocal::tutor {
namespace {

std::string indented(const std::string& text, const std::string& by) {
  std::istringstream lines(text);
  std::string out;
  for (std::string line; std::getline(lines, line);) out += by + line + "\n";
  return out;
}

std::string path_of(const std::filesystem::path& file) { return std::filesystem::proximate(file).string(); }

}  // namespace

std::string Paint::wrap(const char* code, const std::string& text) const {
  return on ? fmt::format("\033[{}m{}\033[0m", code, text) : text;
}

Paint paint() { return {isatty(STDOUT_FILENO) && !std::getenv("NO_COLOR")}; }

std::string show(const TestRun& run, const Exercise& exercise, bool full, const Paint& paint) {
  std::string text;
  if (run.outcome == TestRun::Outcome::compile_error) {
    text = paint.bad("It does not compile") + (full ? ":\n" : "; the first error (--full shows all):\n");
    return text + indented(full ? run.output : first_error(run.output), "  ");
  }
  for (const CaseResult& result : run.cases) {
    text += fmt::format("  {} {}\n", result.passed ? paint.good("passed") : paint.bad("failed"), result.name);
    const std::size_t shown = full ? result.messages.size() : std::min<std::size_t>(result.messages.size(), 3);
    for (std::size_t i = 0; i < shown; ++i) text += indented(result.messages[i], "         ");
    if (shown < result.messages.size())
      text += fmt::format("         and {} more (--full shows all)\n", result.messages.size() - shown);
  }
  if (!run.output.empty()) text += paint.quiet("It printed:\n") + indented(run.output, "  ");
  if (run.passed())
    text += fmt::format("{} {} passes; compiled in {:.1f} s, ran in {:.1f} s\n", paint.good("Well done:"),
                        exercise.name, run.compile_seconds, run.test_seconds);
  else
    text += fmt::format("Edit {}; the idea is in {}\n", path_of(exercise.work()), path_of(exercise.text()));
  return text;
}

std::string list(const Course& course, const Progress& progress, const Paint& paint) {
  std::string text, track;
  for (std::size_t i = 0; i < course.exercises.size(); ++i) {
    const Exercise& exercise = course.exercises[i];
    if (exercise.track != track) text += fmt::format("{}{}\n", i ? "\n" : "", paint.strong(exercise.track));
    track = exercise.track;
    const bool here = &exercise == &progress.current();
    text += fmt::format("{} {} {:2d}  {:<24} {:<52} {:2d} points, {} min\n", here ? '>' : ' ',
                        progress.done(exercise) ? paint.good("x") : ".", i + 1, exercise.name, exercise.title,
                        exercise.points, exercise.minutes);
  }
  return text + fmt::format("\n{} of {} done\n", progress.count_done(), course.exercises.size());
}

std::string where(const Course& course, const Progress& progress, const Paint& paint) {
  const auto all = static_cast<int>(course.exercises.size());
  const auto here = static_cast<int>(&progress.current() - course.exercises.data()) + 1;
  std::string bar;
  for (int i = 0; i < all; ++i) bar += i < progress.count_done() ? '#' : '-';
  return fmt::format("{} [{}] {} of {} done\n", paint.strong(fmt::format("{} {}", here, progress.current().title)), bar,
                     progress.count_done(), all);
}

}  // namespace glocal::tutor
