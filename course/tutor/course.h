// A course: the ordered list of exercises in course.json, and what stands in the folder of each.
#pragma once
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace glocal::tutor {

struct Exercise {
  std::string name, title, track;
  int points = 0, minutes = 0;
  std::vector<std::string> hints;   ///< three
  std::vector<std::string> needed;  ///< names of earlier exercises ("requires")
  std::filesystem::path folder;

  std::filesystem::path text() const { return folder / "README.md"; }
  std::filesystem::path work() const { return folder / "exercise.cpp"; }      ///< what the student edits
  std::filesystem::path solution() const { return folder / "solution.cpp"; }  ///< absent from a student's copy
  std::filesystem::path skeleton() const { return folder / "skeleton.cpp"; }  ///< in a student's copy only
  std::filesystem::path public_test() const { return folder / "public_test.cpp"; }
  std::filesystem::path hidden_test() const { return folder / "hidden_test.cpp"; }  ///< absent from a student's copy
};

struct Course {
  std::string title;
  std::filesystem::path folder;
  std::vector<Exercise> exercises;

  /// By name, by its number ("7"), or by the start of a name that only one has. Throws ValueError, listing what is
  /// near.
  const Exercise& find(std::string_view name) const;
};

/// Throws DataError, naming the field, unless course.json and the folders it names are whole.
Course read_course(const std::filesystem::path& folder);

/// What the student starts from: skeleton.cpp, or solution.cpp without its solution.
std::string starting_point(const Exercise& exercise);
/// Writes exercise.cpp where there is none yet.
void prepare(const Exercise& exercise);

}  // namespace glocal::tutor
