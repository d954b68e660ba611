#include <glocal/course/teacher/doctor.h>

#include <unistd.h>

#include <cstdlib>
#include <fstream>

#include <glocal/core/error.h>
#include <glocal/course/tutor/course.h>
#include <glocal/course/tutor/toolchain.h>
#include <glocal/course/tutor/workshop.h>

namespace glocal::tutor {

namespace fs = std::filesystem;

namespace {

bool writable(const fs::path& folder) {
  std::error_code none;
  fs::create_directories(folder, none);
  return access(folder.c_str(), W_OK) == 0;
}

}  // namespace

Checkup doctor(const Course& course) {
  Checkup checkup;
  const auto line = [&](bool well, const std::string& what, const std::string& otherwise) {
    checkup.text += fmt::format("{}  {}{}\n", well ? "ok     " : "FAULTY ", what, well ? "" : ": " + otherwise);
    checkup.well = checkup.well && well;
  };
  Finished version;
  try {
    version = run_process({compiler, "-dumpfullversion", "-dumpversion"}, {.limits = ProcessLimits{10}});
  } catch (const IoError&) {
    version.code = 127;
  }
  line(version.code == 0, fmt::format("compiler {} {}", compiler, version.output.substr(0, version.output.find('\n'))),
       "it does not run; build again with ./learn doctor");
  for (const char* file : {arguments_file, link_file})
    line(fs::exists(file), file, "is missing; build again: ./learn doctor");
  line(writable(builds_folder()), fmt::format("programs go to {}", builds_folder().string()),
       "it cannot be written; set GLOCAL_LEARN_BUILDS to a folder that can");
  line(writable(course.folder), fmt::format("{} exercises in {}", course.exercises.size(), course.folder.string()),
       "it cannot be written, and your work is kept there");
  if (version.code != 0) return checkup;  // nothing can be compiled
  const Exercise& first = course.exercises.front();
  const fs::path start = builds_folder() / "doctor.cpp";
  std::ofstream(start) << starting_point(first);
  const TestRun run = run_tests(first, start, first.public_test(), builds_folder());
  fs::remove(start);
  line(run.outcome == TestRun::Outcome::failed,
       fmt::format("a skeleton compiles in {:.1f} s and its tests fail, as they should", run.compile_seconds),
       run.output);
  line(true, isatty(STDOUT_FILENO) ? "a terminal: watching and keys" : "no terminal: one run a call", "");
  return checkup;
}

}  // namespace glocal::tutor
