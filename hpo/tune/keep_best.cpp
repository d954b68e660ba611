#include <glocal/hpo/tune/keep_best.h>

#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <limits>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <glocal/autodiff/var.h>
#include <glocal/core/error.h>
#include <glocal/hpo/estimators/estimate.h>
#include <glocal/hpo/estimators/estimator.h>
#include <glocal/hpo/meta_optimizer.h>
#include <glocal/hpo/problem.h>
#include <glocal/hpo/progress.h>
#include <glocal/hpo/space.h>
#include <glocal/hpo/tune/tune_state.h>

namespace glocal::hpo {
namespace {

constexpr double no_score = std::numeric_limits<double>::quiet_NaN();

bool left_the_finite(const Error& error) {
  return dynamic_cast<const DivergedError*>(&error) || dynamic_cast<const NumericError*>(&error);
}

std::string name_of(std::int64_t update) { return update == 0 ? "the start" : fmt::format("update {}", update); }

// Notes the E of the run with state.u, and the run when it is the best.
bool is_best(TuneState& state, double E, Vars s) {
  const std::optional<BestRun> before = best_of(state.scores);
  state.scores.push_back(std::isfinite(E) ? E : no_score);
  if (!std::isfinite(E) || (before && E >= before->outer)) return false;
  state.best_u = state.u;
  state.best_s = std::move(s);
  return true;
}

void take_best(TuneState& state) {
  state.u = state.best_u;
  state.phi = to_leaves(state.u, state.phi);
}

void begin(const FlatProblem& problem, TuneState& state) {
  state.progress = {problem.init(state.phi), {}, 0, state.progress.T};
}

}  // namespace

std::optional<BestRun> best_of(const std::vector<double>& scores) {
  std::optional<BestRun> best;
  for (std::size_t i = 0; i < scores.size(); ++i)
    if (std::isfinite(scores[i]) && (!best || scores[i] < best->outer))
      best = {static_cast<std::int64_t>(i), std::ssize(scores) - 1, scores[i]};
  return best;
}

std::string text(const BestRun& best) { return fmt::format("best of {}: {}", best.of, name_of(best.update)); }

Estimate update_from_start(const FlatProblem& problem, Estimator& estimator, TuneState& state) {
  Estimate estimate;
  MetaOptimizer meta = state.meta;
  std::vector<double> next;
  try {
    estimate = estimator.advance(problem, state.phi, state.progress);
    next = meta.step(state.u, estimate.h);
    if (!std::isfinite(estimate.outer)) fail<NumericError>("[{}] E = {}", estimator.name(), estimate.outer);
  } catch (const Error& error) {
    if (!left_the_finite(error) || state.scores.empty()) throw;
    estimate = {{}, no_score, {}, {}, error.what()};
    begin(problem, state);
  }
  if (is_best(state, estimate.outer, std::move(estimate.s))) {
    state.u = std::move(next);
    state.meta = std::move(meta);
  } else {
    state.meta.lr /= 2;
    for (std::size_t k = 0; k < state.u.size(); ++k) state.u[k] = state.best_u[k] + (state.u[k] - state.best_u[k]) / 2;
    estimate.note +=
        fmt::format("{}no better than {}: half of the way back to it, meta lr {:.4g}",
                    estimate.note.empty() ? "" : "; ", name_of(best_of(state.scores)->update), state.meta.lr);
  }
  state.phi = to_leaves(state.u, state.phi);
  return estimate;
}

void begin_last_training(const FlatProblem& problem, const Estimator& estimator, TuneState& state) {
  Progress& progress = state.progress;
  const bool to_be_judged = std::ssize(state.scores) == state.updates, can_be = !state.best_s.empty();
  if (to_be_judged && progress.t == 0) {
    if (!can_be) take_best(state);
    begin(problem, state);
  }
  if (to_be_judged && can_be) {
    const std::int64_t judged_at = std::min(estimator.steps({{}, {}, 0, progress.T}), progress.T);
    double E = no_score;
    try {
      train_to(problem, state.phi, progress, judged_at);
      E = problem.outer(progress.s, state.phi, 0).item();
    } catch (const Error& error) {
      if (!left_the_finite(error)) throw;
    }
    if (!is_best(state, E, progress.s)) {
      take_best(state);
      progress = {std::move(state.best_s), {}, judged_at, progress.T};
    }
    state.best_s.clear();
  }
}

}  // namespace glocal::hpo
