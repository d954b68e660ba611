// Gaussian-process regression against closed forms, expected improvement against integration.
#include <doctest/doctest.h>

#include <cmath>
#include <numbers>
#include <vector>

#include <glocal/core/linalg/lapack.h>
#include <glocal/core/random.h>
#include <glocal/hpo/search/gaussian_process.h>

using namespace glocal;
using namespace glocal::hpo;

TEST_SUITE_BEGIN("fast");

namespace {

double matern(double r) { return (1 + std::sqrt(5.0) * r + 5 * r * r / 3) * std::exp(-std::sqrt(5.0) * r); }

Tensor column(const std::vector<double>& x) { return Tensor::from(x, {static_cast<std::int64_t>(x.size()), 1}); }
Tensor list(const std::vector<double>& x) { return Tensor::from(x, {static_cast<std::int64_t>(x.size())}); }

}  // namespace

TEST_CASE("gaussian process: one point by hand") {
  const double noise = 0.1, signal = 2, y = 1.5;
  const GaussianProcess gp(column({0.3}), list({y}), {{0.5}, noise, signal});
  const auto at = gp.at(column({0.3, 0.7}));
  for (std::size_t j = 0; j < 2; ++j) {
    const double k = matern(j == 0 ? 0 : 0.8);
    CHECK(at.mean[j] == doctest::Approx(k / (1 + noise) * y).epsilon(1e-14));
    CHECK(at.variance[j] == doctest::Approx(signal * (1 - k * k / (1 + noise))).epsilon(1e-14));
  }
  const double variance = signal * (1 + noise);
  CHECK(gp.log_likelihood() ==
        doctest::Approx(-0.5 * (y * y / variance + std::log(2 * std::numbers::pi * variance))).epsilon(1e-14));
}

TEST_CASE("gaussian process: two points by the inverse of a 2 x 2 matrix") {
  const double noise = 0.05, r = matern(0.6 / 0.4), d = 1 + noise, det = d * d - r * r;
  const std::vector<double> y{1, -2};
  const GaussianProcess gp(column({0.1, 0.7}), list(y), {{0.4}, noise, 1});
  const double z = 0.35, a = matern(0.25 / 0.4), b = matern(0.35 / 0.4);
  const auto at = gp.at(column({z}));
  CHECK(at.mean[0] == doctest::Approx((a * (d * y[0] - r * y[1]) + b * (d * y[1] - r * y[0])) / det).epsilon(1e-13));
  CHECK(at.variance[0] == doctest::Approx(1 - (d * a * a - 2 * r * a * b + d * b * b) / det).epsilon(1e-13));
}

TEST_CASE("gaussian process: three points with a length for each dimension, likelihood by determinant and inverse") {
  const std::vector<double> x{0.1, 0.2, 0.8, 0.4, 0.5, 0.9}, y{0.3, -1.1, 0.7}, length{0.3, 1.2};
  const double noise = 0.02, signal = 1.7;
  double k[3][3];
  for (int i = 0; i < 3; ++i)
    for (int j = 0; j < 3; ++j) {
      const auto at = [&](int point, int axis) { return x[static_cast<std::size_t>(2 * point + axis)]; };
      const double r = std::hypot((at(i, 0) - at(j, 0)) / length[0], (at(i, 1) - at(j, 1)) / length[1]);
      k[i][j] = signal * (matern(r) + (i == j ? noise : 0));
    }
  // Inverse by cofactors.
  const auto cofactor = [&](int i, int j) {
    const int a = (i + 1) % 3, b = (i + 2) % 3, c = (j + 1) % 3, d = (j + 2) % 3;
    return k[a][c] * k[b][d] - k[a][d] * k[b][c];
  };
  const double det = k[0][0] * cofactor(0, 0) + k[0][1] * cofactor(0, 1) + k[0][2] * cofactor(0, 2);
  double fit = 0;
  for (int i = 0; i < 3; ++i)
    for (int j = 0; j < 3; ++j)
      fit += y[static_cast<std::size_t>(i)] * cofactor(j, i) / det * y[static_cast<std::size_t>(j)];
  const GaussianProcess gp(Tensor::from(x, {3, 2}), list(y), {length, noise, signal});
  const double two_pi = 2 * std::numbers::pi;
  CHECK(gp.log_likelihood() == doctest::Approx(-0.5 * (fit + std::log(det) + 3 * std::log(two_pi))).epsilon(1e-12));
  // The likeliest signal is stationary.
  const auto with = [&](double s) {
    return GaussianProcess(Tensor::from(x, {3, 2}), list(y), {length, noise, s}).log_likelihood();
  };
  const double likeliest = GaussianProcess(Tensor::from(x, {3, 2}), list(y), {length, noise, 0}).kernel().signal;
  CHECK(likeliest == doctest::Approx(signal * fit / 3).epsilon(1e-12));
  CHECK(with(likeliest) > with(1.01 * likeliest));
  CHECK(with(likeliest) > with(0.99 * likeliest));
}

TEST_CASE("gaussian process: data without noise are interpolated and far away the prior returns") {
  std::vector<double> x, y;
  for (int i = 0; i < 12; ++i) {
    x.push_back(i / 11.0);
    y.push_back(std::sin(6 * x.back()));
  }
  const GaussianProcess gp(column(x), list(y), {{0.4}, 1e-10, 1});
  const auto at = gp.at(column(x));
  for (std::size_t i = 0; i < x.size(); ++i) {
    CHECK(std::abs(at.mean[i] - y[i]) < 1e-7);
    CHECK(at.variance[i] < 1e-8);
  }
  const auto between = gp.at(column({0.2 + 1e-3, 0.77}));
  CHECK(std::abs(between.mean[0] - std::sin(6 * 0.201)) < 1e-2);
  CHECK(std::abs(between.mean[1] - std::sin(6 * 0.77)) < 1e-2);
  const auto far = gp.at(column({100}));
  CHECK(std::abs(far.mean[0]) < 1e-12);
  CHECK(far.variance[0] == doctest::Approx(1));
}

TEST_CASE("gaussian process: the likeliest kernel sees which dimension matters and how noisy the values are") {
  const std::int64_t n = 40;
  const Tensor x = uniform(key(3), {n, 2}, 0, 1, DType::f64), e = normal(key(4), {n}, 0, 1, DType::f64);
  std::vector<double> clean, noisy;
  for (std::int64_t i = 0; i < n; ++i) {
    clean.push_back(std::sin(9 * x.at(2 * i)) * std::numbers::sqrt2);
    noisy.push_back(clean.back() + 0.3 * e.at(i));
  }
  const GpKernel sharp = likeliest_kernel(x, list(clean)), rough = likeliest_kernel(x, list(noisy));
  CHECK(sharp.length[1] > 5 * sharp.length[0]);
  CHECK(sharp.noise < 1e-4);
  const double variance = rough.noise * GaussianProcess(x, list(noisy), rough).kernel().signal;
  CHECK(variance > 0.03);
  CHECK(variance < 0.2);
  // No common length on a fine grid does better.
  const double reached = GaussianProcess(x, list(clean), sharp).log_likelihood();
  for (double length = 0.05; length < 10; length *= 1.3)
    CHECK(GaussianProcess(x, list(clean), {{length, length}, sharp.noise, 0}).log_likelihood() <= reached);
}

TEST_CASE("gaussian process: expected improvement is the integral") {
  for (const auto& [mean, variance, best] : {std::array{0.0, 1.0, 0.0}, {1.0, 0.5, -0.2}, {-2.0, 0.3, 1.0}}) {
    const double sigma = std::sqrt(variance);
    double sum = 0;
    const double step = 1e-4;
    for (double z = -9; z < 9; z += step) {  // midpoints
      const double f = mean + sigma * (z + step / 2);
      sum += std::max(best - f, 0.0) * std::exp(-0.5 * (z + step / 2) * (z + step / 2)) * step;
    }
    CHECK(expected_improvement(mean, variance, best) ==
          doctest::Approx(sum / std::sqrt(2 * std::numbers::pi)).epsilon(1e-7));
  }
  CHECK(expected_improvement(1, 0, 3) == 2);
  CHECK(expected_improvement(3, 0, 1) == 0);
  CHECK(expected_improvement(1e3, 1e-6, 0) == 0);
}

TEST_CASE("gaussian process: bad input is a typed error") {
  CHECK_THROWS_AS(GaussianProcess(column({1, 2}), list({1}), {{1}}), ShapeError);
  CHECK_THROWS_AS(GaussianProcess(column({1}), list({1}), {{1, 1}}), ShapeError);
  CHECK_THROWS_AS(GaussianProcess(column({1}), list({1}), {{0}}), ValueError);
  CHECK_THROWS_AS(GaussianProcess(column({1}), list({1}), {{1}, 0}), ValueError);
  CHECK_THROWS_AS(GaussianProcess(column({1}), list({NAN}), {{1}}), NumericError);
  const GaussianProcess gp(column({1}), list({1}), {{1}});
  CHECK_THROWS_AS(gp.at(Tensor::from(std::vector<double>{1, 2}, {1, 2})), ShapeError);
}

TEST_SUITE_END();
