// The trust test of a forecast: what would it have said about snapshots that were held back?
#pragma once
#include <glocal/core/tensor.h>
#include <glocal/hpo/dmd/model/options.h>
#include <glocal/hpo/forecast/forecast.h>

namespace glocal::hpo {

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

}  // namespace glocal::hpo
