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
#include <glocal/hpo/forecast/options.h>

namespace glocal::hpo {

constexpr std::int64_t shortest_scaling = 8;  ///< snapshots

/// Forecast at index target_t (0 is the first snapshot) of snapshots h (tau, q) with losses outer (tau,), both f64.
/// Falls back to the last snapshot, saying so, where the trial fails. `skill` is its error over that of persistence,
/// `fit` the two modes in logarithmic time. Throws ShapeError, DTypeError, ValueError for tau < shortest_scaling or
/// options out of range, NumericError for NaN or Inf. A loss <= 0 falls back.
Forecast forecast_scaling(const Tensor& h, const Tensor& outer, double target_t, const ScalingOptions& options = {});

}  // namespace glocal::hpo
