// Sums, means, variances and normalisations that lose everything when done carelessly, against long double.
#include <functional>

#include <glocal/nn/layers/batch_norm.h>
#include <glocal/nn/layers/group_norm.h>
#include <glocal/nn/layers/layer_norm.h>

#include "hard_cases.h"

using namespace glocal;
using namespace glocal::hard;

namespace {

using Long = long double;
using Longs = std::vector<Long>;

// (x - mean) / sqrt(variance + eps) and its derivative along d: r (d - mean d - u mean(u d)).
struct Normal {
  Longs y, dy;
  Long mean = 0, variance = 0;
};
Normal normalised(const Longs& x, const Longs& d, Long eps) {
  Normal out;
  const Long n = Long(x.size());
  for (const Long v : x) out.mean += v / n;
  for (const Long v : x) out.variance += (v - out.mean) * (v - out.mean) / n;
  const Long r = 1 / std::sqrt(out.variance + eps);
  Long by_one = 0, by_u = 0;
  for (std::size_t i = 0; i < x.size(); ++i) {
    out.y.push_back((x[i] - out.mean) * r);
    by_one += d[i] / n;
    by_u += d[i] * out.y[i] / n;
  }
  for (std::size_t i = 0; i < x.size(); ++i) out.dy.push_back(r * (d[i] - by_one - out.y[i] * by_u));
  return out;
}

// Second derivative of sum(w y) along d, by differences of the first: the map is self-adjoint.
Numbers second(const Longs& x, const Longs& w, const Longs& d, Long eps, Long h) {
  Longs up = x, down = x;
  for (std::size_t i = 0; i < x.size(); ++i) up[i] += h * d[i], down[i] -= h * d[i];
  const Longs a = normalised(up, w, eps).dy, b = normalised(down, w, eps).dy;
  Numbers out;
  for (std::size_t i = 0; i < x.size(); ++i) out.push_back(double((a[i] - b[i]) / (2 * h)));
  return out;
}

Longs wide(const Numbers& x) { return Longs(x.begin(), x.end()); }
// Less the first one, which is exact and changes nothing but the mean: differences need the digits.
Longs centred(const Numbers& x) {
  Longs out;
  for (const double v : x) out.push_back(Long(v) - Long(x[0]));
  return out;
}
Numbers narrow(const Longs& x) { return Numbers(x.begin(), x.end()); }
double largest(const Numbers& x) {
  double out = 0;
  for (const double v : x) out = std::max(out, std::abs(v));
  return out;
}
Numbers waves(std::size_t n, double speed) {
  Numbers out;
  for (std::size_t i = 0; i < n; ++i) out.push_back(double(float(std::sin(speed * double(i) + 0.4))));
  return out;
}

// f normalises the n numbers of x as one channel; everything about it against long double.
void check_normalised(const std::function<Var(const Var&)>& f, const Var& x, double eps_root, double tolerance) {
  const std::size_t n = std::size_t(x.size());
  const Numbers w = waves(n, 1.1), d = waves(n, 2.3);
  const Normal want = normalised(centred(numbers(x)), wide(d), eps_root),
               adjoint = normalised(centred(numbers(x)), wide(w), eps_root);
  const Var dx = tensor(d, x.shape(), x.dtype()), gy = tensor(w, x.shape(), x.dtype());
  const auto [y, dy] = jvp(f, x, dx);
  check_near(numbers(y), narrow(want.y), 0, tolerance * (1 + largest(narrow(want.y))));
  check_near(numbers(dy), narrow(want.dy), 0,
             tolerance * (1e-3 / std::sqrt(double(want.variance) + eps_root) + largest(narrow(want.dy))));
  check_near(numbers(vjp(f, x).second(gy)), narrow(adjoint.dy), 0,
             tolerance * (1e-3 / std::sqrt(double(want.variance) + eps_root) + largest(narrow(adjoint.dy))));
  const Long step = 1e-6L * std::sqrt(want.variance + Long(eps_root));
  const Numbers hv = second(centred(numbers(x)), wide(w), wide(d), eps_root, step);
  check_near(numbers(hvp([&](const Var& v) { return dot(gy, f(v)); }, x, dx)), hv, 0,
             tolerance * (1e-3 / (double(want.variance) + eps_root) + largest(hv)) + 1e-9 * largest(hv));
}

}  // namespace

TEST_SUITE("fast") {
  TEST_CASE("hard case: sum and mean of ten million times 0.1 in f32") {
    constexpr std::int64_t n = 10'000'000;
    const Var x = Tensor::full({n}, 0.1, DType::f32);
    const double tenth = double(0.1F);
    CHECK(std::abs(sum(x).item() / (tenth * double(n)) - 1) <= 1e-6);
    CHECK(std::abs(mean(x).item() / tenth - 1) <= 1e-6);
    CHECK(std::abs(mean(reshape(x, {1000, 10000}), {0}).value().at(17) / tenth - 1) <= 1e-6);
    CHECK(std::abs(mean(reshape(x, {10000, 1000}), {1}).value().at(17) / tenth - 1) <= 1e-6);
    CHECK(std::abs(dot(x, x).item() / (tenth * tenth * double(n)) - 1) <= 1e-6);
    const Var g = grad([](const Var& v) { return mean(v); })(x);
    CHECK(g.value().at(n - 1) == double(float(1.0 / double(n))));
    CHECK(jvp([](const Var& v) { return mean(v); }, x, x).second.item() == doctest::Approx(tenth).epsilon(1e-6));
  }

  TEST_CASE("hard case: a sum whose terms cancel keeps the small one in f32") {
    Numbers x{1e8, 1, -1e8};
    CHECK(sum(vec(x, DType::f32)).item() == 1);
    for (int i = 0; i < 1000; ++i) x.push_back(i % 2 ? -3e7 : 3e7);
    CHECK(sum(vec(x, DType::f32)).item() == 1);
    CHECK(sum(tensor({1e8, 5, 1, 5, -1e8, 5}, {3, 2}, DType::f32), {0}).value().at(0) == 1);
  }

  TEST_CASE("hard case: batch norm of 1e8 and little more") {
    for (const auto& [dtype, spacing, tolerance] : {std::tuple{DType::f32, 8.0, 3e-6}, {DType::f64, 1e-3, 1e-7}}) {
      Numbers x;
      for (int i = 0; i < 50; ++i) x.push_back(1e8 + spacing * ((i * 7) % 11));
      const Var weight = ones({1}, dtype), bias = Tensor::zeros({1}, dtype);
      check_normalised([&](const Var& v) { return batch_norm(v, weight, bias, 1e-5).y; }, tensor(x, {50, 1}, dtype),
                       1e-5, tolerance);
      check_normalised([&](const Var& v) { return batch_norm(v, weight, bias, 1e-5).y; },
                       tensor(x, {2, 1, 5, 5}, dtype), 1e-5, tolerance);
      const auto moments = batch_norm(tensor(x, {50, 1}, dtype), weight, bias, 1e-5);
      const Normal want = normalised(wide(x), wide(x), 1e-5L);
      CHECK(std::abs(moments.mean.item() - double(want.mean)) <= 1e8 * eps_of(dtype));
      CHECK(std::abs(moments.variance.item() / double(want.variance) - 1) <= tolerance);
    }
  }

  TEST_CASE("hard case: layer norm and group norm of 1e8 and little more") {
    for (const auto& [dtype, spacing, tolerance] : {std::tuple{DType::f32, 8.0, 3e-6}, {DType::f64, 1e-3, 1e-7}}) {
      Numbers x;
      for (int i = 0; i < 40; ++i) x.push_back(1e8 + spacing * ((i * 7) % 11));
      const nn::LayerNorm layer({40}, dtype);
      const nn::GroupNorm group(1, 4, dtype);
      check_normalised([&](const Var& v) { return layer(v); }, tensor(x, {1, 40}, dtype), layer.eps, tolerance);
      check_normalised([&](const Var& v) { return group(v); }, tensor(x, {1, 4, 10}, dtype), group.eps, tolerance);
    }
  }

  TEST_CASE("hard case: batch norm of 1e8 and little more in evaluation") {
    for (const DType dtype : both) {
      nn::BatchNorm layer(2, dtype);
      const Var x = tensor({1e8 + 8, 0.5, 1e8 - 16, -1.5}, {2, 2}, dtype);
      const std::vector<Var> stats{vec({1e8, 0.25}, dtype), vec({64, 4}, dtype)};
      const auto f = [&](const Var& v) {
        nn::Pass pass{.training = false, .stats = stats};
        return layer(v, pass);
      };
      const Numbers want{8 / std::sqrt(64 + 1e-5), 0.25 / std::sqrt(4 + 1e-5), -16 / std::sqrt(64 + 1e-5),
                         -1.75 / std::sqrt(4 + 1e-5)};
      check_near(numbers(f(x)), want, 8 * eps_of(dtype));
      const Numbers r{1 / std::sqrt(64 + 1e-5), 1 / std::sqrt(4 + 1e-5)};
      check_near(numbers(jvp(f, x, ones({2, 2}, dtype)).second), {r[0], r[1], r[0], r[1]}, 4 * eps_of(dtype));
      check_near(numbers(vjp(f, x).second(ones({2, 2}, dtype))), {r[0], r[1], r[0], r[1]}, 4 * eps_of(dtype));
    }
  }

  TEST_CASE("hard case: normalisation of a constant channel") {
    for (const DType dtype : both)
      for (const double c : {0.0, 0.1, -1e8, 1e30}) {
        const Numbers x(24, numbers(vec({c}, dtype))[0]);
        const Var weight = ones({1}, dtype), bias = Tensor::zeros({1}, dtype);
        check_normalised([&](const Var& v) { return batch_norm(v, weight, bias, 1e-5).y; }, tensor(x, {24, 1}, dtype),
                         1e-5, 40 * eps_of(dtype));
        check_normalised([](const Var& v) { return normalize(v, {-1}, 1e-5); }, tensor(x, {1, 24}, dtype), 1e-5,
                         40 * eps_of(dtype));
        CHECK(batch_norm(tensor(x, {24, 1}, dtype), weight, bias, 1e-5).variance.item() == 0);
      }
  }

  TEST_CASE(
      "hard case: normalisation of one sample is 0 with derivative 0 to rounding, and a layer in training refuses it") {
    for (const DType dtype : both) {
      const Var weight = ones({3}, dtype), bias = vec({1, 2, 3}, dtype), x = tensor({5, -1e8, 1e-30}, {1, 3}, dtype);
      const auto f = [&](const Var& v) { return batch_norm(v, weight, bias, 1e-5).y; };
      const Var d = tensor({1, -2, 3}, {1, 3}, dtype);
      CHECK(numbers(f(x)) == Numbers{1, 2, 3});
      for (const Var& zero :
           {jvp(f, x, d).second, vjp(f, x).second(d), hvp([&](const Var& v) { return sum(square(f(v))); }, x, d)})
        for (const double v : numbers(zero)) CHECK(std::abs(v) <= 3 * eps_of(dtype) / std::sqrt(1e-5));
      nn::Pass pass;
      pass.training = true;
      CHECK_THROWS_AS(nn::BatchNorm(3, dtype)(x, pass), ValueError);
    }
  }

  TEST_CASE("hard case: without eps a constant channel has no normalisation and says so by NaN") {
    const Var x = Tensor::full({4, 1}, 3, DType::f64);
    for (const double v : numbers(normalize(x, {0}, 0))) CHECK(std::isnan(v));
  }

  TEST_CASE("hard case: the variance of numbers near 1e8, from its definition") {
    for (const DType dtype : both) {
      const Var x = vec({1e8, 1e8 + 16, 1e8 + 32, 1e8 + 16}, dtype);
      const auto variance = [](const Var& v) { return mean(square(v - mean(v))); };
      CHECK(variance(x).item() == 128);
      const auto [y, gx] = value_and_grad(variance)(x);
      check_near(numbers(gx), {-8, 0, 8, 0}, 0);
      check_near(numbers(hvp(variance, x, vec({1, 0, 0, 0}, dtype))), {0.375, -0.125, -0.125, -0.125}, 0);
    }
  }
}
