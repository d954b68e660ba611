// What happens before a run starts and before anything is written: checks, the data, and what it will cost.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include <glocal/app/settings/options.h>
#include <glocal/hpo/estimators/probe.h>
#include <glocal/train/experiment.h>

namespace glocal::app {

/// Checks the settings that do not need data, sets the number of threads. Throws ValueError.
void check(const Options& options, const std::vector<std::string>& estimators);
/// The problem with this seed, which shares the data of `like` where both see the same; turns options.epochs into
/// steps. Throws ValueError, ShapeError, DataError.
train::Experiment build(Options& options, std::uint64_t seed, const train::Experiment* like = nullptr);
/// The settings with every default resolved, for config.json.
Options resolved(Options options, const train::Experiment& experiment);

/// The config.json of a run with one estimator.
Json config_of(const train::Experiment& experiment, const Options& options, const std::string& estimator);
/// A config.json without what changes no bit of a run: threads, memory limit, folder of the data, times of saving.
Json without_machine(Json config);

/// Measures one step and predicts each estimator's run, saying so on stderr. Throws MemoryError above --mem-limit.
std::vector<hpo::Cost> predict(const train::Experiment& experiment, const Options& options,
                               const std::vector<std::string>& estimators);

/// Version, compiler, BLAS, processor, threads: what a number may depend on.
Json machine();
/// meta.json: what ran where, and what it was expected to need.
Json describe(const train::Experiment& experiment, const hpo::Cost& predicted);

}  // namespace glocal::app
