// The check that the course itself is sound.
#pragma once
#include <string>
#include <vector>

#include <glocal/course/tutor/course.h>

namespace glocal::tutor {

/// What is wrong with the course itself; empty when each skeleton compiles and fails, each solution passes its public
/// and hidden tests, points add up, no hint gives away a line of the solution, and
/// each mistake of mistakes.json (a text of the solution replaced by another) is caught with a message that says so.
std::vector<std::string> faults(const Exercise& exercise);

}  // namespace glocal::tutor
