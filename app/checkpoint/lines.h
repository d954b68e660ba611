// The lines that a run has written, held against the checkpoint that it goes on from.
#pragma once
#include <filesystem>

#include <glocal/app/checkpoint/checkpoint.h>
#include <glocal/app/setup/run_rules.h>
#include <glocal/train/experiment.h>

namespace glocal::app {

/// metrics.jsonl, hparams.jsonl and timing.jsonl up to the lengths in the checkpoint: every line is what a run writes
/// there, their number and steps follow from the settings and the counters, and loss, scores, best, time, values, u,
/// clipped and the moments are those of the checkpoint. What comes later, a line cut in the middle too, is not looked
/// at: it is cut off and written again. Throws DataError naming file, line and field.
void check_lines(const std::filesystem::path& folder, const Checkpoint& checkpoint, const train::Experiment& experiment,
                 const RunRules& rules);

}  // namespace glocal::app
