#include <glocal/hpo/sharing.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <span>

#include <glocal/autodiff/ops.h>
#include <glocal/autodiff/var.h>
#include <glocal/core/error.h>

namespace glocal::hpo {
namespace {

std::int64_t window_of(std::int64_t t, std::int64_t W, std::int64_t K) {
  if (W < 1) fail<ValueError>("[windowed] W = {} must be at least 1 step", W);
  if (t < 0 || t / W >= K) fail<ValueError>("[windowed] step {} is in none of {} windows of {} steps", t, K, W);
  return t / W;
}

void check(const StepNoise& noise) {
  for (double x : {noise.sigma, noise.eps})
    if (!(x >= 0) || !std::isfinite(x))
      fail<ValueError>("[sharing] sigma = {} and eps = {} must be finite and not negative", noise.sigma, noise.eps);
}

}  // namespace

Var windowed(const Var& values, std::int64_t t, std::int64_t W) {
  if (values.shape().rank() != 1)
    fail<ShapeError>("[windowed] the values of a schedule are a list (K,), not {}", values.shape());
  const std::int64_t w = window_of(t, W, values.size());
  return reshape(slice(values, 0, w, w + 1), Shape{});
}

Var windowed(std::span<const Var> values, std::int64_t t, std::int64_t W) {
  return values[static_cast<std::size_t>(window_of(t, W, std::ssize(values)))];
}

double sharing_error(const StepNoise& noise, std::int64_t W) {
  check(noise);
  if (W < 1) fail<ValueError>("[sharing] W = {} must be at least 1 step", W);
  const auto w = static_cast<double>(W);
  return noise.sigma * noise.sigma / w + noise.eps * noise.eps * (w * w - 1) / 12;
}

std::int64_t best_window(const StepNoise& noise, std::int64_t longest) {
  check(noise);
  if (longest < 1) fail<ValueError>("[sharing] the longest window, {}, must be at least 1 step", longest);
  // The error is convex in W > 0, so the best whole W is a neighbour of the real one.
  const double ratio = noise.sigma / noise.eps, best = std::cbrt(6 * ratio * ratio);
  if (noise.sigma == 0) return noise.eps == 0 ? longest : 1;
  if (!(best < static_cast<double>(longest))) return longest;
  const std::int64_t below = std::max<std::int64_t>(1, static_cast<std::int64_t>(best));
  return sharing_error(noise, below) <= sharing_error(noise, below + 1) ? below : below + 1;
}

StepNoise step_noise(std::span<const double> series, std::int64_t length) {
  const std::int64_t all = std::ssize(series);
  if (length == 0) length = all;
  if (length < 3 || length > all)
    fail<ValueError>("[sharing] a straight line through {} of {} hypergradients leaves no noise to see; use 3 or more",
                     length, all);
  for (double x : series)
    if (!std::isfinite(x)) fail<ValueError>("[sharing] a per-step hypergradient is {}", x);
  const auto n = static_cast<double>(length);
  const double spread = n * (n * n - 1) / 12;  // sum of (t - mean t)^2
  const std::int64_t stretches = all / length;
  double variance = 0, slopes = 0;
  for (std::int64_t i = 0; i < stretches; ++i) {
    const auto g = series.subspan(static_cast<std::size_t>(i * length), static_cast<std::size_t>(length));
    double mean = 0, slope = 0, rest = 0;
    for (double x : g) mean += x / n;
    const auto time = [&](std::size_t t) { return static_cast<double>(t) - (n - 1) / 2; };
    for (std::size_t t = 0; t < g.size(); ++t) slope += time(t) * (g[t] - mean) / spread;
    for (std::size_t t = 0; t < g.size(); ++t) rest += std::pow(g[t] - mean - slope * time(t), 2);
    variance += rest / (n - 2) / static_cast<double>(stretches);
    slopes += slope * slope / static_cast<double>(stretches);
  }
  return {std::sqrt(variance), std::sqrt(std::max(0.0, slopes - variance / spread))};
}

}  // namespace glocal::hpo
