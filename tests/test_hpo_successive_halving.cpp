// Successive halving: which trials go on, that no step is made twice, and what the same budget gives otherwise.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <map>
#include <numeric>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include <glocal/core/error.h>
#include <glocal/core/random.h>
#include <glocal/hpo/search/registry.h>
#include <glocal/hpo/search/search.h>
#include <glocal/hpo/tune/search_run.h>

#include "message_of.h"
#include "quadratic.h"

using namespace glocal;
using namespace glocal::hpo;

TEST_SUITE_BEGIN("fast");

namespace {

const SearchBox line{{0}, {0.5}, {1}};

// E after so many steps of the trial that began at u: the slower it falls the lower it ends, so that the order changes.
double E_after(double u, std::int64_t steps) {
  const auto t = static_cast<double>(steps);
  return std::abs(u - 0.3) + std::exp(-t * (0.02 + 0.3 * u)) * (0.4 + u);
}

struct Trial {
  double u;
  std::int64_t begin, end, from;
  double E;
};

std::vector<Trial> run_of(std::int64_t runs, std::int64_t T, std::uint64_t seed) {
  const auto search = make_search("successive-halving", line, runs, key(seed));
  const SearchOptions options{.method = "successive-halving", .T = T};
  std::vector<Trial> trials;
  std::set<std::int64_t> kept;
  std::size_t most = 0;
  for (std::int64_t i = 0; i < search->trials(); ++i) {
    const double u = search->ask()[0];
    const TrialSteps steps = steps_of_trial(*search, options, i);
    const std::int64_t from = search->goes_on_from();
    if (from >= 0) CHECK(kept.contains(from));  // what goes on has been kept until then
    trials.push_back({u, steps.begin, steps.end, from, E_after(u, steps.end)});
    search->tell({u}, trials.back().E);
    kept.insert(i);
    std::erase_if(kept, [&](std::int64_t trial) { return !search->keeps(trial); });
    most = std::max(most, kept.size());
  }
  CHECK(most <= static_cast<std::size_t>(search->most_kept()));
  REQUIRE(!kept.empty());
  const auto best = std::ranges::min(trials, {}, [](const Trial& t) { return std::pair(-t.end, t.E); });
  CHECK(trials[static_cast<std::size_t>(*kept.rbegin())].u == best.u);  // the last training goes on from it
  return trials;
}

}  // namespace

TEST_CASE("successive halving: three runs pay for 27 points, of which the best third goes on") {
  const std::int64_t T = 270;
  const std::vector<Trial> trials = run_of(2, T, 1);
  REQUIRE(trials.size() == 27 + 9 + 3);
  std::int64_t steps = T - T / 3;
  for (const Trial& trial : trials) steps += trial.end - trial.begin;
  CHECK(steps == 3 * T);
  // By sorting each rung, which is another way than the search's.
  std::size_t first = 0;
  for (const std::size_t n : {std::size_t{27}, std::size_t{9}}) {
    std::vector<double> E, expected, found;
    for (std::size_t i = first; i < first + n; ++i) E.push_back(trials[i].E);
    std::sort(E.begin(), E.end());
    for (std::size_t i = first; i < first + n; ++i)
      if (trials[i].E <= E[n / 3 - 1]) expected.push_back(trials[i].u);
    for (std::size_t i = first + n; i < first + n + n / 3; ++i) {
      found.push_back(trials[i].u);
      const Trial& before = trials[static_cast<std::size_t>(trials[i].from)];
      CHECK(before.u == trials[i].u);
      CHECK(before.end == trials[i].begin);
    }
    std::sort(expected.begin(), expected.end());
    std::sort(found.begin(), found.end());
    CHECK(found == expected);
    first += n;
  }
  // The points are those of random search.
  const auto random = make_search("random-search", line, 27, key(1));
  for (std::size_t i = 0; i < 27; ++i) CHECK(trials[i].u == random->ask()[0]);
}

TEST_CASE("successive halving: every budget is kept, and spent to the last rung that fits") {
  for (const std::int64_t runs : {1, 2, 3, 5, 7, 15}) {
    CAPTURE(runs);
    const std::int64_t T = 27;
    std::int64_t steps = T - T / 3;
    std::size_t first_rung = 0;
    for (const Trial& trial : run_of(runs, T, 2)) {
      steps += trial.end - trial.begin;
      first_rung += trial.begin == 0;
    }
    CHECK(steps <= (runs + 1) * T);
    CHECK(steps > (runs + 1) * T - 10);  // one more point costs up to 9 of its 27ths
    if (runs == 7) CHECK(first_rung == 86);
  }
}

TEST_CASE("successive halving: trials that fail are left behind") {
  const auto search = make_search("successive-halving", line, 2, key(3));
  std::vector<double> asked;
  for (std::int64_t i = 0; i < search->trials(); ++i) {
    asked.push_back(search->ask()[0]);
    const bool fails = asked.back() > 0.4;
    if (i >= 27) CHECK_FALSE(fails);
    search->tell({asked.back()}, fails ? std::nan("") : 1 - asked.back());
  }
}

TEST_CASE("successive halving: the run that is kept is that of its point, and no step is made twice") {
  const FlatProblem problem = heavy_ball(6, 0.05);
  const Space space = quadratic_space();
  const Vars phi = space.initial(DType::f64);
  const std::int64_t T = 81;
  std::int64_t steps = 0;
  FlatProblem counted = problem;
  counted.step = [&](const Vars& s, const Vars& h, std::int64_t t) {
    ++steps;
    return problem.step(s, h, t);
  };
  const SearchOptions options{.method = "successive-halving", .T = T, .budget = 3 * T, .key = key(5)};
  std::int64_t reports = 0;
  const TuneResult result = search_run(counted, space, phi, options, [&](const OuterUpdate& update) {
    const std::int64_t length = reports < 27 ? 3 : reports < 36 ? 9 : 27;
    CHECK(update.estimate.outer == outer_after(problem, update.phi, length, 0, 0, 0));
    ++reports;
  });
  CHECK(reports == 39);
  CHECK(steps == 3 * T);
  const double E = problem.outer(result.s, result.phi, 0).item();
  CHECK(E == outer_after(problem, result.phi, static_cast<int>(T), 0, 0, 0));
  // Two whole runs of random search, for the same steps: better in most of 20 pairs, and on average.
  double halved = 0, random = 0;
  int better = 0;
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    const auto found = [&](const char* method) {
      const TuneResult run =
          search_run(problem, space, phi, {.method = method, .T = T, .budget = 3 * T, .key = key(seed)});
      return std::log(problem.outer(run.s, run.phi, 0).item());
    };
    const double mine = found("successive-halving"), other = found("random-search");
    halved += mine;
    random += other;
    better += mine < other;
  }
  MESSAGE("successive halving better in ", better, " of 20; mean log E ", halved / 20, " against ", random / 20);
  CHECK(better >= 12);
  CHECK(halved < random);
  const std::string refused = message_of<ValueError>(
      [&] { search_run(problem, space, phi, {.method = "successive-halving", .T = 12, .budget = 36, .key = key(5)}); });
  CHECK(refused.find("too short to be divided") != std::string::npos);
}

TEST_SUITE_END();
