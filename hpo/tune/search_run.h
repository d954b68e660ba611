// The outer loop of a black-box search: whole runs of training, each with its own hyperparameters.
#pragma once
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include <glocal/autodiff/var.h>
#include <glocal/core/random.h>
#include <glocal/hpo/problem.h>
#include <glocal/hpo/search/search.h>
#include <glocal/hpo/space.h>
#include <glocal/hpo/tune/tune.h>
#include <glocal/hpo/tune/tune_state.h>

namespace glocal::hpo {

struct SearchOptions {
  std::string method = "random-search";  ///< a name of search_names()
  std::int64_t T = 1000;                 ///< steps of training, >= 1
  std::int64_t trial_steps = 0;          ///< steps of a trial, 1..T; 0: T
  /// Gradient evaluations for all of it, the last training included: see gradient_evaluations in predict.h.
  std::int64_t budget = 20'000;
  double width = 1;  ///< of the box: see box_around
  Key key{};
};

/// Trials that the budget pays for: (budget - T) / trial_steps, rounded down; a trial that diverges early counts whole.
/// Throws ValueError when that is none, naming the least budget, or for options out of range.
std::int64_t affordable_trials(const SearchOptions& options);
/// Steps at which a trial, or the last training, begins and ends that makes such shares of a trial.
struct TrialSteps {
  std::int64_t begin = 0, end = 0;
};
/// Of trial 0, 1, ...; past the last one those of the last training. Throws ValueError for a run too short to be
/// divided.
TrialSteps steps_of_trial(const Search& search, const SearchOptions& options, std::int64_t trial);
/// The search itself, before its first trial.
std::unique_ptr<Search> make_search(const Space& space, const Vars& phi, const SearchOptions& options);

/// Every trial trains from init(u) for `trial_steps` steps, or a part of them, from where an earlier one ended if the
/// search says so; the state of that is kept, or made again where a run goes on that was stopped. Its score is E there
/// on the validation batch of a run from the start (block 0). One that throws DivergedError or NumericError
/// (problem.watch may), or whose E is not finite, is the worst. The best u is then trained to the end of T steps, from
/// the start or from where its trial ended. Reports each trial as an OuterUpdate without a hypergradient: phi the point
/// tried, estimate.outer its E (NaN when it failed), next_phi the best so far. Throws DivergedError when every trial
/// failed, and whatever else problem throws.
TuneResult search_run(const FlatProblem& problem, const Space& space, const Vars& phi, const SearchOptions& options,
                      const std::function<void(const OuterUpdate&)>& report = {});
/// Goes on from `state`, whose phi is where the search began; see tune.
TuneResult search_run(const FlatProblem& problem, const Space& space, TuneState& state, const SearchOptions& options,
                      const std::function<void(const OuterUpdate&)>& report = {});

}  // namespace glocal::hpo
