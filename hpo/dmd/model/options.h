// What a fit of Hankel dynamic mode decomposition is asked for, and what it reads.
#pragma once
#include <string>
#include <utility>
#include <vector>

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
  std::string method = "least-squares";  ///< a name of dmd_methods()
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

}  // namespace glocal::hpo
