// Estimators that start again from s_0 end with the best run they judged, and go back to it when E rose.
#include <doctest/doctest.h>

#include <cmath>
#include <cstdint>
#include <limits>
#include <memory>
#include <string>
#include <vector>

#include <glocal/core/error.h>
#include <glocal/hpo/estimators/estimate.h>
#include <glocal/hpo/estimators/estimator.h>
#include <glocal/hpo/estimators/probe.h>
#include <glocal/hpo/estimators/registry.h>
#include <glocal/hpo/tune/keep_best.h>
#include <glocal/hpo/tune/tune.h>

#include "quadratic.h"
#include "small_net.h"

using namespace glocal;
using namespace glocal::hpo;

TEST_SUITE_BEGIN("fast");

namespace {

const std::vector<std::string> from_start{"global", "global-forward", "local-restart"};

// s_t = phi for t >= 1, E = s^2 / 2: a run at u has E = u^2 / 2 and h = u.
FlatProblem parabola() {
  FlatProblem problem;
  problem.init = [](const Vars&) { return Vars{number(0)}; };
  problem.step = [](const Vars& s, const Vars& phi, std::int64_t) { return Vars{0.0 * s[0] + phi[0]}; };
  problem.outer = [](const Vars& s, const Vars&, std::int64_t) { return 0.5 * square(s[0]); };
  return problem;
}

struct Told {
  TuneResult result;
  std::vector<double> tried, E;  // of the updates, in order
  std::vector<std::string> notes;
};

Told tuned(const FlatProblem& problem, const Vars& phi, const TuneOptions& options) {
  Told told;
  told.result = tune(problem, phi, options, [&](const OuterUpdate& update) {
    told.tried.push_back(update.phi[0].item());
    told.E.push_back(update.estimate.outer);
    told.notes.push_back(update.estimate.note);
  });
  return told;
}

TuneOptions options_of(const std::string& estimator, const std::string& meta, double lr, std::int64_t updates) {
  TuneOptions options{.estimator = estimator, .meta = {.name = meta, .lr = lr}, .T = 3, .updates = updates};
  options.estimator_options.tau = 2;
  return options;
}

}  // namespace

TEST_CASE("keep best: a last update that is worse than the one before it is not the result") {
  // sign moves 1 -> 0.25 -> -0.5; E = 0.5, 0.03125, 0.125.
  for (const std::string& name : from_start) {
    CAPTURE(name);
    const Told told = tuned(parabola(), {number(1)}, options_of(name, "sign", 0.75, 2));
    CHECK(told.tried == std::vector<double>{1, 0.25});
    REQUIRE(told.result.best.has_value());
    CHECK(told.result.best->update == 1);
    CHECK(told.result.best->of == 2);
    CHECK(told.result.best->outer == 0.03125);
    CHECK(text(*told.result.best) == "best of 2: update 1");
    CHECK(told.result.phi[0].item() == 0.25);
    CHECK(told.result.s[0].item() == 0.25);
    CHECK(told.result.updates == 2);
  }
}

TEST_CASE("keep best: where E rose the next run is from the best with half the meta lr") {
  // sgd with lr 2.5 moves 1 -> -1.5, where E has risen; 1 - 1.25 = -0.25; then -0.25 + 1.25 / 4 = 0.0625.
  for (const std::string& name : from_start) {
    CAPTURE(name);
    const Told told = tuned(parabola(), {number(1)}, options_of(name, "sgd", 2.5, 3));
    CHECK(told.tried == std::vector<double>{1, -1.5, -0.25});
    CHECK(told.E == std::vector<double>{0.5, 1.125, 0.03125});
    CHECK(told.notes ==
          std::vector<std::string>{"", "no better than the start: half of the way back to it, meta lr 1.25", ""});
    CHECK(told.result.meta.lr == 1.25);
    CHECK(told.result.meta.updates == 2);
    CHECK(told.result.phi[0].item() == 0.0625);
    CHECK(text(*told.result.best) == "best of 3: update 3");
    // A second failure in a row halves once more: 1 -> -9 -> -4 -> -1.5 -> -0.25.
    const Told longer = tuned(parabola(), {number(1)}, options_of(name, "sgd", 10, 4));
    CHECK(longer.tried == std::vector<double>{1, -9, -4, -1.5});
    CHECK(longer.result.meta.lr == 1.25);
    CHECK(longer.result.phi[0].item() == -0.25);
    CHECK(text(*longer.result.best) == "best of 4: update 4");
  }
}

TEST_CASE("keep best: where no update lowers E the result is plain training from the start") {
  for (const std::string& name : from_start) {
    CAPTURE(name);
    const Told told = tuned(parabola(), {number(1)}, options_of(name, "sgd", 64, 3));
    CHECK(text(*told.result.best) == "best of 3: the start");
    CHECK(told.result.best->outer == 0.5);
    CHECK(told.result.phi[0].item() == 1);
    CHECK(told.result.s[0].item() == 1);
  }
}

TEST_CASE("keep best: adam's moments after a step back are those of the best point") {
  // Two gradients go into the third move, 1 and the one at the half step, not the one where E had risen.
  MetaOptimizer half{.lr = 1.25};
  const double second = half.step({1}, {1})[0];  // 1 - 1.25
  const double third = half.step({second}, {second})[0];
  for (const std::string& name : from_start) {
    CAPTURE(name);
    const Told told = tuned(parabola(), {number(1)}, options_of(name, "adam", 2.5, 4));
    REQUIRE(told.E[1] > told.E[0]);
    REQUIRE(told.E[2] < told.E[0]);
    CHECK(told.tried[2] == doctest::Approx(second).epsilon(1e-15));
    CHECK(told.tried[3] == doctest::Approx(third).epsilon(1e-14));
  }
}

TEST_CASE("keep best: a later run that diverges sends phi back, the first one ends the tuning") {
  enum class Way { diverged, numeric, infinite, infinite_slope };
  for (const Way way : {Way::diverged, Way::numeric, Way::infinite, Way::infinite_slope}) {
    CAPTURE(static_cast<int>(way));
    // Below -1 the run leaves the finite numbers.
    FlatProblem problem = parabola();
    const auto step = problem.step;
    const auto outer = problem.outer;
    problem.step = [=](const Vars& s, const Vars& phi, std::int64_t t) {
      if (phi[0].value().item() < -1 && way == Way::diverged) fail<DivergedError>("[test] diverged at step {}", t);
      if (phi[0].value().item() < -1 && way == Way::numeric) fail<NumericError>("[test] NaN at step {}", t);
      return step(s, phi, t);
    };
    problem.outer = [=](const Vars& s, const Vars& phi, std::int64_t block) {
      const bool bad = phi[0].value().item() < -1;
      if (bad && way == Way::infinite) return std::numeric_limits<double>::infinity() + outer(s, phi, block);
      // sqrt has an infinite slope at 0.
      if (bad && way == Way::infinite_slope) return sqrt(square(s[0] - s[0].value()));
      return outer(s, phi, block);
    };
    for (const std::string& name : from_start) {
      CAPTURE(name);
      const Told told = tuned(problem, {number(1)}, options_of(name, "sgd", 2.5, 3));
      CHECK(told.tried == std::vector<double>{1, -1.5, -0.25});
      CHECK(std::isnan(told.E[1]));
      CHECK(told.notes[1].find("half of the way back to it, meta lr 1.25") != std::string::npos);
      CHECK(told.result.phi[0].item() == 0.0625);
      CHECK(text(*told.result.best) == "best of 3: update 3");
      CHECK_THROWS_AS(tuned(problem, {number(-2)}, options_of(name, "sgd", 2.5, 3)), Error);
      if (way == Way::infinite_slope) continue;  // the last training asks for no slope
      const Told last = tuned(problem, {number(1)}, options_of(name, "sgd", 2.5, 1));
      CHECK(text(*last.result.best) == "best of 1: the start");
      CHECK(last.result.s[0].item() == 1);
    }
  }
}

TEST_CASE("keep best: no step is made that was not made before, and the result is plain training with the best phi") {
  const FlatProblem net = small_net();
  const Vars poor{number(std::log(0.05)), number(0.5), number(std::log(1e-3))};
  for (const double lr : {0.3, 3.0})
    for (const std::string& name : from_start) {
      CAPTURE(name);
      CAPTURE(lr);
      std::int64_t steps = 0, blocks = 0;
      FlatProblem counted = net;
      counted.watch = [&](const Vars&, std::int64_t) { ++steps; };
      // The validation batch: that of block 0, in every run and in the judgement of the last.
      counted.outer = [&](const Vars& s, const Vars& phi, std::int64_t block) {
        blocks += block != 0;
        return net.outer(s, phi, block);
      };
      TuneOptions options{.estimator = name, .meta = {.lr = lr}, .T = 20, .updates = 5};
      options.estimator_options.tau = 8;
      std::vector<double> E;
      const TuneResult result =
          tune(counted, poor, options, [&](const OuterUpdate& update) { E.push_back(update.estimate.outer); });
      const std::int64_t judged_at = name == "local-restart" ? 8 : 20;
      CHECK(steps == 5 * judged_at + 20);
      CHECK(blocks == 0);
      const TuneResult plain = train(net, result.phi, 20);
      for (std::size_t i = 0; i < plain.s.size(); ++i) CHECK(same_bits(result.s[i].value(), plain.s[i].value()));
      const Vars judged = train(net, result.phi, judged_at).s;
      CHECK(result.best->outer == net.outer(judged, result.phi, 0).item());
      CHECK(result.best->outer <= *std::ranges::min_element(E));
      CHECK(result.best->outer <= E[0]);
    }
}

TEST_CASE("keep best: an estimator of one's own that runs from the start keeps its best too") {
  struct Own : Estimator {
    bool hands_over;
    explicit Own(bool hand) : hands_over(hand) {}
    const char* name() const override { return "own"; }
    bool from_start() const override { return true; }
    bool depends_on_init() const override { return false; }
    std::int64_t steps(const Progress& progress) const override { return progress.T; }
    Estimate advance(const FlatProblem& problem, const Vars& phi, Progress& progress) override {
      Vars s = problem.init(phi);
      for (std::int64_t t = 0; t < progress.T; ++t) s = problem.step(s, phi, t);
      return {{s[0].item()}, problem.outer(s, phi, 0).item(), {}, {}, "", hands_over ? s : Vars{}};
    }
    Cost cost(const Probe& probe, std::int64_t T, std::int64_t) const override { return predict_training(probe, T); }
    std::int64_t gradient_evaluations(std::int64_t, std::int64_t T, std::int64_t) const override { return T; }
  };
  add_estimator({"own", "", "", [](const auto&) { return std::make_unique<Own>(true); }});
  add_estimator({"own-silent", "", "", [](const auto&) { return std::make_unique<Own>(false); }});
  // As above: 1 -> 0.25 -> -0.5 by sign, 1 -> -1.5 -> -0.25 by sgd.
  for (const std::string name : {"own", "own-silent"}) {
    CAPTURE(name);
    CHECK(tuned(parabola(), {number(1)}, options_of(name, "sign", 0.75, 2)).result.s[0].item() == 0.25);
    CHECK(tuned(parabola(), {number(1)}, options_of(name, "sgd", 2.5, 3)).tried == std::vector<double>{1, -1.5, -0.25});
  }
  // The update after the last run: judged in the last training where the state of the best is at hand, else not taken.
  const Told judged = tuned(parabola(), {number(1)}, options_of("own", "sgd", 2.5, 2));
  CHECK(text(*judged.result.best) == "best of 2: update 2");
  CHECK(judged.result.s[0].item() == -0.25);
  const Told untaken = tuned(parabola(), {number(1)}, options_of("own-silent", "sgd", 2.5, 2));
  CHECK(text(*untaken.result.best) == "best of 1: the start");
  CHECK(untaken.result.s[0].item() == 1);
  CHECK(untaken.result.phi[0].item() == 1);
}

TEST_CASE("keep best: of equal scores the first is the best, and runs that diverged are none") {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  CHECK(!best_of({}).has_value());
  CHECK(!best_of({nan, nan}).has_value());
  CHECK(best_of({0.5, 0.25, 0.25, nan})->update == 1);
  CHECK(best_of({0.5, 0.25, 0.25, nan})->of == 3);
  CHECK(best_of({nan, 2})->outer == 2);
}

TEST_SUITE_END();
