// The glocal estimate from a block of hypergradients: horizon and trust.
#include <cmath>
#include <vector>

#include <glocal/core/tensor.h>
#include <glocal/hpo/dmd/dmd.h>
#include <glocal/hpo/dmd/model/fit.h>
#include <glocal/hpo/dmd/model/options.h>

#include "exercise.h"

using namespace glocal;

// Snapshots are h after 1, 2, ... steps of the block. The index of the one `horizon` steps after the block's start.
inline double index_of(double horizon) {
  // BEGIN SOLUTION
  return horizon - 1;
  // END SOLUTION
}

// h (tau,) as snapshots of one number.
inline hpo::DmdFit fit(const std::vector<double>& h, int rank) {
  hpo::DmdOptions options;
  options.rank = rank;
  options.policy = hpo::DmdOptions::Policy::clip;
  return hpo::fit_dmd(Tensor::from<double>(h, {static_cast<std::int64_t>(h.size()), 1}), options);
}

// The skill on the last quarter, tau / 4 numbers rounded down: fit the others, fit(...).forecast(index)[0] each one
// held back, divide by the error of persistence. A perfect persistence (error 0) gives infinity.
inline double skill(const std::vector<double>& h, int rank) {
  // BEGIN SOLUTION
  const std::size_t held = h.size() / 4, seen = h.size() - held;
  const hpo::DmdFit model = fit({h.begin(), h.begin() + static_cast<std::ptrdiff_t>(seen)}, rank);
  double error = 0, persistence = 0;
  for (std::size_t i = seen; i < h.size(); ++i) {
    error += std::pow(model.forecast(static_cast<double>(i))[0] - h[i], 2);
    persistence += std::pow(h[seen - 1] - h[i], 2);
  }
  return persistence > 0 ? std::sqrt(error / persistence) : HUGE_VAL;
  // END SOLUTION
}

// The forecast `horizon` steps after the block's start where it is trusted, else the last snapshot.
inline double glocal_estimate(const std::vector<double>& h, int rank, double horizon) {
  // BEGIN SOLUTION
  if (!(skill(h, rank) < 1)) return h.back();
  return fit(h, rank).forecast(index_of(horizon))[0];
  // END SOLUTION
}
