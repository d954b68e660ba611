// A forecast: what a forecaster says, where it passes its trial, and the last value where it does not.
#pragma once
#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include <glocal/hpo/forecast/forecaster.h>
#include <glocal/hpo/forecast/trial.h>

namespace glocal::hpo {

struct Forecast {
  std::vector<double> value;  ///< (q,) at the target; the last snapshot when it fell back
  bool fell_back = false;
  double skill = 0;     ///< error in the trial over that of persistence: below 1 the forecast wins; infinite when what
                        ///< was held out is constant, what is said of it not finite, or no room is left
  std::string test{};   ///< which test was made: Test::words
  std::string ended{};  ///< how it ended: "it missed by 0.3 times that, and is believed"
  std::string note{};   ///< what the fit reduced, and why one forecaster was taken before others
  std::vector<double> error_bar{};        ///< (q,) one standard error of value; infinite when nothing is known of it
  double weight = 1;                      ///< value = last + weight (model - last): 0 when it fell back
  std::size_t chosen = 0;                 ///< index of the forecaster
  std::vector<double> skills{};           ///< of each forecaster
  std::shared_ptr<const Fitted> model{};  ///< what the chosen one read out of all snapshots
  bool unstable = false;  ///< what is forecast grows without bound: the model does, or the tangents behind h do
};

/// What the error bar of a forecast knows.
enum class Doubt {
  fit,    ///< what the fit knows of itself
  trial,  ///< what the trial showed, growing as the root of the distance
  both,
  choice  ///< both, how far forecasts moved as snapshots came in, and how much forecasters of like skill differ
};

/// Every forecaster is put to the test; the one with the least error (times its handicap) is taken, and believed when
/// it passes. `shrink`: then it moves from the last snapshot only as far as fitted what was held out best. Cost: a fit
/// for each forecaster and hold-out, and one more; with Doubt::choice one more for each of like skill. Throws
/// ValueError without forecasters or for a hold-out that is none, and what forecasters throw.
Forecast forecast(const Known& known, double target_t, const std::vector<Forecaster>& forecasters, const Test& test,
                  Doubt doubt, bool shrink = false);

/// Joins what the fit knows of itself to the bar of a forecast that was made with Doubt::trial and is believed. (With
/// many modes this takes most of the time.)
void add_doubt_of_fit(Forecast& forecast, double target_t);

}  // namespace glocal::hpo
