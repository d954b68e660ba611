#include <glocal/course/tutor/progress.h>

#include <algorithm>
#include <sstream>

#include <glocal/core/error.h>
#include <glocal/core/io/file.h>

namespace glocal::tutor {

Progress::Progress(const Course& course) : course_(course), file_(course.folder / "progress.txt") {
  if (!std::filesystem::exists(file_)) return;
  std::istringstream lines(read_file(file_.string(), 1 << 20));
  std::string line;
  for (int number = 1; std::getline(lines, line); ++number) {
    std::istringstream words(line);
    std::string what, name;
    words >> what >> name;
    int count = 0;
    const bool has_count = static_cast<bool>(words >> count);
    const bool known = what == "done" || what == "seen" || what == "at" || (what == "hints" && has_count && count >= 0);
    if (!known || name.empty())
      fail<DataError>("[learn] {}:{}: \"{}\" is no line of it; remove the line", file_.string(), number, line);
    if (what == "at") at_ = name;
    if (what == "done") entries_[name].done = true;
    if (what == "seen") entries_[name].seen = true;
    if (what == "hints") entries_[name].hints = count;
  }
}

const Progress::Entry& Progress::at(const Exercise& exercise) const {
  static const Entry none;
  const auto found = entries_.find(exercise.name);
  return found == entries_.end() ? none : found->second;
}

const Exercise& Progress::current() const {
  for (const Exercise& exercise : course_.exercises)
    if (exercise.name == at_) return exercise;
  for (const Exercise& exercise : course_.exercises)
    if (!done(exercise)) return exercise;
  return course_.exercises.back();
}

int Progress::count_done() const {
  return static_cast<int>(
      std::count_if(course_.exercises.begin(), course_.exercises.end(), [&](const auto& e) { return done(e); }));
}

void Progress::set_done(const Exercise& exercise, bool done) {
  entries_[exercise.name].done = done;
  save();
}

void Progress::set_hints(const Exercise& exercise, int shown) {
  entries_[exercise.name].hints = shown;
  save();
}

void Progress::set_seen(const Exercise& exercise) {
  entries_[exercise.name].seen = true;
  save();
}

void Progress::go_to(const Exercise& exercise) {
  at_ = exercise.name;
  save();
}

bool Progress::next() {
  const auto& all = course_.exercises;
  const auto here = static_cast<std::size_t>(&current() - all.data());
  for (std::size_t i = 1; i < all.size(); ++i) {
    const Exercise& candidate = all[(here + i) % all.size()];
    if (done(candidate)) continue;
    go_to(candidate);
    return true;
  }
  return false;
}

void Progress::save() const {
  std::string text;
  for (const auto& [name, entry] : entries_) {
    if (entry.done) text += fmt::format("done {}\n", name);
    if (entry.seen) text += fmt::format("seen {}\n", name);
    if (entry.hints > 0) text += fmt::format("hints {} {}\n", name, entry.hints);
  }
  if (!at_.empty()) text += fmt::format("at {}\n", at_);
  write_file_atomically(file_.string(), text);
}

}  // namespace glocal::tutor
