// Hankel DMD of means over equal bins of log(t + 1 + t0): a sum of powers that the entries share.
#pragma once
#include <glocal/hpo/dmd/model/fit.h>
#include <glocal/hpo/dmd/model/hankel.h>

namespace glocal::hpo {

/// Eigenvalues, amplitudes, rank and residual of the fit.
void fit_log_grid(DmdFit& fit, const DmdSeries& series);

}  // namespace glocal::hpo
