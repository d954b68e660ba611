// Linear time: h_t is a sum of exponentials in t, whose operator the chosen method fits.
#pragma once
#include <glocal/hpo/dmd/model/fit.h>
#include <glocal/hpo/dmd/model/hankel.h>

namespace glocal::hpo {

/// Spectrum, rank, residual, readout and starts of the fit, by fit.options.method and under fit.options.policy.
void fit_linear(DmdFit& fit, const DmdSeries& series);

}  // namespace glocal::hpo
