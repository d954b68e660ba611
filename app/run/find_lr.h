// `--lr auto`: the learning rate of a run from rehearsals that are made before it.
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

/// What the rehearsals in a folder have taken so far; nothing where there are none.
struct RehearsalCost {
  std::int64_t steps = 0;
  double seconds = 0;
};
/// Throws DataError for a rehearsal.json that is none.
RehearsalCost cost_of_rehearsals(const RunFolder& folder);

}  // namespace glocal::app
