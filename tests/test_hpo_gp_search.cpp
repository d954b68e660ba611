// The Gaussian-process search trial by trial: its first design, and that every later trial is where the improvement to
// be expected is largest, by a second calculation on a fine grid.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <set>
#include <vector>

#include <glocal/core/tensor.h>
#include <glocal/hpo/search/gaussian_process.h>
#include <glocal/hpo/search/gaussian_process_search.h>
#include <glocal/hpo/search/search.h>

using namespace glocal;
using namespace glocal::hpo;

namespace {

using Point = std::vector<double>;

const SearchBox box{{-5, 10}, {-2, 14}, {-1, 30}};
Point cube_of(const Point& u) {
  Point cube;
  for (std::size_t k = 0; k < u.size(); ++k) cube.push_back((u[k] - box.low[k]) / (box.high[k] - box.low[k]));
  return cube;
}

// Far from 0, with a region that diverges and one that nearly does.
double objective(const Point& u) {
  const Point x = cube_of(u);
  if (x[0] > 0.9) return std::nan("");
  if (x[0] > 0.8) return 1e30;
  return 1000 + std::pow(x[0] - 0.55, 2) + 0.3 * std::pow(x[1] - 0.3 * std::sin(4 * x[0]), 2);
}

// docs of gaussian_process_search: m + s log(1 + (E - m) / s) above the median m, s = m - min E; then mean 0,
// variance 1.
std::vector<double> seen_by_the_process(const std::vector<double>& E) {
  std::vector<double> finite;
  for (const double e : E)
    if (std::isfinite(e)) finite.push_back(e);
  std::sort(finite.begin(), finite.end());
  const double m = finite[(finite.size() - 1) / 2], s = m - finite.front();
  std::vector<double> y;
  for (double e : E) {
    if (!std::isfinite(e)) e = finite.back();
    y.push_back(e > m ? m + s * std::log1p((e - m) / s) : e);
  }
  long double mean = 0, variance = 0;
  for (const double v : y) mean += v;
  mean /= static_cast<long double>(y.size());
  for (const double v : y) variance += (v - mean) * (v - mean);
  for (double& v : y) v = static_cast<double>((v - mean) / std::sqrt(variance / static_cast<long double>(y.size())));
  return y;
}

// Expected improvements at points of the unit square, after these trials.
class Improvement {
 public:
  Improvement(const std::vector<Point>& asked, const std::vector<double>& E) {
    std::vector<double> x;
    for (const Point& u : asked)
      for (const double c : cube_of(u)) x.push_back(c);
    const std::vector<double> y = seen_by_the_process(E);
    best_ = *std::min_element(y.begin(), y.end());
    const auto n = static_cast<std::int64_t>(y.size());
    const Tensor points = Tensor::from(x, {n, 2}), values = Tensor::from(y, {n});
    gp_.emplace(points, values, likeliest_kernel(points, values));
  }
  std::vector<double> at(const std::vector<double>& points) const {
    const auto posterior = gp_->at(Tensor::from(points, {std::ssize(points) / 2, 2}));
    std::vector<double> out;
    for (std::size_t j = 0; j < posterior.mean.size(); ++j)
      out.push_back(expected_improvement(posterior.mean[j], posterior.variance[j], best_));
    return out;
  }
  double largest_on_a_grid() const {
    std::vector<double> points;
    for (int i = 0; i <= 60; ++i)
      for (int j = 0; j <= 60; ++j) points.push_back(i / 60.0), points.push_back(j / 60.0);
    const std::vector<double> all = at(points);
    return *std::max_element(all.begin(), all.end());
  }

 private:
  std::optional<GaussianProcess> gp_;
  double best_ = 0;
};

}  // namespace

TEST_SUITE("fast") {
  TEST_CASE("gp search: every trial after the design is at the largest expected improvement of the box") {
    double worst = 1, worst_near = 1;
    for (std::uint64_t seed = 0; seed < 3; ++seed) {
      const auto search = gaussian_process_search(box, 22, key(seed));
      std::vector<Point> asked;
      std::vector<double> E;
      for (int i = 0; i < 22; ++i) {
        const Point u = search->ask(), x = cube_of(u);
        if (i >= 6) {
          const Improvement improvement(asked, E);
          const double here = improvement.at(x)[0];
          worst = std::min(worst, here / improvement.largest_on_a_grid());
          std::vector<double> around;
          for (const auto& [dx, dy] : {std::pair(1e-3, 0.0), {-1e-3, 0.0}, {0.0, 1e-3}, {0.0, -1e-3}}) {
            around.push_back(std::clamp(x[0] + dx, 0.0, 1.0));
            around.push_back(std::clamp(x[1] + dy, 0.0, 1.0));
          }
          for (const double near : improvement.at(around)) worst_near = std::min(worst_near, here / near);
        }
        asked.push_back(u);
        E.push_back(objective(u));
        search->tell(u, E.back());
      }
    }
    MESSAGE("expected improvement of the trials: at least ", worst, " of the grid's best, ", worst_near,
            " of 1e-3 away");
    CHECK(worst > 0.999);
    CHECK(worst_near > 1 - 1e-6);
  }

  TEST_CASE(
      "gp search: the design is the start and a Latin hypercube of 2 q + 1 points with coordinates of their own") {
    int alike = 0, same_place = 0;
    for (std::uint64_t seed = 0; seed < 40; ++seed) {
      const auto search = gaussian_process_search(box, 30, key(seed));
      CHECK(search->ask() == box.start);
      search->tell(box.start, 0);
      std::vector<std::set<int>> cells(2);
      bool diagonal = true, together = true;
      for (int i = 0; i < 5; ++i) {
        const Point u = search->ask(), x = cube_of(u);
        search->tell(u, x[0]);
        for (std::size_t k = 0; k < 2; ++k) cells[k].insert(static_cast<int>(5 * x[k]));
        diagonal = diagonal && static_cast<int>(5 * x[0]) == static_cast<int>(5 * x[1]);
        together = together && std::abs(std::fmod(5 * x[0], 1) - std::fmod(5 * x[1], 1)) < 1e-9;
      }
      for (const std::set<int>& axis : cells) CHECK(axis == std::set<int>{0, 1, 2, 3, 4});
      alike += diagonal;
      same_place += together;
    }
    CHECK(alike <= 2);  // by chance in one design of 5! = 120
    CHECK(same_place == 0);
  }

  TEST_CASE("gp search: the likeliest kernel is near the best of a fine grid, also where it is short or noisy") {
    struct Data {
      double frequency, noise;
    };
    for (const auto& [frequency, noise] : {Data{60, 0.01}, {5, 0.6}, {20, 0.2}}) {
      CAPTURE(frequency);
      const std::int64_t n = 60;
      const Tensor x = uniform(key(5), {n, 1}, 0, 1, DType::f64), e = normal(key(6), {n}, 0, 1, DType::f64);
      std::vector<double> y;
      double square = 0;
      for (std::int64_t i = 0; i < n; ++i) {
        y.push_back(std::sin(frequency * x.at(i)) + noise * e.at(i));
        square += y.back() * y.back() / double(n);
      }
      for (double& v : y) v /= std::sqrt(square);
      const Tensor values = Tensor::from(y, {n});
      const double reached = GaussianProcess(x, values, likeliest_kernel(x, values)).log_likelihood();
      double best = -std::numeric_limits<double>::infinity();
      for (double length = 0.03; length < 10; length *= 1.1)
        for (double ratio = 1e-6; ratio <= 1; ratio *= 1.5)
          best = std::max(best, GaussianProcess(x, values, {{length}, ratio, 0}).log_likelihood());
      MESSAGE("log likelihood: reached ", reached, ", best of the grid ", best);
      CHECK(reached > best - 0.05);
    }
  }
}
