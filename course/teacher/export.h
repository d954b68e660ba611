// Copies of the course to hand out.
#pragma once
#include <filesystem>

#include <glocal/course/tutor/course.h>

namespace glocal::tutor {

enum class Copy { student, staff };
/// Writes the course into a folder that is absent or empty: a student's has skeleton.cpp for solution.cpp and no hidden
/// tests. Throws ValueError for a folder that holds something.
void export_course(const Course& course, const std::filesystem::path& folder, Copy copy);

}  // namespace glocal::tutor
