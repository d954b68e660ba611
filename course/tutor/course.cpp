#include <glocal/course/tutor/course.h>

#include <fmt/ranges.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <ranges>

#include <glocal/core/error.h>
#include <glocal/core/io/file.h>
#include <glocal/core/text/nearest.h>
#include <glocal/course/tutor/skeleton.h>

namespace glocal::tutor {

namespace fs = std::filesystem;
using Json = nlohmann::json;

namespace {

template <class T>
T field(const Json& json, const char* name, const std::string& where) {
  if (!json.is_object() || !json.contains(name)) fail<DataError>("[course] {} has no \"{}\"", where, name);
  try {
    return json.at(name).get<T>();
  } catch (const Json::exception&) {
    fail<DataError>("[course] {}: \"{}\" has the wrong type, it is {}", where, name, json.at(name).type_name());
  }
}

// A name is also a folder: it must not lead out of the course.
void check_name(const std::string& name) {
  const auto fits = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-'; };
  if (name.empty() || !std::all_of(name.begin(), name.end(), fits))
    fail<DataError>("[course] the name \"{}\" must consist of a-z, 0-9 and -", name);
}

Exercise read_exercise(const Json& json, const Course& course) {
  Exercise exercise;
  exercise.name = field<std::string>(json, "name", fmt::format("exercise {}", course.exercises.size() + 1));
  check_name(exercise.name);
  exercise.title = field<std::string>(json, "title", exercise.name);
  exercise.track = field<std::string>(json, "track", exercise.name);
  exercise.points = field<int>(json, "points", exercise.name);
  exercise.minutes = field<int>(json, "minutes", exercise.name);
  exercise.hints = field<std::vector<std::string>>(json, "hints", exercise.name);
  exercise.needed = field<std::vector<std::string>>(json, "requires", exercise.name);
  exercise.folder = course.folder / exercise.name;
  if (exercise.points < 1)
    fail<DataError>("[course] {}: points = {} must be at least 1", exercise.name, exercise.points);
  for (const std::string& earlier : exercise.needed)
    if (std::none_of(course.exercises.begin(), course.exercises.end(),
                     [&](const auto& e) { return e.name == earlier; }))
      fail<DataError>("[course] {} requires {}, which does not come before it", exercise.name, earlier);
  for (const fs::path& file : {exercise.text(), exercise.public_test()})
    if (!fs::exists(file)) fail<DataError>("[course] {} is missing", file.string());
  if (!fs::exists(exercise.solution()) && !fs::exists(exercise.skeleton()))
    fail<DataError>("[course] {} has neither solution.cpp nor skeleton.cpp", exercise.folder.string());
  return exercise;
}

}  // namespace

Course read_course(const fs::path& folder) {
  const fs::path file = folder / "course.json";
  const Json json = Json::parse(read_file(file.string(), 1 << 20), nullptr, /*allow_exceptions=*/false);
  if (json.is_discarded()) fail<DataError>("[course] {} is not JSON", file.string());
  Course course{field<std::string>(json, "title", file.string()), fs::absolute(folder).lexically_normal(), {}};
  for (const Json& entry : field<std::vector<Json>>(json, "exercises", file.string()))
    course.exercises.push_back(read_exercise(entry, course));
  if (course.exercises.empty()) fail<DataError>("[course] {} has no exercises", file.string());
  return course;
}

const Exercise& Course::find(std::string_view name) const {
  std::vector<const Exercise*> found;
  for (std::size_t i = 0; i < exercises.size(); ++i) {
    if (exercises[i].name == name || std::to_string(i + 1) == name) return exercises[i];
    if (!name.empty() && exercises[i].name.find(name) != std::string::npos) found.push_back(&exercises[i]);
  }
  if (found.size() == 1) return *found.front();
  if (found.empty()) {
    std::vector<std::string> all;
    for (const Exercise& exercise : exercises) all.push_back(exercise.name);
    for (const Exercise& exercise : exercises) all.push_back(exercise.name.substr(exercise.name.find('-') + 1));
    fail<ValueError>("[learn] {}", unknown_name(name, "exercise", all, "./learn list"));
  }
  fail<ValueError>("[learn] {} may be {}; give more of the name", name,
                   fmt::join(found | std::views::transform([](const Exercise* one) { return one->name; }), ", "));
}

std::string starting_point(const Exercise& exercise) {
  if (fs::exists(exercise.skeleton())) return read_file(exercise.skeleton().string(), 1 << 20);
  return skeleton(read_file(exercise.solution().string(), 1 << 20), exercise.solution().string());
}

void prepare(const Exercise& exercise) {
  if (!fs::exists(exercise.work())) write_file_atomically(exercise.work().string(), starting_point(exercise));
}

}  // namespace glocal::tutor
