// A run that is stopped anywhere, and one that goes on from a copy of where it stood, end with the bits of a run in one
// go.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include <glocal/hpo/estimators/registry.h>
#include <glocal/hpo/search/registry.h>
#include <glocal/hpo/tune/search_run.h>
#include <glocal/hpo/tune/tune.h>

#include "small_net.h"

using namespace glocal;
using namespace glocal::hpo;

TEST_SUITE_BEGIN("fast");

namespace {

struct Stop {};

Var number(double value) { return Tensor::scalar(value, DType::f64); }

// small_net with a validation loss that depends on the block and, for `implicit`, only the decay to tune.
FlatProblem problem_for(const std::string& estimator) {
  FlatProblem problem = small_net();
  const auto outer = problem.outer;
  problem.outer = [outer](const Vars& s, const Vars& phi, std::int64_t block) {
    return (1 + 0.1 * double(block % 5)) * outer(s, phi, block);
  };
  if (!estimator.starts_with("implicit")) return problem;
  const auto full = [](const Vars& phi) { return Vars{number(std::log(0.1)), number(1), phi[0]}; };
  FlatProblem decay = problem;
  decay.init = [=](const Vars& phi) { return problem.init(full(phi)); };
  decay.step = [=](const Vars& s, const Vars& phi, std::int64_t t) { return problem.step(s, full(phi), t); };
  decay.loss = [=](const Vars& s, const Vars& phi, std::int64_t t) { return problem.loss(s, full(phi), t); };
  return decay;
}

Vars phi_for(const std::string& estimator) {
  const Var decay = number(std::log(1e-3));
  return estimator.starts_with("implicit") ? Vars{decay} : Vars{number(std::log(0.1)), number(1), decay};
}

// Everything that must agree: what was reported, the last state and the hyperparameters.
struct Heard {
  std::vector<double> numbers;
  void add(const std::vector<double>& list) { numbers.insert(numbers.end(), list.begin(), list.end()); }
  void add(const Vars& leaves) {
    for (const Var& leaf : leaves)
      for (std::int64_t i = 0; i < leaf.size(); ++i) numbers.push_back(leaf.value().at(i));
  }
  void add(const std::optional<BestRun>& best) {
    if (best) add(std::vector<double>{double(best->update), double(best->of), best->outer});
  }
  void add(const OuterUpdate& update) {
    numbers.push_back(double(update.index));
    numbers.push_back(double(update.t));
    numbers.push_back(std::isnan(update.estimate.outer) ? -1 : update.estimate.outer);
    add(update.estimate.h);
    add(update.next_phi);
    if (update.estimate.trajectory) add(Vars{update.estimate.trajectory});
  }
  bool operator==(const Heard&) const = default;
};

// What is left of a run from `state`.
using GoOn = std::function<TuneResult(const FlatProblem&, TuneState&, const std::function<void(const OuterUpdate&)>&)>;

struct Saved {
  TuneState state;
  Heard heard;
};

struct Stops {
  std::int64_t every = 0;  // a stop at each call to `problem` whose number is a multiple of it; 0: none
  std::int64_t made = 0;
  std::int64_t longest = 0;        // most calls in a row of which all or none are kept
  std::vector<Saved> copies = {};  // made at every step where one may be made, without stops
};

// Runs to the end, going on after every stop.
Heard heard_of(const FlatProblem& problem, TuneState state, const GoOn& go_on, Heard heard, Stops& stops) {
  std::int64_t calls = 0, kept = 0;
  FlatProblem stopping = problem;
  const auto point = [&] {
    stops.longest = std::max(stops.longest, ++calls - kept);
    if (stops.every == 0 || calls % stops.every != 0) return;
    ++stops.made;
    throw Stop{};
  };
  stopping.poll = point;
  stopping.step = [&](const Vars& s, const Vars& phi, std::int64_t t) {
    point();
    return problem.step(s, phi, t);
  };
  stopping.watch = [&](const Vars&, std::int64_t t) {
    if (state.progress.t != t + 1) return;
    if (stops.every == 0) stops.copies.push_back({state, heard});
    point();
    kept = calls;
  };
  while (true) {
    try {
      const TuneResult result = go_on(stopping, state, [&](const OuterUpdate& update) { heard.add(update); });
      heard.add(result.s);
      heard.add(result.phi);
      heard.add(result.best);
      heard.add(std::vector<double>{result.meta.lr, double(result.meta.updates)});
      return heard;
    } catch (const Stop&) {
    }
  }
}

// made_again: steps that a run that goes on makes a second time before it gets further.
void check_resumes(const FlatProblem& problem, const TuneState& start, const GoOn& go_on, std::int64_t made_again = 0) {
  Stops none;
  const Heard whole = heard_of(problem, start, go_on, {}, none);
  REQUIRE(none.copies.size() > 5);
  // One call more than what has to be made in a row: at the closest, the run gets one step further between two stops.
  for (const std::int64_t more : {1, 2, 5}) {
    Stops stops{.every = none.longest + made_again + more};
    CAPTURE(stops.every);
    CHECK(heard_of(problem, start, go_on, {}, stops) == whole);
    CHECK(stops.made > 0);
  }
  for (const Saved& copy : none.copies) {
    CAPTURE(copy.state.progress.t);
    Stops no_more;
    CHECK(heard_of(problem, copy.state, go_on, copy.heard, no_more) == whole);
  }
}

}  // namespace

TEST_CASE("resume: every estimator goes on from every step with the same bits") {
  for (const std::string& name : estimator_names()) {
    CAPTURE(name);
    TuneOptions options;
    options.estimator = name;
    options.T = 31;
    options.updates = 2;
    options.estimator_options.tau = 7;
    options.estimator_options.K = 3;
    options.estimator_options.particles = 2;
    options.estimator_options.directions = 2;
    options.estimator_options.trajectory = true;
    options.estimator_options.implicit.damping = 1;
    const TuneState start = start_of_run(problem_for(name), phi_for(name), options.T, options.meta);
    const GoOn go_on = [&](const FlatProblem& problem, TuneState& state, const auto& report) {
      return tune(problem, state, options, report);
    };
    check_resumes(problem_for(name), start, go_on);
  }
}

TEST_CASE("resume: runs from the start that go back to the best go on from every step with the same bits") {
  for (const std::string name : {"global", "global-forward", "local-restart"})
    for (const double lr : {1.0, 4.0, 40.0}) {
      CAPTURE(name);
      CAPTURE(lr);
      TuneOptions options{.estimator = name, .meta = {.lr = lr}, .T = 12, .updates = 4};
      options.estimator_options.tau = 5;
      const TuneState start = start_of_run(problem_for(name), phi_for(name), options.T, options.meta);
      std::int64_t rose = 0;
      const GoOn go_on = [&](const FlatProblem& problem, TuneState& state, const auto& report) {
        const TuneResult result = tune(problem, state, options, report);
        rose += result.meta.lr < lr;
        CHECK(result.best->update == best_of(state.scores)->update);
        CHECK(std::ssize(state.scores) == 5);
        return result;
      };
      check_resumes(problem_for(name), start, go_on);
      CHECK(rose > 0);
    }
}

TEST_CASE("resume: searches and plain training stop and go on at every single step") {
  const FlatProblem problem = problem_for("gp");
  Space space;
  space.add({"lr", {0.1}, Transform::log});
  space.add({"momentum", {0.7}, Transform::logit});
  space.add({"decay", {1e-3}, Transform::log});
  const Vars phi = space.initial(DType::f64);
  for (const std::string& method : search_names()) {
    CAPTURE(method);
    SearchOptions options{.method = method, .T = 9, .trial_steps = 5, .budget = 9 + 5 * 12, .key = key(3)};
    const bool halving = method == "successive-halving";  // which makes the state again from which a trial goes on
    if (halving) options = {.method = method, .T = 54, .budget = 54 * 2, .key = key(3)};
    const GoOn go_on = [&](const FlatProblem& stopping, TuneState& state, const auto& report) {
      return search_run(stopping, space, state, options, report);
    };
    check_resumes(problem, start_of_run(problem, phi, options.T), go_on, halving ? options.T : 0);
  }
  const GoOn train_on = [](const FlatProblem& stopping, TuneState& state, const auto&) {
    return train(stopping, state);
  };
  check_resumes(problem, start_of_run(problem, phi, 12), train_on);
}

TEST_CASE("resume: a trial that was stopped and then diverges is the worst") {
  FlatProblem problem = problem_for("gp");
  Space space;
  space.add({"lr", {0.1}, Transform::log});
  space.add({"momentum", {0.7}, Transform::logit});
  space.add({"decay", {1e-3}, Transform::log});
  const auto step = problem.step;
  problem.step = [step](const Vars& s, const Vars& phi, std::int64_t t) {
    if (t == 3 && std::exp(phi[0].item()) > 0.1) fail<DivergedError>("[test] step {}", t);
    return step(s, phi, t);
  };
  const SearchOptions options{.method = "random-search", .T = 6, .budget = 6 * 9, .key = key(1)};
  const GoOn go_on = [&](const FlatProblem& stopping, TuneState& state, const auto& report) {
    const TuneResult result = search_run(stopping, space, state, options, report);
    std::int64_t failed = 0;
    for (const double E : state.scores) failed += std::isnan(E);
    CHECK(failed > 0);
    CHECK(failed < 8);
    return result;
  };
  const TuneState start = start_of_run(problem, space.initial(DType::f64), options.T);
  Stops none, some{.every = 7};
  // NaN is not equal to itself: the scores of failed trials are left out.
  const auto finite = [&](Stops& stops) {
    std::vector<double> kept;
    for (const double x : heard_of(problem, start, go_on, {}, stops).numbers)
      if (!std::isnan(x)) kept.push_back(x);
    return kept;
  };
  CHECK(finite(some) == finite(none));
  CHECK(some.made > 5);
}

TEST_SUITE_END();
