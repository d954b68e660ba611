// A fitted model of dynamic mode decomposition: what is known of it, and what it says of other times.
#pragma once
#include <complex>
#include <cstdint>
#include <string>
#include <vector>

#include <glocal/core/linalg/lapack.h>
#include <glocal/core/tensor.h>
#include <glocal/hpo/dmd/model/options.h>

namespace glocal::hpo {

/// A fitted model h_t = scale * readout * step^t * start, in coordinates of the leading singular vectors.
struct DmdFit {
  std::vector<std::complex<double>> eigenvalues;         ///< of step: per snapshot, or per unit of log(t + 1 + t0)
  std::vector<std::complex<double>> fitted_eigenvalues;  ///< the same before the policy
  lapack::CMatrix amplitudes;           ///< (rank, q): h_t = Re sum_k eigenvalues[k]^t amplitudes(k, :)
  std::vector<double> singular_values;  ///< of the scaled Hankel matrix, all of them, descending
  int rank = 0;                         ///< number of modes r
  int delays_used = 0;
  double scale = 0;       ///< largest |entry| of the data
  double residual = 0;    ///< ||model - h||_F / ||h||_F over the snapshots fitted
  bool unstable = false;  ///< a fitted eigenvalue was outside the unit circle by more than rounding
  bool snapped = false;   ///< an eigenvalue was set to 1
  bool defective =
      false;  ///< eigenvectors nearly coincide: eigenvalues and amplitudes are uncertain, forecasts are not
  bool noise_dominated = false;  ///< more than half of the squared snapshots is left over
  std::string note;              ///< what was reduced and why, else empty
  Tensor step, start, readout;   ///< (r, r), (r, 1), (q, r); step and start are empty in logarithmic time
  std::vector<Tensor> starts;    ///< (r, 1) of each series with the same readout; empty in logarithmic time
  DmdOptions options;
  std::int64_t snapshots = 0;  ///< tau
  Tensor data;                 ///< (tau, q) f64: what the model stands for, unscaled

  /// (q,) h_t, t >= 0 counted from the first snapshot. Whole numbers go by repeated squaring of step, fractions by
  /// modes. Throws ValueError unless 0 <= t <= 2^53.
  std::vector<double> forecast(double t) const;
  /// (end - begin, q) h_t for begin <= t < end, step by step. Throws ValueError unless 0 <= begin <= end.
  Tensor forecast_range(std::int64_t begin, std::int64_t end) const;
  Tensor reconstruct() const;       ///< (tau, q): the model at the snapshots
  double log_time(double t) const;  ///< log(t + 1 + t0)
};

/// ||model - h||_F / ||h||_F over the snapshots from `first` on.
double relative_residual(const DmdFit& fit, std::int64_t first);

}  // namespace glocal::hpo
