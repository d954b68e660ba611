// Hankel dynamic mode decomposition: extrapolates a short vector series h_0, h_1, ... to a far index.
#pragma once
#include <complex>
#include <cstdint>
#include <string>
#include <vector>

#include <glocal/core/lapack.h>
#include <glocal/core/tensor.h>

namespace glocal::hpo {

struct DmdOptions {
  enum class Policy {
    raw,   ///< eigenvalues as fitted: a noisy fit explodes
    clip,  ///< eigenvalues outside the unit circle are brought back to it
    snap,  ///< clip, and those within snap_tolerance of 1 become 1, unless the snapshots contradict it
    unit   ///< snap, then only those equal to 1 go forward: the limit at infinity, the published recipe
  };
  enum class TimeAxis {
    linear,      ///< h_t is a sum of exponentials in t
    logarithmic  ///< each entry of h_t is a power of t + 1, fitted to means over log-spaced bins
  };
  int delays = 10;  ///< m >= 1; fewer when the series is short, see fit_dmd
  int rank = 0;     ///< at most so many modes; 0 means as many as stand out of rounding and noise
  Policy policy = Policy::snap;
  TimeAxis time = TimeAxis::linear;
  double snap_tolerance = 1e-3;  ///< distance from 1, in [0, 1)
  int bins = 6;                  ///< logarithmic time: number of bins, at least 2
  double bins_from = 0.3;        ///< logarithmic time: the bins leave out this first part of the series, in [0, 1)
};

/// A fitted model h_t = scale * readout * step^t * start, in coordinates of the leading singular vectors.
struct DmdFit {
  std::vector<std::complex<double>> eigenvalues;         ///< of step: per snapshot, or per unit of log(t + 1)
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
      false;         ///< eigenvectors nearly coincide: eigenvalues and amplitudes are uncertain, forecasts are not
  std::string note;  ///< what was reduced and why, else empty
  Tensor step, start, readout;  ///< (r, r), (r, 1), (q, r); step and start are empty in logarithmic time
  DmdOptions options;
  std::int64_t snapshots = 0;  ///< tau

  /// (q,) h_t, t >= 0 counted from the first snapshot. Whole numbers go by repeated squaring of step, fractions by
  /// modes. Throws ValueError unless 0 <= t <= 2^53.
  std::vector<double> forecast(double t) const;
  /// (end - begin, q) h_t for begin <= t < end, step by step. Throws ValueError unless 0 <= begin <= end.
  Tensor forecast_range(std::int64_t begin, std::int64_t end) const;
  Tensor reconstruct() const;  ///< (tau, q): the model at the snapshots
};

/// Fits (tau, q) f64 snapshots, one a row, equally spaced in t.
/// Delays are reduced until the Hankel matrix X (m q, tau - m) has at least as many columns as rows; the rank keeps
/// singular values above rounding and, where the small ones are flat like noise, above the optimal hard threshold of
/// Gavish and Donoho (2014). The start is refitted to all snapshots after the policy has changed eigenvalues.
/// Throws ShapeError unless h is (tau, q) with q >= 1, DTypeError unless f64, ValueError when tau < 3 or an option is
/// out of range, NumericError for NaN or Inf.
DmdFit fit_dmd(const Tensor& h, const DmdOptions& options = {});

struct Forecast {
  std::vector<double> value;  ///< (q,) at the target; the last snapshot when it fell back
  bool fell_back = false;
  double skill = 0;  ///< hold-out error of the forecast over that of persistence: below 1 the forecast wins;
                     ///< infinite when the hold-out is constant or the series too short for a trial
  DmdFit fit;        ///< to all snapshots
  std::string note;  ///< why it fell back, and what the fit reduced
};

/// Forecast at index target_t, on trial: the last quarter of the snapshots is forecast from the ones before, and must
/// come closer than their last one repeated (persistence). Else the value is the last snapshot. With rank = 0 the same
/// trial chooses between the automatic rank and max(3, q): the automatic one must be a hundred times closer.
/// Throws as fit_dmd.
Forecast forecast_with_holdout(const Tensor& h, double target_t, const DmdOptions& options = {});

}  // namespace glocal::hpo
