// What a student reads: results, lists, hints, as text; in colour on a terminal.
#pragma once
#include <string>

#include <glocal/course/tutor/course.h>
#include <glocal/course/tutor/progress.h>
#include <glocal/course/tutor/workshop.h>

namespace glocal::tutor {

/// Colours when standard output is a terminal and NO_COLOR is not set.
struct Paint {
  bool on = false;
  std::string good(const std::string& text) const { return wrap("32", text); }
  std::string bad(const std::string& text) const { return wrap("31", text); }
  std::string quiet(const std::string& text) const { return wrap("2", text); }
  std::string strong(const std::string& text) const { return wrap("1", text); }

 private:
  std::string wrap(const char* code, const std::string& text) const;
};
Paint paint();

/// The result of a run; `full` gives the compiler's whole output.
std::string show(const TestRun& run, const Exercise& exercise, bool full, const Paint& paint);
/// All exercises by track, with what is done.
std::string list(const Course& course, const Progress& progress, const Paint& paint);
/// "exercise 3 of 24 [###---------]".
std::string where(const Course& course, const Progress& progress, const Paint& paint);

}  // namespace glocal::tutor
