// What a student has done: one plain file in the course's folder, progress.txt.
#pragma once
#include <filesystem>
#include <map>
#include <string>

#include <glocal/course/tutor/course.h>

namespace glocal::tutor {

class Progress {
 public:
  /// An absent file is an empty one. Lines are "done NAME", "hints NAME 2", "seen NAME" (its solution) and "at NAME".
  /// Throws DataError, naming the line, for anything else.
  explicit Progress(const Course& course);

  bool done(const Exercise& exercise) const { return at(exercise).done; }
  int hints(const Exercise& exercise) const { return at(exercise).hints; }
  bool seen(const Exercise& exercise) const { return at(exercise).seen; }  ///< gave up and read the solution
  /// Where the student is: the exercise chosen last, else the first that is not done, else the last.
  const Exercise& current() const;
  int count_done() const;

  // Each writes the file.
  void set_done(const Exercise& exercise, bool done);
  void set_hints(const Exercise& exercise, int shown);
  void set_seen(const Exercise& exercise);
  void go_to(const Exercise& exercise);
  /// To the first exercise after the current one that is not done; false when there is none.
  bool next();

 private:
  struct Entry {
    bool done = false, seen = false;
    int hints = 0;
  };
  const Entry& at(const Exercise& exercise) const;
  void save() const;

  const Course& course_;
  std::filesystem::path file_;
  std::map<std::string, Entry> entries_;
  std::string at_;
};

}  // namespace glocal::tutor
