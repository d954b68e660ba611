// Hyperparameters of a run from rehearsals that are made before it: `--lr auto` and the estimators rehearsal and
// rehearsal-gradient.
#pragma once
#include <cstdint>
#include <string>

#include <glocal/app/record/run_folder.h>
#include <glocal/app/settings/options.h>
#include <glocal/train/experiment.h>

namespace glocal::app {

/// Throws ValueError for a run too short for rehearsals, or a schedule without a single lr.
void check_lr_can_be_found(const train::Experiment& experiment, const Options& options);

/// The options with the rate found for their seed. Trials are kept in rehearsal.json of the folder as they are made,
/// and a run that goes on makes those that are left, to the same bits; what was tried is said as a table. Throws as
/// check_lr_can_be_found, DataError for a rehearsal.json that is none, Interrupted, which says the command that goes
/// on, and what an Experiment throws.
Options with_lr_found(const train::Experiment& experiment, Options options, const RunFolder& folder,
                      const std::string& resume_command);

/// Of the estimator rehearsal-gradient, which finds all that is tuned: throws ValueError for a run that is too short,
/// for more than 1000 numbers, and for an optimiser that finds its own rate where lr is tuned.
void check_values_can_be_found(const train::Experiment& experiment, const Options& options);
/// The options with the values found; all as with_lr_found.
Options with_values_found(const train::Experiment& experiment, Options options, const RunFolder& folder,
                          const std::string& resume_command);
/// That for the estimators that rehearse, each its own.
void check_can_rehearse(const train::Experiment& experiment, const Options& options, const std::string& estimator);
Options rehearsed(const train::Experiment& experiment, Options options, const std::string& estimator,
                  const RunFolder& folder, const std::string& resume_command);
/// The settings in a run's folder as they were before rehearsals changed them. Throws DataError.
Json settings_before(const RunFolder& folder);

/// What the rehearsals in a folder have taken so far; nothing where there are none.
struct RehearsalCost {
  std::int64_t steps = 0;
  double seconds = 0;
};
/// Throws DataError for a rehearsal.json that is none.
RehearsalCost cost_of_rehearsals(const RunFolder& folder);

}  // namespace glocal::app
