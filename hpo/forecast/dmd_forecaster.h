// Forecasters by Hankel DMD, alone and chosen among several.
#pragma once
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include <glocal/core/tensor.h>
#include <glocal/hpo/dmd/model/options.h>
#include <glocal/hpo/forecast/forecast.h>
#include <glocal/hpo/forecast/forecaster.h>

namespace glocal::hpo {

struct DmdFit;

/// The operator behind a forecast; null when no operator was fitted.
std::shared_ptr<const DmdFit> dmd_of(const Forecast& forecast);

/// Forecast at index target_t of h (tau, q), on trial: the last quarter of the snapshots is forecast from the ones
/// before, and must come closer than their last one repeated. With rank = 0 the same trial chooses between the
/// automatic rank and max(3, q): the automatic one must be a hundred times closer. Throws as fit_dmd.
Forecast forecast_dmd(const Tensor& h, double target_t, const DmdOptions& options = {}, Doubt doubt = Doubt::both);

/// An estimate of how small the skill of forecast_dmd can be on h (tau, q): what the best recurrence over six snapshots
/// misses in one step, over the error of persistence, root mean squares of the last quarter. 0 for fewer than 24
/// snapshots. Too large for entries that only foretell each other, or more than six modes in one. Costs q least squares
/// of 6 unknowns.
double least_skill(const Tensor& h);

struct DmdCandidate {
  std::string name;
  DmdOptions options;
};
/// The candidates of forecast_auto for q entries.
std::vector<DmdCandidate> default_candidates(std::int64_t q);

/// When a forecast is believed.
struct DmdTrust {
  double to_beat = 1;                        ///< skill below which it is
  bool shrink = false;                       ///< see forecast()
  std::vector<double> held_back{0.25, 0.5};  ///< shares of the snapshots, in (0, 1); the error bar reads the first
};

/// Forecast at index target_t by the candidate that best forecasts what is held back. Skill is the root mean square,
/// over entries and shares held back, of a candidate's error over that of persistence. Throws as fit_dmd; ShapeError
/// for series of different lengths; ValueError without candidates or for a trust out of range.
Forecast forecast_auto(const DmdData& data, double target_t, const std::vector<DmdCandidate>& candidates,
                       const DmdTrust& trust = {});

}  // namespace glocal::hpo
