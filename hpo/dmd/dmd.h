// Hankel dynamic mode decomposition: extrapolates short vector series h_0, h_1, ... to a far index.
#pragma once
#include <glocal/hpo/dmd/model/fit.h>
#include <glocal/hpo/dmd/model/hankel.h>
#include <glocal/hpo/dmd/model/options.h>

namespace glocal::hpo {

/// Fits one or several series. Delays are reduced until the Hankel matrix X has at least as many columns as rows: m <=
/// sum_k tau_k / (q + p + K); the rank keeps singular values above rounding and, where the small ones are flat like
/// noise, above the optimal hard threshold of Gavish and Donoho (2014). The starts are refitted to all snapshots after
/// the policy has changed eigenvalues. More columns than snapshots are first written in an orthonormal basis of what
/// the snapshots span. Throws ShapeError unless the series are (tau_k, q) with q >= 1 and what stands beside them fits,
/// DTypeError unless f64, ValueError when tau_k < 3 or an option is out of range, NumericError for NaN or Inf.
DmdFit fit_dmd(const DmdData& data, const DmdOptions& options = {});
/// What it fits, ready: see DmdSeries.
DmdSeries dmd_series(const DmdData& data, const DmdOptions& options);
/// The same of a series that is ready, with options.rank = rank: fits of several ranks share what they have in common.
DmdFit fit_dmd(const DmdSeries& series, int rank);

}  // namespace glocal::hpo
