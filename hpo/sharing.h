// Sharing a hyperparameter over W steps: schedules of K = T / W values, and how long a window averages best.
#pragma once
#include <cstdint>
#include <span>

#include <glocal/autodiff/var.h>

namespace glocal::hpo {

/// The value of step t out of K values, each shared by W steps: values[t / W] as one number, differentiable. A window's
/// hypergradient is the sum of those of its steps, W times their mean (forward-mode differentiation with sharing:
/// Micaelli & Storkey, "Gradient-based hyperparameter optimization over long horizons", NeurIPS 2021).
/// Throws ShapeError unless `values` is (K,), ValueError unless 0 <= t < K W.
Var windowed(const Var& values, std::int64_t t, std::int64_t W);
/// The same from K leaves of their own, at which forward mode pays for no window before its first step: its tangent is
/// the symbolic zero till then, so a run of K windows costs (K + 1) / 2 tangents on average, not K.
Var windowed(std::span<const Var> values, std::int64_t t, std::int64_t W);

/// How per-step hypergradients of a schedule behave: white noise of deviation sigma on a drift of eps per step.
struct StepNoise {
  double sigma = 0, eps = 0;
};
/// Mean squared error of a window's mean as the estimate of each of its W noiseless per-step hypergradients:
/// sigma^2 / W + eps^2 (W^2 - 1) / 12 for a linear drift (Micaelli & Storkey 2021).
double sharing_error(const StepNoise& noise, std::int64_t W);
/// The W in 1..longest of least sharing_error: next to (6 sigma^2 / eps^2)^(1/3), `longest` where nothing drifts.
/// Throws ValueError when longest < 1, or for a sigma or eps that is negative or not finite.
std::int64_t best_window(const StepNoise& noise, std::int64_t longest);
/// sigma and eps from per-step hypergradients of one hyperparameter, by a straight line through every stretch of
/// `length` steps (0: the whole series; what is left over at the end is not used): sigma^2 is the residual variance
/// (length - 2 degrees of freedom), eps^2 the mean squared slope less its variance 12 sigma^2 / (length^3 - length),
/// zero where that is negative. Both squares unbiased while the drift is straight within a stretch.
/// Throws ValueError for a length below 3 or above that of the series, or a number that is not finite.
StepNoise step_noise(std::span<const double> series, std::int64_t length = 0);

}  // namespace glocal::hpo
