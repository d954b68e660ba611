// Standard error of a forecast from the residuals of its fit.
#pragma once
#include <vector>

#include <glocal/hpo/dmd/model/fit.h>

namespace glocal::hpo {

/// (q,) standard error of fit.forecast(t): what the residuals do to eigenvalues and amplitudes, to first order, with
/// their correlation in time; infinite where amplitudes overflow. Blind to what the model leaves out. Time
/// O(tau r (r + q) + q r^3), memory O(r (tau + r + q)). Throws as forecast.
std::vector<double> error_bar(const DmdFit& fit, double t);

}  // namespace glocal::hpo
