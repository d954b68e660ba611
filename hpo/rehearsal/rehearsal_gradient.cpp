#include <glocal/hpo/rehearsal/rehearsal_gradient.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <utility>
#include <vector>

#include <glocal/autodiff/var.h>
#include <glocal/core/error.h>
#include <glocal/hpo/estimators/global.h>
#include <glocal/hpo/problem.h>
#include <glocal/hpo/rehearsal/rehearse.h>
#include <glocal/hpo/space.h>

namespace glocal::hpo {
namespace {

constexpr std::int64_t first_trials = 8, least_trials = 2;  // of the shortest length; each next has half of them
constexpr std::int64_t longest = 4;                         // a rehearsal has at most T / 4 steps
constexpr double first_step = 0.4, least_step = 0.02, most_step = 1.2;  // in u: of a logarithm 0.4 is 49 %
constexpr double longer = 1.3, shorter = 0.5;

// ln(1 - momentum) of its logit.
double log_rest(double logit) { return -std::log1p(std::exp(logit)); }

}  // namespace

GradientRehearsal::GradientRehearsal(const std::vector<double>& u, const GradientRehearsalOptions& options)
    : options_(options), step_(first_step) {
  const GradientRehearsalOptions& o = options;
  const std::int64_t T = o.lengths.T, n = first_length();
  if (u.empty()) fail<ValueError>("[rehearsal-gradient] nothing to choose: phi is empty");
  if (o.drift.empty()) options_.drift.assign(u.size(), 0);
  if (options_.drift.size() != u.size())
    fail<ValueError>("[rehearsal-gradient] {} numbers of drift for {} hyperparameters", o.drift.size(), u.size());
  std::vector<std::size_t> named = o.factors;
  for (const auto& which : {o.lr, o.momentum})
    if (which) named.push_back(*which);
  for (const std::size_t k : named)
    if (k >= u.size()) fail<ValueError>("[rehearsal-gradient] component {} of {}: there is none", k, u.size());
  if (!(o.ceiling > 0) || n < 1 || static_cast<double>(price * least_trials * n) > o.ceiling * static_cast<double>(T))
    fail<ValueError>(
        "[rehearsal-gradient] a run of {} steps has no room for {} rehearsals of {} steps, which cost {} each; give at "
        "least {} steps",
        T, least_trials, n, price * n,
        static_cast<std::int64_t>(
            std::ceil(static_cast<double>(price * least_trials * n) / std::max(o.ceiling, 1e-3))));
  at_ = effective(carried(u, T, n), 1);
  begin(n, first_trials);
}

std::int64_t GradientRehearsal::first_length() const { return std::max(options_.shortest, options_.lengths.T / 40); }

// u with ln(lr / (1 - momentum)) in place of ln lr, sign 1; or back, sign -1.
std::vector<double> GradientRehearsal::effective(std::vector<double> u, double sign) const {
  if (options_.lr && options_.momentum) u[*options_.lr] -= sign * log_rest(u[*options_.momentum]);
  return u;
}

std::vector<double> GradientRehearsal::carried(std::vector<double> u, std::int64_t from, std::int64_t to) const {
  const double growth = std::log(static_cast<double>(to) / static_cast<double>(from));
  for (std::size_t k = 0; k < u.size(); ++k) u[k] += options_.drift[k] * growth;
  return u;
}

void GradientRehearsal::begin(std::int64_t n, std::int64_t trials) {
  const auto allowed = static_cast<std::int64_t>(options_.ceiling * static_cast<double>(options_.lengths.T));
  n_ = n;
  left_ = std::min(trials, (allowed - used_) / (price * n));
  best_.reset();
}

GradientTrial GradientRehearsal::ask() const {
  if (finished_) fail<ValueError>("[rehearsal-gradient] has finished; there is nothing left to ask");
  return {effective(at_, -1), n_};
}

// h without what is lr's: along ln lr, and along all factors on it together; at the same lr / (1 - momentum), where
// d ln(1 - m) / d logit m = -m.
std::vector<double> GradientRehearsal::directions_of(std::vector<double> h) const {
  if (!options_.lr) return h;
  const std::size_t lr = *options_.lr;
  if (options_.momentum) h[*options_.momentum] -= h[lr] / (1 + std::exp(-at_[*options_.momentum]));
  h[lr] = 0;
  double mean = 0;
  for (const std::size_t k : options_.factors) mean += h[k] / static_cast<double>(options_.factors.size());
  for (const std::size_t k : options_.factors) h[k] -= mean;
  return h;
}

std::vector<double> GradientRehearsal::moved() const {
  double most = 0;
  for (const double h : best_h_) most = std::max(most, std::abs(h));
  std::vector<double> u = best_u_;
  for (std::size_t k = 0; most > 0 && k < u.size(); ++k) u[k] -= step_ * best_h_[k] / most;
  return u;
}

void GradientRehearsal::tell(const GradientOutcome& outcome) {
  ask();
  used_ += price * n_;
  const bool finite =
      std::isfinite(outcome.loss) && std::ranges::all_of(outcome.h, [](double h) { return std::isfinite(h); });
  if (finite && outcome.h.size() != at_.size())
    fail<ValueError>("[rehearsal-gradient] {} numbers of h for {} hyperparameters", outcome.h.size(), at_.size());
  if (finite && (!best_ || outcome.loss < *best_)) {
    if (best_) step_ = std::min(longer * step_, most_step);
    best_ = outcome.loss;
    best_u_ = at_;
    best_h_ = directions_of(outcome.h);
  } else {
    if (best_u_.empty())
      fail<DivergedError>(
          "[rehearsal-gradient] a run of {} steps with the values given diverges; give a smaller lr, or tune it too",
          n_);
    if (!best_) {  // what was best diverges in a longer run: the shorter ones decide
      n_ /= 2;
      finished_ = true;
      return;
    }
    step_ = std::max(shorter * step_, least_step);
  }
  if (--left_ > 0) {
    at_ = moved();
    return;
  }
  const std::int64_t T = options_.lengths.T, next = 2 * n_;
  const double then = static_cast<double>(used_ + price * least_trials * next);
  if (next * longest > T || then > options_.ceiling * static_cast<double>(T)) {
    finished_ = true;
    return;
  }
  at_ = carried(best_u_, n_, next);
  begin(next, std::max(least_trials, first_trials * first_length() / next));
}

std::vector<double> GradientRehearsal::u() const {
  if (!finished_) fail<ValueError>("[rehearsal-gradient] has not finished");
  return carried(effective(best_u_, -1), n_, options_.lengths.T);
}

std::vector<double> rehearse_by_gradient(const FlatProblem& problem, const Vars& phi,
                                         const GradientRehearsalOptions& options, RehearsalRecord& record,
                                         const RehearsalReports& reports) {
  if (!problem.compressed)
    fail<ValueError>("[rehearsal] this problem does not say how its schedule is compressed: FlatProblem::compressed");
  std::vector<double> u = to_components(phi, phi);
  GradientRehearsal(u, options);  // what is wrong is found before anything runs
  const auto find_rate = [&](std::vector<double>& losses, const auto& report) {
    if (options.lr)
      u[*options.lr] = rehearse(problem, to_leaves(u, phi), *options.lr, options.lengths, losses, report).u;
  };
  find_rate(record.before, reports.before);
  GradientRehearsal rehearsal(u, options);
  for (std::size_t i = 0; !rehearsal.finished(); ++i) {
    const GradientTrial trial = rehearsal.ask();
    if (i == record.outcomes.size()) {
      FlatProblem at = problem.compressed(trial.steps);
      at.watch = problem.watch;
      at.poll = problem.poll;
      GradientOutcome outcome{std::numeric_limits<double>::quiet_NaN()};
      try {
        const Hypergradient exact = global_reverse(at, to_leaves(trial.u, phi), trial.steps);
        outcome = {exact.outer, exact.h};
      } catch (const DivergedError&) {
      } catch (const NumericError&) {
      }
      record.outcomes.push_back(std::move(outcome));
    }
    rehearsal.tell(record.outcomes[i]);
    if (reports.gradient) reports.gradient(trial, record.outcomes[i]);
  }
  u = rehearsal.u();
  find_rate(record.after, reports.after);
  return u;
}

}  // namespace glocal::hpo
