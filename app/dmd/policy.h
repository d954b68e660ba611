// What the policy did to the eigenvalues of a fit, and whether it should have.
#pragma once
#include <complex>
#include <functional>
#include <string>
#include <vector>

#include <glocal/hpo/dmd/model/fit.h>
#include <glocal/hpo/dmd/model/options.h>
#include <glocal/hpo/forecast/forecast.h>

namespace glocal::app {

struct MovedEigenvalue {
  std::complex<double> from, to;
};
/// The eigenvalues that the forecast uses elsewhere than they were fitted, each beside the nearest one used; by
/// rounding (a relative 1e-9) none has moved. In the order of fit.eigenvalues, with one entry for each; from == to for
/// one that stayed.
std::vector<MovedEigenvalue> eigenvalues_moved(const hpo::DmdFit& fit);

/// "policy snap moved 2 of 5 eigenvalues: 1.02 to 1, ..."; empty when it moved none.
std::string policy_words(const hpo::DmdFit& fit);

/// The forecast with `options`; where it falls back or their policy has moved an eigenvalue from outside the unit
/// circle, also that with eigenvalues as fitted, which is taken when they grow, it beats persistence in the hold-out
/// and comes at least twice as close as the first. The note says which was taken, and how close both came.
hpo::Forecast forecast_with_growth(const std::function<hpo::Forecast(const hpo::DmdOptions&)>& forecast,
                                   hpo::DmdOptions options);

}  // namespace glocal::app
