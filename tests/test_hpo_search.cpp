// Black-box searches on functions with known minima, and the outer loop that trains for each trial.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>
#include <set>
#include <vector>

#include <glocal/hpo/estimators/options.h>
#include <glocal/hpo/estimators/predict.h>
#include <glocal/hpo/estimators/registry.h>
#include <glocal/hpo/search/cma_es.h>
#include <glocal/hpo/search/registry.h>
#include <glocal/hpo/tune/search_run.h>
#include <glocal/hpo/tune/tune.h>
#include <glocal/hpo/unroll/options.h>

#include "quadratic.h"

using namespace glocal;
using namespace glocal::hpo;

TEST_SUITE_BEGIN("fast");

namespace {

using Point = std::vector<double>;
using Objective = std::function<double(const Point&)>;
constexpr double inf = std::numeric_limits<double>::infinity();

SearchBox cube(std::size_t q) { return {Point(q, 0.0), Point(q, 0.5), Point(q, 1.0)}; }

double lowest(const std::string& name, const SearchBox& box, std::int64_t trials, std::uint64_t seed,
              const Objective& f) {
  const auto search = make_search(name, box, trials, key(seed));
  double best = inf;
  for (std::int64_t i = 0; i < search->trials(); ++i) {
    const Point u = search->ask();
    const double E = f(u);
    search->tell(u, E);
    best = std::min(best, E);
  }
  return best;
}

template <class F>
double median(int count, F&& number) {
  std::vector<double> all;
  for (int i = 0; i < count; ++i) all.push_back(number(static_cast<std::uint64_t>(i)));
  std::sort(all.begin(), all.end());
  return all[all.size() / 2];
}

// Least 0.397887 at three points; on the unit square.
double branin(const Point& p) {
  const double pi = std::numbers::pi, x = 15 * p[0] - 5, y = 15 * p[1];
  const double a = y - 5.1 / (4 * pi * pi) * x * x + 5 / pi * x - 6;
  return a * a + 10 * (1 - 1 / (8 * pi)) * std::cos(x) + 10;
}

// Least -3.86278 at (0.1146, 0.5556, 0.8525).
double hartmann3(const Point& p) {
  constexpr double alpha[] = {1, 1.2, 3, 3.2};
  constexpr double A[4][3] = {{3, 10, 30}, {0.1, 10, 35}, {3, 10, 30}, {0.1, 10, 35}};
  constexpr double P[4][3] = {
      {0.3689, 0.1170, 0.2673}, {0.4699, 0.4387, 0.7470}, {0.1091, 0.8732, 0.5547}, {0.0381, 0.5743, 0.8828}};
  double sum = 0;
  for (std::size_t i = 0; i < 4; ++i) {
    double inner = 0;
    for (std::size_t j = 0; j < 3; ++j) inner += A[i][j] * (p[j] - P[i][j]) * (p[j] - P[i][j]);
    sum -= alpha[i] * std::exp(-inner);
  }
  return sum;
}

double squared_distance(const Point& a, const Point& b) {
  double sum = 0;
  for (std::size_t k = 0; k < a.size(); ++k) sum += (a[k] - b[k]) * (a[k] - b[k]);
  return sum;
}
double sphere(const Point& x) {
  double sum = 0;
  for (const double v : x) sum += v * v;
  return sum;
}
double ellipsoid(const Point& x) {
  double sum = 0;
  for (std::size_t i = 0; i < x.size(); ++i)
    sum += std::pow(1e6, static_cast<double>(i) / static_cast<double>(x.size() - 1)) * x[i] * x[i];
  return sum;
}
double rosenbrock(const Point& x) {
  double sum = 0;
  for (std::size_t i = 0; i + 1 < x.size(); ++i)
    sum += 100 * std::pow(x[i] * x[i] - x[i + 1], 2) + (x[i] - 1) * (x[i] - 1);
  return sum;
}

// Evaluations of CMA-ES until f < 1e-10, at most `most`.
double evaluations(const Objective& f, Point start, double sigma, std::uint64_t seed, int most = 20000) {
  CmaEs strategy(std::move(start), sigma, key(seed));
  for (int i = 1; i < most; ++i) {
    const Point x = strategy.ask();
    const double value = f(x);
    if (value < 1e-10) return i;
    strategy.tell(x, value);
  }
  return most;
}

}  // namespace

TEST_CASE("search: branin and hartmann3 have their known minima") {
  CHECK(branin({(std::numbers::pi + 5) / 15, 2.275 / 15}) == doctest::Approx(0.397887).epsilon(1e-6));
  CHECK(hartmann3({0.114614, 0.555649, 0.852547}) == doctest::Approx(-3.86278).epsilon(1e-6));
}

TEST_CASE("search: expected improvement beats random search on branin") {
  const double random = median(11, [](auto seed) { return lowest("random-search", cube(2), 30, seed, branin); });
  const double gp = median(11, [](auto seed) { return lowest("gp", cube(2), 30, seed, branin); });
  MESSAGE("branin, 30 trials, median regret: random ", random - 0.397887, ", gp ", gp - 0.397887);
  CHECK(gp < random);
  CHECK(gp - 0.397887 < 0.05);
}

TEST_CASE("search: expected improvement beats random search on hartmann3") {
  const double random = median(11, [](auto seed) { return lowest("random-search", cube(3), 35, seed, hartmann3); });
  const double gp = median(11, [](auto seed) { return lowest("gp", cube(3), 35, seed, hartmann3); });
  MESSAGE("hartmann3, 35 trials, median regret: random ", random + 3.86278, ", gp ", gp + 3.86278);
  CHECK(gp < random);
  CHECK(gp + 3.86278 < 0.05);
}

TEST_CASE("search: trials that fail or nearly diverge do not stop the gaussian process") {
  const auto cliff = [](const Point& p) {
    if (p[0] > 0.8) return std::nan("");
    return p[0] > 0.7 ? 1e30 : std::pow(p[0] - 0.6, 2) + 0.1 * p[1];
  };
  const double gp = median(5, [&](auto seed) { return lowest("gp", cube(2), 30, seed, cliff); });
  const double random = median(5, [&](auto seed) { return lowest("random-search", cube(2), 30, seed, cliff); });
  CHECK(gp < random);
  CHECK(gp < 0.01);
  const auto all_fail = [](const Point&) { return std::nan(""); };
  const auto all_same = [](const Point&) { return 2.5; };
  for (const std::string& name : search_names()) {
    CAPTURE(name);
    lowest(name, cube(2), 15, 1, all_fail);
    CHECK(lowest(name, cube(2), 15, 1, all_same) == 2.5);
  }
}

TEST_CASE("search: every search stays in its box, repeats itself with its key and begins at the start") {
  const SearchBox box{{-3, 10}, {-1, 11}, {2, 10.5 + 1}};
  const auto trace = [&](const std::string& name, std::uint64_t seed) {
    std::vector<Point> points;
    lowest(name, box, 25, seed, [&](const Point& u) {
      points.push_back(u);
      return std::pow(u[0] - 2, 2) + u[1];  // least in a corner
    });
    return points;
  };
  for (const std::string& name : search_names()) {
    CAPTURE(name);
    const std::vector<Point> points = trace(name, 7);
    CHECK(std::all_of(points.begin(), points.end(), [&](const Point& u) { return box.contains(u); }));
    CHECK(points == trace(name, 7));
    if (name == "grid") continue;
    CHECK(points != trace(name, 8));
    if (name != "cma-es") CHECK(points.front() == box.start);
  }
}

TEST_CASE("search: the grid is full, as even as the trials allow, and centred") {
  for (const auto& [q, trials, expected] : {std::array{2, 20, 20}, {3, 20, 18}, {1, 5, 5}, {3, 7, 6}, {4, 1, 1}}) {
    CAPTURE(q);
    CAPTURE(trials);
    const auto search = make_search("grid", cube(static_cast<std::size_t>(q)), trials, {});
    REQUIRE(search->trials() == expected);
    std::set<Point> points;
    Point mean(static_cast<std::size_t>(q), 0.0);
    for (std::int64_t i = 0; i < search->trials(); ++i) {
      const Point u = search->ask();
      points.insert(u);
      for (std::size_t k = 0; k < u.size(); ++k) mean[k] += u[k] / static_cast<double>(expected);
    }
    CHECK(points.size() == static_cast<std::size_t>(expected));
    for (const double m : mean) CHECK(m == doctest::Approx(0.5));
  }
  // The last axis runs fastest.
  const auto search = make_search("grid", cube(3), 18, {});
  for (const double a : {1.0 / 6, 3.0 / 6, 5.0 / 6})
    for (const double b : {1.0 / 6, 3.0 / 6, 5.0 / 6})
      for (const double c : {0.25, 0.75}) CHECK(squared_distance(search->ask(), {a, b, c}) < 1e-30);
}

TEST_CASE("search: the box is a factor of 30 for logarithms and four units of a logit, times the width") {
  const Space space = quadratic_space();
  const SearchBox box = box_around(space, space.initial(DType::f64)),
                  half = box_around(space, space.initial(DType::f64), 0.5);
  CHECK(std::exp(box.low[0]) == doctest::Approx(0.02 / 30));
  CHECK(std::exp(box.high[0]) == doctest::Approx(0.02 * 30));
  CHECK(box.low[1] == -4);
  CHECK(box.high[1] == 4);
  CHECK(std::exp(half.high[2]) == doctest::Approx(1e-3 * std::sqrt(30)));
  CHECK(std::exp(half.low[2]) == doctest::Approx(1e-3 / std::sqrt(30)));
  CHECK(half.low[1] == -2);
  CHECK(half.high[1] == 2);
  CHECK_THROWS_AS(box_around(space, space.initial(DType::f64), 0), ValueError);
  CHECK_THROWS_AS(box_around(space, Vars{number(1)}), ShapeError);
  CHECK_THROWS_WITH_AS(make_search("tabu", box, 3, {}), doctest::Contains("glocal list searches"), ValueError);
  CHECK_THROWS_AS(make_search("gp", box, 0, {}), ValueError);
  CHECK_THROWS_AS(make_search("gp", SearchBox{}, 3, {}), ValueError);
}

TEST_CASE("cma-es: sphere, ellipsoid and rosenbrock in 5 dimensions to 1e-10 within the usual evaluations") {
  const double easy = median(11, [](auto seed) { return evaluations(sphere, Point(5, 1), 0.5, seed); });
  const double thin = median(11, [](auto seed) { return evaluations(ellipsoid, Point(5, 1), 0.5, seed); });
  const double bent = median(11, [](auto seed) { return evaluations(rosenbrock, Point(5, 0), 0.5, seed); });
  MESSAGE("cma-es, n = 5, median evaluations to 1e-10: sphere ", easy, ", ellipsoid ", thin, ", rosenbrock ", bent);
  CHECK(easy < 900);
  CHECK(thin < 2500);
  CHECK(bent < 4000);
}

// Hansen 2016, equations 38 to 58 with n = 1, lambda = 4, told the points 1 + 2 y in the order of their values.
TEST_CASE("cma-es: one generation in one dimension by the tutorial's equations") {
  const double y[] = {0.5, -0.3, 1.2, -2}, sigma = 2, m = 1;
  double raw[4], plus = 0, minus = 0, plus_squares = 0, minus_squares = 0;
  for (int i = 0; i < 4; ++i) raw[i] = std::log(2.5) - std::log(i + 1.0);
  for (int i = 0; i < 4; ++i) (i < 2 ? plus : minus) += std::abs(raw[i]);
  for (int i = 0; i < 4; ++i) (i < 2 ? plus_squares : minus_squares) += raw[i] * raw[i];
  const double mu = plus * plus / plus_squares, mu_minus = minus * minus / minus_squares;
  const double cs = (mu + 2) / (mu + 6), ds = 1 + 2 * std::max(0.0, std::sqrt((mu - 1) / 2) - 1) + cs;
  const double cc = (4 + mu) / (5 + 2 * mu), c1 = 2 / (2.3 * 2.3 + mu);
  const double cm = std::min(1 - c1, 2 * (0.25 + mu + 1 / mu - 2) / (9 + mu));
  const double shrink = std::min({1 + c1 / cm, 1 + 2 * mu_minus / (mu + 2), (1 - c1 - cm) / cm});
  const double step = (raw[0] * y[0] + raw[1] * y[1]) / plus, chi = 1 - 1.0 / 4 + 1.0 / 21;
  const double length = std::sqrt(cs * (2 - cs) * mu) * std::abs(step);
  REQUIRE(length / std::sqrt(1 - (1 - cs) * (1 - cs)) < 2.4 * chi);  // h_sigma = 1
  const double rank_one = cc * (2 - cc) * mu * step * step;
  const double rank_mu = (raw[0] * y[0] * y[0] + raw[1] * y[1] * y[1]) / plus - shrink;  // w_i / |y_i|^2 where w_i < 0
  const double C = 1 - c1 - cm * (1 - shrink) + c1 * rank_one + cm * rank_mu;

  CmaEs strategy({m}, sigma, key(5), 4);
  for (int i : {2, 0, 3, 1}) strategy.tell({m + sigma * y[i]}, i);
  CHECK(strategy.mean()[0] == doctest::Approx(m + sigma * step).epsilon(1e-14));
  CHECK(strategy.sigma() == doctest::Approx(sigma * std::exp(cs / ds * (length / chi - 1))).epsilon(1e-14));
  const double z = normal(split(key(5), 0), {1}, 0, 1, DType::f64).at(0);
  CHECK((strategy.ask()[0] - strategy.mean()[0]) / (strategy.sigma() * z) ==
        doctest::Approx(std::sqrt(C)).epsilon(1e-13));
}

TEST_CASE("cma-es: only the order of the values counts") {
  const auto means = [](auto&& of) {
    CmaEs strategy(Point(4, 1), 0.3, key(5));
    std::vector<Point> all;
    for (int i = 0; i < 400; ++i) {
      const Point x = strategy.ask();
      strategy.tell(x, of(rosenbrock(x)));
      all.push_back(strategy.mean());
    }
    return all;
  };
  const auto plain = means([](double f) { return f; });
  CHECK(plain == means([](double f) { return -1 / f; }));
  CHECK(plain == means([](double f) { return std::log(f) * 1e6; }));
}

TEST_CASE("cma-es: a rotation of the problem does not change how long it takes") {
  const std::size_t n = 5;
  Point reflector(n);  // Householder: x - 2 v (v.x), all axes mixed
  for (std::size_t i = 0; i < n; ++i) reflector[i] = std::sin(1.0 + static_cast<double>(i));
  const double norm = std::sqrt(sphere(reflector));
  const auto rotated = [&](const Point& x) {
    double along = 0;
    for (std::size_t i = 0; i < n; ++i) along += reflector[i] / norm * x[i];
    Point y = x;
    for (std::size_t i = 0; i < n; ++i) y[i] -= 2 * along * reflector[i] / norm;
    return ellipsoid(y);
  };
  const double straight = median(15, [](auto seed) { return evaluations(ellipsoid, Point(5, 1), 0.5, seed); });
  const double turned = median(15, [&](auto seed) { return evaluations(rotated, Point(5, 1), 0.5, seed); });
  CHECK(turned < 1.2 * straight);
  CHECK(straight < 1.2 * turned);
}

TEST_CASE("cma-es: values that are not numbers count as the worst, bad input is a typed error") {
  const auto guarded = [](const Point& x) { return x[0] < 0 ? std::nan("") : sphere(x); };
  CHECK(evaluations(guarded, Point(3, 2), 0.5, 1) < 3000);
  CHECK_THROWS_AS(CmaEs({}, 1, key(0)), ValueError);
  CHECK_THROWS_AS(CmaEs({1}, 0, key(0)), ValueError);
  CHECK_THROWS_AS(CmaEs({1}, 1, key(0), 3), ValueError);
  CHECK_THROWS_AS(CmaEs({1}, 1, key(0)).tell({1, 2}, 0), ShapeError);
}

TEST_CASE("search_run: the best trial is trained once more, and the budget pays for all") {
  const FlatProblem problem = heavy_ball(6, 0.05);
  const Space space = quadratic_space();
  const Vars phi = space.initial(DType::f64);
  for (const std::string& method : search_names()) {
    if (method == "successive-halving") continue;  // its trials are parts of runs: test_hpo_successive_halving.cpp
    CAPTURE(method);
    std::int64_t steps = 0, reports = 0;
    FlatProblem counted = problem;
    counted.watch = [&](const Vars&, std::int64_t) { ++steps; };
    SearchOptions options{.method = method, .T = 30, .budget = 30 * 13 + 7, .key = key(2)};
    CHECK(affordable_trials(options) == 12);
    double best = inf;
    const TuneResult result = search_run(counted, space, phi, options, [&](const OuterUpdate& update) {
      CHECK(update.index == reports++);
      CHECK(update.estimate.h.empty());
      if (std::isfinite(update.estimate.outer)) {
        CHECK(update.estimate.outer == outer_after(problem, update.phi, 30, 0, 0, 0));
        best = std::min(best, update.estimate.outer);
      }
      CHECK(outer_after(problem, update.next_phi, 30, 0, 0, 0) == best);
    });
    CHECK(result.updates == 12);
    CHECK(reports == 12);
    CHECK(steps == 30 * 13);
    CHECK(steps <= options.budget);
    CHECK(problem.outer(result.s, result.phi, 0).item() == best);
    CHECK(best < outer_after(problem, phi, 30, 0, 0, 0));
  }
  SearchOptions shorter{.T = 30, .trial_steps = 10, .budget = 30 + 25};
  CHECK(affordable_trials(shorter) == 2);
  shorter.budget = 39;
  CHECK_THROWS_WITH_AS(affordable_trials(shorter), doctest::Contains("at least 40"), ValueError);
  shorter.trial_steps = 31;
  CHECK_THROWS_AS(affordable_trials(shorter), ValueError);
}

// Trials of their own length, scored on block 0's validation batch; seconds and memory of all of them.
TEST_CASE("search_run: short trials, their score, and the seconds and memory of the whole search") {
  const Space space = quadratic_space();
  const FlatProblem inner = heavy_ball(6, 0.05);
  FlatProblem problem = inner;
  std::int64_t steps = 0, other_blocks = 0;
  problem.step = [&](const Vars& s, const Vars& phi, std::int64_t t) {
    ++steps;
    return inner.step(s, phi, t);
  };
  constexpr std::int64_t room = 1 << 20;  // numbers that a value of E needs for a while
  problem.outer = [&](const Vars& s, const Vars& phi, std::int64_t block) {
    other_blocks += block != 0;
    const Tensor needed = Tensor::zeros({room}, DType::f64);
    return inner.outer(s, phi, block);
  };
  const SearchOptions options{
      .method = "random-search", .T = 30, .trial_steps = 7, .budget = 30 + 7 * 5, .key = key(3)};
  double seconds = 0;
  const TuneResult result = search_run(problem, space, space.initial(DType::f64), options,
                                       [&](const OuterUpdate& u) { seconds += u.seconds; });
  CHECK(result.updates == 5);
  CHECK(steps == 5 * 7 + 30);
  CHECK(other_blocks == 0);
  CHECK(result.estimate_seconds == doctest::Approx(seconds).epsilon(1e-12));
  CHECK(result.peak_bytes >= room * 8);
}

TEST_CASE("search_run: a trial that diverges is the worst and the search goes on") {
  const Space space = quadratic_space();
  const Vars phi = space.initial(DType::f64);
  FlatProblem problem = heavy_ball(6, 0.05);
  double stop_above = 0.05;
  const auto inner = problem.step;
  double lr = 0;
  problem.step = [&lr, inner](const Vars& s, const Vars& h, std::int64_t t) {
    lr = std::exp(h[0].value().item());
    return inner(s, h, t);
  };
  problem.watch = [&](const Vars&, std::int64_t t) {
    if (lr > stop_above && t == 3) fail<DivergedError>("[test] step {}", t);
  };
  const SearchOptions options{.method = "gp", .T = 20, .budget = 20 * 16};
  std::int64_t failed = 0;
  const TuneResult result = search_run(problem, space, phi, options,
                                       [&](const OuterUpdate& u) { failed += !std::isfinite(u.estimate.outer); });
  CHECK(failed > 0);
  CHECK(failed < 15);
  CHECK(std::exp(result.phi[0].value().item()) <= stop_above);
  stop_above = 0;
  CHECK_THROWS_WITH_AS(search_run(problem, space, phi, options), doctest::Contains("all 15 trials"), DivergedError);
}

TEST_CASE("search: what each estimator costs in gradient evaluations, against counted calls") {
  const std::int64_t T = 45, tau = 15, q = 3, blocks = 2, rest = 15;
  EstimatorOptions options;
  options.tau = tau;
  options.K = 5;
  options.directions = 4;
  options.particles = 6;
  const auto count = [&](const char* name) { return gradient_evaluations(name, options, q, T, 7); };
  CHECK(count("global") == 7 * (4 * T + 1) + T);
  CHECK(count("global-forward") == 7 * (7 * T + 1) + T);
  CHECK(count("local-restart") == 7 * (7 * tau + 1) + T);
  CHECK(count("local") == blocks * (7 * tau + 1) + rest);
  CHECK(count("glocal") == blocks * (7 * tau + tau) + rest);
  CHECK(count("truncated") == blocks * (tau + 3 * 5 + 1) + rest);
  CHECK(count("one-step") == blocks * (tau + 3 + 1) + rest);
  CHECK(count("random-forward") == blocks * (9 * tau + 1) + rest);
  options.unroll = Unroll::stored;
  CHECK(count("global") == 7 * (3 * T + 1) + T);
  for (const std::string& name : estimator_names()) CHECK(count(name.c_str()) > T);
  CHECK_THROWS_AS(count("crystal-ball"), ValueError);
  CHECK_THROWS_AS(gradient_evaluations("global", options, q, std::int64_t{1} << 40, std::int64_t{1} << 40), ShapeError);

  // Where every step is a plain one, the count is that of the steps made.
  const FlatProblem inner = heavy_ball(6, 0.05);
  FlatProblem problem = inner;
  std::int64_t steps = 0;
  problem.step = [&](const Vars& s, const Vars& phi, std::int64_t t) {
    ++steps;
    return inner.step(s, phi, t);
  };
  for (const char* name : {"es", "pes"}) {
    steps = 0;
    TuneOptions tuning{.estimator = name, .estimator_options = options, .meta = {.lr = 1e-6}, .T = T};
    tune(problem, quadratic_space().initial(DType::f64), tuning);
    CHECK(steps == count(name));
  }
}

TEST_SUITE_END();
