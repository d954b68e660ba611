// Hankel dynamic mode decomposition: extrapolates short vector series h_0, h_1, ... to a far index.
#pragma once
#include <complex>
#include <cstdint>
#include <string>
#include <utility>
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
    linear,       ///< h_t is a sum of exponentials in t
    logarithmic,  ///< each entry of h_t is a power of t + 1 + t0, fitted to means over log-spaced bins
    log_grid      ///< Hankel DMD of means over equal bins of log(t + 1 + t0): a sum of powers that the entries share
  };
  enum class Method {
    least_squares,        ///< A = Y X^+ (Schmid 2010); noise in X shrinks its eigenvalues
    total_least_squares,  ///< X and Y projected on the leading directions of both (Hemati et al. 2017)
    forward_backward,     ///< mean of A and the inverse of the operator that steps back (Dawson et al. 2016)
    optimised             ///< exponentials fitted to the snapshots themselves (Askham and Kutz 2018)
  };
  enum class Forecasts {
    first,  ///< the first of several series
    mean    ///< their weighted mean; they must be equally long
  };
  int delays = 10;  ///< m >= 1; fewer when the series is short, see fit_dmd
  int rank = 0;     ///< at most so many modes; 0 means as many as stand out of rounding and noise
  Policy policy = Policy::snap;
  TimeAxis time = TimeAxis::linear;
  double snap_tolerance = 1e-3;  ///< distance from 1, in [0, 1)
  int bins = 6;                  ///< logarithmic time: number of bins, at least 2; log_grid: at least 3
  double bins_from = 0.3;        ///< logarithmic time: the bins leave out this first part of the series, in [0, 1)
  Method method = Method::least_squares;
  double energy = 0;  ///< with rank = 0: the fewest modes with this share of the squared singular values, in [0, 1]; 0:
                      ///< the threshold of fit_dmd
  double t0 = 0;      ///< logarithmic time: steps of training before the first snapshot, in [0, 1e15]
  double lowest_exponent = -1.5;  ///< logarithmic time: powers stay within; log_grid has no lowest
  double highest_exponent = 0.5;  ///< above lowest_exponent; log_grid: policy raw ignores it
  Forecasts forecasts = Forecasts::first;
};

/// What a fit reads. Several series share one operator, and each has a start of its own.
struct DmdData {
  std::vector<Tensor> series;       ///< at least one, (tau_k, q) f64 each, equally spaced in t, all from the same t
  std::vector<Tensor> observables;  ///< none, or for each series (tau_k, p) f64: more numbers (loss, norms) that enter
                                    ///< the delays but are not forecast; each column is scaled by its largest entry
  std::vector<double> weights;      ///< none, or for each series a positive one: of its pairs and in the mean

  DmdData() = default;
  DmdData(Tensor h) : series{std::move(h)} {}  ///< one series
};

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
  Tensor reconstruct() const;  ///< (tau, q): the model at the snapshots
  /// (q,) standard error of forecast(t): what the residuals do to eigenvalues and amplitudes, to first order, with
  /// their correlation in time; infinite where amplitudes overflow. Blind to what the model leaves out. Time
  /// O(tau r (r + q) + q r^3), memory O(r (tau + r + q)). Throws as forecast.
  std::vector<double> error_bar(double t) const;
  double log_time(double t) const;  ///< log(t + 1 + t0)
};

/// Fits one or several series. Delays are reduced until the Hankel matrix X has at least as many columns as rows: m <=
/// sum_k tau_k / (q + p + K); the rank keeps singular values above rounding and, where the small ones are flat like
/// noise, above the optimal hard threshold of Gavish and Donoho (2014). The starts are refitted to all snapshots after
/// the policy has changed eigenvalues. More columns than snapshots are first written in an orthonormal basis of what
/// the snapshots span. Throws ShapeError unless the series are (tau_k, q) with q >= 1 and what stands beside them fits,
/// DTypeError unless f64, ValueError when tau_k < 3 or an option is out of range, NumericError for NaN or Inf.
DmdFit fit_dmd(const DmdData& data, const DmdOptions& options = {});

struct Forecast {
  std::vector<double> value;  ///< (q,) at the target; the last snapshot when it fell back
  bool fell_back = false;
  double skill = 0;  ///< hold-out error of the forecast over that of persistence: below 1 the forecast wins; infinite
                     ///< when the hold-out is constant or the series too short for a trial
  DmdFit fit;        ///< to all snapshots
  std::string note;  ///< why it fell back, and what the fit reduced
  /// (q,) one standard error of value: the fit's own, joined with what the trial showed; infinite when the series was
  /// too short for a trial.
  std::vector<double> error_bar{};
  double weight = 1;             ///< value = last + weight (model - last): 0 when it fell back
  int candidate = 0;             ///< of forecast_auto: the one chosen
  std::vector<double> skills{};  ///< of forecast_auto: of each candidate, infinite when a forecast was not finite
  /// The test it was put to: it is believed when "steps 38 to 50, forecast from the first 37, missed by less than 1
  /// times what step 37 repeated misses"; empty when the series was too short for one.
  std::string test{};
};

/// The words of Forecast::test: steps from + 1 .. tau forecast from the first `kept`, believed below (or up to) a
/// skill.
std::string words_of_test(std::int64_t kept, std::int64_t from, std::int64_t tau, const char* bound, double skill);

/// Forecast at index target_t, on trial: the last quarter of the snapshots is forecast from the ones before, and must
/// come closer than their last one repeated (persistence). Else the value is the last snapshot. With rank = 0 the same
/// trial chooses between the automatic rank and max(3, q): the automatic one must be a hundred times closer. Throws as
/// fit_dmd.
Forecast forecast_with_holdout(const Tensor& h, double target_t, const DmdOptions& options = {});

/// Its two halves, for who chooses among several: with many modes the second takes most of the time. The first leaves
/// in error_bar what the hold-out shows; the second adds what the residuals do to the fit, to a forecast that is none
/// of persistence.
Forecast try_on_holdout(const Tensor& h, double target_t, const DmdOptions& options = {});
void add_spread_of_fit(Forecast& forecast, double target_t);

struct DmdCandidate {
  std::string name;
  DmdOptions options;
};
/// The candidates of forecast_auto for q entries.
std::vector<DmdCandidate> default_candidates(std::int64_t q);

/// When a forecast is believed.
struct DmdTrust {
  double to_beat = 1;   ///< skill below which it is
  bool shrink = false;  ///< then move from the last snapshot only as far as fitted the held-out ones best
  std::vector<double> held_back{0.25, 0.5};  ///< shares of the snapshots, in (0, 1); the error bar reads the first
};

/// Forecast at index target_t by the candidate that best forecasts what is held back. Skill is the root mean square,
/// over entries and shares held back, of a candidate's error over that of persistence. The value is the last snapshot
/// when no candidate is below trust.to_beat. The error bar joins the fit's own with the held-out error, which grows
/// with the root of the distance. Cost: a fit for each candidate and share, and one more. Throws as fit_dmd;
/// ShapeError for series of different lengths; ValueError without candidates or for a trust out of range.
Forecast forecast_auto(const DmdData& data, double target_t, const std::vector<DmdCandidate>& candidates,
                       const DmdTrust& trust = {});

}  // namespace glocal::hpo
