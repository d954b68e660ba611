// What the rehearsals of a run are, by its optimiser.
#pragma once
#include <cstdint>

#include <glocal/hpo/rehearsal/rehearsal.h>
#include <glocal/hpo/rehearsal/rehearsal_gradient.h>
#include <glocal/train/experiment.h>

namespace glocal::app {

/// Steps that the averages of the gradient remember, which a rehearsal should have: 2.5 / (1 - momentum).
std::int64_t steps_remembered(const train::Experiment& experiment, const train::ExperimentConfig& config);
/// As long as that, but at most a tenth of the run; and how far the best rate falls with the length of a run. Throws
/// ValueError for an optimiser that finds its own rate.
hpo::RehearsalOptions rehearsal_options(const train::Experiment& experiment, const train::ExperimentConfig& config);

/// The same for the hyperparameters that are tuned, whatever they are: which of them are rates, and the momentum that
/// belongs to one. Throws as rehearsal_options where a rate is tuned.
hpo::GradientRehearsalOptions gradient_rehearsal_options(const train::Experiment& experiment,
                                                         const train::ExperimentConfig& config);
/// The most that those rehearsals together cost, in runs of T steps.
double most_of(const hpo::GradientRehearsalOptions& options);

}  // namespace glocal::app
