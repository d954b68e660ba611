// The default forecast of glocal: two Koopman modes in logarithmic time, read off the fall of the validation loss.
//
// Where training follows a smooth path, changing log lr changes the speed along it, so that h_t = t dE/dt for a block
// that starts at step t0 with tangents zero. E falls nearly as (t0 + t)^-p, hence
//   h_t = c t (t0 + t)^-(p + 1) = c (t0 + t)^-p - c t0 (t0 + t)^-(p + 1):
// two exponentials in log(t0 + t), with eigenvalues e^-p and e^-(p + 1). p is fitted to E, which is far less noisy than
// h; c to the last h of the block. What moves with the learning rate (momentum, beta2, schedules) shares the modes.
#pragma once
#include <cstdint>

#include <glocal/core/tensor.h>
#include <glocal/hpo/forecast/forecast.h>

namespace glocal::hpo {

constexpr std::int64_t shortest_scaling = 8;  ///< snapshots

/// Chosen on the half of the trajectory bank that no figure is reported on.
struct ScalingOptions {
  double t0 = 0;                   ///< steps of training before the block, >= 0
  double exponent_from = 0.4;      ///< p is fitted to E without this first share of the block, in [0, 1)
  double least = 0.3, most = 0.9;  ///< p stays within
  double level_from = 0.9;         ///< c is fitted to h without this first share of the block, in [0, 1)
  double caution = 12;             ///< c is shrunk by c^2 / (c^2 + caution * variance of c), >= 0
  double most_growth = 3;          ///< a forecast is at most so many times the level in the block, >= 1
  double trust = 2;  ///< last h instead, when a forecast of the block's end from its first quarter misses by
                     ///< more than so many times what persistence misses, > 0
};

/// Forecast at index target_t (0 is the first snapshot) of snapshots h (tau, q) with losses outer (tau,), both f64.
/// Falls back to the last snapshot, saying so, where the trial fails. `skill` is its error over that of persistence,
/// `fit` the two modes in logarithmic time. Throws ShapeError, DTypeError, ValueError for tau < shortest_scaling or
/// options out of range, NumericError for NaN or Inf. A loss <= 0 falls back.
Forecast forecast_scaling(const Tensor& h, const Tensor& outer, double target_t, const ScalingOptions& options = {});

}  // namespace glocal::hpo
