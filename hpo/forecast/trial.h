// The trial of a forecaster: what would it have said about snapshots that were held out?
#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include <glocal/hpo/forecast/forecaster.h>

namespace glocal::hpo {

struct HoldOut {
  std::int64_t kept = 0;  ///< the forecaster reads the first `kept` snapshots
  std::int64_t from = 0;  ///< and says those of index from .. tau - 1
  bool mean = false;      ///< or their mean: noise of single ones would hide what they say
};

/// Which test, and what passes it.
struct Test {
  std::vector<HoldOut> hold_outs = {};  ///< none: the series has no room
  double to_beat = 1;                   ///< believed when it misses by less than so many times what persistence misses
  bool or_equal = false;                ///< or by exactly so many times
  bool each_entry = false;              ///< root mean square of the ratios of the entries, each in its own size
  bool believe_untested = false;        ///< where there is no room

  bool passed(double skill) const { return or_equal ? skill <= to_beat : skill < to_beat; }
  /// "steps 38 to 50, forecast from the first 37, missed by less than 1 times what step 37 repeated misses"; steps
  /// count from 1. Empty without a hold-out.
  std::string words(std::int64_t tau) const;
};

/// How a forecaster did.
struct Trial {
  double skill;                ///< its error over that of persistence; infinite where that is 0 (0 of 0 passes a test
                               ///< with or_equal) or the other not finite
  std::vector<double> errors;  ///< (q,) root mean squares over the first hold-out
  double agreement = 0;        ///< least squares w in truth - last = w (said - last), entries in units of persistence
  std::vector<std::vector<double>> targets;  ///< for each hold-out: what its fit says of the target, (q,)
};

/// Cost: a fit for each hold-out.
Trial try_forecaster(const Forecaster& forecaster, const Known& known, const Test& test, double target_t);

}  // namespace glocal::hpo
