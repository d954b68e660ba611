// One run as it goes on: watched, saved as it goes, and continued from where a checkpoint left it.
#pragma once
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <glocal/app/checkpoint/checkpoint.h>
#include <glocal/app/record/recorder.h>
#include <glocal/app/record/run_folder.h>
#include <glocal/app/settings/options.h>
#include <glocal/autodiff/var.h>
#include <glocal/core/stopwatch.h>
#include <glocal/hpo/tune/tune.h>
#include <glocal/train/experiment.h>

namespace glocal::app {

/// Keeps the state of a run together with what had been seen when that last stood still: the two that a checkpoint
/// holds. Between them, work that makes no step of its own (a backward pass, perturbed runs) is done again after a
/// stop.
class Training {
 public:
  Training(const train::Experiment& experiment, const Options& options, const std::string& estimator,
           const RunFolder& folder);
  Training(const train::Experiment& experiment, const Options& options, const std::string& estimator,
           const RunFolder& folder, Checkpoint checkpoint);

  /// To the end. Throws Interrupted, DivergedError, IoError and whatever else the problem throws.
  hpo::TuneResult run();
  /// The last scores; Interrupted leaves the run where its training ended.
  void score(const Vars& s);
  /// Where the page of a run that goes on is written; by default into its folder.
  void report_to(std::string file) { live_report_ = std::move(file); }
  /// Removes such a page, for runs that end without a report.
  void drop_report() const;
  /// Writes last.safetensors and the network of training itself. Not after any error but Interrupted: others may leave
  /// half a step behind. Throws DivergedError for a state that is not finite, and leaves the file as it was.
  void save();

  /// The parameters of training itself, empty where runs from the start are still being made.
  const Vars& parameters() const { return recorder_.replays() ? nothing_ : state_.progress.s; }
  const Recorder& recorder() const { return recorder_; }
  std::int64_t clipped() const { return state_.meta.clipped; }
  double meta_lr() const { return state_.meta.lr; }
  /// Estimators from the start: E of each run judged, see hpo::TuneState; empty for others.
  std::vector<double> judged() const { return state_.best_u.empty() ? std::vector<double>() : state_.scores; }

 private:
  void watch(const Vars& s, std::int64_t t);
  void note_judgement();
  std::int64_t record() const;
  bool due() const;
  void report_now_and_then();
  void save_best(const Vars& s);
  const Identity& identity();
  std::string path(const char* file) const { return (folder_.path() / file).string(); }

  const train::Experiment& experiment_;
  const Options& options_;
  const std::string& estimator_;
  const RunFolder& folder_;
  hpo::TuneState state_;
  Recorder recorder_;
  Seen mark_;  // what had been seen when state_ last stood still
  std::optional<Identity> identity_;
  Stopwatch since_saved_;
  double saving_ = 0;  // seconds that the latest save took
  std::string live_report_ = path("report.html");
  Stopwatch since_reported_;
  double reporting_ = 0;  // seconds that the latest report took
  bool reported_ = false;
  bool judgement_noted_ = false;
  const Vars nothing_;
};

/// The run of `folder` from its last.safetensors when it is to go on and there is one, else from the start. Says on
/// stderr when the machine or build has changed. Throws DataError when the checkpoint or the lines written before it do
/// not fit; see from_file and check_lines.
std::unique_ptr<Training> begin_or_go_on(const train::Experiment& experiment, const Options& options,
                                         const std::string& estimator, const RunFolder& folder, bool go_on);

}  // namespace glocal::app
