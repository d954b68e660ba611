// Many hyperparameters by hypergradients of rehearsals: what is asked, at which price, and where it leads.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <limits>
#include <set>
#include <type_traits>
#include <vector>

#include <glocal/core/error.h>
#include <glocal/hpo/rehearsal/rehearsal_gradient.h>
#include <glocal/hpo/rehearsal/rehearse.h>
#include <glocal/hpo/space.h>
#include <glocal/train/experiment.h>

#include "experiment_check.h"

using namespace glocal;
using namespace glocal::hpo;

namespace {

constexpr double not_a_number = std::numeric_limits<double>::quiet_NaN();

using Landscape = std::function<GradientOutcome(const std::vector<double>& u, std::int64_t n)>;

struct Told {
  std::vector<GradientTrial> trials;
  std::vector<double> losses, u;
  double price = 0;  // in runs
};

Told told(const std::vector<double>& start, const GradientRehearsalOptions& options, const Landscape& landscape) {
  GradientRehearsal rehearsal(start, options);
  Told all;
  while (!rehearsal.finished()) {
    all.trials.push_back(rehearsal.ask());
    const GradientOutcome outcome = landscape(all.trials.back().u, all.trials.back().steps);
    all.losses.push_back(outcome.loss);
    all.price += 4.0 * double(all.trials.back().steps) / double(options.lengths.T);
    rehearsal.tell(outcome);
  }
  CHECK_THROWS_AS(rehearsal.ask(), ValueError);
  CHECK(all.price <= options.ceiling);
  all.u = rehearsal.u();
  return all;
}

// E = 1 + sum (u_k - best_k(n))^2 / 10, where the best moves by drift as n grows to T.
Landscape bowl(const std::vector<double>& best, const GradientRehearsalOptions& o) {
  return [best, o](const std::vector<double>& u, std::int64_t n) {
    GradientOutcome out{1, std::vector<double>(u.size())};
    for (std::size_t k = 0; k < u.size(); ++k) {
      const double at = best[k] + (o.drift.empty() ? 0 : o.drift[k] * std::log(double(n) / double(o.lengths.T)));
      out.loss += std::pow(u[k] - at, 2) / 10;
      out.h[k] = (u[k] - at) / 5;
    }
    return out;
  };
}

GradientRehearsalOptions thousand_steps() { return {.lengths = {.T = 1000}, .ceiling = 4}; }

}  // namespace

TEST_SUITE_BEGIN("fast");

TEST_CASE("rehearsal-gradient: finds the best of many numbers, and carries it to the length of the run") {
  GradientRehearsalOptions options = thousand_steps();
  options.drift = {-1.0 / 6, 0, 0.5, 0};
  const std::vector<double> best{-2, 1, 0.5, 0};
  const Told all = told({-1.5, 0.2, 1.2, 0}, options, bowl(best, options));
  CHECK(all.trials.front().u[0] == doctest::Approx(-1.5 + std::log(40) / 6));  // the start, as a run of 25 has it
  for (std::size_t k = 0; k < best.size(); ++k) CHECK(std::abs(all.u[k] - best[k]) < 0.12);
  std::set<std::int64_t> lengths;
  for (const GradientTrial& trial : all.trials) lengths.insert(trial.steps);
  CHECK(lengths == std::set<std::int64_t>{25, 50, 100, 200});
  CHECK(told({0}, {.lengths = {.T = 1000}}, bowl({0}, options)).price > 1.2);  // nearly all that is allowed
}

TEST_CASE("rehearsal-gradient: never ends worse than it began, whatever the landscape") {
  for (int seed = 0; seed < 20; ++seed) {
    const Landscape rough = [seed](const std::vector<double>& u, std::int64_t) {
      const double x = u[0], y = u[1];
      return GradientOutcome{2 + std::sin(7 * x + seed) + std::cos(11 * x * y),
                             {std::sin(31 * x + seed), std::cos(17 * y)}};
    };
    const GradientRehearsalOptions options = thousand_steps();
    const Told all = told({0.3, -0.2}, options, rough);
    CHECK(rough(all.u, 0).loss <= all.losses.front() + 1e-12);  // which does not change with n
    double largest = 0;                                         // of a move in one component
    for (std::size_t i = 1; i < all.trials.size(); ++i)
      largest = std::max(largest, std::abs(all.trials[i].u[0] - all.trials[i - 1].u[0]));
    CHECK(largest <= 2.4);
  }
}

TEST_CASE("rehearsal-gradient: what diverges is gone back from; a first run that does is an error") {
  GradientRehearsalOptions options = thousand_steps();
  const Landscape wall = [&](const std::vector<double>& u, std::int64_t n) {
    return u[0] > 0.5 ? GradientOutcome{not_a_number} : bowl({2}, options)(u, n);
  };
  const Told all = told({0}, options, wall);
  CHECK(all.u[0] > 0.3);
  CHECK(all.u[0] <= 0.5);
  CHECK_THROWS_WITH_AS(told({1}, options, wall), doctest::Contains("give a smaller lr, or tune it too"), DivergedError);
  // What a longer run cannot bear: the shorter ones decide.
  const Landscape only_short = [&](const std::vector<double>& u, std::int64_t n) {
    return n > 50 ? GradientOutcome{not_a_number} : bowl({2}, options)(u, n);
  };
  CHECK(told({0}, options, only_short).u[0] == doctest::Approx(2).epsilon(0.1));
  const Landscape slope_is_none = [&](const std::vector<double>& u, std::int64_t) {
    return GradientOutcome{std::abs(u[0]), {u[0] == 0 ? 1 : not_a_number}};
  };
  CHECK(told({0}, options, slope_is_none).u[0] == 0);
}

TEST_CASE("rehearsal-gradient: the rate is not moved, nor what is the same as moving it") {
  GradientRehearsalOptions options = thousand_steps();
  options.drift = {-1.0 / 6, 0, 0, 0};
  options.lr = 0;
  options.momentum = 1;
  options.factors = {2, 3};
  const auto rest = [](double logit) { return -std::log1p(std::exp(logit)); };
  const Landscape tilted = [](const std::vector<double>& u, std::int64_t) {
    return GradientOutcome{10 - u[0] - 0.9 * u[1] - u[2] - 0.5 * u[3], {-1, 0.1, -1, -0.5}};
  };
  const Told all = told({-3, 2, 0.1, 0.3}, options, tilted);
  for (const GradientTrial& trial : all.trials) {
    const double effective = trial.u[0] - rest(trial.u[1]);
    CHECK(effective + std::log(double(trial.steps) / 1000) / 6 == doctest::Approx(-3 - rest(2)));
    CHECK(trial.u[2] + trial.u[3] == doctest::Approx(0.4));
  }
  CHECK(all.trials[1].u[2] > 0.1);  // the one of the two whose slope is steeper
  // At the same lr / (1 - m), d lnE / d logit m = h_m - m h_lr = 0.1 + 0.88: the momentum falls.
  CHECK(all.trials[1].u[1] < 2);
}

TEST_CASE("rehearsal-gradient: what it cannot do is said") {
  const GradientRehearsalOptions options = thousand_steps();
  const auto refused = [](const std::vector<double>& u, const GradientRehearsalOptions& o, const char* says) {
    CHECK_THROWS_WITH_AS(GradientRehearsal(u, o), doctest::Contains(says), ValueError);
  };
  refused({}, options, "phi is empty");
  refused({0}, {.lengths = {.T = 100}}, "give at least 134 steps");
  GradientRehearsalOptions wrong = options;
  wrong.drift = {1, 2};
  refused({0}, wrong, "2 numbers of drift for 1 hyperparameters");
  wrong = options;
  wrong.lr = 3;
  refused({0}, wrong, "component 3 of 1");
  GradientRehearsal rehearsal({0, 0}, options);
  CHECK_THROWS_AS(rehearsal.u(), ValueError);
  CHECK_THROWS_WITH_AS(rehearsal.tell({1, {1}}), doctest::Contains("1 numbers of h for 2"), ValueError);
}

TEST_CASE("rehearsal-gradient: class weights of long-tailed digits beat the rate alone, and a stop changes no bit") {
  train::ExperimentConfig config;
  config.model_options.hidden = {16};
  config.schedule = "linear";
  config.imbalance = 50;
  config.steps = 600;
  config.batch = 32;
  config.tune = {"lr", "class_weights"};
  config.hyper["lr"] = 1e-3;
  const train::Experiment experiment(config);
  const FlatProblem& problem = experiment.problem();
  GradientRehearsalOptions options{.lengths = {.T = config.steps}};
  options.lr = 0;
  RehearsalRecord record;
  const std::vector<double> u = rehearse_by_gradient(problem, experiment.phi(), options, record);
  CHECK(record.before.size() > 4);
  CHECK(record.after.size() > 4);
  const auto loss = [&](const std::vector<double>& values) {
    const Vars phi = to_leaves(values, experiment.phi());
    Vars s = problem.init(phi);
    for (std::int64_t t = 0; t < config.steps; ++t) s = problem.step(s, phi, t);
    return experiment.evaluate(s, datasets::Part::validation).loss;
  };
  std::vector<double> losses, alone = to_components(experiment.phi(), experiment.phi());
  alone[0] = rehearse(problem, experiment.phi(), 0, options.lengths, losses).u;
  CHECK(loss(u) < loss(alone));

  const auto some = [](const auto& all, std::size_t count) {
    return std::decay_t<decltype(all)>(all.begin(),
                                       all.begin() + static_cast<std::ptrdiff_t>(std::min(count, all.size())));
  };
  for (const std::size_t made : {std::size_t{0}, std::size_t{3}, record.before.size(), record.before.size() + 4,
                                 record.before.size() + record.outcomes.size() + 2}) {
    CAPTURE(made);
    const auto left = [&](std::size_t before) { return made > before ? made - before : 0; };
    RehearsalRecord part{some(record.before, made), some(record.outcomes, left(record.before.size())),
                         some(record.after, left(record.before.size() + record.outcomes.size()))};
    CHECK(rehearse_by_gradient(problem, experiment.phi(), options, part) == u);
    CHECK(part.before == record.before);
    CHECK(part.after == record.after);
    CHECK(part.outcomes.size() == record.outcomes.size());
  }
}

TEST_SUITE_END();
