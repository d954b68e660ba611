// CMA-ES against the tutorial's equations, written down a second time in long double without LAPACK, and against the
// evaluations that its author's implementation takes.
#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <vector>

#include <glocal/core/random.h>
#include <glocal/core/tensor.h>
#include <glocal/hpo/search/cma_es.h>
#include <glocal/hpo/search/cma_es_search.h>
#include <glocal/hpo/search/search.h>

using namespace glocal;
using namespace glocal::hpo;

namespace {

constexpr std::size_t N = 3;
using Real = long double;
using Row = std::array<Real, N>;
using Matrix = std::array<Row, N>;

Matrix identity() {
  Matrix one{};
  for (std::size_t i = 0; i < N; ++i) one[i][i] = 1;
  return one;
}

// By cofactors.
Matrix inverse(const Matrix& a) {
  const auto minor = [&](std::size_t i, std::size_t j) {
    const std::size_t r = (i + 1) % N, s = (i + 2) % N, c = (j + 1) % N, d = (j + 2) % N;
    return a[r][c] * a[s][d] - a[r][d] * a[s][c];
  };
  Real determinant = 0;
  for (std::size_t j = 0; j < N; ++j) determinant += a[0][j] * minor(0, j);
  Matrix out;
  for (std::size_t i = 0; i < N; ++i)
    for (std::size_t j = 0; j < N; ++j) out[i][j] = minor(j, i) / determinant;
  return out;
}

Matrix mean_of(const Matrix& a, const Matrix& b) {
  Matrix out;
  for (std::size_t i = 0; i < N; ++i)
    for (std::size_t j = 0; j < N; ++j) out[i][j] = (a[i][j] + b[i][j]) / 2;
  return out;
}

// C^-1/2 by the iteration of Denman and Beavers.
Matrix inverse_root(const Matrix& c) {
  Matrix y = c, z = identity();
  for (int i = 0; i < 60; ++i) {
    const Matrix next = mean_of(y, inverse(z));
    z = mean_of(z, inverse(y));
    y = next;
  }
  return z;
}

Row times(const Matrix& a, const Row& x) {
  Row out{};
  for (std::size_t i = 0; i < N; ++i)
    for (std::size_t j = 0; j < N; ++j) out[i] += a[i][j] * x[j];
  return out;
}

Real square(const Row& x) {
  Real sum = 0;
  for (const Real v : x) sum += v * v;
  return sum;
}

// Hansen, arXiv 1604.00772: figure 6 and table 1 for n = 3, lambda = 7, mu = 3.
struct Tutorial {
  static constexpr int lambda = 7, mu = 3;
  Row mean;
  Real sigma;
  Matrix C = identity();
  Row path_sigma{}, path_c{};
  int generation = 0, stalled = 0;

  void generation_of(const std::vector<Row>& best_first) {
    const Real n = N;
    Real raw[lambda], plus = 0, minus = 0, plus2 = 0, minus2 = 0;
    for (int i = 0; i < lambda; ++i) raw[i] = std::log((lambda + 1) / Real(2)) - std::log(Real(i + 1));
    for (int i = 0; i < lambda; ++i) {
      (i < mu ? plus : minus) += std::fabs(raw[i]);
      (i < mu ? plus2 : minus2) += raw[i] * raw[i];
    }
    const Real mu_eff = plus * plus / plus2, mu_eff_minus = minus * minus / minus2;
    const Real cs = (mu_eff + 2) / (n + mu_eff + 5);
    const Real ds = 1 + 2 * std::max(Real(0), std::sqrt((mu_eff - 1) / (n + 1)) - 1) + cs;
    const Real cc = (4 + mu_eff / n) / (n + 4 + 2 * mu_eff / n);
    const Real c1 = 2 / ((n + Real(1.3L)) * (n + Real(1.3L)) + mu_eff);
    const Real cm = std::min(1 - c1, 2 * (Real(0.25L) + mu_eff + 1 / mu_eff - 2) / ((n + 2) * (n + 2) + mu_eff));
    const Real narrow = std::min({1 + c1 / cm, 1 + 2 * mu_eff_minus / (mu_eff + 2), (1 - c1 - cm) / (n * cm)});
    const Real chi = std::sqrt(n) * (1 - 1 / (4 * n) + 1 / (21 * n * n));
    Real w[lambda], sum = 0;
    for (int i = 0; i < lambda; ++i) sum += w[i] = raw[i] * (raw[i] >= 0 ? 1 / plus : narrow / minus);

    ++generation;
    const Matrix root = inverse_root(C);
    std::vector<Row> y = best_first;
    Row step{};
    for (std::size_t i = 0; i < lambda; ++i)
      for (std::size_t j = 0; j < N; ++j) {
        y[i][j] = (best_first[i][j] - mean[j]) / sigma;
        if (i < mu) step[j] += w[i] * y[i][j];
      }
    for (std::size_t j = 0; j < N; ++j) mean[j] += sigma * step[j];
    const Row white = times(root, step);
    for (std::size_t j = 0; j < N; ++j)
      path_sigma[j] = (1 - cs) * path_sigma[j] + std::sqrt(cs * (2 - cs) * mu_eff) * white[j];
    const Real length = std::sqrt(square(path_sigma));
    const bool h = length / std::sqrt(1 - std::pow(1 - cs, Real(2 * generation))) < (Real(1.4L) + 2 / (n + 1)) * chi;
    stalled += !h;
    for (std::size_t j = 0; j < N; ++j)
      path_c[j] = (1 - cc) * path_c[j] + (h ? std::sqrt(cc * (2 - cc) * mu_eff) * step[j] : 0);
    Matrix next = C;
    for (std::size_t i = 0; i < N; ++i)
      for (std::size_t j = 0; j < N; ++j) {
        next[i][j] = (1 + c1 * (h ? 0 : cc * (2 - cc)) - c1 - cm * sum) * C[i][j] + c1 * path_c[i] * path_c[j];
        for (std::size_t k = 0; k < lambda; ++k)
          next[i][j] += cm * w[k] * (w[k] >= 0 ? 1 : n / square(times(root, y[k]))) * y[k][i] * y[k][j];
      }
    C = next;
    sigma *= std::exp(cs / ds * (length / chi - 1));
  }
};

// Ours and the tutorial's side by side; the points told are those asked for, moved by `drift` deviations.
struct Pair {
  CmaEs ours{{1, -2, 0.5}, 0.7, key(11)};
  Tutorial tutorial{{1, -2, 0.5L}, 0.7L};

  void generation(double drift) {
    std::vector<Row> told;
    std::vector<std::vector<double>> points;
    for (int i = 0; i < Tutorial::lambda; ++i) {
      points.push_back(ours.ask());
      points.back()[0] += drift * static_cast<double>(tutorial.sigma);
      told.push_back({points.back()[0], points.back()[1], points.back()[2]});
    }
    // In any order: the value of point i is its rank.
    for (const int i : {4, 0, 6, 2, 5, 1, 3}) ours.tell(points[static_cast<std::size_t>(i)], i);
    tutorial.generation_of(told);
  }

  // |C^-1/2 (x - m) / sigma| of every point asked is the length of the normal vector that it was made of.
  double worst_length(std::uint64_t draws) {
    double worst = 0;
    const Matrix root = inverse_root(tutorial.C);
    for (std::uint64_t i = 0; i < 20; ++i) {
      const std::vector<double> x = ours.ask();
      Row away{};
      for (std::size_t j = 0; j < N; ++j) away[j] = (x[j] - tutorial.mean[j]) / tutorial.sigma;
      const Tensor z = normal(split(key(11), draws + i), {static_cast<std::int64_t>(N)}, 0, 1, DType::f64);
      const double length = std::hypot(z.at(0), z.at(1), z.at(2));
      worst = std::max(worst, std::abs(static_cast<double>(std::sqrt(square(times(root, away)))) / length - 1));
    }
    return worst;
  }
};

}  // namespace

TEST_SUITE("fast") {
  TEST_CASE("cma-es: mean, step size and covariance of ten generations in three dimensions are the tutorial's") {
    Pair pair;
    std::uint64_t draws = 0;
    for (int g = 0; g < 10; ++g) {
      CAPTURE(g);
      pair.generation(g == 3 || g == 4 ? 9 : 0.3);  // two long steps one way: the covariance path stalls
      draws += Tutorial::lambda;
      for (std::size_t j = 0; j < N; ++j)
        CHECK(pair.ours.mean()[j] == doctest::Approx(static_cast<double>(pair.tutorial.mean[j])).epsilon(1e-9));
      CHECK(pair.ours.sigma() == doctest::Approx(static_cast<double>(pair.tutorial.sigma)).epsilon(1e-9));
      CHECK(pair.worst_length(draws) < 1e-9);
      draws += 20;
    }
    CHECK(pair.tutorial.stalled > 0);
    CHECK(pair.tutorial.stalled < 10);
  }

  // A path that is just too long, or just not, for a strategy that has only begun.
  TEST_CASE("cma-es: the covariance path stalls in the first generations where the tutorial says so") {
    int stalled = 0, moving = 0;
    for (double drift = 0; drift < 5; drift += 0.2) {
      Pair pair;
      for (std::uint64_t g = 0; g < 2; ++g) {
        pair.generation(drift);
        CHECK(pair.worst_length(7 + 27 * g) < 1e-9);
      }
      stalled += pair.tutorial.stalled > 0;
      moving += pair.tutorial.stalled == 0;
    }
    CHECK(stalled > 3);
    CHECK(moving > 3);
  }

  TEST_CASE("cma-es: a generation has 4 + 3 log n points") {
    for (const auto& [n, lambda] : {std::pair(1, 4), {2, 6}, {3, 7}, {5, 8}, {10, 10}, {20, 12}, {40, 15}, {100, 17}})
      CHECK(CmaEs(std::vector<double>(static_cast<std::size_t>(n)), 1, key(0)).population() == lambda);
  }

  // Points at the start's own deviation, and, where the box ends, points of the same distribution cut off there.
  TEST_CASE("cma-es: the search begins with a fifth of the box in every direction and draws again what lies outside") {
    const SearchBox box{{-10, 0}, {0, 0.1}, {10, 1}};
    double square = 0, nearest = 1;
    int count = 0, beyond = 0;
    for (std::uint64_t seed = 0; seed < 200; ++seed) {
      const auto search = cma_es_search(box, 6, key(seed));
      for (int i = 0; i < 6; ++i) {
        const std::vector<double> u = search->ask();
        square += u[0] * u[0] / 400;
        nearest = std::min({nearest, u[1], 1 - u[1]});
        beyond += u[1] > 0.5;
        ++count;
      }
    }
    // Deviations of N(0, 0.2^2) cut off at 2.5, and of N(0.1, 0.2^2) cut off at 0: P(z > 2) / P(z > -0.5) above 0.5.
    const double cut =
        2 * 2.5 * std::exp(-0.5 * 2.5 * 2.5) / std::sqrt(2 * 3.14159265358979) / std::erf(2.5 / std::sqrt(2.0));
    CHECK(std::abs(square / count / (0.04 * (1 - cut)) - 1) < 0.15);
    CHECK(std::abs(beyond / double(count) / (0.02275 / 0.69146) - 1) < 0.5);
    CHECK(nearest > 0);
  }
}
