// Each entry is a power of t + 1 + t0, fitted to means over log-spaced bins.
#pragma once
#include <glocal/hpo/dmd/model/fit.h>
#include <glocal/hpo/dmd/model/hankel.h>

namespace glocal::hpo {

/// Eigenvalues, amplitudes, rank and residual of the fit.
void fit_logarithmic(DmdFit& fit, const DmdSeries& series);

}  // namespace glocal::hpo
