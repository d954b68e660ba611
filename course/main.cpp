// The command `learn`: exercises with hints, tests on every save, and marks.
#include <unistd.h>
#include <CLI/CLI.hpp>
#include <cstdio>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include <glocal/core/error.h>
#include <glocal/core/io/file.h>
#include <glocal/core/text/nearest.h>
#include <glocal/course/teacher/doctor.h>
#include <glocal/course/teacher/export.h>
#include <glocal/course/teacher/faults.h>
#include <glocal/course/teacher/grade.h>
#include <glocal/course/tutor/lesson.h>
#include <glocal/course/tutor/toolchain.h>

namespace glocal::embedded {
extern const std::span<const unsigned char> learn_help;
}

namespace glocal::tutor {
namespace {

constexpr int bad_data = 3, input_output = 4;

struct Options {
  std::string set = course_folder, exercise, submission, student, staff, junit_file;
  bool full = false, give_up = false, json = false;
  double seconds = 20;
};

int mark(const Options& options) {
  const Course course = read_course(options.set);
  const std::vector<Mark> marks = grade(course, options.submission, {options.seconds});
  int score = 0, most = 0;
  for (const Mark& one : marks) {
    score += one.score, most += one.most;
    if (!options.json) fmt::print("{:>2} of {:>2}  {}: {}\n", one.score, one.most, one.exercise, one.test);
  }
  if (!options.junit_file.empty()) write_file_atomically(options.junit_file, junit(marks));
  if (options.json)
    fmt::print("{}", gradescope(marks));
  else
    fmt::print("{} of {} points\n", score, most);
  return passed;
}

int hand_out(const Options& options) {
  const Course course = read_course(options.set);
  if (options.student.empty() == options.staff.empty()) fail<ValueError>("[export] give --student DIR or --staff DIR");
  const bool student = !options.student.empty();
  const std::string folder = student ? options.student : options.staff;
  export_course(course, folder, student ? Copy::student : Copy::staff);
  fmt::print("{} exercises in {}; try: ./learn --set {}\n", course.exercises.size(), folder, folder);
  return passed;
}

int check_course(const Options& options) {
  const Course course = read_course(options.set);
  int checked = 0, wrong = 0;
  for (const Exercise& exercise : course.exercises) {
    if (!options.exercise.empty() && &exercise != &course.find(options.exercise)) continue;
    const std::vector<std::string> found = faults(exercise);
    fmt::print("{:<28} {}\n", exercise.name, found.empty() ? "sound" : "faulty");
    for (const std::string& fault : found) fmt::print("  {}\n", fault);
    std::fflush(stdout);
    ++checked;
    wrong += !found.empty();
  }
  fmt::print("{} of {} exercises are sound\n", checked - wrong, checked);
  return wrong ? not_passed : passed;
}

int check_machine(const Options& options) {
  const Checkup checkup = doctor(read_course(options.set));
  fmt::print("{}", checkup.text);
  return checkup.well ? passed : not_passed;
}

int on_terminal_or_once(const Options& options) {
  Lesson lesson(options.set);
  lesson.go_on();
  if (isatty(STDIN_FILENO) && isatty(STDOUT_FILENO)) return lesson.watch();
  return lesson.run(options.full);
}

int learn(int argc, char** argv) {
  Options options;
  int code = usage;
  CLI::App app("", "./learn");
  app.add_option("--set", options.set, "folder of another course")->type_name("DIR");
  app.require_subcommand(0, 1);
  const auto command = [&](const char* name, const char* help, auto&& action) {
    CLI::App* sub = app.add_subcommand(name, help);
    sub->fallthrough();
    sub->callback([&options, &code, action] { code = action(options); });
    return sub;
  };
  const auto lesson = [&](const char* name, const char* help, auto&& action) {
    CLI::App* sub = command(name, help, [action](const Options& o) {
      Lesson own(o.set);
      own.choose(o.exercise);
      return action(own, o);
    });
    sub->add_option("exercise", options.exercise, "its name, or its number; else the current one");
    return sub;
  };
  lesson("list", "all exercises, and what is done", [](Lesson& l, const Options&) { return l.list(); });
  lesson("run", "run the tests of one exercise once", [](Lesson& l, const Options& o) {
    return l.run(o.full);
  })->add_flag("--full", options.full, "all the compiler says, all failed checks");
  lesson("hint", "one more hint", [](Lesson& l, const Options&) { return l.hint(); });
  lesson("reset", "start one exercise again", [](Lesson& l, const Options&) { return l.reset(); });
  lesson("solution", "show it, after passing", [](Lesson& l, const Options& o) {
    return l.solution(o.give_up);
  })->add_flag("--give-up", options.give_up, "without passing");
  lesson("check-all", "run the tests of every exercise", [](Lesson& l, const Options&) { return l.check_all(); });
  CLI::App* grading = command("grade", "marks by public and hidden tests", mark);
  grading->add_option("submission", options.submission,
                      "folder with NAME.cpp or NAME/exercise.cpp; else your own work");
  grading->add_flag("--json", options.json, "Gradescope's results.json on standard output");
  grading->add_option("--junit", options.junit_file, "also write JUnit XML")->type_name("FILE");
  grading->add_option("--seconds", options.seconds, "limit of each test program, 1..3600 (20)")
      ->check(CLI::Range(1.0, 3600.0));
  CLI::App* copying = command("export", "a copy of the course to hand out", hand_out);
  copying->add_option("--student", options.student, "without solutions and hidden tests")->type_name("DIR");
  copying->add_option("--staff", options.staff, "with everything")->type_name("DIR");
  command("doctor", "check that this machine can run the course", check_machine);
  command("dev", "check the course itself: skeletons fail, solutions pass, hints keep secrets", check_course)
      ->add_option("exercise", options.exercise, "only this one");

  try {
    app.parse(argc, argv);
  } catch (const CLI::CallForHelp& help) {
    if (!app.get_subcommands().empty()) return app.exit(help);
    std::fwrite(embedded::learn_help.data(), 1, embedded::learn_help.size(),
                stdout);  // ./learn prints the same unbuilt
    return passed;
  } catch (const CLI::ParseError& error) {
    const std::vector<std::string> words = app.remaining();
    if (!words.empty() && app.get_subcommands().empty()) {
      std::vector<std::string> commands;
      for (const CLI::App* sub : app.get_subcommands([](const CLI::App*) { return true; }))
        commands.push_back(sub->get_name());
      fail<ValueError>("{}", unknown_name(words.front(), "command of ./learn", commands, "./learn --help"));
    }
    app.exit(error);
    return usage;
  }
  return app.get_subcommands().empty() ? on_terminal_or_once(options) : code;
}

}  // namespace
}  // namespace glocal::tutor

int main(int argc, char** argv) {
  const auto report = [](const char* what, int code) {
    std::fprintf(stderr, "learn: %s\n", what);
    return code;
  };
  try {
    return glocal::tutor::learn(argc, argv);
  } catch (const glocal::DataError& error) {
    return report(error.what(), glocal::tutor::bad_data);
  } catch (const glocal::IoError& error) {
    return report(error.what(), glocal::tutor::input_output);
  } catch (const glocal::Error& error) {
    return report(error.what(), glocal::tutor::usage);
  } catch (const std::exception& error) {
    return report(error.what(), glocal::tutor::input_output);
  }
}
