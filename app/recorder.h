// Watches a run while it goes on: writes its lines, checks that its numbers are finite, shows how far it is.
#pragma once
#include <chrono>
#include <cstdint>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <glocal/app/experiment.h>
#include <glocal/app/options.h>
#include <glocal/app/progress.h>
#include <glocal/app/run_folder.h>
#include <glocal/app/search.h>

namespace glocal::app {

using Values = std::vector<std::pair<std::string, double>>;  ///< hyperparameters by name, in order
/// What is printed of them: all, or the first twelve of many, as the weights of a network are.
std::span<const Values::value_type> shown(const Values& values);

/// One run's eyes. Evaluations and files are not part of training: their time and memory are measured apart.
class Recorder {
 public:
  Recorder(const Experiment& experiment, const Options& options, std::string estimator, const RunFolder& folder);

  /// After every step (problem.watch). Throws DivergedError naming step and tensor, or Interrupted.
  void step(const Vars& s, std::int64_t t);
  /// After every outer update, or trial of a search.
  void update(const hpo::OuterUpdate& update);
  /// The last scores, on the validation and test parts.
  void score(const Vars& s);

  std::int64_t steps = 0;  ///< of training itself, replays left out
  std::int64_t updates = 0, clipped = 0;
  double train_loss = 0;
  Score validation, test;
  bool scored = false;  ///< validation holds a score
  Values values;        ///< hyperparameters in use now: the last good ones
  Vars saved;           ///< the state when the run was interrupted in training
  double estimate_seconds = 0, paused_seconds = 0;
  std::int64_t peak_bytes = 0;  ///< of tensors before the latest pause

 private:
  class Pause;
  void check_finite(const Vars& s, std::int64_t t) const;
  void write_update(const hpo::OuterUpdate& update);
  std::string note() const;

  const Experiment& experiment_;
  std::string estimator_;
  std::int64_t T_, block_, loss_every_, score_every_;
  Replays replays_;
  double paused_in_block_ = 0;
  JsonLines metrics_, hparams_, timing_;
  ProgressLine progress_;
};

}  // namespace glocal::app
