// The default forecast of glocal: the law of training, a power of time read off the fall of the validation loss.
//
// Where training follows a smooth path, changing log lr changes the speed along it, so that h_t = t dE/dt for a block
// that starts at step t0 with tangents zero. E falls nearly as (t0 + t)^-p, hence
//   h_t = c t (t0 + t)^-(p + 1) = c (t0 + t)^-p - c t0 (t0 + t)^-(p + 1).
// p is fitted to E, which is far less noisy than h; c to the last h of the block. What moves with the learning rate
// (momentum, beta2, schedules) shares the law. (Two Koopman modes in logarithmic time, e^-p and e^-(p + 1): but nothing
// here is an operator fitted to h.)
#pragma once
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include <glocal/core/tensor.h>
#include <glocal/hpo/forecast/forecast.h>
#include <glocal/hpo/forecast/forecaster.h>
#include <glocal/hpo/forecast/options.h>

namespace glocal::hpo {

constexpr std::int64_t shortest_scaling = 8;  ///< snapshots

/// h_k at index t is level_k / unit * (t + 1) (t0 + t + 1)^-(p + 1), at most most_growth times level_k.
struct TrainingLaw final : Fitted {
  double p = 0, t0 = 0;
  std::vector<double> level;  ///< (q,) mean of h over the end of the block, shrunk where it is noisy
  double unit = 1;            ///< mean of t (t0 + t)^-(p + 1) over the same steps
  double most_growth = 3;
  double residual = 0;          ///< ||law - h|| / ||h|| over the block
  std::vector<double> scatter;  ///< (q,) deviation of h over the second half of the block
  std::int64_t snapshots = 0;   ///< tau
  bool positive = true;         ///< E was, at every step

  std::vector<double> at(double t) const override;
  std::vector<double> mean(std::int64_t begin, std::int64_t end) const override;
  std::vector<double> error_bar(double t, const std::vector<double>& value) const override;
  std::string refusal() const override;

 private:
  std::vector<double> grown(double shape) const;
};

/// The law behind a forecast; null when another model was fitted.
std::shared_ptr<const TrainingLaw> law_of(const Forecast& forecast);

/// Forecast at index target_t (0 is the first snapshot) of snapshots h (tau, q) with losses outer (tau,), both f64. On
/// trial, the mean of the block's end is forecast from its first quarter; believed untested when it has no room for
/// that. Throws ShapeError, DTypeError, ValueError for tau < shortest_scaling or options out of range, NumericError for
/// NaN or Inf. A loss <= 0 falls back.
Forecast forecast_scaling(const Tensor& h, const Tensor& outer, double target_t, const ScalingOptions& options = {});

}  // namespace glocal::hpo
