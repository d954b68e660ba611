// Checkpoint plans: fewest steps run again, never more held than promised, and the same bits whatever is kept.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <map>

#include <glocal/hpo/estimators/global.h>

#include "quadratic.h"

using namespace glocal;
using namespace glocal::hpo;

namespace {

// The least number of segments run to walk back over n of them with c states, by trying every place for the next one.
std::int64_t fewest(std::int64_t n, std::int64_t c) {
  static std::map<std::pair<std::int64_t, std::int64_t>, std::int64_t> known;
  if (n <= 1) return 0;
  if (c == 1) return n * (n - 1) / 2;
  auto& best = known[{n, c}];
  if (best) return best;
  std::int64_t least = n * n;
  for (std::int64_t m = 1; m < n; ++m) least = std::min(least, m + fewest(n - m, c - 1) + fewest(m, c));
  return known[{n, c}] = least;
}

// A heavy-ball problem that counts plain and recorded steps and the states that are alive.
struct Counted {
  FlatProblem problem = heavy_ball(6, 0.02);
  Vars phi{number(std::log(0.3)), number(1.0), number(std::log(1e-3))};
  std::int64_t plain = 0, recorded = 0;
  std::vector<std::int64_t> watched;

  Counted() {
    const auto step = problem.step;
    problem.step = [this, step](const Vars& s, const Vars& h, std::int64_t t) {
      ++(s[0].level() == 0 ? plain : recorded);
      return step(s, h, t);
    };
    problem.watch = [this](const Vars&, std::int64_t t) { watched.push_back(t); };
  }
};

}  // namespace

TEST_SUITE_BEGIN("fast");

TEST_CASE("unroll plan: the number of steps is the least there is") {
  for (std::int64_t n = 1; n <= 40; ++n)
    for (std::int64_t c = 1; c <= 8; ++c) {
      CAPTURE(n);
      CAPTURE(c);
      CHECK(plain_steps({1, std::min(c, n)}, n) == fewest(n, std::min(c, n)));
    }
}

TEST_CASE("unroll plan: every plan gives the bits of the stored unroll in the promised number of steps") {
  for (const std::int64_t T : {1, 2, 12, 24}) {
    const Hypergradient stored = global_reverse(Counted().problem, Counted().phi, T, Unroll::stored);
    for (const std::int64_t segment : {1, 2, 3, 4})
      for (const std::int64_t states : {1, 2, 3, 5, 24}) {
        CAPTURE(T);
        CAPTURE(segment);
        CAPTURE(states);
        Counted run;
        const UnrollPlan plan{segment, states};
        const Hypergradient planned = global_reverse(run.problem, run.phi, T, plan);
        CHECK(planned.h == stored.h);
        CHECK(planned.outer == stored.outer);
        CHECK(same_bits(planned.s[0].value(), stored.s[0].value()));
        CHECK(run.recorded == T);
        if (T % segment == 0 && states <= T / segment) CHECK(run.plain == plain_steps(plan, T));
        REQUIRE(run.watched.size() == static_cast<std::size_t>(T));
        for (std::int64_t t = 0; t < T; ++t) CHECK(run.watched[static_cast<std::size_t>(t)] == t);
      }
  }
}

TEST_CASE("unroll plan: segments of the root of T rounded up, and everything recorded where that is the leanest") {
  CHECK(segment_plan(10).segment == 4);
  CHECK(segment_plan(10).states == 3);
  CHECK(segment_plan(9).segment == 3);
  CHECK(segment_plan(17).segment == 5);
  CHECK(plain_steps({4, 3}, 10) == 8);                  // of segments of 4, 4 and 2 steps the last is recorded at once
  CHECK(leanest_plan(40, 1, 1'000'000).segment == 40);  // a state costs more than all records
  CHECK(leanest_plan(40, 1, 1'000'000).states == 1);
  CHECK(leanest_plan(40, 1'000'000, 1).segment == 1);
}

TEST_CASE("unroll plan: a budget is kept and used") {
  const std::int64_t T = 100, step = 30, state = 10;
  CHECK(plain_steps(budget_plan(T, step, state, T * step + state), T) == 0);
  std::int64_t before = T * T;
  for (std::int64_t budget = step + state; budget < T * step; budget += 37) {
    const UnrollPlan plan = budget_plan(T, step, state, budget);
    CHECK(plan_bytes(plan, T, step, state) <= budget);
    CHECK(plain_steps(plan, T) <= before);
    before = plain_steps(plan, T);
  }
  // sqrt(T) segments run every step but the last segment's twice; as many bytes must not do worse.
  const UnrollPlan root = segment_plan(T);
  CHECK(plain_steps(root, T) == 90);
  CHECK(plain_steps(budget_plan(T, step, state, plan_bytes(root, T, step, state)), T) <= 90);
  CHECK(plan_bytes({5, 4}, T, step, state) == 5 * step + 4 * state);
  CHECK(plan_bytes({5, 1}, 2, step, state) == 2 * step + state);
  // Heavy steps and light states make short segments, and the other way round.
  CHECK(leanest_plan(T, 100, 1).segment == 1);
  CHECK(leanest_plan(T, 1, 100).segment == T);
  CHECK(leanest_plan(T, 10, 10).segment == 10);
  CHECK_THROWS_AS(budget_plan(T, step, state, step + state - 1), MemoryError);
}

#if !defined(__SANITIZE_ADDRESS__)
TEST_CASE("unroll plan: predicted bytes are what a run holds") {
  const std::int64_t T = 60;
  FlatProblem problem = heavy_ball(20000, 0.01);
  const Vars phi{number(std::log(0.3)), number(1.0), number(std::log(1e-3))};
  const std::int64_t state_bytes = 2 * 20000 * 8;
  for (const std::int64_t budget : {40 * state_bytes, 15 * state_bytes}) {
    const UnrollPlan plan = plan_within(problem, phi, T, budget);
    const std::int64_t live = memory_use().live_bytes;
    reset_peak_memory();
    global_reverse(problem, phi, T, plan);
    // Beside what the plan holds: adjoints, and what one pull works with.
    const std::int64_t peak = memory_use().peak_bytes - live;
    CHECK(peak <= budget + 8 * state_bytes);
    CHECK(peak >= budget / 2);
  }
}
#endif

TEST_SUITE_END();
