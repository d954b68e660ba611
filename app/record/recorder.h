// Watches a run while it goes on: writes its lines, checks that it has not diverged, shows how far it is.
#pragma once
#include <cstdint>
#include <filesystem>
#include <limits>
#include <span>
#include <string>
#include <vector>

#include <glocal/app/record/numbers.h>
#include <glocal/app/record/progress_file.h>
#include <glocal/app/record/run_folder.h>
#include <glocal/app/settings/options.h>
#include <glocal/app/setup/divergence.h>
#include <glocal/app/setup/run_rules.h>
#include <glocal/app/terminal/progress.h>
#include <glocal/autodiff/var.h>
#include <glocal/core/stopwatch.h>
#include <glocal/hpo/space.h>
#include <glocal/hpo/tune/tune.h>
#include <glocal/train/experiment.h>

namespace glocal::app {

/// What is printed of hyperparameters: each in a few words, of very many the first twelve.
std::string shown(const Values& values, int digits, const char* before, const char* between = " ");

/// What has been recorded up to some step: with the files up to these lengths, all that a Recorder goes on from.
struct Seen {
  std::int64_t steps = 0;  ///< of training itself, replays left out
  std::int64_t updates = 0;
  double train_loss = 0;
  train::Score validation;
  bool scored = false;                                    ///< validation holds a score
  double best = std::numeric_limits<double>::infinity();  ///< least validation loss
  double estimate_seconds = 0;
  std::int64_t metrics_bytes = 0, hparams_bytes = 0, timing_bytes = 0;
  bool pending = false;  ///< step() has not been told of the latest step

  template <class Self, class Visit>
  static void fields(Self& seen, Visit&& visit) {
    visit("steps", seen.steps);
    visit("updates", seen.updates);
    visit("train_loss", seen.train_loss);
    visit("val_loss", seen.validation.loss);
    visit("val_accuracy", seen.validation.accuracy);
    visit("scored", seen.scored);
    visit("best", seen.best);
    visit("estimate_seconds", seen.estimate_seconds);
    visit("metrics_bytes", seen.metrics_bytes);
    visit("hparams_bytes", seen.hparams_bytes);
    visit("timing_bytes", seen.timing_bytes);
    visit("pending", seen.pending);
  }
};

/// What a run has used; of a run that goes on, over all its processes.
struct Used {
  double seconds = 0, block_seconds = 0;  ///< of the run, and since the latest update; pauses left out
  std::int64_t peak_bytes = 0;            ///< of tensors

  template <class Self, class Visit>
  static void fields(Self& used, Visit&& visit) {
    visit("seconds", used.seconds);
    visit("block_seconds", used.block_seconds);
    visit("peak_bytes", used.peak_bytes);
  }
};

/// Monitors one run. Evaluations and files are not part of training: their time and memory are measured apart.
class Recorder {
 public:
  Recorder(const train::Experiment& experiment, const Options& options, std::string estimator, const RunFolder& folder);
  /// Goes on with the files of a run that saw `seen` before it was stopped, with these hyperparameters in use.
  Recorder(const train::Experiment& experiment, const Options& options, std::string estimator, const RunFolder& folder,
           const Seen& seen, const Used& used, const std::vector<double>& in_use, std::int64_t record);

  /// After every step (problem.watch). Throws DivergedError naming step and tensor; Interrupted while it evaluates.
  void step(const Vars& s, std::int64_t t);
  /// After every outer update, or trial of a search.
  void update(const hpo::OuterUpdate& update);
  /// From here on these hyperparameters are in use; they stand in line `record` of hparams.jsonl, from 0 on.
  void use(const Vars& phi, std::int64_t record);
  /// The last scores, on the validation and test parts, of the state after the last step.
  void score(const Vars& s);

  /// What has been seen up to now. `pending`: as it was before the step that is being watched.
  Seen seen() const;
  Used used() const;
  bool replays() const { return rules_.replays_at(seen_.updates); }
  Standing standing() const;  ///< after the latest step
  /// What was appended to the files survives a crash of the machine.
  void sync();

  train::Score test;
  const Values& values() const { return values_; }  ///< hyperparameters in use now: the last good ones
  std::int64_t record() const { return record_; }   ///< the line where they stand

  /// While one lives, clock and peak memory stand still for the run.
  class Pause {
   public:
    explicit Pause(Recorder& recorder);
    ~Pause();
    Pause(const Pause&) = delete;
    Pause& operator=(const Pause&) = delete;

   private:
    Recorder& recorder_;
    Stopwatch clock_;
  };

 private:
  Recorder(const train::Experiment& experiment, const Options& options, std::string estimator, const RunFolder& folder,
           JsonLines metrics, JsonLines hparams, JsonLines timing);
  void check(const Vars& s, double before, std::int64_t t) const;
  void validate(const Vars& s);
  std::int64_t steps_done(std::int64_t step) const;  // of all runs, step of this one, for the progress line
  void write_update(const hpo::OuterUpdate& update);
  std::string note() const;

  void set_values(std::span<const double> numbers, std::int64_t record);

  const train::Experiment& experiment_;
  std::string estimator_;
  std::filesystem::path folder_;
  std::vector<hpo::Extent> extents_;
  Values values_;
  std::string note_;  // of them
  std::int64_t record_ = 0;
  Divergence divergence_;
  RunRules rules_;
  std::int64_t T_, block_;
  Seen seen_;
  std::int64_t peak_bytes_ = 0;  // of tensors before the latest pause
  Stopwatch run_clock_, block_clock_;
  double paused_ = 0, paused_in_block_ = 0;  // seconds; negative by what earlier processes have used
  JsonLines metrics_, hparams_, timing_;
  ProgressLine progress_;
  ProgressFile progress_file_;
  std::int64_t step_ = 0, before_ = 0;  // the latest step, and the steps of an earlier process; runs from the start too
};

}  // namespace glocal::app
