// What the settings of a run determine of where it may stand and of what it has written by then.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include <glocal/app/settings/options.h>
#include <glocal/app/setup/search.h>
#include <glocal/hpo/meta_optimizer.h>
#include <glocal/hpo/progress.h>
#include <glocal/train/experiment.h>

namespace glocal::app {

struct RunRules {
  std::string estimator;
  bool search = false, from_start = false;
  bool regression = false;                          ///< its scores have no accuracy
  hpo::Kept kept{.block = hpo::Kept::Block::none};  ///< of a block in progress
  std::int64_t q = 0, T = 0;
  std::int64_t tau = 0;          ///< steps of a block that ends with an update
  std::int64_t updates = 0;      ///< outer updates or trials of the whole run
  Replays replays;               ///< the runs of those from the start
  std::uint64_t seed = 0;        ///< of es and pes
  hpo::MetaOptimizer meta;       ///< before its first step
  std::int64_t loss_every = 1;   ///< steps between the training losses in metrics.jsonl
  std::int64_t score_every = 1;  ///< steps between the validation scores there

  bool tunes() const { return updates > 0 && !search; }
  /// While runs from the start are being made, of which metrics.jsonl holds nothing.
  bool replays_at(std::int64_t updates_made) const { return updates_made < replays.runs; }
  /// The step at which training itself begins: 0, or where it goes on from a trial.
  std::int64_t first_step() const { return replays.begin_of(replays.runs); }
  /// The step at which the next block begins after so many updates.
  std::int64_t block_start(std::int64_t updates_made) const { return from_start ? 0 : updates_made * tau; }
  /// Steps of the block at which its tangents are looked at: tau, tau / 2, ...
  std::vector<std::int64_t> looks() const;
};

/// Throws ValueError for options out of range.
RunRules rules_of(const train::Experiment& experiment, const Options& options, const std::string& estimator);

}  // namespace glocal::app
