// The learning rate by rehearsals: the law, plateaus, rates that are too large, and whole runs.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <functional>
#include <limits>
#include <set>
#include <string>
#include <vector>

#include <glocal/core/error.h>
#include <glocal/hpo/rehearsal/rehearse.h>
#include <glocal/hpo/space.h>
#include <glocal/train/experiment.h>

#include "experiment_check.h"
#include "quadratic.h"

using namespace glocal;
using namespace glocal::hpo;

namespace {

constexpr double not_a_number = std::numeric_limits<double>::quiet_NaN();
constexpr double first_loss = 2.3;

// Losses of rehearsals as the law has them: ln R = (u - u*)^2 / 20, u* falling as length^-exponent to `best` at T.
// Rates that are much too small leave the loss where it was.
double loss_by_law(double u, std::int64_t n, double best, const RehearsalOptions& o) {
  const double at = best + o.exponent * std::log(double(o.T) / double(n));
  const double loss = 0.3 * std::exp(std::pow(u - at, 2) / 20);
  return u < at ? std::min(loss, first_loss * (1 - 1e-3 * std::exp(u))) : loss;
}

struct Told {
  Rehearsed result;
  std::int64_t steps = 0, whole = 0;  // of rehearsals; trials of the whole schedule
};

using Loss = std::function<double(const RehearsalTrial&)>;

Told told(double start, const RehearsalOptions& options, const Loss& loss) {
  Rehearsal rehearsal(start, options);
  Told all;
  while (!rehearsal.finished()) {
    const RehearsalTrial trial = rehearsal.ask();
    const bool whole = trial.schedule == options.T;
    CHECK((whole || trial.steps == trial.schedule));
    rehearsal.tell(trial.steps == 0 ? first_loss : loss(trial));
    (whole ? all.whole : all.steps) += whole ? 1 : trial.steps;
  }
  CHECK_THROWS_AS(rehearsal.tell(1), ValueError);
  all.result = rehearsal.rehearsed();
  return all;
}

}  // namespace

TEST_SUITE_BEGIN("fast");

// CIFAR-10 with LeNet and Adam: in 50 steps the best rate takes 14 % off the loss, one ten times smaller 9 %. Of "two
// nearly equal rates" the smaller was taken, and the run lost 7 points.
TEST_CASE("rehearsal: where little is gained, rates that gain a third less are not nearly equal") {
  const RehearsalOptions options{.T = 1000, .exponent = 0.1};
  for (const double best : {std::log(1e-3), std::log(5e-3), std::log(0.05)}) {
    const Loss slow = [&](const RehearsalTrial& trial) {
      const double at = best + options.exponent * std::log(1000.0 / double(trial.schedule));
      const double gain = 0.09 * std::pow(double(trial.steps) / 25, 0.6) * std::exp(-std::pow(trial.u - at, 2) / 8);
      return first_loss * (1 - std::min(gain, 0.5));
    };
    for (const double start : {1e-4, 1e-3, 0.1}) {
      const Rehearsed found = told(std::log(start), options, slow).result;
      CAPTURE(std::exp(best));
      CAPTURE(std::exp(found.u));
      CHECK(std::abs(found.u - best) < std::log(2.0));
      CHECK_FALSE(found.plateau);
    }
  }
}

TEST_CASE("rehearsal: where losses follow the law the rate is exact, from any start") {
  const RehearsalOptions options{.T = 4000};
  for (const double best : {-3.0, 0.7})
    for (const double start : {-14.0, -9.2, -7.3, -5.5, -3.7, -1.8, 0.0, 5.0}) {
      CAPTURE(start);
      const Told all = told(start, options, [&](const RehearsalTrial& trial) {
        return loss_by_law(trial.u, trial.steps, best, options);
      });
      CHECK(all.result.u == doctest::Approx(best).epsilon(1e-9));
      CHECK(all.result.steps == 100);  // T / 40
      CHECK_FALSE(all.result.ceiling);
      CHECK_FALSE(all.result.plateau);
      // exp(w^2 / 20) = 1.02
      const double width = std::sqrt(20 * std::log(1.02));
      CHECK(all.result.high - all.result.u == doctest::Approx(width).epsilon(1e-9));
      CHECK(all.result.u - all.result.low == doctest::Approx(width).epsilon(1e-9));
      CHECK(all.steps <= options.ceiling * double(options.T));
      CHECK(all.whole == 1);
    }
}

TEST_CASE("rehearsal: nothing moves in a short one, so a longer one decides") {
  const RehearsalOptions options{.T = 4000, .ceiling = 1.5};
  const Told all = told(-6, options, [&](const RehearsalTrial& trial) {
    return trial.steps < 350 ? 0.99 * first_loss : loss_by_law(trial.u, trial.steps, -3, options);
  });
  CHECK(all.result.steps == 400);
  CHECK_FALSE(all.result.plateau);
  CHECK(std::abs(all.result.u - -3) < 0.7);  // of two nearly equal rates the smaller
  CHECK(all.result.u < -3 + 1e-9);
  // Where a longer one stays there too, the shortest is as good, and nothing is made of it.
  const Told never = told(-6, options, [](const RehearsalTrial&) { return 0.99 * first_loss; });
  CHECK(never.result.plateau);
  CHECK(never.result.steps == 100);
}

TEST_CASE("rehearsal: half the labels wrong is no plateau") {
  const RehearsalOptions options{.T = 1000};
  const Told all = told(-4.6, options, [&](const RehearsalTrial& trial) {  // never below 0.4 ln 10
    return 1.6 + 0.1 * loss_by_law(trial.u, trial.steps, -3, options);
  });
  CHECK(all.result.steps == 25);
  CHECK(all.steps < 300);
}

TEST_CASE("rehearsal: rates that diverge are climbed down from, and the ceiling holds") {
  RehearsalOptions options{.T = 4000};
  const Loss loss = [&](const RehearsalTrial& trial) {
    return trial.u > -1 ? not_a_number : loss_by_law(trial.u, trial.steps, -3, options);
  };
  CHECK(told(2, options, loss).result.u == doctest::Approx(-3).epsilon(1e-9));
  options.ceiling = 0.1;  // four rehearsals
  const Told few = told(-12, options, loss);
  CHECK(few.result.ceiling);
  CHECK(few.steps == 400);
  CHECK(few.result.u > -12);
  CHECK(few.result.u < -3);
}

TEST_CASE("rehearsal: a whole run that begins badly begins again with half the rate") {
  const RehearsalOptions options{.T = 4000};
  for (const int bad : {0, 1, 2, 3, 9}) {
    CAPTURE(bad);
    int begun = 0;
    const Told all = told(-5, options, [&](const RehearsalTrial& trial) {
      if (trial.schedule != options.T) return loss_by_law(trial.u, trial.steps, -3, options);
      CHECK(trial.steps == 200);
      CHECK(trial.u == doctest::Approx(-3 - begun * std::log(2)).epsilon(1e-9));
      return begun++ < bad ? (bad == 1 ? not_a_number : 0.5) : 0.38;  // 0.3 is the least of a rehearsal
    });
    CHECK(begun == std::min(bad + 1, 3));
    CHECK(all.result.u == doctest::Approx(-3 - std::min(bad, 3) * std::log(2)).epsilon(1e-9));
  }
}

TEST_CASE("rehearsal: what is out of range is refused in words") {
  CHECK_THROWS_WITH_AS(Rehearsal(not_a_number, {}), doctest::Contains("give a number"), ValueError);
  CHECK_THROWS_WITH_AS(Rehearsal(0, {.T = 100}), doctest::Contains("give at least 150 steps"), ValueError);
  CHECK_THROWS_WITH_AS(Rehearsal(0, {.exponent = 2}), doctest::Contains("exponent"), ValueError);
  CHECK_THROWS_WITH_AS(Rehearsal(0, {.ceiling = 0}), doctest::Contains("ceiling"), ValueError);
  std::vector<double> none;
  const FlatProblem problem = scalar_quadratic(1, 1);
  CHECK_THROWS_WITH_AS(rehearse(problem, {number(0.1), number(0.9)}, {}, none),
                       doctest::Contains("chooses one learning rate"), ValueError);
  CHECK_THROWS_WITH_AS(rehearse(problem, {number(0.1)}, {}, none), doctest::Contains("FlatProblem::compressed"),
                       ValueError);
}

TEST_CASE("rehearsal: a compressed experiment is one of so many steps, from the same start on the same batches") {
  for (const std::string schedule : {"constant", "linear", "step", "cosine", "piecewise"}) {
    CAPTURE(schedule);
    train::ExperimentConfig config = app::small_experiment();
    config.steps = 60;
    config.schedule = schedule;
    config.knots = 3;
    config.schedule_every = schedule == "step" ? 20 : 0;
    config.warm_up = schedule == "linear" ? 12 : 0;
    config.hyper.erase("lr");
    if (schedule == "linear") {
      config.average = "exponential";
      config.hyper["average_decay"] = 0.9;
    }
    train::ExperimentConfig shorter = config;
    shorter.steps = 15;
    if (schedule == "linear") shorter.hyper["average_decay"] = std::pow(0.9, 4);
    shorter.schedule_every = schedule == "step" ? 5 : 0;
    shorter.warm_up = schedule == "linear" ? 3 : 0;
    const train::Experiment whole(config), brief(shorter);
    const FlatProblem compressed = whole.problem().compressed(15);
    const Vars phi = whole.phi();
    CHECK(app::outer_after(compressed, phi, 15) == app::outer_after(brief.problem(), phi, 15));
    if (schedule == "linear" || schedule == "step" || schedule == "cosine")
      CHECK(app::outer_after(compressed, phi, 15) != app::outer_after(whole.problem(), phi, 15));
  }
}

TEST_CASE("rehearsal: of an MLP on digits, as good as the best of a grid of whole runs, from five starts") {
  train::ExperimentConfig config;
  config.model_options.hidden = {32};
  config.schedule = "linear";
  config.steps = 800;
  config.batch = 64;
  config.val_batch = 200;
  config.tune = {"lr"};
  config.seed = 3;
  const train::Experiment experiment(config);
  const auto mean_loss = [&](const Vars& s) { return experiment.evaluate(s, datasets::Part::validation).loss; };
  const auto trained = [&](double u) {
    Vars s = experiment.problem().init(experiment.phi());
    const Vars phi = to_leaves({u}, experiment.phi());
    for (std::int64_t t = 0; t < config.steps; ++t) s = experiment.problem().step(s, phi, t);
    return s;
  };
  double best = 1e9;
  for (double u = -6; u < 0; u += 0.5) best = std::min(best, mean_loss(trained(u)));
  std::vector<double> rates;
  for (const double lr : {1e-4, 7e-4, 4e-3, 2.5e-2, 1.6e-1}) {
    CAPTURE(lr);
    std::int64_t steps = 0;
    FlatProblem problem = experiment.problem();
    problem.watch = [&](const Vars&, std::int64_t) { ++steps; };
    std::set<std::int64_t> lengths;
    problem.compressed = [&](std::int64_t n) {
      lengths.insert(n);
      return experiment.problem().compressed(n);
    };
    const Vars start = to_leaves({std::log(lr)}, experiment.phi());
    const RehearsalOptions options{.T = config.steps};
    std::vector<double> losses;
    const Rehearsed found = rehearse(problem, start, options, losses);
    CHECK(steps < 0.6 * double(config.steps));
    CHECK(lengths == std::set<std::int64_t>{1, 25});  // E(s_0) needs no schedule
    CHECK(found.low < found.u);
    CHECK(found.u < found.high);
    rates.push_back(std::exp(found.u));
    CHECK(mean_loss(trained(found.u)) < 1.3 * best);
    for (const std::size_t made :
         {std::size_t{0}, std::size_t{1}, losses.size() / 2, losses.size()}) {  // stopped there
      std::vector<double> before(losses.begin(), losses.begin() + static_cast<std::ptrdiff_t>(made));
      std::size_t seen = 0;
      CHECK(rehearse(problem, start, options, before, [&](const RehearsalTrial&, double) { ++seen; }).u == found.u);
      CHECK(before == losses);
      CHECK(seen == losses.size());
    }
  }
  const auto [least, most] = std::minmax_element(rates.begin(), rates.end());
  CAPTURE(*least);
  CHECK(*most == doctest::Approx(*least).epsilon(1e-6));
}

TEST_SUITE_END();
