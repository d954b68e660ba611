// What the machine can do for the course.
#pragma once
#include <string>

#include <glocal/course/tutor/course.h>

namespace glocal::tutor {

/// What the machine can do, a line each, and whether all that is needed works.
struct Checkup {
  std::string text;
  bool well = true;
};
Checkup doctor(const Course& course);

}  // namespace glocal::tutor
