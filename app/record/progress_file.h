// How far a run is, in progress.json of its folder, for those who look on from outside.
#pragma once
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>

#include <glocal/core/stopwatch.h>
#include <glocal/train/experiment.h>

namespace glocal::app {

/// Where a run stands. Of runs from the start, `done` and `total` count the steps of all of them.
struct Standing {
  std::string estimator;
  std::int64_t done = 0, total = 1, before = 0;  ///< before: what an earlier process had done
  std::int64_t step = 0, updates = 0;            ///< of the training that goes on
  double seconds = 0;                            ///< of this process, since the run began in it
  double train_loss = 0;
  bool scored = false;      ///< validation holds a score
  train::Score validation;  ///< the latest
  std::string note;         ///< the same in words, and the hyperparameters

  template <class Self, class Visit>
  static void fields(Self& s, Visit&& visit) {
    visit("estimator", s.estimator);
    visit("done", s.done);
    visit("total", s.total);
    visit("before", s.before);
    visit("step", s.step);
    visit("updates", s.updates);
    visit("seconds", s.seconds);
    visit("train_loss", s.train_loss);
    visit("scored", s.scored);
    visit("val", s.validation);
    visit("note", s.note);
  }

  double rate() const;          ///< steps a second; 0 when unknown
  double seconds_left() const;  ///< NaN when unknown
};

/// progress.json while a run goes on: best effort, at most one write a second, gone with this object. It is written in
/// place, since a rename may wait for the disk: who reads half of it reads again.
class ProgressFile {
 public:
  static constexpr const char* name = "progress.json";

  explicit ProgressFile(const std::filesystem::path& folder);
  ~ProgressFile();
  ProgressFile(const ProgressFile&) = delete;
  ProgressFile& operator=(const ProgressFile&) = delete;

  bool due() const { return first_ || since_written_.seconds() >= 1; }
  void write(const Standing& standing);

 private:
  std::string path_;
  int file_ = -1;
  std::size_t length_ = 0;
  Stopwatch since_written_;
  bool first_ = true;
};

}  // namespace glocal::app
