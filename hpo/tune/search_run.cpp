#include <glocal/hpo/tune/search_run.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <limits>
#include <map>
#include <memory>
#include <utility>
#include <vector>

#include <glocal/autodiff/var.h>
#include <glocal/core/error.h>
#include <glocal/core/memory.h>
#include <glocal/core/stopwatch.h>
#include <glocal/hpo/problem.h>
#include <glocal/hpo/progress.h>
#include <glocal/hpo/search/registry.h>
#include <glocal/hpo/search/search.h>
#include <glocal/hpo/space.h>
#include <glocal/hpo/tune/tune.h>
#include <glocal/hpo/tune/tune_state.h>

namespace glocal::hpo {
namespace {

std::int64_t whole_trial(const SearchOptions& o) { return o.trial_steps == 0 ? o.T : o.trial_steps; }

// E after what is left of the trial, NaN when the run left the finite numbers.
double score(const FlatProblem& problem, const Vars& phi, Progress& progress, std::int64_t& peak_bytes) {
  double E = std::numeric_limits<double>::quiet_NaN();
  reset_peak_memory();
  try {
    train_to(problem, phi, progress, progress.T);
    E = problem.outer(progress.s, phi, 0).item();
  } catch (const DivergedError&) {
  } catch (const NumericError&) {
  }
  peak_bytes = std::max(peak_bytes, memory_use().peak_bytes);
  return std::isfinite(E) ? E : std::numeric_limits<double>::quiet_NaN();
}

}  // namespace

std::int64_t affordable_trials(const SearchOptions& o) {
  if (o.T < 1) fail<ValueError>("[{}] T = {} must be at least 1 step", o.method, o.T);
  const std::int64_t steps = whole_trial(o);
  if (steps < 1 || steps > o.T)
    fail<ValueError>("[{}] trials of {} steps; give 1..{} steps, 0 for all of them", o.method, o.trial_steps, o.T);
  if (o.budget - o.T < steps)
    fail<ValueError>(
        "[{}] a budget of {} gradient evaluations pays for no trial of {} steps beside the last training of {}; give "
        "at least {}",
        o.method, o.budget, steps, o.T, o.T + steps);
  return (o.budget - o.T) / steps;
}

TrialSteps steps_of_trial(const Search& search, const SearchOptions& o, std::int64_t trial) {
  const auto at = [&](double share) { return std::llround(share * static_cast<double>(whole_trial(o))); };
  if (trial >= search.trials()) return {at(search.last_begins()), o.T};
  const Part part = search.part(trial);
  const TrialSteps steps{at(part.begin), at(part.end)};
  if (steps.begin >= steps.end)
    fail<ValueError>("[{}] trials of {} steps are too short to be divided; give more steps", o.method, whole_trial(o));
  return steps;
}

std::unique_ptr<Search> make_search(const Space& space, const Vars& phi, const SearchOptions& o) {
  return make_search(o.method, box_around(space, phi, o.width), affordable_trials(o), o.key);
}

TuneResult search_run(const FlatProblem& problem, const Space& space, const Vars& phi, const SearchOptions& options,
                      const std::function<void(const OuterUpdate&)>& report) {
  TuneState state = start_of_run(problem, phi, options.T);
  return search_run(problem, space, state, options, report);
}

TuneResult search_run(const FlatProblem& problem, const Space& space, TuneState& state, const SearchOptions& options,
                      const std::function<void(const OuterUpdate&)>& report) {
  const auto search = make_search(space, state.phi, options);
  const Stopwatch clock;
  const std::int64_t trials = search->trials();
  std::int64_t peak_bytes = 0;
  double best = std::numeric_limits<double>::infinity();
  std::int64_t best_trial = -1;
  double furthest = 0;  // share of a run that the trials have reached, the best of which is the best so far
  Vars best_phi = state.phi;
  std::vector<std::vector<double>> asked;
  std::map<std::int64_t, Vars> kept;  // where trials ended that may go on
  // The state in which a trial ended; made again, unseen, where that was before a stop.
  FlatProblem unseen = problem;
  unseen.watch = [&problem](const Vars&, std::int64_t) { problem.poll(); };
  const auto end_of = [&](std::int64_t trial) {
    if (const auto found = kept.find(trial); found != kept.end()) return found->second;
    const Vars phi = to_leaves(asked[static_cast<std::size_t>(trial)], state.phi);
    const std::int64_t end = steps_of_trial(*search, options, trial).end;
    Progress again{problem.init(phi), {}, 0, end};
    train_to(unseen, phi, again, end);
    return again.s;
  };
  // Unless a run that goes on is in the middle of it: from the end of an earlier trial, or from the start.
  const auto begin = [&](const Vars& phi, TrialSteps steps, std::int64_t earlier) {
    if (state.progress.t > 0) return;
    const bool goes_on = steps.begin > 0 && earlier >= 0;
    state.progress = {goes_on ? end_of(earlier) : problem.init(phi), {}, goes_on ? steps.begin : 0, steps.end};
  };
  for (std::int64_t i = 0; i < trials; ++i) {
    const Stopwatch trial;
    const std::vector<double> u = search->ask();
    const Vars phi = to_leaves(u, state.phi);
    asked.push_back(u);
    const std::int64_t earlier = search->goes_on_from();
    const bool lost = earlier >= 0 && !std::isfinite(state.scores[static_cast<std::size_t>(earlier)]);
    const bool known = i < state.updates;  // a search told the same scores asks for the same trials
    if (!known) {
      if (lost) {
        state.scores.push_back(std::numeric_limits<double>::quiet_NaN());
      } else {
        begin(phi, steps_of_trial(*search, options, i), earlier);
        state.scores.push_back(score(problem, phi, state.progress, peak_bytes));
        kept[i] = std::move(state.progress.s);
      }
      state.progress = {{}, {}, 0, options.T};
      ++state.updates;
    }
    const double E = state.scores[static_cast<std::size_t>(i)];
    search->tell(u, E);
    std::erase_if(kept, [&](const auto& entry) { return !search->keeps(entry.first); });
    if (const double end = search->part(i).end; end > furthest) {
      furthest = end;
      best = std::numeric_limits<double>::infinity();
    }
    if (E < best) {
      best = E;
      best_phi = phi;
      best_trial = i;
    }
    if (known) continue;
    OuterUpdate update{i, 0, phi, best_phi, {{}, E, {}, {}}};
    update.seconds = trial.seconds();
    state.estimate_seconds += update.seconds;
    if (report) report(update);
  }
  if (!std::isfinite(best))
    fail<DivergedError>("[{}] all {} trials diverged; start from a smaller learning rate", options.method, trials);
  begin(best_phi, steps_of_trial(*search, options, trials), best_trial);
  kept.clear();
  reset_peak_memory();
  train_to(problem, best_phi, state.progress, options.T);
  TuneResult result{.s = state.progress.s, .phi = best_phi, .updates = trials};
  result.estimate_seconds = state.estimate_seconds;
  result.seconds = clock.seconds();
  result.peak_bytes = std::max(peak_bytes, memory_use().peak_bytes);
  return result;
}

}  // namespace glocal::hpo
