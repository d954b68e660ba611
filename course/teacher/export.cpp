#include <glocal/course/teacher/export.h>

#include <fstream>
#include <nlohmann/json.hpp>

#include <glocal/core/error.h>
#include <glocal/core/io/file.h>
#include <glocal/course/tutor/course.h>

namespace glocal::tutor {

namespace fs = std::filesystem;

void export_course(const Course& course, const fs::path& folder, Copy copy) {
  if (fs::exists(folder) && !(fs::is_directory(folder) && fs::is_empty(folder)))
    fail<ValueError>("[export] {} holds something already; give a new folder", folder.string());
  try {
    fs::create_directories(folder);
    fs::copy_file(course.folder / "course.json", folder / "course.json");
    for (const Exercise& exercise : course.exercises) {
      const fs::path to = folder / exercise.name;
      fs::create_directory(to);
      fs::copy_file(exercise.text(), to / "README.md");
      fs::copy_file(exercise.public_test(), to / "public_test.cpp");
      write_file_atomically((to / "skeleton.cpp").string(), starting_point(exercise));
      if (copy == Copy::student) continue;
      for (const fs::path& file : {exercise.solution(), exercise.hidden_test()})
        if (fs::exists(file)) fs::copy_file(file, to / file.filename());
    }
  } catch (const fs::filesystem_error& error) {
    fail<IoError>("[export] {}: {}", error.path1().string(), error.code().message());
  }
}

}  // namespace glocal::tutor
